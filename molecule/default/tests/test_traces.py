"""Nothing of the bootstrap is left, and no password anywhere."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import STATE
from testinfra.host import Host

SEARCHED = "/etc /root /home /opt /srv/exports /tmp /var /run"


def test_no_network_of_the_bootstrap(host1: Host, host2: Host) -> None:
    assert host1.check_output("virsh -r net-list --all --name").split() == ["default"]
    default = "virsh -r net-dumpxml --inactive default | grep -v '<uuid>\\|<mac '"
    assert host1.check_output(default) == host2.check_output(default), "libvirt's own network is as it was"
    state = "virsh -r net-info default | grep -E 'Active|Autostart'"
    assert host1.check_output(state) == host2.check_output(state)
    links = [link["ifname"] for link in json.loads(host1.check_output("ip -j link"))]
    assert not [name for name in links if name.startswith("node0")]


def test_no_policy_rule_of_the_bootstrap(host1: Host) -> None:
    rules = json.loads(host1.check_output("ip -j rule"))
    assert not [rule for rule in rules if rule["priority"] in (100, 101)]


def test_no_hosts_line_of_the_bootstrap(host1: Host, lab: dict[str, Any]) -> None:
    assert lab["engine"]["fqdn"] not in host1.file("/etc/hosts").content_string


def test_no_folder_of_the_bootstrap(host1: Host) -> None:
    assert host1.check_output("find /var/tmp -maxdepth 1 -name 'localvm*'") == ""


def test_no_key_of_the_bootstrap_in_the_engine_vm(in_engine: Callable[[str], str]) -> None:
    assert in_engine("cat /root/.ssh/authorized_keys 2>/dev/null || true").strip() == ""
    assert in_engine("find /root /tmp /var/tmp -name '*answers*' | xargs -r grep -l -i passw || true").strip() == ""


@pytest.mark.parametrize("secret", ["he_admin_password", "he_appliance_password"])
def test_no_password_on_the_host(host1: Host, settings: dict[str, Any], secret: str) -> None:
    needle = shlex.quote(settings[secret])
    # The volumes hold the engine's own disk, which is searched from within the engine VM.
    found = f"grep -rIlF --exclude-dir=images -- {needle} {SEARCHED} 2>/dev/null || true"
    assert host1.check_output(found) == ""
    assert host1.check_output(f"journalctl --no-pager | grep -F -- {needle} || true") == ""
    # The pattern must not find the process that carries it.
    pattern = shlex.quote(f"[{settings[secret][0]}]{settings[secret][1:]}")
    processes = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    assert host1.check_output(f"{processes} | grep -c {pattern} || true") == "0"


@pytest.mark.parametrize("secret", ["he_admin_password", "he_appliance_password"])
def test_no_password_in_the_engine_vm(in_engine: Callable[[str], str], settings: dict[str, Any], secret: str) -> None:
    found = f"grep -rIlF -- {shlex.quote(settings[secret])} /etc /root /tmp /var /run /boot 2>/dev/null || true"
    assert in_engine(found).strip() == ""


@pytest.mark.parametrize("secret", ["he_admin_password", "he_appliance_password"])
def test_no_password_in_logs_and_report(settings: dict[str, Any], secret: str) -> None:
    logs = [path for path in Path(STATE, "logs").rglob("*") if path.is_file()]
    assert logs
    assert not [path.name for path in logs if settings[secret].encode() in path.read_bytes()]
