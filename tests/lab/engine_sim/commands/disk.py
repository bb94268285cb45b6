# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks: made, changed and removed by tasks of the SPM, which the engine looks at every 10 s (engine contract 7.7)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..call import Call, new_id, refuse
from ..clock import Clock
from ..doc import Doc, items
from ..errors import ApiError, Incomplete, NotFound, ReferenceNotFound, Refused
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import disks as flows
from ..vdsm.flows import tasks
from .host_parts import statistic
from .status import CONTENT, DOMAIN, IMAGE, ORIGIN, name_of
from .storage import spm_of, words

if TYPE_CHECKING:
    from ..resources.base import Sub

log = logging.getLogger("engine.disk")
#: Seconds between the engine's looks at its tasks (AsyncTaskPollingRate).
TASK_POLL = 10.0
GIB = 2**30
HOSTED = {number for name, number in CONTENT.items() if name.startswith("hosted_engine")}
LOCKED = "The following disks are locked: ${diskAliases}. Please try again in a few minutes."


def get(call: Call, disk: str) -> Row:
    found = call.db.row("SELECT * FROM disks_map WHERE disk_id = ?", disk)
    assert found is not None, disk
    return found


def content_name(row: Row) -> str:
    return next(name for name, number in CONTENT.items() if number == row["disk_content_type"])


def known_domain(call: Call, domain: str) -> None:
    if call.db.row("SELECT 1 FROM storage_domain_static WHERE id = ?", domain) is None:
        # The engine's own null pointer, in lower case as it answers it.
        raise ApiError(
            400,
            'cannot invoke "org.ovirt.engine.core.common.businessentities.storagedomain.getstoragetype()" '
            'because "storagedomain" is null',
        )
    attached = call.db.row("SELECT 1 FROM storage_pool_iso_map WHERE storage_id = ?", domain)
    if call.flag("unregistered") and not attached:
        raise ApiError(400, "Internal Engine Error")
    call.below_domain = True


def _find_domain(call: Call, doc: Doc, what: str) -> Row:
    wanted = next(iter(items(doc, "storage_domains")), None)
    if not wanted:
        raise refuse(what, "Storage Domain hasn't been specified.", status=400)
    by, value = ("id", wanted["@id"]) if wanted.get("@id") else ("storage_name", wanted.get("name"))
    found = call.db.row(f"SELECT * FROM storage_domains_map WHERE {by} = ?", value)
    if found is None:
        raise ReferenceNotFound(str(value))
    return found


def _check(call: Call, doc: Doc, domain: Row, what: str) -> None:
    if domain["status"] != DOMAIN["active"]:
        status = name_of(DOMAIN, domain["status"]) if domain["status"] is not None else "Unknown"
        raise refuse(what, f"The relevant Storage Domain's status is {status}.")
    size = int(doc["provisioned_size"])
    if size <= 0:
        raise refuse(what, "Disk's provisioned size has to be greater than 0.", status=400)
    cow = doc["format"] == "cow"
    if cow and doc.get("shareable"):
        raise refuse(what, "Disk's volume format is not supported for shareable disk.")
    if cow and doc.get("sparse") is False:
        raise refuse(
            what, "Disk configuration (COW Preallocated backup-None) is incompatible with the storage domain type."
        )
    key = doc.get("@id")
    if key and call.db.row("SELECT 1 FROM base_disks WHERE disk_id = ?", key):
        raise refuse(what, "One of the Template Images already exists.")
    free = (domain["available_disk_size"] - (domain["critical_space_action_blocker"] or 0)) * GIB
    needed = size if not _sparse(doc, domain) else min(size, GIB)
    if size > domain["available_disk_size"] * GIB * (100 if _sparse(doc, domain) else 1) or needed > free:
        raise refuse(what, f"Low disk space on Storage Domain {domain['storage_name']}.")


def _sparse(doc: Doc, domain: Row) -> bool:
    if doc.get("sparse") is not None:
        return bool(doc["sparse"])
    return doc["format"] == "cow" or domain["storage_type"] not in ("iscsi", "fcp")


def registered(call: Call) -> str:
    """Every disk that is shown is registered; with `unregistered` those are asked for that are not."""
    return "0" if call.flag("unregistered") else "1"


def add(call: Call, sub: Sub) -> str:
    """Below a domain the address says where the disk goes."""
    if sub.where and call.parents and not call.doc.get("storage_domains"):
        call.doc["storage_domains"] = {"storage_domain": [{"@id": call.parents[-1]}]}
    return create(call, call.doc, "add Virtual Disk")


def create(call: Call, doc: Doc, what: str, system: bool = False) -> str:
    """Stores the disk as locked and begins its volume; the rest happens by itself."""
    domain = _find_domain(call, doc, what)
    _check(call, doc, domain, what)
    host, client = spm_of(call, domain["storage_pool_id"], what)
    disk, image = doc.get("@id") or new_id(), doc.get("image_id") or new_id()
    kind = doc.get("content_type", "data")
    alias = doc.get("name") or doc.get("alias") or ""
    with call.db.transaction():
        call.db.insert(
            "base_disks",
            {
                "disk_id": disk,
                "disk_alias": alias,
                "disk_description": doc.get("description"),
                "disk_content_type": CONTENT[kind],
                "shareable": int(bool(doc.get("shareable"))),
                "wipe_after_delete": int(bool(doc.get("wipe_after_delete"))),
                "propagate_errors": int(bool(doc.get("propagate_errors"))),
                "backup": doc.get("backup") or "none",
            },
        )
        call.db.insert(
            "images",
            {
                "image_group_id": disk,
                "image_guid": image,
                "size": int(doc["provisioned_size"]),
                "actual_size": 0,
                "volume_format": doc["format"],
                "volume_type": "sparse" if _sparse(doc, domain) else "preallocated",
                "imagestatus": IMAGE["locked"],
                "creation_date": Clock.now(),
            },
        )
        profile = call.db.value("SELECT id FROM disk_profiles WHERE storage_domain_id = ?", domain["id"])
        quota = call.db.value(
            "SELECT id FROM quota WHERE storage_pool_id = ? AND is_default", domain["storage_pool_id"]
        )
        call.db.insert(
            "image_storage_domain_map",
            {"image_id": image, "storage_domain_id": domain["id"], "disk_profile_id": profile, "quota_id": quota},
        )
        # Whoever makes a disk owns it.
        call.db.insert(
            "permissions",
            {
                "id": new_id(),
                "role_id": "def0000a-0000-0000-0000-def00000000b",
                "ad_element_id": call.user.get("user_id"),
                "object_id": disk,
            },
        )
    about = {"domain": domain, "data_center": {"id": domain["storage_pool_id"], "name": domain["storage_pool_name"]}}
    call.event("ADD_DISK_INTERNAL" if system else "USER_ADD_DISK", disk=alias, **about)
    row = get(call, disk)
    try:
        task = flows.start_volume(
            client,
            domain["storage_pool_id"],
            domain["id"],
            disk,
            image,
            row["size"],
            kind,
            row["volume_format"],
            row["volume_type"] == "sparse",
            flows.description(alias, doc.get("description") or ""),
        )
    except (VdsmError, HostUnreachable) as error:
        _drop(call, row)
        raise Refused(words(error), status=400) from None
    call.engine.spawn(_follow, call, client, row, task, about)
    return str(disk)


def next_poll(call: Call) -> float:
    """Seconds until the engine's next look at its tasks: all tasks are looked at together."""
    period = call.engine.clock.real(TASK_POLL)
    return (period - Clock.now() % period) * call.engine.clock.speed


def _follow(call: Call, client: HostClient, row: Row, task: str, about: dict[str, Any]) -> None:
    try:
        while True:
            call.engine.clock.sleep(max(next_poll(call), 1.0))
            status = tasks.statuses(client).get(task, {})
            if status.get("taskState") == "finished":
                break
        tasks.clear(client, task)
        fault = call.engine.faults.strike("disk.create")
        if status.get("taskResult") != "success" or fault:
            raise VdsmError(int(status.get("code", 1)), fault.error if fault else str(status.get("message")))
        finish(call, client, get(call, row["disk_id"]))
        call.event("USER_ADD_DISK_FINISHED", disk=row["disk_alias"], **about)
    except (VdsmError, HostUnreachable) as error:
        log.warning("disk %s: %s", row["disk_alias"], error)
        call.db.update("images", {"image_group_id": row["disk_id"]}, {"imagestatus": IMAGE["illegal"]})
        call.event("USER_ADD_DISK_FAILED", disk=row["disk_alias"], **about)


def finish(call: Call, client: HostClient, row: Row) -> None:
    """Takes over what the volume became and unlocks the disk."""
    info = flows.volume_info(
        client, row["storage_pool_id"], row["storage_domain_id"], row["disk_id"], row["image_guid"]
    )
    call.db.update(
        "images",
        {"image_group_id": row["disk_id"]},
        {
            "imagestatus": IMAGE["ok"],
            "actual_size": int(info["truesize"]),
            "size": int(info["capacity"]),
            "lastmodified": Clock.now(),
            "qcow_compat": "qcow2_v3" if row["volume_format"] == "cow" else None,
        },
    )


# -- change and remove


def _machine(call: Call, row: Row) -> Row | None:
    return call.db.row(
        "SELECT vms.* FROM disk_vm_element JOIN vms ON vm_guid = vm_id WHERE disk_id = ?", row["disk_id"]
    )


def update(call: Call, row: Row) -> None:
    what, doc = "edit Virtual Disk", call.doc
    if row["disk_content_type"] in HOSTED:
        raise refuse(what, f"The operation is not supported for {content_name(row).upper()} disks.")
    if row["imagestatus"] == IMAGE["locked"]:
        raise Refused(f"Cannot edit Virtual Disk: {LOCKED}")
    size = doc.get("provisioned_size")
    if size is not None and int(size) < row["size"]:
        raise refuse(what, "New disk size must be larger than the current disk size.", status=400)
    host, client = spm_of(call, row["storage_pool_id"], what)
    call.db.update("images", {"image_group_id": row["disk_id"]}, {"imagestatus": IMAGE["locked"]})
    call.engine.spawn(_change, call, client, row, dict(doc))


def _change(call: Call, client: HostClient, row: Row, doc: Doc) -> None:
    ids = (row["storage_pool_id"], row["storage_domain_id"], row["disk_id"], row["image_guid"])
    columns: Row = {}
    for member, column in (("name", "disk_alias"), ("alias", "disk_alias"), ("description", "disk_description")):
        if doc.get(member) is not None:
            columns[column] = doc[member]
    for member in ("shareable", "wipe_after_delete", "propagate_errors"):
        if doc.get(member) is not None:
            columns[member] = int(doc[member])
    call.engine.clock.sleep(2)
    try:
        size = doc.get("provisioned_size")
        if size is not None and int(size) > row["size"]:
            flows.extend(client, *ids, int(size))
        merged = {**row, **columns}
        flows.set_description(client, *ids, flows.description(merged["disk_alias"], merged["disk_description"] or ""))
        call.db.update("base_disks", {"disk_id": row["disk_id"]}, columns)
        call.event("USER_UPDATE_DISK", disk=merged["disk_alias"])
    except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
        log.warning("disk %s: %s", row["disk_alias"], error)
    finish(call, client, get(call, row["disk_id"]))


def remove(call: Call, row: Row) -> None:
    what = "remove Virtual Disk"
    kind = content_name(row)
    machine = _machine(call, row)
    if kind.startswith("hosted_engine"):
        if machine and machine["origin"] == ORIGIN["managed_hosted_engine"]:
            raise refuse(what, "The disk contains the hosted engine.")
        raise refuse(what, "The disk is a part of Hosted Engine.")
    if kind == "ovf_store" and row["imagestatus"] != IMAGE["illegal"]:
        raise refuse(what, "The operation can be performed only for OVF disks that are in ILLEGAL status.")
    if row["imagestatus"] == IMAGE["locked"]:
        raise Refused(f"Cannot remove Virtual Disk: {LOCKED}")
    if machine and machine["status"] != 0:
        raise refuse(what, "At least one of the VMs is not down.")
    start_removal(call, row)


def start_removal(call: Call, row: Row) -> None:
    """Locks the disk; its image is deleted by a task of the SPM."""
    _, client = spm_of(call, row["storage_pool_id"], "remove Virtual Disk")
    call.db.update("images", {"image_group_id": row["disk_id"]}, {"imagestatus": IMAGE["locked"]})
    call.engine.spawn(_delete, call, client, row)


def _delete(call: Call, client: HostClient, row: Row) -> None:
    domain = call.db.row("SELECT * FROM storage_domain_static WHERE id = ?", row["storage_domain_id"])
    try:
        flows.delete_image(
            client, row["storage_pool_id"], row["storage_domain_id"], row["disk_id"], bool(row["wipe_after_delete"])
        )
    except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
        log.warning("removal of %s: %s", row["disk_alias"], error)
        call.db.update("images", {"image_group_id": row["disk_id"]}, {"imagestatus": IMAGE["illegal"]})
        call.event("USER_REMOVE_DISK_FAILED", disk=row["disk_alias"], domain=domain)
        return
    _drop(call, row)
    call.event("USER_REMOVE_DISK", disk=row["disk_alias"], domain=domain)


def _drop(call: Call, row: Row) -> None:
    with call.db.transaction():
        for table, column in (
            ("base_disks", "disk_id"),
            ("images", "image_group_id"),
            ("disk_vm_element", "disk_id"),
            ("permissions", "object_id"),
        ):
            call.db.delete(table, **{column: row["disk_id"]})
        call.db.delete("image_storage_domain_map", image_id=row["image_guid"])


def move(call: Call, row: Row) -> None:
    if row["disk_content_type"] in HOSTED:
        raise refuse("move Virtual Disk", f"The operation is not supported for {content_name(row).upper()} disks.")
    wanted = call.doc.get("storage_domain") or {}
    if not (wanted.get("@id") or wanted.get("name")):
        raise Incomplete("Action", ["storageDomain.id|name"], "move")
    target = _find_domain(call, {"storage_domains": {"storage_domain": [wanted]}}, "move Virtual Disk")
    if target["id"] == row["storage_domain_id"]:
        raise refuse("move Virtual Disk", "The source and target storage domains are the same.")
    raise refuse("move Virtual Disk", "The engine simulator does not carry out this action.", status=400)


STATISTICS = (
    ("data.current.read", "Read data rate", "bytes_per_second"),
    ("data.current.read_ops", "Read data ops", "none"),
    ("data.current.write", "Write data rate", "bytes_per_second"),
    ("data.current.write_ops", "Write data ops", "none"),
    ("disk.read.latency", "Read latency", "seconds"),
    ("disk.write.latency", "Write latency", "seconds"),
    ("disk.flush.latency", "Flush latency", "seconds"),
)


def statistic_rows(call: Call, parent: str | None) -> list[Row]:
    if parent is None or call.db.row("SELECT 1 FROM base_disks WHERE disk_id = ?", parent) is None:
        raise NotFound
    return [statistic(parent, name, text, "decimal", unit, 0) for name, text, unit in STATISTICS]
