"""What other clients read: status and inventory."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from driver.paths import CHECKOUT, LabPaths
from driver.state import State, write_json
from driver.status import inventory, ssh_config, status


@pytest.fixture
def report(tmp_path: Path) -> dict[str, object]:
    paths = LabPaths(tmp_path)
    state = State(paths.state, {"name": "unit", "index": 9, "hosts": 2, "appliance": None})
    (paths.share / "appliance").mkdir(parents=True)
    (paths.share / "appliance" / "fast.qcow2").touch()
    return status(state, paths)


def test_hosts(report: dict[str, list[dict[str, object]]], tmp_path: Path) -> None:
    assert report["hosts"][0] == {
        "name": "he-host1",
        "fqdn": "he-host1.unit.lab.test",
        "address": "10.77.9.11",
        "ssh_user": "root",
        "ssh_key": str(tmp_path / "id_ed25519"),
        "ssh_port": 22,
        "nic": "host0",
        "gateway": "10.77.9.1",
    }
    assert len(report["hosts"]) == 2


def test_engine_appliance_and_storage(report: dict[str, object]) -> None:
    assert report["engine"] == {
        "fqdn": "engine.unit.lab.test",
        "address": "10.77.9.50",
        "prefix": 24,
        "gateway": "10.77.9.1",
        "dns": ["10.77.9.1"],
    }
    assert report["appliance"] == {"qcow2": "/srv/lab/appliance/fast.qcow2", "ova": None}
    assert report["storage"] == {"nfs": {"address": "nfs.unit.lab.test", "path": "/exports/he"}}


def test_a_lab_without_containers_is_not_up(report: dict[str, dict[str, object]]) -> None:
    assert report["lab"]["up"] is False
    assert report["lab"]["running"] == []


def test_the_faithful_profile_is_preferred_and_a_chosen_image_wins(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    (paths.share / "appliance").mkdir(parents=True)
    for name in ("fast.qcow2", "faithful.qcow2"):
        (paths.share / "appliance" / name).touch()
    facts = {"name": "unit", "index": 9, "hosts": 1, "appliance": None}
    assert status(State(paths.state, facts), paths)["appliance"]["qcow2"].endswith("/faithful.qcow2")
    facts["appliance"] = "/elsewhere/mine.qcow2"
    assert status(State(paths.state, facts), paths)["appliance"]["qcow2"].endswith("/given/mine.qcow2")


def test_inventory_groups(report: dict[str, object]) -> None:
    made = inventory(report)
    assert made["node0"]["hosts"] == ["he-host1.unit.lab.test"]
    assert made["additional_hosts"]["hosts"] == ["he-host2.unit.lab.test"]
    variables = made["_meta"]["hostvars"]["he-host1.unit.lab.test"]
    assert variables["ansible_host"] == "10.77.9.11"
    assert "StrictHostKeyChecking=yes" in variables["ansible_ssh_common_args"]
    assert str(report["lab"]["known_hosts"]) in variables["ansible_ssh_common_args"]  # type: ignore[index]


def test_ssh_finds_the_way_by_name_and_by_address(report: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "ssh_config"
    path.write_text(ssh_config(report))
    for name in ("he-host2.unit.lab.test", "10.77.9.12"):
        done = subprocess.run(["ssh", "-G", "-F", path, name], capture_output=True, text=True, check=True)
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        assert (found["hostname"], found["user"], found["port"]) == ("10.77.9.12", "root", "22")
        assert found["identityfile"] == str(tmp_path / "id_ed25519")
        assert found["stricthostkeychecking"] in ("yes", "true")


def test_the_inventory_script_prints_the_chosen_lab(report: dict[str, object], tmp_path: Path) -> None:
    write_json(tmp_path / "lab" / "unit" / "inventory.json", inventory(report))
    script = CHECKOUT / "inventories" / "lab" / "hosts.sh"
    environment = {**os.environ, "LAB": "unit", "LAB_CACHE": str(tmp_path)}
    done = subprocess.run([script, "--list"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["node0"]["hosts"] == ["he-host1.unit.lab.test"]
    environment["LAB"] = "none"
    refused = subprocess.run([script, "--list"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "lab none is not up" in refused.stderr
