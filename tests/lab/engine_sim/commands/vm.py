# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands on machines: add, change, remove, life cycle, hosted-engine maintenance (engine contract 7.8, 8, 11)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..call import Call, new_id, refuse
from ..clock import Clock
from ..doc import dig
from ..errors import Refused
from ..store import Row
from . import disk as disks
from . import operations, ovf
from .status import CONTENT, IMAGE, ORIGIN, RUNNING, VM

if TYPE_CHECKING:
    from ..resources.base import Columns

log = logging.getLogger("engine.vm")
BLANK = "00000000-0000-0000-0000-000000000000"
NOT_MANAGED = "This VM is not managed by the engine."
HE_LOCKED = "There was an attempt to change Hosted Engine VM values that are locked."
NOT_DOWN = (
    "There was an attempt to change VM values while the VM is not down. Please shut down the VM in order to modify "
    "these properties."
)
HE_HA = 'A VM running the engine ("hosted engine") cannot be set to highly available as it has its own HA mechanism.'
NO_HOST = "There are no hosts to use. Check that the cluster contains at least one host in Up state."
HE = (ORIGIN["hosted_engine"], ORIGIN["managed_hosted_engine"])
UNMANAGED = (*HE, ORIGIN["external"])
#: Columns that may change while the engine's machine is managed; all others are locked.
HE_EDITABLE = {
    "vm_name",
    "description",
    "free_text_comment",
    "mem_size_mb",
    "max_memory_size_mb",
    "min_allocated_mem",
    "num_of_sockets",
    "cpu_per_socket",
    "threads_per_cpu",
    "small_icon_id",
    "large_icon_id",
    "default_display_type",
    "auto_converge",
    "migrate_compressed",
    "migrate_encrypted",
    "migration_downtime",
    "is_console_enabled",
    "provider_id",
}


def get(call: Call, vm_id: str) -> Row:
    found = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", vm_id)
    assert found is not None, vm_id
    return found


# -- add


def prepare(call: Call, columns: Columns, row: Row | None) -> None:
    what = "edit VM" if row else "add VM"
    if row is None:
        cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", columns.get("cluster_id"))
        if cluster is None:
            raise refuse(what, "Cluster ID is not valid.", status=400)
        if cluster["architecture"] in (None, "undefined"):
            raise refuse(what, "The cluster does not have a defined architecture.", status=400)
        template = call.db.row(
            "SELECT * FROM vm_static WHERE vm_guid = ? AND entity_type = 'TEMPLATE'", columns.get("vmt_guid") or BLANK
        )
        if template is None:
            raise refuse(what, "The specified Template doesn't exist in the current Data Center.", status=400)
        columns.update(
            entity_type="VM",
            vmt_guid=template["vm_guid"],
            creation_date=Clock.now(),
            db_generation=1,
            created_by_user_id=call.user.get("user_id"),
            status=VM["down"],
            last_stop_time=Clock.now(),
            quota_id=call.db.value(
                "SELECT id FROM quota WHERE storage_pool_id = ? AND is_default", cluster["storage_pool_id"]
            ),
            cpu_profile_id=call.db.value("SELECT id FROM cpu_profiles WHERE cluster_id = ?", cluster["cluster_id"]),
        )
        for column in ("small_icon_id", "large_icon_id"):
            columns.setdefault(column, template[column])
        if not columns.get("bios_type"):
            columns["bios_type"] = cluster["bios_type"]
        if not call.db.row("SELECT 1 FROM os_info WHERE name = ?", columns.get("os")):
            columns["os"] = "other"
    _memory(call, columns, row, what)
    merged: Row = {**(row or {}), **columns}
    if (
        merged["num_of_sockets"] * merged["cpu_per_socket"] * merged["threads_per_cpu"] > 512
        or merged["num_of_sockets"] > 16
    ):
        raise refuse(what, "Maximum number of CPUs exceeded.")
    if row is not None and call.db.row("SELECT 1 FROM vm_static WHERE vm_guid = ?", row["vm_guid"]):
        columns["db_generation"] = (row["db_generation"] or 0) + 1


def _memory(call: Call, columns: Columns, row: Row | None, what: str) -> None:
    """Memory, its guarantee and its maximum go together."""
    size = columns.get("mem_size_mb")
    if size is not None and size <= 0:
        text = "must be greater than or equal to 1, Attribute: vmStatic.maxMemorySizeMb"
        raise Refused(text, text, status=400)
    if row is None and size is None:
        size = columns["mem_size_mb"] = 1024
    if row is None:
        columns.setdefault("min_allocated_mem", size)
        columns.setdefault("max_memory_size_mb", int(size or 0) * 4)
    merged: Row = {**(row or {}), **columns}
    if merged["min_allocated_mem"] > merged["mem_size_mb"]:
        raise Refused("Physical Memory Guaranteed cannot exceed Memory Size.", status=400)
    if merged["mem_size_mb"] > merged["max_memory_size_mb"]:
        raise refuse(
            what,
            f"Memory size ({merged['mem_size_mb']}MB) cannot exceed maximum memory size "
            f"({merged['max_memory_size_mb']}MB).",
        )


def finish(call: Call, row: Row, moment: str) -> None:
    if moment == "add":
        add_devices(call, row["vm_guid"])
        call.db.insert(
            "snapshots",
            {
                "snapshot_id": new_id(),
                "vm_id": row["vm_guid"],
                "snapshot_type": "active",
                "status": "ok",
                "description": "Active VM",
                "creation_date": Clock.now(),
            },
        )
        call.event("USER_ADD_VM", vm=row)
        call.engine.spawn(_announce_creation, call, row)
    else:
        call.event("USER_UPDATE_VM", vm=row)


def _announce_creation(call: Call, row: Row) -> None:
    call.engine.clock.sleep(5)
    if call.db.row("SELECT 1 FROM vm_static WHERE vm_guid = ?", row["vm_guid"]):
        call.event("USER_ADD_VM_FINISHED_SUCCESS", vm=row)


def add_devices(call: Call, vm_id: str, graphics: str = "vnc") -> None:
    """Devices that every machine has, with ids of their own (they are in its OVF)."""
    for kind, device in (
        ("graphics", graphics),
        ("video", "vga"),
        ("rng", "virtio"),
        ("sound", "ich9"),
        ("balloon", "memballoon"),
        ("controller", "virtio-serial"),
        ("controller", "virtio-scsi"),
        ("controller", "usb"),
        ("disk", "cdrom"),
    ):
        call.db.insert(
            "vm_device",
            {"device_id": new_id(), "vm_id": vm_id, "type": kind, "device": device, "is_plugged": 1, "is_managed": 1},
        )


def add_external(call: Call, host: Row, vm_id: str, name: str, memory: int, cpu: tuple[int, int, int]) -> None:
    """A machine that a host reported and nobody here made."""
    from ..resources.vm import VM_RESOURCE

    sockets, cores, threads = cpu
    columns = VM_RESOURCE.take(call, {"name": name}, "a")
    cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", host["cluster_id"])
    template = call.db.row("SELECT * FROM vm_static WHERE vm_guid = ?", BLANK)
    assert cluster is not None and template is not None
    columns.update(
        vm_guid=vm_id,
        entity_type="VM",
        cluster_id=host["cluster_id"],
        origin=ORIGIN["external"],
        vmt_guid=BLANK,
        mem_size_mb=memory,
        min_allocated_mem=memory,
        max_memory_size_mb=memory,
        num_of_sockets=sockets,
        cpu_per_socket=cores,
        threads_per_cpu=threads,
        creation_date=Clock.now(),
        db_generation=1,
        bios_type=cluster["bios_type"],
        small_icon_id=template["small_icon_id"],
        large_icon_id=template["large_icon_id"],
        os="other",
        status=VM["down"],
        cpu_profile_id=call.db.value("SELECT id FROM cpu_profiles WHERE cluster_id = ?", host["cluster_id"]),
        quota_id=call.db.value(
            "SELECT id FROM quota WHERE storage_pool_id = ? AND is_default", host["storage_pool_id"]
        ),
    )
    with call.db.transaction():
        if call.db.row("SELECT 1 FROM vm_static WHERE vm_name = ?", name):
            return
        operations.insert(VM_RESOURCE, call, columns)
        add_devices(call, vm_id)
        row = get(call, vm_id)
        call.event("USER_ADD_VM", vm=row, user={"user_id": None, "username": "SYSTEM"})
    call.engine.spawn(_announce_creation, call, row)


# -- change and remove


def update(call: Call, row: Row) -> None:
    from ..resources.vm import VM_RESOURCE

    if row["origin"] == ORIGIN["external"]:
        raise refuse("edit VM", NOT_MANAGED, status=400)
    columns = VM_RESOURCE.take(call, call.doc, "u")
    changed = {name for name, value in columns.items() if value != row.get(name)}
    if call.doc.get("origin") not in (None, next((n for n, v in ORIGIN.items() if v == row["origin"]), None)):
        raise Refused(NOT_DOWN, status=400)
    if row["origin"] in HE:
        if dig(call.doc, "high_availability/enabled"):
            raise refuse("edit VM", HE_HA)
        if changed - HE_EDITABLE:
            raise Refused(HE_LOCKED, status=400)
    call.doc.pop("origin", None)
    operations.update(call, VM_RESOURCE, row)
    if row["origin"] in HE:
        ovf.schedule(call, row["vm_guid"])


def touch(call: Call, vm_id: str) -> None:
    """The machine changed: its OVF is no longer current; the engine's own machine is written at once."""
    call.db.execute("UPDATE vm_static SET db_generation = db_generation + 1 WHERE vm_guid = ?", vm_id)
    if call.db.value("SELECT origin FROM vm_static WHERE vm_guid = ?", vm_id) in HE:
        ovf.schedule(call, vm_id)


def remove(call: Call, row: Row) -> None:
    from ..resources.assigned import forget

    what = "remove VM"
    if row["is_delete_protected"]:
        raise refuse(what, "Delete protection is enabled. In order to delete, disable Delete protection first.")
    if row["status"] in RUNNING:
        raise refuse(what, "VM is running.")
    if row["status"] == VM["image_locked"]:
        raise refuse(what, "Related operation is currently in progress. Please try again later.")
    attached = call.db.rows(
        "SELECT disks_map.* FROM disk_vm_element JOIN disks_map USING (disk_id) WHERE vm_id = ?", row["vm_guid"]
    )
    keep = call.flag("detach_only")
    with call.db.transaction():
        for table, column in (
            ("vm_static", "vm_guid"),
            ("vm_dynamic", "vm_guid"),
            ("vm_interface", "vm_guid"),
            ("vm_device", "vm_id"),
            ("snapshots", "vm_id"),
            ("disk_vm_element", "vm_id"),
            ("permissions", "object_id"),
        ):
            call.db.delete(table, **{column: row["vm_guid"]})
        forget(call, "vm_id", row["vm_guid"])
    for disk in attached:
        if not keep and disk["disk_content_type"] == CONTENT["data"] and disk["imagestatus"] != IMAGE["locked"]:
            disks.start_removal(call, disk)
    call.event("USER_REMOVE_VM_FINISHED", vm=row)
