"""The four modules in the order of a deployment, against the simulator over HTTPS with the real SDK."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from engine_lab import PASSWORD, Lab

BOOTSTRAP = "4d7ac9d8-2a4b-4d10-8a4c-0b8d9f6a7c11"
EXTERNAL = {"name": "HostedEngineLocal", "id": BOOTSTRAP}


def unchanged(first: dict[str, Any], second: dict[str, Any], *names: str) -> bool:
    return second["changed"] is False and all(first[name] == second[name] for name in names)


def test_a_deployment(lab: Lab) -> None:
    """One test for the whole path: each step needs the ones before, and the counts are those of the whole."""
    lab.host_action("vm", **EXTERNAL)
    foreseen = lab.run("engine_host", check=True, **lab.host_arguments).value
    assert foreseen["would"] == ["add host h1 to cluster Default"]
    assert lab.tokens() == 0
    assert not (lab.folder / "session").exists()
    before = lab.counters()

    added = lab.done("engine_host", **lab.host_arguments)
    host = added["host"]
    assert (host["host_id"], host["cluster"], host["management_network"]) == (1, "Default", "ovirtmgmt")
    assert host["cpu_type"]
    assert host["cpu_verb"]
    assert host["emulated_machine"].startswith("pc-q35")
    assert "Status of host h1 was set to Up." in [event["text"] for event in added["events"]]
    assert (lab.folder / "authorized_keys").read_text().endswith(" ovirt-engine\n")
    assert stat.S_IMODE(os.stat(lab.folder / "session").st_mode) == 0o600
    assert unchanged(added, lab.done("engine_host", **lab.host_arguments), "host")

    storage_arguments = lab.storage_arguments(host)
    would = lab.run("engine_storage_domain", check=True, **storage_arguments).value["would"]
    assert would == ["create storage domain hosted_storage at nfs.example.test:/exports/he"]
    created = lab.done("engine_storage_domain", **storage_arguments)
    storage = created["storage"]
    assert storage["data_center_id"] == host["data_center_id"]
    assert unchanged(created, lab.done("engine_storage_domain", **storage_arguments), "storage")
    assert lab.run("engine_storage_domain", check=True, **storage_arguments).value["would"] == []

    vm_arguments = lab.vm_arguments(host, storage)
    made = lab.done("engine_target_vm", **vm_arguments)
    assert made["changed"]
    assert sorted(made["disks"]) == ["HostedEngineConfigurationImage", "he_metadata", "he_sanlock", "he_virtio_disk"]
    assert len(made["ovf_stores"]) == 2
    assert made["configuration_disk_noted"] is True
    assert not (lab.folder / "session").exists()
    assert lab.tokens() == 0

    journal = json.loads((lab.folder / "journal.json").read_text())
    assert journal["state"]["engine_host"] == host
    assert journal["state"]["storage"] == storage
    assert journal["state"]["target_vm"]["vm"] == made["vm"]
    kinds = sorted(entry["kind"] for entry in journal["made"])
    assert kinds == ["authorized_key", *["disk"] * 4, "engine_host", "storage_domain", "target_vm"]

    after = lab.counters()
    single = added["exchanges"] - added["polls"] + created["exchanges"] + made["exchanges"]
    assert single <= 60
    assert after["logins"] - before["logins"] == 1 + 2  # two of them in check mode
    assert [step["logins"] for step in (added, created, made)] == [1, 0, 0]

    again = lab.done("engine_target_vm", **vm_arguments)
    assert unchanged(made, again, "vm", "disks", "ovf_stores")
    assert (again["exchanges"], again["logins"]) == (0, 0)

    cleanup = {"local_vm_uuid": BOOTSTRAP, "host": host, "target_vm": made["vm"], "timeout": 30, "session_file": None}
    lab.host_action("vm", name="HostedEngine", id=made["vm"]["id"])
    cleaned = lab.done("engine_cleanup", **cleanup)
    assert (cleaned["removed"], cleaned["host_status"], cleaned["vm_status"]) == (True, "up", "up")
    assert (cleaned["changed"], cleaned["logins"]) == (True, 1)
    assert lab.done("engine_cleanup", **cleanup)["changed"] is False
    assert lab.tokens() == 0
    assert secrets_in(lab.folder) == []


def test_the_engine_counts_the_exchanges(lab: Lab) -> None:
    """The simulator's own count, not the modules': at most 60 from first login to current OVF stores, polls of
    host-deploy aside; one login before the move, one after it."""
    lab.host_action("vm", **EXTERNAL)
    before = lab.counters()
    added = lab.done("engine_host", **lab.host_arguments)
    storage = lab.done("engine_storage_domain", **lab.storage_arguments(added["host"]))["storage"]
    made = lab.done("engine_target_vm", **lab.vm_arguments(added["host"], storage))
    assert len(made["ovf_stores"]) == 2
    moved = lab.counters()
    counted = moved["exchanges"] - before["exchanges"]
    assert 20 < counted - added["polls"] <= 60
    assert moved["logins"] - before["logins"] == 1
    assert lab.tokens() == 0

    lab.host_action("vm", name="HostedEngine", id=made["vm"]["id"])
    cleanup = {"local_vm_uuid": BOOTSTRAP, "host": added["host"], "target_vm": made["vm"], "timeout": 30}
    lab.done("engine_cleanup", **cleanup, session_file=None)
    after = lab.counters()
    assert after["logins"] - moved["logins"] == 1
    assert after["exchanges"] - before["exchanges"] - added["polls"] <= 90
    assert lab.tokens() == 0


def secrets_in(folder: Path) -> list[str]:
    """Return the files that hold the password, besides the one that the simulator reads it from."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 2**24]
    return [str(path) for path in files if path.name != "password" and PASSWORD.encode() in path.read_bytes()]


def test_a_run_that_was_cut_is_continued_in_the_engine(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    made = lab.done("engine_target_vm", **lab.vm_arguments(host, storage))
    journal = json.loads((lab.folder / "journal.json").read_text())
    del journal["state"]["target_vm"]
    (lab.folder / "journal.json").write_text(json.dumps(journal))
    again = lab.done("engine_target_vm", **lab.vm_arguments(host, storage))
    assert unchanged(made, again, "vm", "disks")
    assert again["exchanges"] <= 9


def test_data_centre_cluster_and_network_of_other_names(lab: Lab) -> None:
    names = {"data_center": "dc", "cluster": "cl", "management_network": "mgmt"}
    added = lab.done("engine_host", **lab.host_arguments, **names)
    assert (added["host"]["data_center"], added["host"]["management_network"]) == ("dc", "mgmt")
    assert unchanged(added, lab.done("engine_host", **lab.host_arguments, **names), "host")
    storage = lab.add_storage(added["host"])
    made = lab.done("engine_target_vm", **lab.vm_arguments(added["host"], storage))
    assert made["vm"]["id"]


def test_another_network_in_the_default_cluster(lab: Lab) -> None:
    added = lab.done("engine_host", **lab.host_arguments, management_network="mgmt")
    assert added["host"]["management_network"] == "mgmt"
    assert added["host"]["cluster"] == "Default"


@pytest.mark.parametrize("module", ["engine_host", "engine_storage_domain", "engine_target_vm", "engine_cleanup"])
def test_check_mode_before_there_is_an_engine(tmp_path: Path, module: str) -> None:
    """As on a clean host: neither an engine nor facts of earlier phases."""
    lab = Lab(tmp_path)
    arguments: dict[str, Any] = {
        "engine_host": {"name": "h1", "address": "h1.example.test", "guest": {}},
        "engine_storage_domain": {**lab.storage_arguments({})},
        "engine_target_vm": {**lab.vm_arguments({}, {}), "guest": {}},
        "engine_cleanup": {"local_vm_uuid": "", "host": {}, "target_vm": {}},
    }[module]
    access = {"engine_user": "", "engine_ca_file": ""}
    result = lab.run(module, check=True, **arguments, **access).value
    assert result["changed"] is True
    assert len(result["would"]) == 1
    assert list(tmp_path.iterdir()) == []
