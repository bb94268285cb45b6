# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks, NICs and consoles of a machine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..call import Call, new_id, refuse
from ..doc import Doc
from ..errors import Incomplete, Refused
from ..store import Row
from . import disk as disks
from . import vm as machines
from . import vm_life
from .status import CONTENT, ORIGIN, VM

if TYPE_CHECKING:
    from ..resources.base import Columns, Sub

ATTACHABLE = {CONTENT["data"], CONTENT["hosted_engine"]}
INTERFACES = {
    "virtio": "VirtIO",
    "e1000": "e1000",
    "e1000e": "e1000e",
    "rtl8139": "rtl8139",
    "pci_passthrough": "PCI Passthrough",
    "rtl8139_virtio": "Dual mode rtl8139, VirtIO",
    "spapr_vlan": "sPAPR VLAN",
}
MAC_FORM = (
    'MAC address must be in format "HH:HH:HH:HH:HH:HH" where H is a hexadecimal character (either a digit or A-F, case '
    "is insignificant)., Attribute: nic.macAddress"
)


# -- disks


def attach(call: Call, sub: Sub) -> str:
    """Attaches a disk that exists, or makes one and attaches it."""
    vm_id, doc = call.parents[-1], call.doc
    wanted = doc.get("disk") or {}
    machine = machines.get(call, vm_id)
    what = "attach Virtual Disk" if wanted.get("@id") and "provisioned_size" not in wanted else "add Virtual Disk"
    if what == "attach Virtual Disk":
        disk = call.db.row("SELECT * FROM disks_map WHERE disk_id = ?", wanted["@id"])
        if disk is None:
            raise refuse(what, "The specified disk does not exist.", status=400)
        _check_disk(call, disk, machine, what)
        key = disk["disk_id"]
    else:
        _check_machine(machine, what)
        key = ""
    if not doc.get("interface"):
        raise Refused("Interface is required, Attribute: diskVmElement.diskInterface", status=400)
    bootable = bool(doc.get("bootable"))
    boot = call.db.row(
        "SELECT disk_alias FROM disk_vm_element JOIN base_disks USING (disk_id) WHERE vm_id = ? AND is_boot", vm_id
    )
    if bootable and boot:
        raise refuse(what, f"Disk {boot['disk_alias']} in VM {machine['vm_name']} is already marked as boot.")
    if not key:
        from ..resources.disk import DISK

        assert DISK.required is not None
        DISK.required.check(wanted)
        key = disks.create(call, wanted, what)
    call.db.insert(
        "disk_vm_element",
        {
            "disk_id": key,
            "vm_id": vm_id,
            "is_boot": int(bootable),
            "disk_interface": doc["interface"],
            "read_only": int(bool(doc.get("read_only"))),
            "pass_discard": int(bool(doc.get("pass_discard"))),
            "uses_scsi_reservation": int(bool(doc.get("uses_scsi_reservation"))),
            "is_plugged": int(doc.get("active", True)),
        },
    )
    machines.touch(call, vm_id)
    if what == "attach Virtual Disk":
        call.event("USER_ATTACH_DISK", disk=disks.get(call, key)["disk_alias"], vm=machine)
    return str(key)


def _check_machine(machine: Row, what: str) -> None:
    if machine["origin"] in machines.UNMANAGED:
        raise refuse(what, machines.NOT_MANAGED, status=400)


def _check_disk(call: Call, disk: Row, machine: Row, what: str) -> None:
    if disk["disk_content_type"] not in ATTACHABLE:
        raise refuse(what, f"The operation is not supported for {disks.content_name(disk).upper()} disks.")
    _check_machine(machine, what)
    if call.db.row(
        "SELECT 1 FROM disk_vm_element WHERE disk_id = ? AND vm_id = ?", disk["disk_id"], machine["vm_guid"]
    ):
        raise refuse(what, "The disk is already attached to VM.")
    if not disk["shareable"] and call.db.row("SELECT 1 FROM disk_vm_element WHERE disk_id = ?", disk["disk_id"]):
        raise refuse(what, "The disk is not shareable and is already attached to a VM.")


def update_attachment(call: Call, row: Row) -> None:
    machine = machines.get(call, row["vm_id"])
    _check_machine(machine, "edit Virtual Disk")
    columns = {
        column: call.doc[member]
        for member, column in (
            ("bootable", "is_boot"),
            ("interface", "disk_interface"),
            ("read_only", "read_only"),
            ("pass_discard", "pass_discard"),
            ("active", "is_plugged"),
        )
        if call.doc.get(member) is not None
    }
    call.db.update("disk_vm_element", {"disk_id": row["disk_id"], "vm_id": row["vm_id"]}, columns)
    disk = call.doc.get("disk") or {}
    if set(disk) - {"@id", "@href"}:
        call.doc = disk
        disks.update(call, disks.get(call, row["disk_id"]))
    machines.touch(call, row["vm_id"])


def detach(call: Call, row: Row) -> None:
    machine = machines.get(call, row["vm_id"])
    _check_machine(machine, "detach Virtual Disk")
    if machine["status"] != VM["down"]:
        raise refuse("detach Virtual Disk", "VM is running.")
    disk = disks.get(call, row["disk_id"])
    call.db.delete("disk_vm_element", disk_id=row["disk_id"], vm_id=row["vm_id"])
    machines.touch(call, row["vm_id"])
    call.event("USER_DETACH_DISK", disk=disk["disk_alias"], vm=machine)
    if not call.flag("detach_only", True):
        disks.start_removal(call, disk)


# -- NICs


def free_mac(call: Call, cluster: str) -> str:
    """The next address of the cluster's MAC pool."""
    import json

    pool = call.db.row(
        "SELECT mac_pools.* FROM mac_pools JOIN cluster ON mac_pool_id = mac_pools.id WHERE cluster_id = ?", cluster
    )
    used = {row["mac_addr"] for row in call.db.rows("SELECT mac_addr FROM vm_interface")}
    for span in json.loads(pool["mac_ranges"]) if pool else []:
        low, high = (int(span[end].replace(":", ""), 16) for end in ("from", "to"))
        for number in range(low, high + 1):
            mac = ":".join(f"{number:012x}"[i : i + 2] for i in range(0, 12, 2))
            if mac not in used:
                return mac
    raise refuse("add Interface", "There are not enough MAC addresses left in the MAC Address Pool.")


def check_mac(call: Call, mac: str, key: str | None) -> str:
    if not re.fullmatch(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", mac):
        raise Refused(MAC_FORM, status=400)
    if int(mac[:2], 16) & 1:
        raise Refused("Multi-cast MAC address is not allowed., Attribute: nic.macAddress", status=400)
    mac = mac.lower()
    user = call.db.value(
        "SELECT vm_name FROM vm_interface JOIN vm_static USING (vm_guid) WHERE mac_addr = ? AND id IS NOT ?", mac, key
    )
    if user:
        raise Refused(f"MAC Address {mac} is already in use by VM or snapshot: {user}.")
    return mac


def prepare_nic(call: Call, columns: Columns, row: Row | None) -> None:
    machine = machines.get(call, row["vm_guid"] if row else columns["vm_guid"])
    if machine["origin"] == ORIGIN["external"]:
        raise refuse("add Interface", machines.NOT_MANAGED, status=400)
    name = columns.get("name")
    if (
        name
        and (row is None or name != row["name"])
        and call.db.row("SELECT 1 FROM vm_interface WHERE vm_guid = ? AND name = ?", machine["vm_guid"], name)
    ):
        raise Refused("Network interface name is already in use")
    if columns.get("mac_addr"):
        columns["mac_addr"] = check_mac(call, columns["mac_addr"], row["id"] if row else None)
    elif row is None:
        columns["mac_addr"] = free_mac(call, machine["cluster_id"])
    profile = columns.get("vnic_profile_id", (row or {}).get("vnic_profile_id"))
    if profile is None and machine["origin"] in machines.HE:
        raise Refused("Hosted Engine VM cannot have network interface with empty profile.", status=400)
    if profile and call.db.row("SELECT 1 FROM vnic_profiles WHERE id = ?", profile) is None:
        raise refuse("add Interface", "The specified VM network interface profile doesn't exist.", status=400)


def finish_nic(call: Call, row: Row, moment: str) -> None:
    machine = machines.get(call, row["vm_guid"])
    machines.touch(call, row["vm_guid"])
    about: dict[str, Any] = {"nic": row["name"], "type": INTERFACES.get(row["type"], row["type"]), "vm": machine}
    if moment == "add":
        call.event("NIC_PLUGGED", **about)
        call.event("NIC_ADDED", **about)
    else:
        call.event("NIC_UPDATED", **about)


def before_remove_nic(call: Call, row: Row) -> None:
    machine = machines.get(call, row["vm_guid"])
    if machine["status"] != VM["down"] and row["is_plugged"]:
        raise refuse("remove Interface", "Interface is plugged to a running VM.")
    machines.touch(call, row["vm_guid"])
    call.event("NIC_REMOVED", nic=row["name"], type=INTERFACES.get(row["type"], row["type"]), vm=machine)


def plug(call: Call, row: Row) -> None:
    call.db.update("vm_interface", {"id": row["id"]}, {"is_plugged": 1})


def unplug(call: Call, row: Row) -> None:
    call.db.update("vm_interface", {"id": row["id"]}, {"is_plugged": 0})


# -- consoles


def console_rows(call: Call, parent: str | None) -> list[Row]:
    """Graphics devices; `current` asks for those of the running machine."""
    machine = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", parent)
    if machine is None or (call.flag("current") and not machine["display_port"]):
        return []
    rows = call.db.rows("SELECT * FROM vm_device WHERE vm_id = ? AND type = 'graphics' ORDER BY device", parent)
    running = bool(machine["display_port"])
    return [
        {
            "id": row["device"].encode().hex(),
            "vm_id": parent,
            "protocol": row["device"],
            "address": machine["display_ip"] if running else None,
            "port": int(machine["display_port"]) if running else None,
        }
        for row in rows
    ]


def add_console(call: Call, sub: Sub) -> str:
    vm_id, protocol = call.parents[-1], call.doc["protocol"]
    if call.db.row("SELECT 1 FROM vm_device WHERE vm_id = ? AND type = 'graphics' AND device = ?", vm_id, protocol):
        raise refuse("add Graphics Device", "The VM already has a graphics device of this type.")
    call.db.insert(
        "vm_device",
        {
            "device_id": new_id(),
            "vm_id": vm_id,
            "type": "graphics",
            "device": protocol,
            "is_plugged": 1,
            "is_managed": 1,
        },
    )
    machines.touch(call, vm_id)
    return str(protocol).encode().hex()


def remove_console(call: Call, row: Row) -> None:
    call.db.delete("vm_device", vm_id=row["vm_id"], type="graphics", device=row["protocol"])
    machines.touch(call, row["vm_id"])


def console_ticket(call: Call, row: Row) -> Doc:
    return vm_life.ticket(call, machines.get(call, row["vm_id"]))


# -- watchdog and disc drive


def watchdog_rows(call: Call, parent: str | None) -> list[Row]:
    """The watchdog of a machine, if it has one; its id is always the same (as that of the disc drive)."""
    rows = call.db.rows("SELECT vm_id, spec FROM vm_device WHERE vm_id = ? AND type = 'watchdog'", parent)
    return [{"id": machines.BLANK, "vm_id": row["vm_id"], "spec": json.loads(row["spec"])} for row in rows]


def add_watchdog(call: Call, sub: Sub) -> str:
    vm_id, doc = call.parents[-1], call.doc
    machine = machines.get(call, vm_id)
    if watchdog_rows(call, vm_id):
        raise refuse("add Watchdog", "A watchdog device is already attached to the VM.", status=400)
    call.db.insert(
        "vm_device",
        {
            "device_id": new_id(),
            "vm_id": vm_id,
            "type": "watchdog",
            "device": doc["model"],
            "spec": json.dumps({"action": doc["action"], "model": doc["model"]}),
            "is_plugged": 1,
            "is_managed": 1,
        },
    )
    machines.touch(call, vm_id)
    call.event("USER_UPDATE_VM", vm=machine)
    return machines.BLANK


def update_watchdog(call: Call, row: Row) -> None:
    spec = {**row["spec"], **{name: call.doc[name] for name in ("action", "model") if name in call.doc}}
    call.db.execute(
        "UPDATE vm_device SET device = ?, spec = ? WHERE vm_id = ? AND type = 'watchdog'",
        spec["model"],
        json.dumps(spec),
        row["vm_id"],
    )
    machines.touch(call, row["vm_id"])


def remove_watchdog(call: Call, row: Row) -> None:
    call.db.execute("DELETE FROM vm_device WHERE vm_id = ? AND type = 'watchdog'", row["vm_id"])
    machines.touch(call, row["vm_id"])


def change_disc(call: Call, row: Row) -> None:
    """Ejecting works; there is no disc that could be put in."""
    wanted = (call.doc.get("file") or {}).get("@id")
    if wanted is None:
        raise Incomplete("Cdrom", ["file.id"], "update")
    if wanted:
        raise refuse("change CD", "Cannot find ISO file path.", status=400)
