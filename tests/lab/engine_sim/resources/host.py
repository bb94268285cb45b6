# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts: `vds_static` (what was asked for), `vds_dynamic` (what the host says), `vds_statistics`; joined in `vds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import host as commands
from ..commands import host_network as network
from ..commands import host_parts as parts
from ..store import Row, schema
from .base import Action, Field, Pattern, Range, Required, Resource, SearchField, Unique, words
from .common import constant, unsupported
from .types import BOOL, BYTES, DECIMAL, INT, Coded, Computed, Items, Ref

if TYPE_CHECKING:
    from ..call import Call

STATUS = commands.STATUS

schema.table("vds_static", "vds_id TEXT PRIMARY KEY")
schema.table("vds_dynamic", "vds_id TEXT PRIMARY KEY")
schema.table(
    "vds_statistics",
    "vds_id TEXT PRIMARY KEY",
    "ha_score INTEGER DEFAULT 0",
    "ha_configured BOOLEAN DEFAULT 0",
    "ha_active BOOLEAN DEFAULT 0",
    "ha_global_maintenance BOOLEAN DEFAULT 0",
    "ha_local_maintenance BOOLEAN DEFAULT 0",
    "usage_mem_percent INTEGER",
    "usage_cpu_percent INTEGER",
    "mem_free INTEGER",
    "swap_total INTEGER",
    "swap_free INTEGER",
    "cpu_user REAL",
    "cpu_sys REAL",
    "cpu_idle REAL",
    "cpu_load REAL",
    "ksm_cpu_percent INTEGER",
    "mem_shared INTEGER",
    "boot_time INTEGER",
)
schema.table("vds_spm_id_map", "storage_pool_id TEXT", "vds_spm_id INTEGER", "vds_id TEXT")
schema.view(
    "vds",
    "SELECT {vds_static.*}, {vds_dynamic.-}, {vds_statistics.-}, cluster.name AS cluster_name, "
    "cluster.storage_pool_id, storage_pool.name AS storage_pool_name, vds_spm_id_map.vds_spm_id, "
    "CASE WHEN storage_pool.spm_vds_id = vds_static.vds_id THEN 'spm' ELSE 'none' END AS spm_status "
    "FROM vds_static JOIN vds_dynamic USING (vds_id) JOIN vds_statistics USING (vds_id) "
    "JOIN cluster USING (cluster_id) LEFT JOIN storage_pool ON storage_pool.id = cluster.storage_pool_id "
    "LEFT JOIN vds_spm_id_map ON vds_spm_id_map.vds_id = vds_static.vds_id",
)


def _topology(row: Row, call: Call) -> Any:
    if not row["cpu_sockets"]:
        return {}
    return {
        "cores": row["cpu_cores"] // row["cpu_sockets"],
        "sockets": row["cpu_sockets"],
        "threads": row["cpu_threads"] // row["cpu_cores"],
    }


def _rpm_version(column: str) -> Any:
    """`vdsm-4.50.5.1-1.el9` as numbers and the full text."""

    def show(row: Row, call: Call) -> Any:
        text = row[column]
        if not text:
            return None
        numbers = [int(n) for n in text.split("-")[1].split(".") if n.isdigit()] + [0, 0, 0, 0]
        return {
            "major": numbers[0],
            "minor": numbers[1],
            "build": numbers[2],
            "revision": numbers[3],
            "full_version": text,
        }

    return Computed(show)


def _os_version(row: Row, call: Call) -> Any:
    if not row["host_os_version"]:
        return None
    major = row["host_os_version"].split(".")[0].split(" ")[0]
    found = {"full_version": row["host_os_version"]}
    return {**found, "major": int(major)} if major.isdigit() else found


def _hosted_engine(row: Row, call: Call) -> Any:
    if not row["ha_configured"]:
        return None
    return {
        "active": bool(row["ha_active"]),
        "configured": True,
        "global_maintenance": bool(row["ha_global_maintenance"]),
        "local_maintenance": bool(row["ha_local_maintenance"]),
        "score": row["ha_score"],
    }


def _summary(row: Row, call: Call) -> Any:
    if row["vm_active"] is None:
        return {"total": 0}
    return {"active": row["vm_active"], "migrating": row["vm_migrating"], "total": row["vm_count"]}


def _certificate(row: Row, call: Call) -> Any:
    organization = call.engine.config.organization
    return {"organization": organization, "subject": f"O={organization},CN={row['host_name']}"}


_PASSWORD_RULES = (
    Pattern(
        "vds_name",
        r"[\w.-]{1,255}",
        'Host name must be formed of alphanumeric characters, numbers or "-_.", Attribute: vdsStatic.name',
    ),
    Pattern(
        "host_name",
        r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?|[0-9a-fA-F:]+",
        "Host address must be a FQDN or a valid IP address, Attribute: vdsStatic.hostName",
    ),
    Range("port", 1, 65535, "The Port number must be between 1 and 65535., Attribute: vdsStatic.port"),
    Range("ssh_port", 1, 65535, "Cannot {verb} Host. Invalid SSH port was entered."),
    Unique(
        "vds_name", "Cannot {verb} Host. The Host name is already in use, please choose a unique name and try again."
    ),
    Unique("host_name", "Cannot {verb} Host. Host with the same address already exists."),
)

HOST = Resource(
    tag="host",
    plural="hosts",
    source="vds",
    key="vds_id",
    tables=("vds_static", "vds_dynamic", "vds_statistics"),
    href="hosts/{vds_id}",
    noun="Host",
    unknown="Invalid Host Id.",
    order="vds_name",
    required=Required(("name", "address"), "Host"),
    rules=_PASSWORD_RULES,
    links=(
        "katelloerrata",
        "permissions",
        "tags",
        "affinitylabels",
        "numanodes",
        "nics",
        "fenceagents",
        "devices",
        "hooks",
        "storage",
        "networkattachments",
        "storageconnectionextensions",
        "unmanagednetworks",
        "externalnetworkproviderconfigurations",
        "cpuunits",
        "statistics",
    ),
    fields=(
        Field("name", column="vds_name"),
        Field("comment", column="free_text_comment", blank=True),
        Field("address", column="host_name"),
        Field("auto_numa_status", column="vds_dynamic.auto_numa_balancing", default="unknown", write=""),
        Field("certificate", Computed(_certificate)),
        Field("cpu/name", column="vds_dynamic.cpu_model", write=""),
        Field("cpu/speed", DECIMAL, "vds_dynamic.cpu_speed_mh", default=0, write=""),
        Field("cpu/topology", Computed(_topology)),
        Field("cpu/type", column="vds_dynamic.cpu_type", write=""),
        Field("device_passthrough/enabled", BOOL, "vds_dynamic.hostdev_passthrough", default=0, write=""),
        Field("external_status", column="vds_dynamic.external_status", default="ok", write=""),
        Field("hardware_information/family", column="vds_dynamic.hw_family", write=""),
        Field("hardware_information/manufacturer", column="vds_dynamic.hw_manufacturer", write=""),
        Field("hardware_information/product_name", column="vds_dynamic.hw_product_name", write=""),
        Field("hardware_information/serial_number", column="vds_dynamic.hw_serial_number", write=""),
        Field(
            "hardware_information/supported_rng_sources",
            Items("supported_rng_source"),
            "vds_dynamic.supported_rng_sources",
            default="[]",
            write="",
        ),
        Field("hardware_information/uuid", column="vds_dynamic.hw_uuid", write=""),
        Field("hardware_information/version", column="vds_dynamic.hw_version", write=""),
        Field("hosted_engine", Computed(_hosted_engine), content=True),
        Field("iscsi/initiator", column="vds_dynamic.iscsi_initiator_name", write=""),
        Field("kdump_status", column="vds_dynamic.kdump_status", default="unknown", write=""),
        Field("ksm/enabled", BOOL, "vds_dynamic.ksm_state", default=0, write=""),
        Field("libvirt_version", _rpm_version("libvirt_version")),
        Field("max_scheduling_memory", BYTES, "vds_dynamic.max_scheduling_memory", default=0, write=""),
        Field("memory", BYTES, "vds_dynamic.physical_mem_mb", default=0, write=""),
        constant("network_operation_in_progress", False, content=True),
        Field("numa_supported", BOOL, "vds_dynamic.is_numa_supported", default=0, write=""),
        Field("os/custom_kernel_cmdline", column="custom_kernel_cmdline", blank=True),
        Field("os/description", column="vds_dynamic.pretty_name", blank=True, write=""),
        Field("os/reported_kernel_cmdline", column="vds_dynamic.kernel_args", write=""),
        Field("os/type", column="vds_dynamic.host_os_type", write=""),
        Field("os/version", Computed(_os_version)),
        Field("ovn_configured", BOOL, "vds_dynamic.ovn_configured", default=0, write=""),
        Field("port", INT, "port", default=54321),
        Field("power_management/automatic_pm_enabled", BOOL, "disable_auto_pm", default=1),
        Field("power_management/enabled", BOOL, "pm_enabled", default=0),
        Field("power_management/kdump_detection", BOOL, "pm_detect_kdump", default=1),
        constant("power_management/pm_proxies", {}),
        constant("protocol", "stomp"),
        Field("reinstallation_required", BOOL, "reinstall_required", default=0, write=""),
        constant("se_linux", {}),
        Field("se_linux/mode", column="vds_dynamic.selinux_enforce_mode", write=""),
        Field("spm/priority", INT, "vds_spm_priority", default=5),
        Field("spm/status", Computed(lambda row, call: row["spm_status"])),
        Field("ssh/port", INT, "ssh_port", default=22),
        Field("status", Coded(STATUS), "vds_dynamic.status", write=""),
        Field("status_detail", Computed(lambda row, call: row["non_operational_reason"] or row["maintenance_reason"])),
        Field("summary", Computed(_summary)),
        Field("transparent_hugepages/enabled", BOOL, "vds_dynamic.transparent_hugepages_state", default=0, write=""),
        Field("type", column="vds_type", default="rhel", write=""),
        Field("update_available", BOOL, "vds_dynamic.is_update_available", default=0, write=""),
        Field("version", _rpm_version("rpm_version")),
        constant("vgpu_placement", "consolidated"),
        Field("cluster", Ref("clusters", "cluster", "cluster_id", missing="Cluster"), "cluster_id"),
    ),
    search={
        "name": SearchField("vds_name"),
        "comment": SearchField("free_text_comment"),
        "address": SearchField("host_name"),
        "status": SearchField("status", "words", words(STATUS)),
        "external_status": SearchField("external_status"),
        "cluster": SearchField("cluster_name"),
        "datacenter": SearchField("storage_pool_name"),
        "id": SearchField("vds_id"),
        "cpus": SearchField("cpu_cores", "number"),
        "memory": SearchField("physical_mem_mb", "number"),
        "version": SearchField("rpm_version"),
        "type": SearchField("vds_type"),
        "spm_id": SearchField("vds_spm_id", "exact"),
        "ha_score": SearchField("ha_score", "exact"),
        "hw_id": SearchField("hw_uuid"),
        "active_vms": SearchField("vm_active", "number"),
        "architecture": SearchField("'x86_64'"),
        "update_available": SearchField("is_update_available", "words", {"true": 1, "false": 0}),
        "mem_usage": SearchField("usage_mem_percent", "number"),
        "cpu_usage": SearchField("usage_cpu_percent", "number"),
        "cluster.name": SearchField("cluster_name"),
        "datacenter.name": SearchField("storage_pool_name"),
    },
    add=commands.add,
    update=commands.update,
    remove=commands.remove,
)
schema.table(
    "vds_static",
    "vds_unique_id TEXT",
    "ssh_username TEXT DEFAULT 'root'",
    "server_ssh_public_key TEXT",
    "hosted_engine_deploy BOOLEAN DEFAULT 0",
)
schema.table(
    "vds_dynamic",
    "cpu_cores INTEGER",
    "cpu_sockets INTEGER",
    "cpu_threads INTEGER",
    "cpu_flags TEXT",
    "host_os_version TEXT",
    "libvirt_version TEXT",
    "rpm_version TEXT",
    "vm_active INTEGER",
    "vm_count INTEGER",
    "vm_migrating INTEGER",
    "network_caps TEXT",
    "capabilities TEXT",
    "supported_cluster_levels TEXT",
    "maintenance_reason TEXT",
    "non_operational_reason TEXT",
    "install_log TEXT",
)

HOST.actions = {
    "install": Action(commands.install, entity=True, job="Installing Host {vds_name}", what=None),
    "activate": Action(commands.activate, entity=True, job="Activating Host {vds_name}"),
    "upgrade": Action(commands.upgrade, entity=True),
    "deactivate": Action(commands.deactivate, entity=True, what="maintenance Host"),
    "syncallnetworks": Action(network.sync_all, entity=True, what="sync Networks"),
    "setupnetworks": Action(network.setup_networks, job="Setting up Networks on Host {vds_name}", what=None),
    "approve": Action(commands.approve, entity=True),
    "commitnetconfig": Action(
        network.commit_net_config, entity=True, job="Saving Networks configuration of Host {vds_name}"
    ),
    "enrollcertificate": Action(commands.enroll_certificate, entity=True, what="enroll certificate Host"),
    "fence": Action(commands.fence, required=("fence_type",)),
    "forceselectspm": Action(parts.force_select_spm, entity=True, what="force select SPM"),
    "iscsidiscover": Action(parts.discover_iscsi, required=("iscsi.address",)),
    "discoveriscsi": Action(parts.discover_iscsi, required=("iscsi.address",)),
    "iscsilogin": Action(
        parts.login_iscsi,
        required=("iscsi.address", "iscsi.target"),
        entity=True,
        job="Connecting Host {vds_name} to iSCSI target",
    ),
    "unregisteredstoragedomainsdiscover": Action(lambda call, row: {"storage_domains": {}}, what=None),
    "upgradecheck": unsupported("check Host for upgrades"),
    "copyhostnetworks": unsupported("copy networks of Host"),
    "refresh": Action(network.refresh, entity=True, what="refresh Host capabilities"),
}
