from __future__ import annotations

from typing import Any

import pytest
from settings_cases import GOOD, HOST

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _rules, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._validate import validate


def _findings(**changes: Any) -> list[tuple[str, str]]:
    values, findings = validate({**GOOD, **changes})
    return [(f.id, f.source) for f in findings + _rules.check(values)]


def test_a_good_set_has_no_findings() -> None:
    assert _findings() == []


def test_everything_that_is_missing_is_said_together() -> None:
    values, _findings_of_types = validate({})
    missing = {f.source for f in _rules.check(values) if f.id == "settings.missing"}
    assert missing == {"he_fqdn", "he_domain_type", "he_admin_password", "he_appliance_password"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"he_vcpus": "many"}, ("settings.size", "he_vcpus")),
        ({"he_mem_size_MB": "-5"}, ("settings.size", "he_mem_size_MB")),
        ({"he_mem_size_MB": "1024"}, ("settings.memory_floor", "he_mem_size_MB")),
        ({"he_disk_size_GB": 10}, ("settings.disk_floor", "he_disk_size_GB")),
        ({"he_disk_size_GB": "large"}, ("settings.type", "he_disk_size_GB")),
        ({"he_vm_mac_addr": "01:16:3e:00:00:01"}, ("settings.mac", "he_vm_mac_addr")),
        ({"he_vm_mac_addr": "00:16:3e"}, ("settings.mac", "he_vm_mac_addr")),
        ({"he_vm_ip_addr": "192.0.2.300"}, ("settings.address", "he_vm_ip_addr")),
        ({"he_vm_ip_addr": "192.0.2.0"}, ("settings.address", "he_vm_ip_addr")),
        ({"he_vm_ip_prefix": 32}, ("settings.prefix", "he_vm_ip_prefix")),
        ({"he_vm_ip_prefix": None}, ("settings.missing", "he_vm_ip_prefix")),
        ({"he_gateway": "198.51.100.1"}, ("settings.gateway", "he_gateway")),
        ({"he_dns_addr": ["dns.example.com"]}, ("settings.address", "he_dns_addr")),
        ({"he_dns_addr": ["192.0.2.1"] * 4}, ("settings.dns_count", "he_dns_addr")),
        ({"he_fqdn": "engine"}, ("settings.fqdn", "he_fqdn")),
        ({"he_fqdn": "engine_1.example.com"}, ("settings.fqdn", "he_fqdn")),
        ({"he_host_address": "engine.example.com"}, ("settings.fqdn_is_host", "he_fqdn")),
        ({"he_network_test": "tcp"}, ("settings.missing", "he_tcp_t_address")),
        ({"he_network_test": "icmp"}, ("settings.choice", "he_network_test")),
        ({"he_data_center": "Mine"}, ("settings.cluster", "he_cluster")),
        ({"he_cluster": "two words"}, ("settings.name", "he_cluster")),
        ({"he_mgmt_network": "a-very-long-network"}, ("settings.name", "he_mgmt_network")),
        ({"he_storage_domain_path": "exports/he"}, ("settings.path", "he_storage_domain_path")),
        ({"he_mount_options": "soft;reboot"}, ("settings.conf_signs", "he_mount_options")),
        ({"he_admin_password": "two\nlines"}, ("settings.password", "he_admin_password")),
        ({"he_fqdnn": "x"}, ("settings.unknown", "he_fqdnn")),
    ],
)
def test_a_mistake_is_found(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in _findings(**changes)


def test_a_finding_never_shows_a_secret() -> None:
    _values, findings = validate({**GOOD, "he_admin_password": {"not": "t3xt"}})
    assert all("t3xt" not in f.seen for f in findings)


def test_a_name_that_nothing_reads_gets_a_suggestion() -> None:
    _values, findings = validate({**GOOD, "he_storage_domain_adr": "x"})
    assert findings[0].advice == "Did you mean he_storage_domain_addr?"
    assert findings[0].severity == "warn"


def test_settings_are_typed_and_without_secrets() -> None:
    values, _findings_of_types = validate({**GOOD, "he_mem_size_MB": "8192", "he_vcpus": 4})
    settings = _settings.build(values)
    assert settings["vm"]["memory"] == 8192 * 1024**2
    assert settings["vm"]["vcpus"] == 4
    assert settings["vm"]["disk_size"] == 61 * 1024**3
    assert settings["network"]["dns"] == ["192.0.2.53", "192.0.2.54"]
    assert "s3cret-admin" not in repr(settings)


def test_the_host_fills_in_what_is_open() -> None:
    settings = _settings.build(validate({**GOOD, "he_gateway": None})[0])
    done = _settings.complete(settings, HOST)
    assert done["host"] == {
        "name": "host1.example.com",
        "address": "host1.example.com",
        "interface": "eno1",
        "packages": ["ovirt-hosted-engine-setup", "ovirt-hosted-engine-ha"],
    }
    assert done["network"]["gateway"] == "192.0.2.254"
    assert done["vm"]["vcpus"] == 8
    assert done["vm"]["memory"] == 40 * 1024**3 - 512 * 1024**2
    assert settings["vm"]["vcpus"] is None


def test_what_is_open_stays_what_it_was_when_the_bootstrap_vm_was_made() -> None:
    """The VM takes the memory that a later run would look for, and the bridge takes the NIC's address."""
    settings = _settings.build(validate({**GOOD, "he_gateway": None})[0])
    done = _settings.complete(settings, HOST)
    later = {**HOST, "memory": {**HOST["memory"], "available": 2 * 1024**3}, "cpus": 2, "fqdn": "localhost"}
    journal = {"state": {"settings": done}}
    assert _settings.complete(settings, later, journal) == _settings.complete(settings, later)
    journal["state"]["local_vm"] = {}
    assert _settings.complete(settings, later, journal) == done
    lowered = _settings.build(validate({**GOOD, "he_gateway": None, "he_mem_size_MB": 5000})[0])
    assert _settings.complete(lowered, later, journal)["vm"]["memory"] == 5000 * 1024**2


def test_the_mac_address_is_unicast_and_the_same_every_time() -> None:
    macs = {_settings.build(validate(GOOD)[0])["vm"]["mac"] for _run in range(3)}
    assert len(macs) == 1
    assert macs.pop().startswith("00:16:3e:")


def test_the_list_of_secrets_comes_from_the_specification() -> None:
    names = {"admin", "appliance", "db", "dwh_db", "iscsi", "iscsi_discover"}
    assert secret_names() == {f"he_{name}_password" for name in names}
