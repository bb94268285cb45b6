# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Broker, agent and command line together, against a modelled vdsmd and real files."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ovirt_hosted_engine_ha.lib import metadata

from .stage import Stage

UP = {"vm": "up", "health": "good", "detail": "Up"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A host in a directory with a short name: the path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="he-") as directory:
        made = Stage(Path(directory))
        yield made
        made.end()


@pytest.fixture
def running(stage: Stage) -> Stage:
    """Both services run."""
    stage.start("broker")
    stage.start("agent")
    return stage


def test_the_agent_brings_the_engine_up(running: Stage) -> None:
    stage = running
    stage.wait(lambda: stage.own().get("engine-status") == UP and stage.state() == "EngineUp", "a healthy engine")
    own = stage.own()
    assert own["live-data"] is True
    assert own["score"] == 3400
    assert own["conf_on_shared_storage"] is True
    assert [vm["vmId"] for vm in stage.call("Host.getVMList")] == [stage.made.vm]
    # what was started is the engine's own XML from the OVF store
    sent = [json.loads(line) for line in (stage.root / "calls.jsonl").read_text().splitlines()]
    (created,) = [call for call in sent if call.get("verb", call.get("method")) == "VM.create"]
    assert "xml" in json.dumps(created)
    # the slot on the volume is what the status tells
    slot = stage.volume("HEMD").read_bytes()[4096:8192].decode()
    found = metadata.parse_metadata_to_dict(1, slot)
    assert found["hostname"] == own["hostname"]
    assert json.loads(found["engine-status"]) == UP
    assert stage.volume("HEMD").read_bytes()[8192:8196096].strip(b"\0") == b""
    text = stage.cli("--vm-status")
    assert text.returncode == 0
    assert 'Engine status                      : {"vm": "up", "health": "good", "detail": "Up"}' in text.stdout
    # the links of older clients
    links = stage.volume("HEMD").parents[2] / "ha_agent"
    assert (links / "hosted-engine.metadata").resolve() == stage.volume("HEMD")


def test_vm_conf_follows_the_engine(running: Stage) -> None:
    stage = running
    path = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf")
    stage.wait(lambda: path.exists() and "memSize=16384" in path.read_text(), "vm.conf from the OVF store")
    text = path.read_text()
    assert text.startswith(
        "# Editing the hosted engine VM is only possible via the manager UI\\API\n# This file was generated at "
    )
    assert "\n\nxmlBase64=" in text
    stage.write_ovf(**{"<rasd:VirtualQuantity>16384<": "<rasd:VirtualQuantity>12288<"})
    stage.wait(lambda: "memSize=12288" in path.read_text(), "the changed memory")


def test_maintenance(running: Stage) -> None:
    stage = running
    stage.wait(lambda: stage.state() == "EngineUp", "a healthy engine")
    refused = stage.cli("--set-maintenance", "--mode=local")
    assert refused.returncode == 1
    assert "engine VM is running on the current host" in refused.stderr

    def set_until(mode: str, flag: bool) -> None:
        """Set and look, as every client must: the broker may lose the update."""

        def shown() -> bool:
            assert stage.cli("--set-maintenance", f"--mode={mode}").returncode == 0
            return bool(stage.status().get("global_maintenance") is flag)

        stage.wait(shown, f"global maintenance {flag}")

    set_until("global", True)
    stage.wait(lambda: stage.state() == "GlobalMaintenance", "idleness")
    assert stage.volume("HEMD").read_bytes()[:4096] == metadata.global_slot(True)
    assert "!! Cluster is in GLOBAL MAINTENANCE mode !!" in stage.cli("--vm-status").stdout
    assert stage.cli("--vm-poweroff").returncode == 0
    stage.wait(lambda: stage.own()["engine-status"]["vm"] == "down", "the VM to be seen as down")
    assert stage.state() == "GlobalMaintenance"
    absent = stage.cli("--vm-poweroff")
    assert absent.returncode == 1
    assert "Virtual machine does not exist" in absent.stderr
    # local maintenance ends the global one
    set_until("local", False)
    stage.wait(lambda: stage.state() == "LocalMaintenance", "local maintenance")
    own = stage.own()
    assert (own["score"], own["maintenance"]) == (0, True)
    ha_conf = stage.path("/var/lib/ovirt-hosted-engine-ha/ha.conf").read_text()
    assert ha_conf == "local_maintenance=True\nlocal_maintenance_manual=True\n"
    # an agent that starts in local maintenance touches nothing
    assert stage.stop("agent") == 0
    stage.wait(lambda: stage.own()["stopped"], "the end to be published")
    stamp = stage.own()["host-ts"]
    stage.start("agent")
    stage.wait(lambda: "Local maintenance is set" in stage.log("agent").read_text(), "the agent to wait")
    assert stage.own()["host-ts"] == stamp
    set_until("none", False)
    stage.wait(lambda: stage.own().get("engine-status") == UP, "the engine again", 40)


def test_broker_restart_takes_vm_conf_along(running: Stage) -> None:
    stage = running
    stage.wait(lambda: stage.own().get("engine-status") == UP, "a healthy engine")
    assert stage.stop("broker") == 0
    gone = stage.cli("--vm-status", "--json")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "configuration has not been retrieved" in gone.stderr
    # the agent does not outlive its broker: systemd starts it again
    assert stage.processes["agent"].wait(20) == 1
    stage.start("broker")
    stage.start("agent")
    stage.wait(lambda: stage.own().get("engine-status") == UP and stage.own()["live-data"], "the engine, seen again")


def test_slots_are_written_only_with_the_lease(stage: Stage) -> None:
    stage.start("broker")
    status = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf")
    stage.wait(lambda: stage.path("/var/run/ovirt-hosted-engine-ha/broker.socket").exists(), "the socket")
    status.write_text("memSize=1\n")
    assert json.loads(stage.cli("--vm-status", "--json").stdout) == {"global_maintenance": False}
    script = (
        "from ovirt_hosted_engine_ha.lib.brokerlink import BrokerLink\n"
        "link = BrokerLink()\n"
        "link.put_stats(5, b'1|1|x')\n"
        "print(link.lock_host_id(7), link.is_host_alive(7), link.status_monitor(99))\n"
        "link.put_stats(7, b'1|1|y')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=stage.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False None\n"
    data = stage.volume("HEMD")
    stage.wait(lambda: data.read_bytes()[7 * 4096 :].startswith(b"1|1|y"), "slot 7")
    assert data.read_bytes()[5 * 4096 : 6 * 4096] == bytes(4096)
    assert "Host id 5 is not held" in stage.log("broker").read_text()
    assert "No sanlock daemon on this host" in stage.log("broker").read_text()


def test_dirty_metadata_ends_the_broker(stage: Stage) -> None:
    with stage.volume("HEMD").open("r+b") as volume:
        volume.seek((1 << 20) + 5)
        volume.write(b"\x80\x80")
    stage.start("broker")
    assert stage.processes.pop("broker").wait(30) == 1
    assert "Corrupted read metadata" in stage.log("broker").read_text()


def test_metadata_that_becomes_dirty_ends_the_broker_in_order(stage: Stage) -> None:
    stage.start("broker")
    stage.wait(lambda: stage.path("/var/run/ovirt-hosted-engine-ha/broker.socket").exists(), "the socket")
    with stage.volume("HEMD").open("r+b") as volume:
        volume.seek((1 << 20) + 5)
        volume.write(b"\x80\x80")
    assert stage.processes.pop("broker").wait(30) == 0


def test_broker_needs_its_storage(stage: Stage) -> None:
    conf = stage.path("/etc/ovirt-hosted-engine/hosted-engine.conf")
    conf.write_text(conf.read_text().replace(stage.made.disks["HEMD"][1], stage.made.disks["HESD"][1]))
    stage.start("broker")
    assert stage.processes.pop("broker").wait(30) == 1
    assert "Failed initializing the broker" in stage.log("broker").read_text()


def test_clean_metadata(running: Stage) -> None:
    stage = running
    stage.wait(lambda: stage.own().get("engine-status") == UP, "a healthy engine")
    refused = stage.cli("--clean-metadata")
    assert refused.returncode == 0
    assert "Cannot clean unclean metadata block" in refused.stderr
    assert stage.own()
    assert stage.stop("agent") == 0
    stage.wait(lambda: stage.own().get("stopped"), "the end to be published")
    done = stage.cli("--clean-metadata")
    assert done.returncode == 0, done.stderr
    assert stage.volume("HEMD").read_bytes()[4096:8192] == bytes(4096)
    assert stage.status() == {"global_maintenance": stage.status()["global_maintenance"]}
    # a broker that runs no monitor of an agent cannot be used
    stage.stop("broker")
    stage.start("broker")
    vm_conf = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf")
    stage.wait(lambda: stage.path("/var/run/ovirt-hosted-engine-ha/broker.socket").exists(), "the socket")
    vm_conf.write_text("memSize=1\n")
    assert stage.cli("--clean-metadata", "--force-cleanup").returncode == 157


def test_bad_health_is_told(running: Stage) -> None:
    stage = running
    stage.wait(lambda: stage.state() == "EngineUp", "a healthy engine")
    stage.health.good = False
    stage.wait(lambda: stage.state() == "EngineUpBadHealth", "bad health")
    assert stage.own()["engine-status"] == {
        "vm": "up",
        "health": "bad",
        "detail": "Up",
        "reason": "failed liveliness check",
    }
    stage.health.good = True
    stage.wait(lambda: stage.state() == "EngineUp", "recovery")
