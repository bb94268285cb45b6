# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host-deploy that fails at a chosen task, through the API, on a host with a real sshd; ssh that refuses on order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_sim import pki
from offline import Offline, fault
from sim_support import until

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from engine_arms.sandbox import Sandbox
from engine_arms.test_hostdeploy import MEASURED

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists(), reason="needs root and sshd")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Offline]:
    (tmp_path / "engine").mkdir()
    pki.create(tmp_path / "engine/pki", "engine.lab.test", "lab.test")
    found = Offline(tmp_path / "engine", install_vds=True)
    yield found
    found.engine.stop()


@pytest.fixture
def sandbox(tmp_path: Path, engine: Offline) -> Iterator[Sandbox]:
    (tmp_path / "host").mkdir()
    made = Sandbox(tmp_path / "host", engine.engine.pki.ssh_public_key())
    made.start()
    yield made
    made.stop()


def test_the_chosen_task_fails(engine: Offline, sandbox: Sandbox) -> None:
    engine.engine.faults.add(step="host.deploy", task="Configure host for vdsm")
    body = (
        f"<host><name>h1</name><address>127.0.0.1</address><ssh><port>{sandbox.port}</port>"
        "<authentication_method>publickey</authentication_method></ssh></host>"
    )
    host = engine.post("hosts", body.encode())
    assert host["status"] == "installing"
    until(lambda: engine.get(f"hosts/{host['@id']}")["status"], lambda status: status == "install_failed")
    events = until(engine.events, lambda seen: bool(seen) and seen[-1][0] == 505)
    told = [text.removeprefix("Installing Host h1. ").removesuffix(".") for code, text in events if code == 559]
    assert told[: len(MEASURED)] == MEASURED
    assert "Add vdsm key files" in told and "Start and enable services" not in told
    assert [code for code, _ in events if code in (42, 560, 505)] == [42, 560, 505]
    text = events[-1][1]
    assert text.startswith("Host h1 installation failed. Task Configure host for vdsm failed to execute. Please check")
    log = Path(text.rpartition(": ")[2].removesuffix("."))
    assert log.exists() and log.name.startswith("ovirt-host-deploy-ansible-") and "127.0.0.1" in log.name


@pytest.mark.parametrize(
    ("refusal", "text"),
    [("unreachable", "Connecting to host via SSH has failed"), ("authentication", "SSH authentication failed")],
)
def test_ssh_refuses_on_order(engine: Offline, sandbox: Sandbox, refusal: str, text: str) -> None:
    engine.engine.faults.add(step="ssh.connect", refusal=refusal)
    body = (
        f"<host><name>h1</name><address>127.0.0.1</address><ssh><port>{sandbox.port}</port>"
        "<authentication_method>publickey</authentication_method></ssh></host>"
    )
    with fault(409, text):
        engine.post("hosts", body.encode())
    assert engine.get("hosts") == {}
