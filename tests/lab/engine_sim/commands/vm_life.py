# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Life of machines: start, stop, migrate, hosted-engine maintenance, console tickets (engine contract 7.8, 11)."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from ..call import Call, new_id, refuse
from ..clock import Clock
from ..doc import Doc, items
from ..errors import HtmlAnswer, Refused
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import host as host_flows
from ..vdsm.flows import machines as flows
from . import machine_model
from .disk import LOCKED
from .status import HOST as STATUS
from .status import IMAGE, RUNNING, VM

if TYPE_CHECKING:
    from ..resources.base import Sub

log = logging.getLogger("engine.vm")
from .vm import BLANK, HE, NO_HOST, NOT_MANAGED, UNMANAGED, get

#: States in which a machine has a console.
TICKET_STATES = tuple(VM[name] for name in ("up", "paused", "powering_up", "powering_down", "reboot_in_progress"))
NO_BOOT_DISK = (
    "Cannot run VM without at least one bootable disk.\nAlternatives:\n- Create a disk for this VM, and rerun the VM.\n"
    "- Change the boot sequence using the Edit VM command (Boot Option Sub-Tab).\n"
    "- Use the 'Run Once' command to select a different boot option and rerun the VM."
)


def _wrong_status(what: str, row: Row) -> Refused:
    """`Cannot restart VM because the VM is in Down status.`"""
    word = next(name for name, number in VM.items() if number == row["status"])
    spelled = " ".join(part if part in ("for", "in") else part.capitalize() for part in word.split("_"))
    return Refused(f"Cannot {what} because the VM is in {spelled} status.")


def _runner(call: Call, row: Row) -> tuple[Row | None, HostClient | None]:
    host = call.db.row("SELECT * FROM vds WHERE vds_id = ?", row["run_on_vds"])
    return host, call.engine.hosts.client(host) if host else None


def start(call: Call, row: Row) -> None:
    if row["origin"] in UNMANAGED:
        raise refuse("run VM", NOT_MANAGED, status=400)
    if row["status"] in RUNNING:
        raise refuse("run VM", "VM is running.")
    if call.db.row(
        "SELECT 1 FROM disk_vm_element JOIN images ON image_group_id = disk_id WHERE vm_id = ? AND imagestatus != ?",
        row["vm_guid"],
        IMAGE["ok"],
    ):
        raise Refused(f"Cannot run VM: {LOCKED}")
    _check_boot(call, row)
    host = call.db.row(
        "SELECT * FROM vds WHERE cluster_id = ? AND status = ? AND max_scheduling_memory >= ? "
        "ORDER BY vm_count, vds_name",
        row["cluster_id"],
        STATUS["up"],
        row["mem_size_mb"],
    )
    if host is None:
        raise Refused(NO_HOST, status=400)
    client = call.engine.hosts.client(host)
    call.db.update(
        "vm_dynamic",
        {"vm_guid": row["vm_guid"]},
        {
            "status": VM["wait_for_launch"],
            "run_on_vds": host["vds_id"],
            "last_start_time": Clock.now(),
            "start_correlation": call.correlation_id,
            "run_once": int("vm" in call.doc),
        },
    )
    try:
        flows.start(client, row["vm_guid"], machine_model.libvirt_xml(call, row["vm_guid"]))
    except (VdsmError, HostUnreachable) as error:
        call.db.update("vm_dynamic", {"vm_guid": row["vm_guid"]}, {"status": VM["down"], "run_on_vds": None})
        raise Refused(getattr(error, "message", str(error)), status=400) from None
    about = {
        "host": host,
        "cluster": {"cluster_id": host["cluster_id"], "name": host["cluster_name"]},
        "data_center": {"id": host["storage_pool_id"], "name": host["storage_pool_name"]},
        "template": {"vm_guid": BLANK, "vm_name": "Blank"},
    }
    call.event("USER_STARTED_VM", vm=row, **about)


def _check_boot(call: Call, row: Row) -> None:
    """A machine that boots from its disk alone needs one."""
    devices = json.loads(row["boot_devices"] or "[]")
    asked = items(call.doc, "vm/os/boot/devices")
    disks = call.db.value("SELECT count(*) FROM disk_vm_element WHERE vm_id = ? AND is_plugged", row["vm_guid"])
    if (asked or devices) == ["hd"] and not disks:
        raise Refused(NO_BOOT_DISK)


def stop(call: Call, row: Row) -> None:
    _end(call, row, "stop VM", lambda client: flows.stop(client, row["vm_guid"]), VM["up"], "USER_STOP_VM")


def shutdown(call: Call, row: Row) -> None:
    _end(
        call,
        row,
        "shutdown VM",
        lambda client: flows.shut_down(client, row["vm_guid"]),
        VM["powering_down"],
        "USER_INITIATED_SHUTDOWN_VM",
    )


def _end(call: Call, row: Row, what: str, act: object, status: int, event: str) -> None:
    """A machine that is down already is no error (measured 1)."""
    if row["status"] not in RUNNING:
        if row["status"] == VM["suspended"]:
            call.db.update("vm_dynamic", {"vm_guid": row["vm_guid"]}, {"status": VM["down"]})
        return
    if row["origin"] in HE:
        raise refuse(what, NOT_MANAGED, status=400)
    host, client = _runner(call, row)
    if host is None or client is None:
        raise refuse(what, "Invalid Host Id.", status=400)
    try:
        act(client)  # type: ignore[operator]
    except VdsmError as error:
        log.info("%s %s: %s", what, row["vm_name"], error)
    except HostUnreachable as error:
        raise Refused(str(error), status=400) from None
    call.db.update("vm_dynamic", {"vm_guid": row["vm_guid"]}, {"status": status})
    call.event(event, vm=row, host=host)


def reboot(call: Call, row: Row) -> None:
    if row["origin"] in HE:
        raise refuse("restart VM", NOT_MANAGED, status=400)
    host, client = _runner(call, row)
    if row["status"] not in (VM["up"], VM["powering_up"]) or client is None:
        raise _wrong_status("restart VM", row)
    client.call(
        "VM.shutdown",
        {
            "vmID": row["vm_guid"],
            "delay": "30",
            "message": "System Administrator has initiated reboot",
            "reboot": True,
            "timeout": "30",
            "force": False,
        },
    )
    call.db.update("vm_dynamic", {"vm_guid": row["vm_guid"]}, {"status": VM["reboot_in_progress"]})
    call.event("USER_REBOOT_VM", vm=row, host=host)


def suspend(call: Call, row: Row) -> Doc:
    if row["origin"] in UNMANAGED:
        raise refuse("hibernate VM", NOT_MANAGED, status=400)
    host, client = _runner(call, row)
    if row["status"] in (VM["wait_for_launch"], VM["not_responding"]):
        raise _wrong_status("hibernate VM", row)
    if row["status"] != VM["up"] or client is None:
        raise refuse("hibernate VM", "VM is not up.")
    client.call("VM.hibernate", {"vmID": row["vm_guid"], "hibernationVolHandle": ""})
    call.db.update("vm_dynamic", {"vm_guid": row["vm_guid"]}, {"status": VM["saving_state"]})
    call.event("USER_SUSPEND_VM", vm=row, host=host)
    return {"@pending": True}


def cancel_migration(call: Call, row: Row) -> None:
    if row["status"] != VM["migrating"]:
        raise Refused("Cannot cancel migration for non migrating VM.")
    _, client = _runner(call, row)
    if client is not None:
        client.call("VM.migrateCancel", {"vmID": row["vm_guid"]})


def migrate(call: Call, row: Row) -> None:
    host, client = _runner(call, row)
    if host is None or client is None:
        raise refuse("migrate VM", "VM is not running.")
    wanted = (call.doc.get("host") or {}).get("@id")
    target = call.db.row(
        "SELECT * FROM vds WHERE cluster_id = ? AND vds_id != ? AND status = ? AND (? IS NULL OR vds_id = ?) "
        "ORDER BY ha_score DESC",
        row["cluster_id"],
        host["vds_id"],
        STATUS["up"],
        wanted,
        wanted,
    )
    if target is None:
        raise Refused(NO_HOST, status=400)
    client.call(
        "VM.migrate",
        {
            "vmID": row["vm_guid"],
            "params": {
                "src": host["host_name"],
                "dst": f"{target['host_name']}:{target['port']}",
                "method": "online",
                "vmId": row["vm_guid"],
            },
        },
    )
    call.db.update(
        "vm_dynamic",
        {"vm_guid": row["vm_guid"]},
        {"status": VM["migrating"], "migrating_to_vds": target["vds_id"]},
    )


def maintenance(call: Call, row: Row) -> None:
    """Global hosted-engine maintenance, through the host that runs the engine."""
    if row["origin"] not in HE:
        # Not even a fault document: the engine answers with the bare sentence (measured 6).
        raise HtmlAnswer(
            400,
            "Moving to maintenance mode is currently only available for the VM containing the hosted engine",
            "application/xml;charset=UTF-8",
        )
    host, client = _runner(call, row)
    if host is None or client is None:
        raise refuse("edit VM Cluster", "Invalid Host Id.", status=400)
    if not host["ha_configured"]:
        raise refuse("edit VM Cluster", "Hosted Engine is not configured on this host.", status=400)
    host_flows.set_ha_maintenance(client, "GLOBAL", bool(call.doc["maintenance_enabled"]))
    call.event("HA_MAINTENANCE", host=host, vm=row)


def ticket(call: Call, row: Row) -> Doc:
    """A console password; one is made when none is given."""
    wanted = call.doc.get("ticket") or {}
    value, expiry = wanted.get("value") or new_id().replace("-", "")[:12], int(wanted.get("expiry") or 120)
    _, client = _runner(call, row)
    if row["status"] not in TICKET_STATES or client is None:
        raise _wrong_status("set Virtual Machine Ticket", row)
    client.call(
        "VM.setTicket",
        {
            "vmID": row["vm_guid"],
            "password": value,
            "ttl": str(expiry),
            "existingConnAction": "disconnect",
            "params": {"userName": call.user["username"], "userId": call.user["user_id"]},
        },
    )
    return {"ticket": {"value": value, "expiry": expiry}}


def add_snapshot(call: Call, sub: Sub) -> str:
    row = get(call, call.parents[-1])
    if row["origin"] in UNMANAGED:
        raise refuse("create Snapshot", NOT_MANAGED, status=400)
    raise refuse("create Snapshot", "The engine simulator does not make snapshots.", status=400)
