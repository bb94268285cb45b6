"""A good set of settings, a host, and the way from variables to findings that the action takes."""

from __future__ import annotations

from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _resolve

GOOD: dict[str, Any] = {
    "he_fqdn": "engine.example.com",
    "he_domain_type": "nfs",
    "he_storage_domain_addr": "nas.example.com",
    "he_storage_domain_path": "/exports/he",
    "he_admin_password": "s3cret-admin",
    "he_appliance_password": "s3cret-root too",
    "he_vm_ip_addr": "192.0.2.10",
    "he_vm_ip_prefix": "24",
    "he_gateway": "192.0.2.254",
    "he_dns_addr": "192.0.2.53,192.0.2.54",
}
ISCSI: dict[str, Any] = {
    "he_domain_type": "iscsi",
    "he_storage_domain_addr": None,
    "he_storage_domain_path": None,
    "he_iscsi_portal_addr": "192.0.2.50,192.0.2.51",
    "he_iscsi_target": "iqn.2026-01.com.example:he",
    "he_lun_id": "36001405aaaaaaaaaaaaaaaaaaaaaaaaa",
}
#: A host as the module host_info tells of it.
HOST: dict[str, Any] = {
    "fqdn": "host1.example.com",
    "management": {"interface": "eno1", "address": "192.0.2.11"},
    "gateway": "192.0.2.254",
    "time_zone": "Europe/Rome",
    "cpus": 8,
    "memory": {"total": 64 * 1024**3, "available": 40 * 1024**3},
}


def as_it_is(value: Any) -> Any:
    """Take the place of Ansible's templates: these tests have none."""
    return value


def resolve(variables: dict[str, Any]) -> _resolve.Resolved:
    return _resolve.resolve(variables, as_it_is)


def found(resolved: _resolve.Resolved, *severities: str) -> set[tuple[str, str]]:
    return {(one.id, one.source) for one in resolved.findings if one.severity in (severities or ("block",))}
