# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frozen settings of a run: flat he_* values become one dict by area, with sizes in bytes and no secrets."""

from __future__ import annotations

import uuid
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import address_of

MIB = 1024**2
GIB = 1024**3

Settings = dict[str, Any]

# Which variable each setting is, where nothing is computed.
VARIABLES: dict[str, dict[str, str]] = {
    "engine": {
        "fqdn": "he_fqdn",
        "keycloak": "he_enable_keycloak",
        "offline": "he_offline_deployment",
        "admin_user": "he_admin_username",
        "ca_file": "he_engine_ca_file",
    },
    "host": {
        "name": "he_host_name",
        "address": "he_host_address",
        "interface": "he_bridge_if",
        "packages": "he_host_packages",
    },
    "cluster": {
        "data_center": "he_data_center",
        "data_center_version": "he_data_center_comp_version",
        "name": "he_cluster",
        "version": "he_cluster_comp_version",
        "cpu_type": "he_cluster_cpu_type",
        "management_network": "he_mgmt_network",
    },
    "vm": {
        "name": "he_vm_name",
        "memory": "he_mem_size_MB",
        "reserved_memory": "he_reserved_memory_MB",
        "minimal_memory": "he_minimal_mem_size_MB",
        "vcpus": "he_vcpus",
        "disk_size": "he_disk_size_GB",
        "mac": "he_vm_mac_addr",
        "time_zone": "he_time_zone",
        "console": "he_console_type",
        "emulated_machine": "he_emulated_machine",
        "firmware": "he_firmware",
    },
    "bootstrap": {
        "name": "he_vm_name",
        "virt_type": "he_virt_type",
        "machine": "he_bootstrap_machine",
        "cpu": "he_bootstrap_cpu",
        "seed_bus": "he_bootstrap_seed_bus",
        "folder": "he_local_vm_dir_path",
        "network_prefix": "he_ipv4_subnet_prefix",
    },
    "appliance": {
        "path": "he_appliance",
        "package": "he_appliance_package",
        "cache": "he_appliance_cache",
        "checksum": "he_appliance_checksum",
    },
    "network": {
        "gateway": "he_gateway",
        "test": "he_network_test",
        "tcp_address": "he_tcp_t_address",
        "tcp_port": "he_tcp_t_port",
        "address": "he_vm_ip_addr",
        "prefix": "he_vm_ip_prefix",
        "dns": "he_dns_addr",
        "etc_hosts": "he_vm_etc_hosts",
    },
    "storage": {
        "type": "he_domain_type",
        "name": "he_storage_domain_name",
        "address": "he_storage_domain_addr",
        "path": "he_storage_domain_path",
        "mount_options": "he_mount_options",
        "nfs_version": "he_nfs_version",
        "portals": "he_iscsi_portal_addr",
        "target": "he_iscsi_target",
        "portal_group": "he_iscsi_tpgt",
        "user": "he_iscsi_username",
        "discover_user": "he_iscsi_discover_username",
        "lun": "he_lun_id",
        "discard": "he_discard",
    },
    "access": {"root_ssh_pubkey": "he_root_ssh_pubkey", "root_ssh_access": "he_root_ssh_access"},
    "mail": {
        "server": "he_smtp_server",
        "port": "he_smtp_port",
        "source": "he_source_email",
        "destination": "he_dest_email",
    },
}


def build(values: dict[str, Any]) -> Settings:
    """Return the settings by area, with sizes in bytes and without secrets.

    What depends on the host (names, gateway, V(max)) is still None here; C(complete) fills it in.
    """
    settings: Settings = {
        area: {key: values[name] for key, name in variables.items()} for area, variables in VARIABLES.items()
    }
    if values["he_offline_deployment"]:
        settings["host"]["packages"] = []
    if values["he_appliance"]:
        settings["appliance"]["package"] = None
    if not values["he_admin_username"]:
        settings["engine"]["admin_user"] = (
            "admin@ovirt@internalsso" if values["he_enable_keycloak"] else "admin@internal"
        )
    settings["bootstrap"]["name"] = f"{values['he_vm_name']}Local"
    settings["vm"].update(
        memory=_bytes(values["he_mem_size_MB"], MIB),
        reserved_memory=values["he_reserved_memory_MB"] * MIB,
        minimal_memory=_floor(values) * MIB,
        vcpus=_bytes(values["he_vcpus"], 1),
        disk_size=values["he_disk_size_GB"] * GIB,
        mac=(values["he_vm_mac_addr"] or _mac(str(values["he_fqdn"]))).lower(),
    )
    settings["network"]["family"] = _family(values)
    pairs = zip(values["he_iscsi_portal_addr"], values["he_iscsi_portal_port"])
    settings["storage"]["portals"] = [{"address": address, "port": port} for address, port in pairs]
    settings["timeouts"] = {
        name.partition("he_timeout_")[2]: value for name, value in values.items() if name.startswith("he_timeout_")
    }
    settings["preflight_skip"] = values["he_preflight_skip"]
    settings["journal"] = values["he_journal"]
    return settings


def complete(settings: Settings, host: dict[str, Any], journal: dict[str, Any] | None = None) -> Settings:
    """Return settings in which what the user left open is taken from the deployment that was begun, or from the host.

    Args:
        settings: as C(build) made them.
        host: as the module C(host_info) returned it.
        journal: what was noted on the host; None without a journal.
    """
    done = {area: dict(value) if isinstance(value, dict) else value for area, value in settings.items()}
    begun, spare = made_with(journal), int(host["memory"]["available"]) - int(done["vm"]["reserved_memory"])
    for area, key, value in (
        ("host", "name", host["fqdn"]),
        ("host", "address", host["fqdn"]),
        ("host", "interface", host["management"]["interface"]),
        ("network", "gateway", host["gateway"]),
        ("vm", "time_zone", host["time_zone"]),
        ("vm", "vcpus", host["cpus"]),
        ("vm", "memory", max(spare // MIB, 0) * MIB),
    ):
        if not done[area][key]:
            done[area][key] = begun.get(area, {}).get(key) or value
    return done


def made_with(journal: dict[str, Any] | None) -> Settings:
    """Return the complete settings of a deployment that has made a VM, or nothing."""
    state = (journal or {}).get("state", {})
    return dict(state.get("settings") or {}) if {"local_vm", "target_vm"} & set(state) else {}


def _bytes(text: str, unit: int) -> int | None:
    return int(text) * unit if str(text).isdigit() else None


def _floor(values: dict[str, Any]) -> int:
    enforced = values["he_requirements_check_enabled"] and values["he_memory_requirements_check_enabled"]
    return int(values["he_minimal_mem_size_MB"]) if enforced else 0


def _family(values: dict[str, Any]) -> int | None:
    """Return 4 or 6 where the settings decide it, None where the host does."""
    if values["he_force_ip4"] or values["he_force_ip6"]:
        return 4 if values["he_force_ip4"] else 6
    for name in ("he_vm_ip_addr", "he_gateway"):
        found = address_of(values[name])
        if found is not None:
            return found.version
    return None


def _mac(name: str) -> str:
    """Return an address in the range of QEMU guests that is the same whenever the engine has the same name."""
    tail = uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:6]
    return f"00:16:3e:{int(tail[:2], 16) & 0x7F:02x}:{tail[2:4]}:{tail[4:6]}"
