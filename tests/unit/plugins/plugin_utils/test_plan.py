"""The plan of check mode: the phases of the play, with what is really set, and what is done already."""

from __future__ import annotations

from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._plan import plan
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._run_report import PHASES

SETTINGS: dict[str, Any] = {
    "engine": {"fqdn": "engine.lab.test", "offline": False},
    "host": {"name": "h1", "address": "h1.lab.test", "interface": "eth0", "packages": ["ovirt-hosted-engine-setup"]},
    "cluster": {"data_center": "DC", "name": "CL", "management_network": "ovirtmgmt"},
    "vm": {"name": "HostedEngine", "memory": 16 << 30, "vcpus": 4, "disk_size": 61 << 30, "mac": "00:16:3e:0:0:1"},
    "bootstrap": {"name": "HostedEngineLocal", "folder": "/var/tmp", "network_prefix": "192.168.222"},
    "appliance": {"path": None, "package": "ovirt-engine-appliance"},
    "network": {"address": "10.0.0.5", "prefix": 24, "test": "dns"},
    "storage": {"type": "nfs", "name": "hosted_storage", "address": "nas", "path": "/he"},
}
ROLES = [f"node0.hosted_engine.{name}" for name in PHASES]


def test_the_plan_names_what_would_be_made() -> None:
    lines = plan(SETTINGS, {}, ROLES)
    assert [line for line in lines if not line.startswith(" ")] == [f"{name}:" for name in PHASES[1:6]]
    text = "\n".join(lines)
    for word in ("ovirt-engine-appliance", "61 GiB", "16.0 GiB", "nas:/he", "10.0.0.5/24", "h1.lab.test", "eth0", "CL"):
        assert word in text
    offline = plan({**SETTINGS, "engine": {"fqdn": "e", "offline": True}}, {}, ROLES)
    assert not [line for line in offline if "packages" in line] and "without looking for updates" in "\n".join(offline)


def test_the_plan_is_that_of_the_play_and_knows_what_is_done() -> None:
    done = {"create_storage_domain": {"status": "done"}, "create_target_vm": {"status": "failed"}}
    lines = plan(SETTINGS, done, ["preflight", "create_storage_domain", "create_target_vm"])
    assert lines[0] == "create_storage_domain: nothing, it is done"
    assert lines[1] == "create_target_vm: (it was begun and is failed)"
    assert plan(SETTINGS, {}, ["node0.hosted_engine.preflight"]) == ["nothing"]
