# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adding a host with installation: refusals of the POST, progress, failure. Host-deploy itself is tested elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_sim import hostdeploy
from engine_sim.hostdeploy import HostDeployFailed, HostIdentity, SshAuthFailed, SshUnreachable
from offline import Offline, fault
from sim_support import until

BODY = (
    b"<host><name>h1</name><address>127.9.9.1</address>"
    b"<ssh><authentication_method>publickey</authentication_method></ssh></host>"
)
TASKS = ["Gathering Facts", "Install vdsm"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Offline]:
    found = Offline(tmp_path, install_vds=True)
    yield found
    found.engine.stop()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            SshUnreachable("x"),
            "Cannot add Host. Connecting to host via SSH has failed, verify that the host is reachable",
        ),
        (
            SshAuthFailed("x"),
            "Cannot add Host. SSH authentication failed, verify authentication parameters are correct",
        ),
    ],
)
def test_what_ssh_refuses_leaves_no_host_and_no_event(
    engine: Offline, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(hostdeploy, "check_ssh", refuse)
    before = engine.events()
    with fault(409, text):
        engine.post("hosts", BODY)
    assert engine.get("hosts") == {} and engine.events() == before


def test_without_any_credentials(engine: Offline) -> None:
    with fault(400, "Cannot install Host with empty password."):
        engine.post("hosts", b"<host><name>h1</name><address>127.9.9.1</address></host>")


def test_a_failed_task_is_named_by_the_event(engine: Offline, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Path("/var/log/ovirt-engine/host-deploy/x.log")

    seen = threading.Event()

    def deploy(target: Any, settings: Any, emit: Any) -> None:
        seen.wait(10)
        for task in TASKS:
            emit(task)
        raise HostDeployFailed("Install ovirt-hosted-engine-setup package", log, "no such package")

    monkeypatch.setattr(hostdeploy, "check_ssh", lambda *a, **k: HostIdentity("5e9c7a4e-0000-4000-8000-000000000001"))
    monkeypatch.setattr(hostdeploy, "deploy", deploy)
    host = engine.post("hosts", BODY)
    assert host["status"] == "installing"
    seen.set()
    until(lambda: engine.get(f"hosts/{host['@id']}")["status"], lambda status: status == "install_failed")
    events = until(engine.events, lambda seen: seen and seen[-1][0] == 505)
    assert [event[0] for event in events[-6:]] == [9000, 42, 560, 559, 559, 505]
    assert events[-3][1] == "Installing Host h1. Gathering Facts."
    assert events[-1][1] == (
        "Host h1 installation failed. Task Install ovirt-hosted-engine-setup package failed to execute. "
        f"Please check logs for more details: {log}."
    )
    engine.delete(f"hosts/{host['@id']}")


def test_a_second_host_with_the_same_id_is_refused(engine: Offline, monkeypatch: pytest.MonkeyPatch) -> None:
    def deploy(target: Any, settings: Any, emit: Any) -> None:
        raise HostDeployFailed("Gathering Facts", Path("x"), "")

    monkeypatch.setattr(hostdeploy, "check_ssh", lambda *a, **k: HostIdentity("5e9c7a4e-0000-4000-8000-000000000001"))
    monkeypatch.setattr(hostdeploy, "deploy", deploy)
    engine.post("hosts", BODY)
    with fault(409, "Host with the same UUID already exists"):
        engine.post("hosts", BODY.replace(b"h1", b"h2").replace(b"9.1<", b"9.2<"))
