"""The run was cheap, says so itself, and a second one changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import LAB, ROOT, STATE
from testinfra.host import Host

AGAIN_SECONDS = 15


def _play(name: str, *words: str) -> tuple[dict[str, Any], str]:
    """Run a playbook; return its report and what it printed."""
    before = set(STATE.glob("logs/node0-report-*.json"))
    environment = {
        **os.environ,
        "LAB": LAB,
        "NODE0_LOG_DIR": str(STATE / "logs"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    playbook = Path(sys.executable).parent / "ansible-playbook"
    command = [str(playbook), "-i", "inventories/lab", f"playbooks/{name}.yml", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    (report,) = set(STATE.glob("logs/node0-report-*.json")) - before
    return json.loads(report.read_text()), done.stdout


@pytest.mark.parametrize(("count", "limit"), [("tasks", 80), ("exchanges", 90), ("logins", 2)])
def test_the_run_kept_to_its_budget(report: dict[str, Any], count: str, limit: int) -> None:
    assert 0 < report["totals"][count] <= limit


def test_few_processes_on_the_host(report: dict[str, Any]) -> None:
    assert report["totals"]["modules"] + report["totals"]["processes"] <= 45


def test_one_login_before_the_move_and_one_after(report: dict[str, Any]) -> None:
    by_phase = {phase["name"]: phase["logins"] for phase in report["phases"]}
    before = by_phase["bootstrap_local_vm"] + by_phase["create_storage_domain"] + by_phase["create_target_vm"]
    assert (before, by_phase["final_clean"]) == (1, 1)


def test_again_is_nothing(host1: Host) -> None:
    running = "systemctl show -p ActiveEnterTimestampMonotonic libvirtd vdsmd ovirt-ha-broker ovirt-ha-agent"
    before = host1.check_output(running), host1.check_output("virsh -r domid HostedEngine")
    begun = time.monotonic()
    report, printed = _play("deploy")
    seconds = time.monotonic() - begun
    assert report["totals"]["changed"] == 0
    assert "changed=0" in printed
    assert (host1.check_output(running), host1.check_output("virsh -r domid HostedEngine")) == before
    assert seconds <= AGAIN_SECONDS


@pytest.fixture
def untouched(host2: Host) -> Iterator[None]:
    """What the test does leaves the other host as it is."""
    changed = (
        "find /etc /root /var/lib /var/tmp /var/cache -xdev -newer /run/before"
        " -not -path '/var/lib/systemd/*' -not -path '/root/.ansible*' -not -path /root -not -path /root/engine-ca.pem"
        # Asking for the time wakes services of systemd that have a private folder.
        " -not -path /var/tmp -not -path '/var/tmp/systemd-private-*'"
    )
    host2.check_output("touch /run/before")
    yield
    assert host2.check_output(changed) == ""
    assert host2.check_output("virsh -r list --all --name").split() == []


@pytest.mark.usefixtures("untouched")
def test_check_mode_on_a_clean_host_tells_and_changes_nothing(lab: dict[str, Any], tmp_path: Path) -> None:
    name = lab["hosts"][1]["fqdn"]
    # An engine of another name, which nobody's DNS knows, on another export.
    free = lab["engine"]["address"].rpartition(".")[0] + ".60"
    extra = {
        "he_vm_ip_addr": free,
        "he_vm_mac_addr": lab["lab"]["engine_mac"][:-2] + "60",
        "he_storage_domain_path": "/exports/data",
        "he_preflight_skip": ["names.engine.forward"],
    }
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"node0": {"hosts": {name: {"he_fqdn": f"other.{lab['lab']['domain']}"}}}}))
    report, printed = _play("deploy", "--check", "--limit", name, "-i", str(other), "-e", json.dumps(extra))
    assert report["totals"]["changed"] >= 3
    assert "create_target_vm:" in printed and "run engine-setup" in printed
    assert name in printed


@pytest.mark.usefixtures("untouched")
def test_check_mode_of_adding_a_host_tells_and_changes_nothing(lab: dict[str, Any]) -> None:
    _report, printed = _play("add_host", "--check")
    assert "checks of the host" in printed
    assert f"add host {lab['hosts'][1]['fqdn']} to cluster Default with hosted engine" in printed
