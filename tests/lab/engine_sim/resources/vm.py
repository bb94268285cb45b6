# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines, templates and instance types: `vm_static` (all three), `vm_dynamic`; view `vms` holds the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import machine_model, vm_life
from ..commands import vm as commands
from ..commands.status import ORIGIN, RUNNING, VM
from ..store import Row, schema
from .base import Action, Field, Pattern, Required, Resource, SearchField, Unique, words
from .common import constant, ref, unsupported
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
    "migrating_to_vds TEXT",
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
    "spec TEXT",
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
    unknown="VM is not found.",
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
    "ticket": Action(vm_life.ticket, what="set Virtual Machine Ticket"),
    "cancelmigration": Action(vm_life.cancel_migration, entity=True, what="cancel migration VM"),
    "commitsnapshot": unsupported("restore VM"),
    "clone": unsupported("clone VM"),
    "freezefilesystems": unsupported("freeze VM"),
    "logon": unsupported("log on VM"),
    "maintenance": Action(vm_life.maintenance, required=("maintenance_enabled",), entity=True, what=None),
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
    "reboot": Action(vm_life.reboot, entity=True, job="Rebooting VM {vm_name}", what="restart VM"),
    "migrate": Action(vm_life.migrate, entity=True, job="Migrating VM {vm_name}"),
    "shutdown": Action(vm_life.shutdown, entity=True, job="Shutting down VM {vm_name}"),
    "start": Action(vm_life.start, entity=True, job="Launching VM {vm_name}", what="run VM"),
    "stop": Action(vm_life.stop, entity=True, job="Stopping VM {vm_name}"),
    "suspend": Action(vm_life.suspend, entity=True, job="Suspending VM {vm_name}", what="hibernate VM"),
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
        "vm.name": SearchField("SELECT vm_name AS value FROM vms WHERE vmt_guid = vm_templates_view.vm_guid", "any"),
        "vms.name": SearchField("SELECT vm_name AS value FROM vms WHERE vmt_guid = vm_templates_view.vm_guid", "any"),
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
