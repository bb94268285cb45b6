"""Services over D-Bus and, where that is not possible, with systemctl."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import systemd


class DBusException(Exception):
    pass


class FakeManager:
    """systemd's manager; the states of a unit are those of its next looks, each with the number of its job."""

    def __init__(self) -> None:
        self.units: dict[str, list[tuple[str, int]]] = {"libvirtd.service": [("active", 0)]}
        self.calls: list[str] = []

    def ListUnitsByNames(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        found = []
        for name in names:
            states = self.units.get(name, [("inactive", 0)])
            state, job = states.pop(0) if len(states) > 1 else states[0]
            found.append((name, "what it is", "loaded", state, "sub", "", "/unit", job, "start", "/job"))
        return found

    def EnableUnitFiles(self, names: Sequence[str], runtime: bool, force: bool) -> None:
        assert (runtime, force) == (False, False)
        if names[0] not in self.units:
            raise DBusException(f"Unit file {names[0]} does not exist.")
        self.calls.append("enable")

    def Reload(self) -> None:
        self.calls.append("reload")

    def StartUnit(self, name: str, mode: str) -> None:
        self.calls.append(f"start {name} {mode}")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    fake = FakeManager()
    module: Any = types.ModuleType("dbus")
    module.exceptions = types.SimpleNamespace(DBusException=DBusException)

    def system_bus(private: bool = False) -> Any:
        assert private, "firewalld's client would get this connection too"
        return types.SimpleNamespace(get_object=lambda name, _path: name)

    module.SystemBus = system_bus
    module.Interface = lambda found, interface: (
        fake if (found, interface) == (systemd._NAME, systemd._MANAGER) else None
    )
    monkeypatch.setitem(sys.modules, "dbus", module)
    monkeypatch.setattr(systemd, "run", None)
    return fake


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def run(argv: Sequence[str], **_options: Any) -> _run.Completed:
        asked.append(" ".join(argv))
        return _run.Completed(tuple(argv), 3, "active\ninactive\n", "")

    monkeypatch.setattr(systemd, "run", run)
    return asked


def test_active_services_over_the_bus(manager: FakeManager) -> None:
    manager.units["vdsmd.service"] = [("activating", 7)]
    assert systemd.active(["libvirtd", "vdsmd", "nothing"]) == ["libvirtd"]


@pytest.mark.parametrize("reason", ["no bindings", "no bus"])
def test_active_services_by_command(reason: str, commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_bus(private: bool) -> None:
        raise DBusException("Failed to connect to socket")

    exceptions = types.SimpleNamespace(DBusException=DBusException)
    broken = types.SimpleNamespace(SystemBus=no_bus, exceptions=exceptions)
    monkeypatch.setitem(sys.modules, "dbus", None if reason == "no bindings" else broken)
    assert systemd.active(["libvirtd", "vdsmd"]) == ["libvirtd"]
    systemd.enable_now("vdsmd", 5)
    assert commands == ["systemctl is-active libvirtd.service vdsmd.service", "systemctl enable --now vdsmd"]


def test_a_service_is_enabled_started_and_awaited(manager: FakeManager) -> None:
    manager.units["a.service"] = [("inactive", 5), ("activating", 5), ("activating", 0), ("active", 0)]
    systemd.enable_now("a", 60)
    assert manager.calls == ["enable", "reload", "start a.service replace"]
    assert manager.units["a.service"] == [("active", 0)]


@pytest.mark.parametrize(
    ("states", "seen"),
    [([("activating", 5), ("failed", 0)], "it is failed"), ([], "Unit file a.service does not exist.")],
)
def test_a_service_that_does_not_start(manager: FakeManager, states: list[tuple[str, int]], seen: str) -> None:
    if states:
        manager.units["a.service"] = states
    with pytest.raises(HostedEngineError) as caught:
        systemd.enable_now("a", 60)
    assert (caught.value.problem.id, caught.value.observed) == ("service.not_started", seen)
