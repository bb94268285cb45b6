"""Starting the HA services: proof of the lockspace, and maintenance only where there is any."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import metadata
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha import services
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.services import Services
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

CLEAN = "local_maintenance=False\nlocal_maintenance_manual=False\n"


class SanlockException(Exception):
    pass


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    whiteboard = tmp_path / "metadata"
    whiteboard.write_bytes(bytes(metadata.SLOT * 4))
    (tmp_path / "ha.conf").write_text(CLEAN)
    monkeypatch.setattr(services, "HA_CONF", str(tmp_path / "ha.conf"))
    monkeypatch.setattr(services, "acting_as", contextlib.nullcontext)
    monkeypatch.setattr(services, "read_direct", lambda path, size: Path(path).read_bytes()[:size])
    return Services(1, "/rhev/nas:_he/lockspace", str(whiteboard))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    commands: list[str] = []

    def run(argv: Sequence[str], **_options: Any) -> Completed:
        commands.append(" ".join(argv))
        return Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(services, "run", run)
    monkeypatch.setattr(services.systemd, "enable_now", lambda name, _seconds: commands.append(f"start {name}"))
    return commands


def test_a_host_without_maintenance_is_not_taken_out_of_it(own: Services, asked: list[str]) -> None:
    own.start_agent()
    assert asked == ["start ovirt-ha-agent"]


@pytest.mark.parametrize(
    ("conf", "slot"),
    [
        (CLEAN.replace("manual=False", "manual=True"), b""),
        ("local_maintenance = yes\n", b""),
        (CLEAN, b"maintenance=1"),
        (CLEAN, b"maintenance=True"),
    ],
)
def test_any_maintenance_is_ended(own: Services, asked: list[str], tmp_path: Path, conf: str, slot: bytes) -> None:
    (tmp_path / "ha.conf").write_text(conf)
    (tmp_path / "metadata").write_bytes(slot.ljust(metadata.SLOT * 4, b"\0"))
    own.start_agent()
    assert asked == ["start ovirt-ha-agent", "hosted-engine --set-maintenance --mode=none"]


def test_a_missing_file_and_an_ended_maintenance_are_none(own: Services, asked: list[str], tmp_path: Path) -> None:
    os.unlink(tmp_path / "ha.conf")
    (tmp_path / "metadata").write_bytes(b"maintenance=0".ljust(metadata.SLOT * 4, b"\0"))
    assert not own.in_maintenance()


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ({"lockspace": b"hosted-engine", "iotimeout": 10}, True),
        ({"lockspace": b"another", "iotimeout": 10}, False),
        (SanlockException(-223, "Sanlock lockspace read failure", "Sanlock lease magic mismatch"), False),
    ],
)
def test_sanlock_is_asked_by_its_bindings(
    own: Services, answer: Any, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_lockspace(path: str, sector: int) -> Any:
        assert (path, sector) == ("/rhev/nas:_he/lockspace", 512)
        if isinstance(answer, Exception):
            raise answer
        return answer

    module: Any = types.ModuleType("sanlock")
    module.read_lockspace, module.SanlockException = read_lockspace, SanlockException
    monkeypatch.setitem(sys.modules, "sanlock", module)
    monkeypatch.setattr(services, "run", None)
    assert own.lockspace_is_written() is written


def test_sanlock_is_asked_by_its_command_without_them(own: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[tuple[str, ...]] = []
    answers = [(0, "read_leader done 0\nspace_name hosted-engine\n"), (1, "read_leader done -223\n")]

    def run(argv: Sequence[str], **_options: Any) -> Completed:
        words.append(tuple(argv))
        rc, printed = answers.pop(0)
        return _run.Completed(tuple(argv), rc, printed, "")

    monkeypatch.setitem(sys.modules, "sanlock", None)
    monkeypatch.setattr(services, "run", run)
    assert own.lockspace_is_written() and not own.lockspace_is_written()
    area = "hosted-engine:1:/rhev/nas\\:_he/lockspace:0"
    assert words[0] == ("sanlock", "direct", "read_leader", "-s", area, "-Z", "512", "-A", "1M")


def test_what_does_not_answer_for_a_while_is_waited_for(own: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that starts anew takes the command's vm.conf away, and storage may stop answering."""
    slot = types.SimpleNamespace(state="EngineUp", score=3400, engine_status={"vm": "up", "health": "good"})
    slots = iter([OSError(5, "Input/output error"), slot, slot])
    told = iter([HostedEngineError(services.BROKER_DOWN, observed="no vm.conf"), None])
    own_status = {"score": 3400, "engine_status": slot.engine_status, "live": True}

    def following(answers: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def status() -> dict[str, Any]:
        following(told)
        return {"hosts": {"1": own_status}, "global_maintenance": False}

    monkeypatch.setattr(Services, "_slot", lambda _self: following(slots))
    monkeypatch.setattr(services.ha_status, "read_status", status)
    monkeypatch.setattr(services.ha_status, "is_good", lambda _host: True)
    monkeypatch.setattr(services, "SLOT_PAUSE", 0.001)
    assert own.wait_until_up(5) == own_status


def test_a_lockspace_that_is_not_written_whatever_the_command_says(
    own: Services, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "LOCKSPACE_SECONDS", 0)
    monkeypatch.setattr(Services, "_leader", lambda _self: "sanlock: (-223)")
    with pytest.raises(HostedEngineError) as caught:
        own.initialise_lockspace()
    assert caught.value.problem.id == "ha.lockspace_not_written"
    assert asked == ["hosted-engine --reinitialize-lockspace --force"]
