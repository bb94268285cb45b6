# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of a deployment's settings that the checks judge, and from where it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any


def _setting(area: str, key: str, variable: str, default: Any) -> Any:
    """Declare a field: where it is in the settings (C(he_settings)), and which variable the user sets for it."""
    place = {"area": area, "key": key, "variable": variable}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=place)
    return field(default=default, metadata=place)


@dataclass(frozen=True)
class Settings:
    """What the checks judge; sizes are bytes, what is empty or 0 was not given, or is wrong in itself."""

    fqdn: str = _setting("engine", "fqdn", "he_fqdn", "")
    offline: bool = _setting("engine", "offline", "he_offline_deployment", False)
    host_address: str = _setting("host", "address", "he_host_address", "")
    bridge_if: str = _setting("host", "interface", "he_bridge_if", "")
    management_network: str = _setting("cluster", "management_network", "he_mgmt_network", "ovirtmgmt")
    cpu_type: str = _setting("cluster", "cpu_type", "he_cluster_cpu_type", "")
    memory: int = _setting("vm", "memory", "he_mem_size_MB", 0)
    minimal_memory: int = _setting("vm", "minimal_memory", "he_minimal_mem_size_MB", 0)
    vcpus: int = _setting("vm", "vcpus", "he_vcpus", 0)
    disk_size: int = _setting("vm", "disk_size", "he_disk_size_GB", 0)
    mac: str = _setting("vm", "mac", "he_vm_mac_addr", "")
    firmware: str = _setting("vm", "firmware", "he_firmware", "auto")
    virt_type: str = _setting("bootstrap", "virt_type", "he_virt_type", "kvm")
    dir_parent: str = _setting("bootstrap", "folder", "he_local_vm_dir_path", "/var/tmp")
    nat_prefix: str = _setting("bootstrap", "network_prefix", "he_ipv4_subnet_prefix", "")
    appliance: str = _setting("appliance", "path", "he_appliance", "")
    appliance_package: str = _setting("appliance", "package", "he_appliance_package", "")
    appliance_cache: str = _setting("appliance", "cache", "he_appliance_cache", "")
    appliance_checksum: str = _setting("appliance", "checksum", "he_appliance_checksum", "")
    gateway: str = _setting("network", "gateway", "he_gateway", "")
    network_test: str = _setting("network", "test", "he_network_test", "none")
    tcp_address: str = _setting("network", "tcp_address", "he_tcp_t_address", "")
    tcp_port: int = _setting("network", "tcp_port", "he_tcp_t_port", 0)
    vm_address: str = _setting("network", "address", "he_vm_ip_addr", "")
    vm_prefix: int = _setting("network", "prefix", "he_vm_ip_prefix", 0)
    dns: Sequence[str] = _setting("network", "dns", "he_dns_addr", [])
    storage_type: str = _setting("storage", "type", "he_domain_type", "")
    storage_address: str = _setting("storage", "address", "he_storage_domain_addr", "")
    storage_path: str = _setting("storage", "path", "he_storage_domain_path", "")
    mount_options: str = _setting("storage", "mount_options", "he_mount_options", "")
    nfs_version: str = _setting("storage", "nfs_version", "he_nfs_version", "auto")
    iscsi_portals: Sequence[Mapping[str, Any]] = _setting("storage", "portals", "he_iscsi_portal_addr", [])
    iscsi_target: str = _setting("storage", "target", "he_iscsi_target", "")
    iscsi_user: str = _setting("storage", "user", "he_iscsi_username", "")
    iscsi_discover_user: str = _setting("storage", "discover_user", "he_iscsi_discover_username", "")
    lun: str = _setting("storage", "lun", "he_lun_id", "")

    @classmethod
    def of(cls, areas: Mapping[str, Any], wrong: Iterable[str] = ()) -> Settings:
        """Return the settings that the areas of C(he_settings) hold.

        Args:
            areas: one dict by area, as the module settings returns it, completed with what the host says.
            wrong: where settings were found wrong already, variables or places in files that name them; what they say
                is not judged again.
        """
        distrusted = {name for place in wrong for name in re.findall(r"he_\w+", place)}
        given = {}
        for one in fields(cls):
            value = areas.get(one.metadata["area"], {}).get(one.metadata["key"])
            if value not in (None, "", []) and one.metadata["variable"] not in distrusted:
                given[one.name] = value
        return cls(**given)
