# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines, templates and instance types: `vm_static` (all three), `vm_dynamic`; view `vms` holds the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import attachment, machine_model
from ..commands import vm as commands
from ..commands.status import ORIGIN, RUNNING, VM
from ..store import Row, schema
from .base import Action, Field, Pattern, Required, Resource, SearchField, Sub, Unique, words
from .common import constant, empty, permissions, ref, statistic_fields, unsupported
from .types import BOOL, BYTES, INT, TIME, Coded, Computed, Items, Ref

if TYPE_CHECKING:
    from ..call import Call

BLANK = commands.BLANK
schema.table(
    "vm_static",
    "vm_guid TEXT PRIMARY KEY",
    "vm_name TEXT",
    "origin INTEGER",
    "entity_type TEXT",
    "cluster_id TEXT",
    "vmt_guid TEXT",
    "db_generation INTEGER DEFAULT 1",
    "small_icon_id TEXT",
    "large_icon_id TEXT",
    "quota_id TEXT",
    "cpu_profile_id TEXT",
    "created_by_user_id TEXT",
    "architecture TEXT",
    "version_name TEXT",
    "provider_id TEXT",
)
schema.table(
    "vm_dynamic",
    "vm_guid TEXT PRIMARY KEY",
    "status INTEGER DEFAULT 0",
    "run_on_vds TEXT",
    "vm_ip TEXT",
    "guest_fqdn TEXT",
    "display_ip TEXT",
    "display_port TEXT",
    "display_type TEXT",
    "last_start_time REAL",
    "statistics TEXT",
    "start_correlation TEXT",
    "stop_reason TEXT",
    "run_once BOOLEAN DEFAULT 0",
)
schema.table("vm_interface", "id TEXT PRIMARY KEY", "vm_guid TEXT")
schema.table(
    "vm_device",
    "device_id TEXT PRIMARY KEY",
    "vm_id TEXT",
    "type TEXT",
    "device TEXT",
    "is_plugged BOOLEAN",
    "is_managed BOOLEAN",
)
schema.table("disk_vm_element", "disk_id TEXT", "vm_id TEXT")
schema.table("snapshots", "snapshot_id TEXT PRIMARY KEY", "vm_id TEXT")
schema.table(
    "storage_domains_ovf_info",
    "ovf_disk_id TEXT PRIMARY KEY",
    "storage_domain_id TEXT",
    "status TEXT",
    "stored_ovfs TEXT",
    "last_updated REAL",
)
schema.index("disk_vm_element", "vm_id")
schema.view(
    "vms",
    "SELECT {vm_static.*}, {vm_dynamic.-}, cluster.name AS cluster_name, cluster.storage_pool_id, storage_pool.name AS "
    "storage_pool_name, vds_static.vds_name AS run_on_vds_name FROM vm_static JOIN vm_dynamic USING (vm_guid) "
    "LEFT JOIN cluster USING (cluster_id) LEFT JOIN storage_pool ON storage_pool.id = cluster.storage_pool_id "
    "LEFT JOIN vds_static ON vds_static.vds_id = run_on_vds WHERE entity_type = 'VM'",
)
schema.view("vm_templates_view", "SELECT * FROM vm_static WHERE entity_type = 'TEMPLATE'")
schema.view("instance_types_view", "SELECT * FROM vm_static WHERE entity_type = 'INSTANCE_TYPE'")


def _running(row: Row) -> bool:
    return row.get("run_on_vds") is not None and row["status"] in RUNNING


def _architecture(row: Row, call: Call) -> Any:
    if row["cluster_id"] is None:
        return "undefined"
    return call.db.value("SELECT architecture FROM cluster WHERE cluster_id = ?", row["cluster_id"]) or "undefined"


def _display(member: str) -> Computed:
    return Computed(lambda row, call: row[member] if _running(row) else None)


def _certificate(row: Row, call: Call) -> Any:
    if not _running(row) or not row["display_port"]:
        return None
    organization = call.engine.config.organization
    return {
        "content": call.engine.pki.ca_file.read_text(),
        "organization": organization,
        "subject": f"O={organization},CN={row['display_ip']}",
    }


def _initialization(row: Row, call: Call) -> Any:
    return {"configuration": {"data": machine_model.ovf_text(call, row["vm_guid"]), "type": "ovf"}}


def _sso(row: Row, call: Call) -> Any:
    return {"methods": {"method": [{"@id": row["sso_method"]}]}} if row["sso_method"] else None


_NAMES = (
    Field("name", column="vm_name"),
    Field("description", column="description", blank=True),
    Field("comment", column="free_text_comment", blank=True),
)
_TOPOLOGY = (
    Field("cpu/topology/cores", INT, "cpu_per_socket", default=1),
    Field("cpu/topology/sockets", INT, "num_of_sockets", default=1),
    Field("cpu/topology/threads", INT, "threads_per_cpu", default=1),
)
_HARDWARE = (
    Field("creation_time", TIME, "creation_date", write=""),
    Field("display/allow_override", BOOL, "allow_console_reconnect", default=0),
    Field("display/copy_paste_enabled", BOOL, "is_spice_copy_paste_enabled", default=1),
    Field("display/disconnect_action", column="console_disconnect_action", default="LOCK_SCREEN"),
    Field("display/disconnect_action_delay", INT, "console_disconnect_action_delay", default=0),
    Field("display/file_transfer_enabled", BOOL, "is_spice_file_transfer_enabled", default=1),
    Field("display/monitors", INT, "num_of_monitors", default=1),
    Field("display/smartcard_enabled", BOOL, "is_smartcard_enabled", default=0),
    Field("display/type", column="default_display_type", default="vnc"),
    Field("display/video_type", column="default_video_type", default="vga"),
    Field("high_availability/enabled", BOOL, "auto_startup", default=0),
    Field("high_availability/priority", INT, "priority", default=0),
    Field("io/threads", INT, "num_of_io_threads", default=1),
    Field("memory", BYTES, "mem_size_mb"),
    Field("memory_policy/ballooning", BOOL, "balloon_enabled", default=1),
    Field("memory_policy/guaranteed", BYTES, "min_allocated_mem"),
    Field("memory_policy/max", BYTES, "max_memory_size_mb"),
    Field("migration/auto_converge", column="auto_converge", default="inherit"),
    Field("migration/compressed", column="migrate_compressed", default="inherit"),
    Field("migration/encrypted", column="migrate_encrypted", default="inherit"),
    Field("migration/parallel_migrations_policy", column="parallel_migrations", default="inherit"),
    Field("migration_downtime", INT, "migration_downtime", default=-1),
    Field("os/boot/devices", Items("device"), "boot_devices", default='["hd"]'),
    Field("placement_policy/affinity", column="migration_support", default="migratable"),
    Field("usb/enabled", BOOL, "usb_policy", default=0),
)
_BASE = (
    *_NAMES,
    Field("auto_pinning_policy", column="auto_pinning_policy", default="disabled"),
    Field("bios/boot_menu/enabled", BOOL, "is_boot_menu_enabled", default=0),
    Field("bios/type", column="bios_type"),
    Field("console/enabled", BOOL, "is_console_enabled", default=0, content=True),
    Field("cpu/architecture", Computed(_architecture)),
    *_TOPOLOGY,
    Field("cpu_pinning_policy", column="cpu_pinning_policy", default="none"),
    Field("cpu_shares", INT, "cpu_shares", default=0),
    Field("custom_cpu_model", column="custom_cpu_name"),
    Field("custom_emulated_machine", column="custom_emulated_machine"),
    Field("delete_protected", BOOL, "is_delete_protected", default=0),
    *_HARDWARE,
    Field("large_icon", Computed(lambda row, call: ref("icons", row["large_icon_id"]))),
    Field("multi_queues_enabled", BOOL, "multi_queues_enabled", default=1),
    Field("origin", Coded(ORIGIN), "origin", default=ORIGIN["ovirt"]),
    Field("os/type", column="os", default="other"),
    Field("rng_device/source", column="rng_source", default="urandom", content=True),
    Field("small_icon", Computed(lambda row, call: ref("icons", row["small_icon_id"]))),
    Field("soundcard_enabled", BOOL, "soundcard_enabled", default=1, content=True),
    Field("sso", Computed(_sso)),
    Field("start_paused", BOOL, "is_run_and_pause", default=0),
    Field("stateless", BOOL, "is_stateless", default=0),
    Field("storage_error_resume_behaviour", column="resume_behavior", default="auto_resume"),
    Field("tpm_enabled", BOOL, "tpm_enabled", default=0, content=True),
    Field("type", column="vm_type", default="server"),
    Field("virtio_scsi/enabled", BOOL, "virtio_scsi_enabled", default=1, content=True),
    Field("virtio_scsi_multi_queues_enabled", BOOL, "virtio_scsi_multi_queues_enabled", default=0),
)

VM_RESOURCE = Resource(
    tag="vm",
    plural="vms",
    source="vms",
    key="vm_guid",
    tables=("vm_static", "vm_dynamic"),
    href="vms/{vm_guid}",
    noun="VM",
    method="vms",
    order="vm_name",
    required=Required(("cluster.id|name",), "Vm"),
    rules=(
        Pattern(
            "vm_name",
            r"[\w.-]{1,255}",
            "Can not add VM. The given name contains special characters. Only lower-case and upper-case "
            "letters, numbers, '_', '-', '.' are allowed., Attribute: vmStatic.name",
        ),
        Unique(
            "vm_name", "Cannot {verb} VM. The VM name is already in use, please choose a unique name and try again."
        ),
    ),
    links=(
        "katelloerrata",
        "permissions",
        "tags",
        "affinitylabels",
        "snapshots",
        "applications",
        "hostdevices",
        "numanodes",
        "reporteddevices",
        "sessions",
        "backups",
        "checkpoints",
        "diskattachments",
        "graphicsconsoles",
        "cdroms",
        "watchdogs",
        "nics",
        "mediateddevices",
        "statistics",
    ),
    fields=(
        *_BASE,
        Field("display/address", _display("display_ip")),
        Field(
            "display/port",
            Computed(lambda row, call: int(row["display_port"]) if _running(row) and row["display_port"] else None),
        ),
        Field("display/certificate", Computed(_certificate)),
        Field("initialization", Computed(_initialization), content=True),
        Field("time_zone/name", column="time_zone", default="Etc/GMT"),
        Field("cluster", Ref("clusters", "cluster", "cluster_id", missing="Cluster"), "cluster_id", write="a"),
        Field("cpu_profile", Computed(lambda row, call: ref("cpuprofiles", row["cpu_profile_id"]))),
        Field("quota", Computed(lambda row, call: {"@id": row["quota_id"]} if row["quota_id"] else None)),
        constant("next_run_configuration_exists", False),
        Field("fqdn", Computed(lambda row, call: row["guest_fqdn"])),
        Field("run_once", Computed(lambda row, call: bool(row["run_once"]) if _running(row) else None)),
        Field(
            "start_time",
            Computed(
                lambda row, call: (
                    TIME.show(row["last_start_time"], row) if _running(row) and row["last_start_time"] else None
                )
            ),
        ),
        Field("status", Coded(VM), "vm_dynamic.status", write=""),
        Field("stop_time", TIME, "vm_dynamic.last_stop_time", write=""),
        Field("stop_reason", Computed(lambda row, call: None if _running(row) else row["stop_reason"])),
        Field("host", Computed(lambda row, call: ref("hosts", row["run_on_vds"]) if _running(row) else None)),
        Field("original_template", Computed(lambda row, call: ref("templates", row["vmt_guid"]))),
        Field(
            "template",
            Ref("templates", "vm_templates_view", "vm_guid", "vm_name", "GetVmTemplate"),
            "vmt_guid",
            write="a",
        ),
    ),
    search={
        "name": SearchField("vm_name"),
        "description": SearchField("description"),
        "comment": SearchField("free_text_comment"),
        "id": SearchField("vm_guid"),
        "status": SearchField("status", "words", words({**VM, "poweringdown": 16, "savingstate": 11})),
        "cluster": SearchField("cluster_name"),
        "datacenter": SearchField("storage_pool_name"),
        "host": SearchField("run_on_vds_name"),
        "fqdn": SearchField("guest_fqdn"),
        "ip": SearchField("vm_ip"),
        "memory": SearchField("mem_size_mb", "number"),
        "os": SearchField("os"),
        "type": SearchField("vm_type"),
        "custom_emulated_machine": SearchField("custom_emulated_machine"),
        "custom_cpu_type": SearchField("custom_cpu_name"),
        "cluster.name": SearchField("cluster_name"),
        "hosts.name": SearchField("run_on_vds_name"),
        "origin": SearchField("origin", "words", words(ORIGIN)),
        "template": SearchField("(SELECT vm_name FROM vm_static t WHERE t.vm_guid = vms.vmt_guid)"),
    },
    prepare=commands.prepare,
    finish=commands.finish,
    update=commands.update,
    remove=commands.remove,
    jobs={"remove": "Removing VM {vm_name}"},
)
schema.table("vm_static", "sso_method TEXT DEFAULT 'guest_agent'")
VM_RESOURCE.actions = {
    "ticket": Action(commands.ticket),
    "cancelmigration": unsupported("cancel migration of VM"),
    **{name: unsupported(f"{name} VM") for name in ("commitsnapshot", "clone", "freezefilesystems", "logon")},
    "maintenance": Action(commands.maintenance, required=("maintenance_enabled",), entity=True),
    **{
        name: unsupported(f"{name} VM")
        for name in (
            "previewsnapshot",
            "autopincpuandnumanodes",
            "reordermacaddresses",
            "thawfilesystems",
            "undosnapshot",
            "screenshot",
        )
    },
    "reboot": Action(commands.reboot, entity=True, job="Rebooting VM {vm_name}"),
    "migrate": Action(commands.migrate, entity=True, job="Migrating VM {vm_name}"),
    "shutdown": Action(commands.shutdown, entity=True, job="Shutting down VM {vm_name}"),
    "start": Action(commands.start, entity=True, job="Launching VM {vm_name}"),
    "stop": Action(commands.stop, entity=True, job="Stopping VM {vm_name}"),
    "suspend": Action(commands.suspend, entity=True, job="Suspending VM {vm_name}"),
    **{name: unsupported(f"{name} VM") for name in ("reset", "export", "detach")},
}

# -- templates and instance types

TEMPLATE = Resource(
    tag="template",
    plural="templates",
    source="vm_templates_view",
    key="vm_guid",
    tables=("vm_static",),
    href="templates/{vm_guid}",
    links=(
        "permissions",
        "tags",
        "diskattachments",
        "graphicsconsoles",
        "cdroms",
        "watchdogs",
        "nics",
        "mediateddevices",
    ),
    order="vm_name",
    actions={"export": unsupported("export Template")},
    fields=(
        *_BASE,
        constant("status", "ok"),
        Field("version/version_name", column="version_name", blank=True),
        constant("version/version_number", 0),
        Field("version/base_template", Computed(lambda row, call: ref("templates", row["vm_guid"]))),
    ),
    search={
        "name": SearchField("vm_name"),
        "description": SearchField("description"),
        "vm.name": SearchField("(SELECT group_concat(vm_name) FROM vms WHERE vmt_guid = vm_templates_view.vm_guid)"),
        "vms.name": SearchField("(SELECT group_concat(vm_name) FROM vms WHERE vmt_guid = vm_templates_view.vm_guid)"),
    },
)
INSTANCE_TYPE = Resource(
    tag="instance_type",
    plural="instance_types",
    source="instance_types_view",
    key="vm_guid",
    tables=("vm_static",),
    href="instancetypes/{vm_guid}",
    links=("graphicsconsoles", "watchdogs", "nics"),
    order="vm_name",
    fields=(*_NAMES[:2], *_TOPOLOGY, *_HARDWARE),
    search={"name": SearchField("vm_name")},
)

# -- parts of a machine

ATTACHMENT = Resource(
    tag="disk_attachment",
    plural="disk_attachments",
    source="disk_vm_element",
    key="disk_id",
    tables=("disk_vm_element",),
    href="vms/{vm_id}/diskattachments/{disk_id}",
    noun="Virtual Disk",
    method="disk_attachments",
    fields=(
        Field("active", BOOL, "is_plugged"),
        Field("bootable", BOOL, "is_boot"),
        Field("interface", column="disk_interface"),
        Field("pass_discard", BOOL, "pass_discard"),
        Field("read_only", BOOL, "read_only"),
        Field("uses_scsi_reservation", BOOL, "uses_scsi_reservation"),
        Field("disk", Computed(lambda row, call: ref("disks", row["disk_id"]))),
        Field("vm", Computed(lambda row, call: ref("vms", row["vm_id"]))),
    ),
    add=attachment.attach,
    update=attachment.update_attachment,
    remove=attachment.detach,
)
NIC = Resource(
    tag="nic",
    plural="nics",
    source="vm_interface",
    key="id",
    tables=("vm_interface",),
    href="vms/{vm_guid}/nics/{id}",
    noun="Interface",
    method="vm_nics",
    order="name",
    links=("reporteddevices", "networkfilterparameters", "statistics"),
    required=Required(("name",), "nic", newer=True),
    fields=(
        Field("name", column="name"),
        Field("vm", Computed(lambda row, call: ref("vms", row["vm_guid"]))),
        Field("interface", column="type", default="virtio"),
        Field("linked", BOOL, "linked", default=1),
        Field("mac/address", column="mac_addr"),
        Field("plugged", BOOL, "is_plugged", default=1),
        constant("synced", True),
        Field("vnic_profile", Ref("vnicprofiles", "vnic_profiles", missing="VnicProfile"), "vnic_profile_id"),
    ),
    actions={"activate": Action(attachment.plug), "deactivate": Action(attachment.unplug)},
    prepare=attachment.prepare_nic,
    finish=attachment.finish_nic,
    before_remove=attachment.before_remove_nic,
)
NIC.subs = {
    "reporteddevices": empty("reported_device", "reported_devices"),
    "networkfilterparameters": empty("network_filter_parameter", "network_filter_parameters"),
    "statistics": empty("statistic", "statistics"),
}
CONSOLE = Resource(
    tag="graphics_console",
    plural="graphics_consoles",
    source=attachment.console_rows,
    key="id",
    href="vms/{vm_id}/graphicsconsoles/{id}",
    noun="Graphics Device",
    method="vm_graphics_consoles",
    required=Required(("protocol",), "graphics_console", newer=True),
    actions={
        "ticket": Action(attachment.console_ticket),
        "proxyticket": unsupported("get proxy ticket"),
        "remoteviewerconnectionfile": unsupported("get connection file"),
    },
    fields=(
        Field("address", Computed(lambda row, call: row["address"])),
        Field("port", Computed(lambda row, call: row["port"])),
        Field("protocol", Computed(lambda row, call: row["protocol"])),
        Field("vm", Computed(lambda row, call: ref("vms", row["vm_id"]))),
    ),
    add=attachment.add_console,
    remove=attachment.remove_console,
)
CDROM = Resource(
    tag="cdrom",
    plural="cdroms",
    key="id",
    href="vms/{vm_id}/cdroms/{id}",
    source=lambda call, parent: [
        {"id": BLANK, **row}
        for row in call.db.rows("SELECT vm_id FROM vm_device WHERE vm_id = ? AND device = 'cdrom'", parent)
    ],
    fields=(Field("vm", Computed(lambda row, call: ref("vms", row["vm_id"]))),),
)
SNAPSHOT = Resource(
    tag="snapshot",
    plural="snapshots",
    source="snapshots",
    key="snapshot_id",
    tables=("snapshots",),
    href="vms/{vm_id}/snapshots/{snapshot_id}",
    noun="Snapshot",
    method="snapshots",
    actions={"restore": unsupported("restore Snapshot")},
    fields=(
        Field("description", column="description"),
        Field("date", TIME, "creation_date"),
        constant("persist_memorystate", False),
        Field("snapshot_status", column="status"),
        Field("snapshot_type", column="snapshot_type"),
    ),
    add=commands.add_snapshot,
)

_STATISTICS = (
    ("memory.installed", "Total memory configured", "integer", "bytes"),
    ("memory.used", "Memory used (agent)", "integer", "bytes"),
    ("cpu.current.guest", "CPU used by guest", "decimal", "percent"),
    ("cpu.current.hypervisor", "CPU overhead", "decimal", "percent"),
    ("cpu.current.total", "Total CPU used", "decimal", "percent"),
    ("migration.progress", "Migration Progress", "decimal", "percent"),
    ("memory.buffered", "Memory buffered (agent)", "integer", "bytes"),
    ("memory.cached", "Memory cached (agent)", "integer", "bytes"),
    ("memory.free", "Memory free (agent)", "integer", "bytes"),
    ("memory.unused", "Memory unused (agent)", "integer", "bytes"),
    ("network.current.total", "Total network used", "decimal", "percent"),
    ("disks.usage", "Disk usage, in bytes, per filesystem as JSON (agent)", "string", "none"),
    ("elapsed.time", "Elapsed VM runtime", "integer", "seconds"),
    *(
        (
            f"{what}.usage.history",
            f"List of {name} usage history, sorted by date from newest to oldest, at intervals of 30 seconds",
            "decimal",
            "percent",
        )
        for what, name in (("cpu", "CPU"), ("memory", "memory"), ("network", "network"))
    ),
)


def _statistic_rows(call: Call, parent: str | None) -> list[Row]:
    import json

    from ..commands.host_parts import statistic

    row = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", parent)
    if row is None or parent is None:
        return []
    seen = json.loads(row["statistics"] or "{}")
    total = row["mem_size_mb"] * 2**20
    data: dict[str, Any] = {
        "memory.installed": total,
        "memory.used": total * int(seen.get("memUsage") or 0) // 100,
        "cpu.current.guest": float(seen.get("cpuUser") or 0),
        "cpu.current.hypervisor": float(seen.get("cpuSys") or 0),
        "elapsed.time": int(seen.get("elapsedTime") or 0),
    }
    data["cpu.current.total"] = data["cpu.current.guest"] + data["cpu.current.hypervisor"]
    none = {"disks.usage", "cpu.usage.history", "memory.usage.history", "network.usage.history"}
    return [statistic(parent, *entry, None if entry[0] in none else data.get(entry[0], 0)) for entry in _STATISTICS]


STATISTIC = Resource(
    tag="statistic",
    plural="statistics",
    source=_statistic_rows,
    key="id",
    href="vms/{owner}/statistics/{id}",
    fields=statistic_fields("vm", "vms"),
)
VM_RESOURCE.subs = {
    "katelloerrata": empty("katello_erratum", "katello_errata"),
    "permissions": permissions("vm", "vms"),
    "tags": empty("tag", "tags"),
    "affinitylabels": empty("affinity_label", "affinity_labels"),
    "snapshots": Sub(SNAPSHOT, "vm_id = ?", "list get add"),
    "applications": empty("application", "applications"),
    "hostdevices": empty("host_device", "host_devices"),
    "numanodes": empty("vm_numa_node", "vm_numa_nodes"),
    "reporteddevices": empty("reported_device", "reported_devices"),
    "sessions": empty("session", "sessions"),
    "backups": empty("backup", "backups"),
    "checkpoints": empty("checkpoint", "checkpoints"),
    "diskattachments": Sub(ATTACHMENT, "vm_id = ?", "list get add update remove"),
    "graphicsconsoles": Sub(CONSOLE, methods="list get add remove"),
    "cdroms": Sub(CDROM),
    "watchdogs": empty("watchdog", "watchdogs"),
    "nics": Sub(NIC, "vm_guid = ?", "list get add update remove", fixed="vm_guid"),
    "mediateddevices": empty("vm_mediated_device", "vm_mediated_devices"),
    "statistics": Sub(STATISTIC),
}
_NO_PARTS = {
    "tags": empty("tag", "tags"),
    "diskattachments": empty("disk_attachment", "disk_attachments"),
    "graphicsconsoles": empty("graphics_console", "graphics_consoles"),
    "cdroms": empty("cdrom", "cdroms"),
    "watchdogs": empty("watchdog", "watchdogs"),
    "nics": empty("nic", "nics"),
    "mediateddevices": empty("vm_mediated_device", "vm_mediated_devices"),
}
TEMPLATE.subs = {**_NO_PARTS, "permissions": permissions("template", "templates")}
INSTANCE_TYPE.subs = {name: _NO_PARTS[name] for name in ("graphicsconsoles", "watchdogs", "nics")}
