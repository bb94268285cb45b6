# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of a deployment's settings that the checks judge, and from where it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any


def _place(area: str, key: str, variable: str) -> Mapping[str, str]:
    """Say where a field is in the settings (C(he_settings)), and which variable the user sets for it."""
    return {"area": area, "key": key, "variable": variable}


@dataclass(frozen=True)
class Settings:
    """What the checks judge; sizes are bytes, what is empty or 0 was not given, or is wrong in itself."""

    fqdn: str = field(default="", metadata=_place("engine", "fqdn", "he_fqdn"))
    offline: bool = field(default=False, metadata=_place("engine", "offline", "he_offline_deployment"))
    host_address: str = field(default="", metadata=_place("host", "address", "he_host_address"))
    bridge_if: str = field(default="", metadata=_place("host", "interface", "he_bridge_if"))
    management_network: str = field(
        default="ovirtmgmt", metadata=_place("cluster", "management_network", "he_mgmt_network")
    )
    cpu_type: str = field(default="", metadata=_place("cluster", "cpu_type", "he_cluster_cpu_type"))
    memory: int = field(default=0, metadata=_place("vm", "memory", "he_mem_size_MB"))
    minimal_memory: int = field(default=0, metadata=_place("vm", "minimal_memory", "he_minimal_mem_size_MB"))
    vcpus: int = field(default=0, metadata=_place("vm", "vcpus", "he_vcpus"))
    disk_size: int = field(default=0, metadata=_place("vm", "disk_size", "he_disk_size_GB"))
    mac: str = field(default="", metadata=_place("vm", "mac", "he_vm_mac_addr"))
    firmware: str = field(default="auto", metadata=_place("vm", "firmware", "he_firmware"))
    virt_type: str = field(default="kvm", metadata=_place("bootstrap", "virt_type", "he_virt_type"))
    dir_parent: str = field(default="/var/tmp", metadata=_place("bootstrap", "folder", "he_local_vm_dir_path"))
    nat_prefix: str = field(default="", metadata=_place("bootstrap", "network_prefix", "he_ipv4_subnet_prefix"))
    appliance: str = field(default="", metadata=_place("appliance", "path", "he_appliance"))
    appliance_package: str = field(default="", metadata=_place("appliance", "package", "he_appliance_package"))
    appliance_cache: str = field(default="", metadata=_place("appliance", "cache", "he_appliance_cache"))
    appliance_checksum: str = field(default="", metadata=_place("appliance", "checksum", "he_appliance_checksum"))
    gateway: str = field(default="", metadata=_place("network", "gateway", "he_gateway"))
    network_test: str = field(default="none", metadata=_place("network", "test", "he_network_test"))
    tcp_address: str = field(default="", metadata=_place("network", "tcp_address", "he_tcp_t_address"))
    tcp_port: int = field(default=0, metadata=_place("network", "tcp_port", "he_tcp_t_port"))
    vm_address: str = field(default="", metadata=_place("network", "address", "he_vm_ip_addr"))
    vm_prefix: int = field(default=0, metadata=_place("network", "prefix", "he_vm_ip_prefix"))
    dns: Sequence[str] = field(default=(), metadata=_place("network", "dns", "he_dns_addr"))
    storage_type: str = field(default="", metadata=_place("storage", "type", "he_domain_type"))
    storage_address: str = field(default="", metadata=_place("storage", "address", "he_storage_domain_addr"))
    storage_path: str = field(default="", metadata=_place("storage", "path", "he_storage_domain_path"))
    mount_options: str = field(default="", metadata=_place("storage", "mount_options", "he_mount_options"))
    nfs_version: str = field(default="auto", metadata=_place("storage", "nfs_version", "he_nfs_version"))
    iscsi_portals: Sequence[Mapping[str, Any]] = field(
        default=(), metadata=_place("storage", "portals", "he_iscsi_portal_addr")
    )
    iscsi_target: str = field(default="", metadata=_place("storage", "target", "he_iscsi_target"))
    iscsi_user: str = field(default="", metadata=_place("storage", "user", "he_iscsi_username"))
    iscsi_discover_user: str = field(
        default="", metadata=_place("storage", "discover_user", "he_iscsi_discover_username")
    )
    lun: str = field(default="", metadata=_place("storage", "lun", "he_lun_id"))

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
