# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frozen settings of a run: flat he_* values become one dict by area, with sizes in bytes and no secrets."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

MIB = 1024**2
GIB = 1024**3

Settings = dict[str, Any]


def build(values: dict[str, Any]) -> Settings:
    """Return the settings by area.

    What depends on the host (names, gateway, V(max)) is still None here; C(complete) fills it in.
    """
    settings: Settings = {
        "engine": {
            "fqdn": values["he_fqdn"],
            "keycloak": values["he_enable_keycloak"],
            "offline": values["he_offline_deployment"],
        },
        "host": {
            "name": values["he_host_name"],
            "address": values["he_host_address"],
            "interface": values["he_bridge_if"],
            "packages": [] if values["he_offline_deployment"] else values["he_host_packages"],
        },
        "cluster": {
            "data_center": values["he_data_center"],
            "data_center_version": values["he_data_center_comp_version"],
            "name": values["he_cluster"],
            "version": values["he_cluster_comp_version"],
            "cpu_type": values["he_cluster_cpu_type"],
            "management_network": values["he_mgmt_network"],
        },
        "vm": {
            "name": values["he_vm_name"],
            "memory": _bytes(values["he_mem_size_MB"], MIB),
            "reserved_memory": values["he_reserved_memory_MB"] * MIB,
            "minimal_memory": _floor(values) * MIB,
            "vcpus": _bytes(values["he_vcpus"], 1),
            "disk_size": values["he_disk_size_GB"] * GIB,
            "mac": (values["he_vm_mac_addr"] or _mac(str(values["he_fqdn"]))).lower(),
            "time_zone": values["he_time_zone"],
            "console": values["he_console_type"],
            "emulated_machine": values["he_emulated_machine"],
            "firmware": values["he_firmware"],
        },
        "bootstrap": {
            "name": f"{values['he_vm_name']}Local",
            "virt_type": values["he_virt_type"],
            "machine": values["he_bootstrap_machine"],
            "cpu": values["he_bootstrap_cpu"],
            "seed_bus": values["he_bootstrap_seed_bus"],
            "folder": values["he_local_vm_dir_path"],
            "network_prefix": values["he_ipv4_subnet_prefix"],
        },
        "appliance": {
            "path": values["he_appliance"],
            "package": None if values["he_appliance"] else values["he_appliance_package"],
            "cache": values["he_appliance_cache"],
            "checksum": values["he_appliance_checksum"],
        },
        "network": {
            "gateway": values["he_gateway"],
            "test": values["he_network_test"],
            "tcp_address": values["he_tcp_t_address"],
            "tcp_port": values["he_tcp_t_port"],
            "address": values["he_vm_ip_addr"],
            "prefix": values["he_vm_ip_prefix"],
            "dns": values["he_dns_addr"],
            "etc_hosts": values["he_vm_etc_hosts"],
        },
        "storage": {
            "type": values["he_domain_type"],
            "name": values["he_storage_domain_name"],
            "address": values["he_storage_domain_addr"],
            "path": values["he_storage_domain_path"],
            "mount_options": values["he_mount_options"],
            "nfs_version": values["he_nfs_version"],
        },
        "access": {
            "root_ssh_pubkey": values["he_root_ssh_pubkey"],
            "root_ssh_access": values["he_root_ssh_access"],
        },
        "mail": {
            "server": values["he_smtp_server"],
            "port": values["he_smtp_port"],
            "source": values["he_source_email"],
            "destination": values["he_dest_email"],
        },
        "timeouts": {
            name.partition("he_timeout_")[2]: value for name, value in values.items() if name.startswith("he_timeout_")
        },
        "preflight_skip": values["he_preflight_skip"],
        "journal": values["he_journal"],
    }
    settings["digest"] = digest(settings)
    return settings


def complete(settings: Settings, host: dict[str, Any]) -> Settings:
    """Return settings in which what the user left open is taken from the host.

    Args:
        settings: as C(build) made them.
        host: as the module C(host_info) returned it.
    """
    done = {area: dict(value) if isinstance(value, dict) else value for area, value in settings.items()}
    done["host"]["name"] = done["host"]["name"] or host["fqdn"]
    done["host"]["address"] = done["host"]["address"] or host["fqdn"]
    done["host"]["interface"] = done["host"]["interface"] or host["management"]["interface"]
    done["network"]["gateway"] = done["network"]["gateway"] or host["gateway"]
    done["vm"]["time_zone"] = done["vm"]["time_zone"] or host["time_zone"]
    done["vm"]["vcpus"] = done["vm"]["vcpus"] or host["cpus"]
    if done["vm"]["memory"] is None:
        spare = int(host["memory"]["available"]) - int(done["vm"]["reserved_memory"])
        done["vm"]["memory"] = max(spare // MIB, 0) * MIB
    return done


def digest(settings: Settings) -> str:
    """Return a digest of the settings that make a deployment what it is; two runs with the same one want the same."""
    kept = {area: value for area, value in settings.items() if area not in ("timeouts", "preflight_skip", "digest")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def _bytes(text: str, unit: int) -> int | None:
    return int(text) * unit if str(text).isdigit() else None


def _floor(values: dict[str, Any]) -> int:
    enforced = values["he_requirements_check_enabled"] and values["he_memory_requirements_check_enabled"]
    return int(values["he_minimal_mem_size_MB"]) if enforced else 0


def _mac(name: str) -> str:
    """Return an address in the range of QEMU guests that is the same whenever the engine has the same name."""
    tail = uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:6]
    return f"00:16:3e:{int(tail[:2], 16) & 0x7F:02x}:{tail[2:4]}:{tail[4:6]}"
