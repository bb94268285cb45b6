# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host says about itself, taken into the database, and whether its cluster can use it."""

from __future__ import annotations

import json
from typing import Any

from ..call import Call
from ..store import Row
from ..vdsm import HostClient
from ..vdsm.flows import domains as domain_flows
from .status import DOMAIN

KDUMP = {-1: "unknown", 0: "disabled", 1: "enabled"}
NUMA = {0: "disable", 1: "enable"}
SELINUX = {"0": "permissive", "1": "enforcing", "-1": "disabled"}
GIB = 2**30


def _int(value: Any, default: int = 0) -> int:
    try:
        return int(float(value))
    except (TypeError, ValueError):
        return default


def _package(caps: dict[str, Any], name: str) -> str | None:
    found = caps.get("packages2", {}).get(name)
    return f"{name}-{found['version']}-{found['release']}" if found else None


def best_cpu(call: Call, version: str, flags: set[str]) -> dict[str, str] | None:
    """The highest CPU type of a cluster level that the host's flags satisfy."""
    from ..resources.cluster import cpu_list

    fit = [
        cpu
        for cpu in cpu_list(call, version)
        if cpu["arch"] == "x86_64" and set(filter(None, cpu["flags"].split(","))) <= flags
    ]
    return max(fit, key=lambda cpu: int(cpu["level"]), default=None)


def save(call: Call, host: Row, caps: dict[str, Any], hardware: dict[str, Any]) -> None:
    """All that the host's document shows."""
    system = caps.get("operatingSystem", {})
    flags = set(str(caps.get("cpuFlags", "")).split(","))
    version = call.db.value("SELECT compatibility_version FROM cluster WHERE cluster_id = ?", host["cluster_id"])
    cpu = best_cpu(call, version, flags)
    sources = caps.get("rngSources", [])
    memory = _int(caps.get("memSize"))
    call.db.update(
        "vds_dynamic",
        {"vds_id": host["vds_id"]},
        {
            "capabilities": json.dumps(caps),
            "cpu_model": caps.get("cpuModel"),
            "cpu_speed_mh": float(caps.get("cpuSpeed") or 0),
            "cpu_cores": _int(caps.get("cpuCores"), 1),
            "cpu_sockets": _int(caps.get("cpuSockets"), 1),
            "cpu_threads": _int(caps.get("cpuThreads"), 1),
            "cpu_flags": caps.get("cpuFlags"),
            "cpu_type": cpu and cpu["name"],
            "auto_numa_balancing": NUMA.get(_int(caps.get("autoNumaBalancing"), -1), "unknown"),
            "supported_rng_sources": json.dumps(sources),
            "iscsi_initiator_name": caps.get("ISCSIInitiatorName"),
            "kdump_status": KDUMP.get(_int(caps.get("kdumpStatus"), -1), "unknown"),
            "libvirt_version": _package(caps, "libvirt"),
            "rpm_version": _package(caps, "vdsm"),
            "physical_mem_mb": memory,
            "max_scheduling_memory": memory - _int(caps.get("reservedMem")) - _int(caps.get("guestOverhead")),
            "is_numa_supported": int(len(caps.get("numaNodes", {})) > 1),
            "pretty_name": system.get("pretty_name"),
            "kernel_args": caps.get("kernelArgs"),
            "host_os_type": system.get("name"),
            "host_os_version": f"{system.get('version')} - {system.get('release')}" if system.get("version") else None,
            "ovn_configured": int(bool(caps.get("ovnConfigured"))),
            "selinux_enforce_mode": SELINUX.get(str((caps.get("selinux") or {}).get("mode"))),
            "supported_cluster_levels": ",".join(caps.get("clusterLevels", [])),
            "network_caps": json.dumps(
                {
                    key: caps.get(key, {})
                    for key in ("nics", "bondings", "vlans", "bridges", "networks", "nameservers", "lastClientIface")
                }
            ),
            "hw_family": hardware.get("systemFamily"),
            "hw_manufacturer": hardware.get("systemManufacturer"),
            "hw_product_name": hardware.get("systemProductName"),
            "hw_serial_number": hardware.get("systemSerialNumber"),
            "hw_uuid": hardware.get("systemUUID"),
            "hw_version": hardware.get("systemVersion"),
        },
    )
    call.db.update("vds_static", {"vds_id": host["vds_id"]}, {"vds_unique_id": caps.get("uuid")})


def judge(call: Call, host: Row, caps: dict[str, Any]) -> None:
    """Raises NonOperational with the engine's reason; gives the cluster its CPU when the first host comes."""
    from .monitor import NonOperational

    cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", host["cluster_id"])
    assert cluster is not None
    version = cluster["compatibility_version"]
    if str(caps.get("kvmEnabled", "true")).lower() == "false":
        raise NonOperational("kvm_not_running", "VDS_SET_NONOPERATIONAL")
    if version not in caps.get("clusterLevels", []):
        raise NonOperational("version_incompatible_with_cluster", "VDS_SET_NONOPERATIONAL")
    machine = _emulated_machine(call, version, caps)
    if machine is None:
        raise NonOperational("emulated_machines_incompatible_with_cluster_level", "VDS_SET_NONOPERATIONAL")
    flags = set(str(caps.get("cpuFlags", "")).split(","))
    if not cluster["cpu_name"]:
        cpu = best_cpu(call, version, flags)
        if cpu is None:
            raise NonOperational("cpu_type_unsupported_in_this_cluster_version", "CPU_FLAGS_MISSING", flags="model")
        call.db.update(
            "cluster",
            {"cluster_id": cluster["cluster_id"]},
            {
                "cpu_name": cpu["name"],
                "cpu_verb": cpu["verb"],
                "architecture": cpu["arch"],
                "emulated_machine": machine,
                "bios_type": cluster["bios_type"] or "q35_ovmf",
                "fips_mode": "enabled" if caps.get("fipsEnabled") else "disabled",
            },
        )
        call.event("SYSTEM_UPDATE_CLUSTER", cluster=cluster)
    else:
        _compare_cpu(call, cluster, flags)
        if not cluster["emulated_machine"]:
            call.db.update("cluster", {"cluster_id": cluster["cluster_id"]}, {"emulated_machine": machine})
    missing = [
        row["name"]
        for row in call.db.rows(
            "SELECT * FROM cluster_networks WHERE cluster_id = ? AND required AND vdsm_name IS NOT NULL",
            host["cluster_id"],
        )
        if row["vdsm_name"] not in caps.get("networks", {})
    ]
    if missing:
        raise NonOperational("network_unreachable", "VDS_NETWORK_MISSING", networks=",".join(missing))


def _compare_cpu(call: Call, cluster: Row, flags: set[str]) -> None:
    from ..resources.cluster import cpu_named
    from .monitor import NonOperational

    cpu = cpu_named(call, cluster["compatibility_version"], cluster["cpu_name"])
    lacking = sorted(set(filter(None, cpu["flags"].split(","))) - flags) if cpu else []
    if lacking:
        raise NonOperational("cpu_type_incompatible_with_cluster", "CPU_FLAGS_MISSING", flags=", ".join(lacking))


def _emulated_machine(call: Call, version: str, caps: dict[str, Any]) -> str | None:
    """The first machine type of the level that the host has."""
    value = call.db.value(
        "SELECT option_value FROM vdc_options WHERE option_name = 'ClusterEmulatedMachines' AND version = ?", version
    )
    wanted = [name.strip() for name in (value or "").strip("[]").split(",")]
    return next((name for name in wanted if name in caps.get("emulatedMachines", [])), None)


def save_devices(call: Call, host_id: str, devices: dict[str, Any]) -> None:
    caps = json.loads(call.db.value("SELECT capabilities FROM vds_dynamic WHERE vds_id = ?", host_id) or "{}")
    caps["devices"] = devices
    call.db.update("vds_dynamic", {"vds_id": host_id}, {"capabilities": json.dumps(caps)})


def save_statistics(call: Call, host_id: str, stats: dict[str, Any], full: bool) -> None:
    """Counts of machines at each look; the rest, HA figures too, only when statistics are saved (every 15 s)."""
    committed = call.db.value("SELECT sum(mem_size_mb) FROM vms WHERE run_on_vds = ?", host_id) or 0
    machines = call.db.value("SELECT count(*) FROM vms WHERE run_on_vds = ?", host_id) or 0
    caps_memory = call.db.row("SELECT physical_mem_mb, capabilities FROM vds_dynamic WHERE vds_id = ?", host_id)
    if caps_memory is None:
        return
    caps = json.loads(caps_memory["capabilities"] or "{}")
    overhead = 128 * machines
    with call.db.transaction():
        call.db.update(
            "vds_dynamic",
            {"vds_id": host_id},
            {
                "vm_active": _int(stats.get("vmActive")),
                "vm_count": _int(stats.get("vmCount")),
                "vm_migrating": _int(stats.get("vmMigrating")),
                "max_scheduling_memory": (caps_memory["physical_mem_mb"] or 0)
                - _int(caps.get("reservedMem"))
                - _int(caps.get("guestOverhead"))
                - committed
                - overhead,
                "ksm_state": int(bool(stats.get("ksmState"))),
                "transparent_hugepages_state": int(stats.get("thpState") in ("always", "madvise")),
            },
        )
        if full:
            ha = stats.get("haStats") or {}
            call.db.update(
                "vds_statistics",
                {"vds_id": host_id},
                {
                    "ha_configured": int(bool(ha.get("configured"))),
                    "ha_active": int(bool(ha.get("active"))),
                    "ha_score": _int(ha.get("score")),
                    "ha_global_maintenance": int(bool(ha.get("globalMaintenance"))),
                    "ha_local_maintenance": int(bool(ha.get("localMaintenance"))),
                    "mem_free": _int(stats.get("memFree")),
                    "usage_mem_percent": _int(stats.get("memUsed")),
                    "swap_total": _int(stats.get("swapTotal")),
                    "swap_free": _int(stats.get("swapFree")),
                    "cpu_user": float(stats.get("cpuUser") or 0),
                    "cpu_sys": float(stats.get("cpuSys") or 0),
                    "cpu_idle": float(stats.get("cpuIdle") or 0),
                    "cpu_load": float(stats.get("cpuLoad") or 0),
                    "usage_cpu_percent": 100 - _int(stats.get("cpuIdle")),
                    "ksm_cpu_percent": _int(stats.get("ksmCpu")),
                    "mem_shared": _int(stats.get("memShared")),
                    "boot_time": _int(stats.get("bootTime")),
                },
            )


def save_sizes(call: Call, domain: str, total: int, free: int) -> None:
    """Sizes of a domain, in whole GiB as the engine keeps them."""
    fault = call.engine.faults.strike("storage.space")
    available = fault.gib if fault else free // GIB
    call.db.update(
        "storage_domain_dynamic",
        {"id": domain},
        {"available_disk_size": available, "used_disk_size": max(0, total // GIB - available)},
    )


def save_domains(call: Call, host: Row, client: HostClient) -> None:
    """The SPM's word on the domains of its data center."""
    if host["spm_status"] != "spm":
        return
    info = domain_flows.pool_info(client, host["storage_pool_id"])
    for domain, found in info["dominfo"].items():
        if "disktotal" in found and call.db.row(
            "SELECT 1 FROM storage_pool_iso_map WHERE storage_id = ? AND status = ?", domain, DOMAIN["active"]
        ):
            save_sizes(call, domain, int(found["disktotal"]), int(found["diskfree"]))
