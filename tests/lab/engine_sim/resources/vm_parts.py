# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hangs below a machine: disks, NICs, consoles, snapshots, statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import attachment
from ..store import Row
from .assigned import labels, tags
from .base import Action, Field, Required, Resource, Sub
from .common import constant, empty, permissions, ref, statistic_fields, unsupported
from .types import BOOL, TIME, Computed, Ref

if TYPE_CHECKING:
    from ..call import Call

from ..commands import vm_life
from .vm import BLANK, INSTANCE_TYPE, TEMPLATE, VM_RESOURCE

ATTACHMENT = Resource(
    tag="disk_attachment",
    plural="disk_attachments",
    source="disk_vm_element",
    key="disk_id",
    tables=("disk_vm_element",),
    href="vms/{vm_id}/diskattachments/{disk_id}",
    noun="Virtual Disk",
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
    noun="CDROM",
    source=lambda call, parent: [
        {"id": BLANK, **row}
        for row in call.db.rows("SELECT vm_id FROM vm_device WHERE vm_id = ? AND device = 'cdrom'", parent)
    ],
    fields=(Field("vm", Computed(lambda row, call: ref("vms", row["vm_id"]))),),
    update=attachment.change_disc,
)
WATCHDOG = Resource(
    tag="watchdog",
    plural="watchdogs",
    source=attachment.watchdog_rows,
    key="id",
    href="vms/{vm_id}/watchdogs/{id}",
    noun="Watchdog",
    required=Required(("action", "model"), "watchdog", newer=True),
    fields=(
        Field("action", Computed(lambda row, call: row["spec"]["action"])),
        Field("model", Computed(lambda row, call: row["spec"]["model"])),
        Field("vm", Computed(lambda row, call: ref("vms", row["vm_id"]))),
    ),
    add=attachment.add_watchdog,
    update=attachment.update_watchdog,
    remove=attachment.remove_watchdog,
)
SNAPSHOT = Resource(
    tag="snapshot",
    plural="snapshots",
    source="snapshots",
    key="snapshot_id",
    tables=("snapshots",),
    href="vms/{vm_id}/snapshots/{snapshot_id}",
    noun="Snapshot",
    actions={"restore": unsupported("restore Snapshot")},
    fields=(
        Field("description", column="description"),
        Field("date", TIME, "creation_date"),
        constant("persist_memorystate", False),
        Field("snapshot_status", column="status"),
        Field("snapshot_type", column="snapshot_type"),
    ),
    add=vm_life.add_snapshot,
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
    "tags": tags("vm", "vms"),
    "affinitylabels": labels("vm_id"),
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
    "cdroms": Sub(CDROM, methods="list get update"),
    "watchdogs": Sub(WATCHDOG, methods="list get add update remove"),
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
TEMPLATE.subs = {
    **_NO_PARTS,
    "tags": tags("template", "templates"),
    "permissions": permissions("template", "templates"),
}
INSTANCE_TYPE.subs = {name: _NO_PARTS[name] for name in ("graphicsconsoles", "watchdogs", "nics")}
