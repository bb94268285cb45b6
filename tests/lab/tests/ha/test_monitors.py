# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The monitors of the broker, one look each."""

import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.broker.monitor import Context, Monitors
from ovirt_hosted_engine_ha.broker.submonitors import FACTORIES, cpu_load_no_engine, engine_health, network
from ovirt_hosted_engine_ha.env import constants
from ovirt_hosted_engine_ha.env.timing import Timing
from ovirt_hosted_engine_ha.lib import engine, vdsm_api

VM = "7a1d0f5e-1c1b-4d8e-9a55-0a0000000001"
FAST = Timing(network_test_gap=0, network_test_timeout=1, cpu_load_interval=0)


class Vdsm:
    """Answers from a table; an exception in it is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {key.replace("_", ".", 1): value for key, value in answers.items()}

    def call(self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        answer = self.answers[verb]
        if isinstance(answer, Exception):
            raise answer
        return answer


def look(kind: str, options: Mapping[str, str | None], **answers: Any) -> Any:
    return FACTORIES[kind](Context(Vdsm(**answers), FAST), options).action()


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"network_test": "ping", "addr": "192.0.2.1"}, ["ping", "-c", "1", "-W", "5", "192.0.2.1"]),
        ({"network_test": None, "addr": "2001:db8::1"}, ["ping", "-c", "1", "-W", "5", "-6", "2001:db8::1"]),
        ({"network_test": "", "addr": "gw.example.com"}, ["ping", "-c", "1", "-W", "5", "gw.example.com"]),
        ({"network_test": "dns"}, ["dig", "+tries=1", "+time=5", "+tcp"]),
        (
            {"network_test": "tcp", "tcp_t_address": "192.0.2.1", "tcp_t_port": "443"},
            ["nc", "-w", "5", "-z", "192.0.2.1", "443"],
        ),
        ({"network_test": "tcp", "tcp_t_address": "", "tcp_t_port": ""}, ["nc", "-w", "5", "-z", "", ""]),
        ({"network_test": "none"}, None),
    ],
)
def test_network_command(options: dict[str, str | None], command: list[str] | None) -> None:
    assert network.command(options, 5) == command


@pytest.mark.parametrize(
    "options",
    [{"network_test": "tcp"}, {"network_test": "ping"}, {"network_test": "smoke", "addr": "192.0.2.1"}],
)
def test_network_test_without_what_it_needs(options: dict[str, str | None]) -> None:
    with pytest.raises(ValueError):
        network.command(options, 5)


def test_network_is_really_tested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert look("network", {"network_test": "none"}) == 1.0
    # three of five succeed: a tool that counts its calls
    tool = tmp_path / "ping"
    tool.write_text('#!/bin/sh\necho >>"$0.calls"\n[ $(wc -l <"$0.calls") -le 3 ]\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert look("network", {"network_test": "ping", "addr": "192.0.2.1"}) == pytest.approx(0.6)


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "command -v nc"], capture_output=True, check=False).returncode != 0, reason="no nc"
)
def test_network_by_tcp() -> None:
    with socket.create_server(("127.0.3.2", 0)) as server:
        port = str(server.getsockname()[1])
        stop = threading.Event()

        def accept() -> None:
            server.settimeout(0.2)
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        options = {"network_test": "tcp", "tcp_t_address": "127.0.3.2", "tcp_t_port": port}
        assert look("network", options) == 1.0
        stop.set()
        thread.join()
    assert look("network", options) == 0.0


@pytest.mark.parametrize(
    ("networks", "up"),
    [
        ({"ovirtmgmt": {"state": "up"}}, True),
        ({"ovirtmgmt": {"state": "down"}}, False),
        ({"host0": {"state": "up"}}, False),
    ],
)
def test_bridge(networks: Any, up: bool) -> None:
    assert look("mgmt-bridge", {"bridge_name": "ovirtmgmt"}, Host_getStats={"network": networks}) is up


def test_memory() -> None:
    assert look("mem-free", {}, Host_getStats={"memFree": "8192"}) == 8192.0


@pytest.mark.parametrize(
    ("stats", "good"),
    [
        ({"d": {"valid": True, "delay": "0.001"}}, True),
        ({"d": {"valid": True, "delay": "10.5"}}, False),
        ({"d": {"valid": False, "delay": "0"}}, False),
        ({}, False),
    ],
)
def test_storage_domain(stats: Any, good: bool) -> None:
    assert look("storage-domain", {"sd_uuid": "d"}, Host_getStorageRepoStats=stats) is good


def test_cpu_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(cpu_load_no_engine, "_STAT", str(stat))
    monkeypatch.setattr(cpu_load_no_engine.os, "cpu_count", lambda: 2)
    vm = {"cpuUser": "30.0", "cpuSys": "10.0", "cpuActual": True}
    monitor = FACTORIES["cpu-load-no-engine"](Context(Vdsm(VM_getStats=[vm]), FAST), {"vm_uuid": VM})
    stat.write_text("cpu  100 0 100 800 0 0 0 0 50 0\n")
    assert monitor.action() is None
    # 100 ticks, 70 of them busy; the VM has 40 % of one of two processors
    stat.write_text("cpu  150 0 120 830 0 0 0 0 80 0\n")
    assert monitor.action() == pytest.approx(0.7 - 0.2)
    # a sample that is not actual leaves the share as it was
    vm.update(cpuUser="90.0", cpuActual=False)
    stat.write_text("cpu  250 0 120 830 0 0 0 0 80 0\n")
    assert monitor.action() == pytest.approx(1.0 - 0.2)


def status(live: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any) -> engine.EngineStatus:
    tool = tmp_path / "hosted-engine"
    tool.write_text(f'#!/bin/sh\n[ "$*" = --check-liveliness ] && exit {0 if live else 1}\nexit 9\n')
    tool.chmod(0o755)
    monkeypatch.setattr(constants, "HOSTED_ENGINE_BINARY", str(tool))
    context = Context(Vdsm(VM_getStats=answer), FAST)
    return engine_health.EngineHealthMonitor(context, {"vm_uuid": VM}).status()


@pytest.mark.parametrize(
    ("answer", "live", "expected"),
    [
        ([{"status": "Up"}], True, ("up", "good", "Up", None)),
        ([{"status": "Up"}], False, ("up", "bad", "Up", "failed liveliness check")),
        ([{"status": "Powering up"}], False, ("up", "bad", "Powering up", "failed liveliness check")),
        ([{"status": "Paused"}], True, ("up", "bad", "Paused", "bad vm status")),
        ([{"status": "WaitForLaunch"}], True, ("up", "bad", "WaitForLaunch", "bad vm status")),
        (
            [{"status": "Down", "exitCode": 0, "exitReason": 4}],
            True,
            ("down", "bad", "Down", "VM migrated away successfully"),
        ),
        ([{"status": "Down", "exitCode": 0, "exitReason": 6}], True, ("down", "bad", "Down", "bad vm status")),
        (
            [{"status": "Down", "exitCode": 1, "exitReason": 2}],
            True,
            ("down_unexpected", "bad", "Down", "bad vm status"),
        ),
        (
            [{"status": "Down", "exitCode": 1, "exitReason": 9}],
            True,
            ("down_missing", "bad", "Down", "vm not running on this host"),
        ),
        (
            [
                {
                    "status": "Down",
                    "exitCode": 1,
                    "exitReason": 1,
                    "exitMessage": "Failed to acquire lock: Lease is held by another host",
                }
            ],
            True,
            ("down", "bad", "Down", "Storage of VM is locked. Is another host already starting the VM?"),
        ),
        (vdsm_api.VdsmError(1, "no"), True, ("down", "bad", "unknown", "vm not running on this host")),
        (vdsm_api.VdsmError(99, "recovering"), True, ("unknown", "unknown", "unknown", "failed to getVmStats")),
        (ConnectionRefusedError(), True, ("unknown", "unknown", "unknown", "failed to getVmStats")),
    ],
)
def test_engine_health(
    answer: Any, live: bool, expected: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = status(live, tmp_path, monkeypatch, answer)
    assert found == engine.status(*expected)
    assert list(found) == ["vm", "health", "detail", "reason"][: len(found)]


def test_monitors_are_shared_and_known_by_their_kind() -> None:
    monitors = Monitors(Context(Vdsm(), FAST), FACTORIES)
    first = monitors.start("network", {"network_test": "none"})
    assert monitors.start("network", {"network_test": "none"}) == first
    other = monitors.start("cpu-load", {})
    assert other != first
    assert monitors.status(first) in ("None", "1.0")
    assert monitors.status("cpu-load") == monitors.status(other)
    with pytest.raises(KeyError):
        monitors.status(99)
    with pytest.raises(KeyError):
        monitors.status("engine-health")
    with pytest.raises(KeyError):
        monitors.start("smoke", {})
    monitors.stop(first)
    with pytest.raises(KeyError):
        monitors.status(first)
    monitors.stop_all()
