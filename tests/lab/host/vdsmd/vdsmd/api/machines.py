# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of virtual machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..host import event_time
from ..storage.files import BLANK
from ..verbs import truth, verb

if TYPE_CHECKING:
    from ..host import Host


@verb("Host.getVMList")
def get_vm_list(host: Host, vmList: Any = (), onlyUUID: Any = True, fullStatus: Any = False) -> list[dict[str, str]]:
    # VDSM ignores the two flags and always tells status and time (fixture host-getvmlist, host contract 11.1)
    return [
        {"status": machine.status, "statusTime": str(event_time()), "vmId": machine.id}
        for machine in host.machines.all()
        if not vmList or machine.id in vmList
    ]


@verb("Host.getVMFullList")
def get_vm_full_list(host: Host, vmList: Any = ()) -> list[dict[str, Any]]:
    return [
        {
            **host.machines.stats(machine),
            "xml": host.machines.xmls([machine.id]).get(machine.id, ""),
            "memSize": machine.memory_mb,
            "smp": str(machine.vcpus),
            "vmName": machine.name,
            "devices": [],
        }
        for machine in host.machines.all()
        if not vmList or machine.id in vmList
    ]


@verb("VM.getInfo")
def vm_get_info(host: Host, vmID: str) -> dict[str, Any]:
    host.machines.get(vmID)
    return get_vm_full_list(host, [vmID])[0]


@verb("Host.getAllVmStats")
def get_all_vm_stats(host: Host) -> list[dict[str, Any]]:
    return [host.machines.stats(machine) for machine in host.machines.all()]


@verb("VM.getStats")
def vm_get_stats(host: Host, vmID: str) -> list[dict[str, Any]]:
    return [host.machines.stats(host.machines.get(vmID))]


@verb("Host.dumpxmls")
def dumpxmls(host: Host, vmList: Any = ()) -> dict[str, str]:
    return host.machines.xmls(vmList)


@verb("Host.getAllVmIoTunePolicies")
def io_tune_policies(host: Host) -> dict[str, Any]:
    return {machine.id: {"policy": [], "current_values": []} for machine in host.machines.all()}


@verb("VM.create", unlocked=True)
def vm_create(host: Host, vmID: str, vmParams: dict[str, Any]) -> dict[str, Any]:
    machine = host.machines.create(vmID, vmParams)
    return {"vmId": machine.id, "status": "WaitForLaunch", "vmName": machine.name, "vmType": "kvm"}


@verb("VM.shutdown", unlocked=True)
def vm_shutdown(
    host: Host,
    vmID: str,
    delay: Any = None,
    message: Any = None,
    reboot: Any = False,
    timeout: Any = None,
    force: Any = False,
) -> None:
    host.machines.shutdown(host.machines.get(vmID), reboot=truth(reboot), delay=float(delay or 0))


@verb("VM.destroy", unlocked=True)
def vm_destroy(host: Host, vmID: str, gracefulAttempts: Any = 1) -> None:
    host.machines.destroy(host.machines.get(vmID))


@verb("VM.cont", unlocked=True)
def vm_cont(host: Host, vmID: str) -> dict[str, Any]:
    host.machines.resume(host.machines.get(vmID))
    return {"vmList": {}}


@verb("VM.pause", unlocked=True)
def vm_pause(host: Host, vmID: str) -> dict[str, Any]:
    host.machines.pause(host.machines.get(vmID))
    return {"vmList": {}}


@verb("VM.reset", unlocked=True)
def vm_reset(host: Host, vmID: str) -> None:
    host.machines.reset(host.machines.get(vmID))


@verb(
    "VM.setDestroyOnReboot",
    "VM.updateVmPolicy",
    "VM.desktopLogin",
    "VM.desktopLogoff",
    "VM.desktopLock",
    "VM.sendHcCmdToDesktop",
    "VM.freeze",
    "VM.thaw",
    "VM.setBalloonTarget",
    "VM.setCpuTuneQuota",
    "VM.setCpuTunePeriod",
    "VM.setIoTune",
    "VM.migrateCancel",
    "VM.changeFloppy",
    "VM.diskReplicateStart",
    "VM.diskReplicateFinish",
    "VM.refresh_disk",
)
def vm_accept(host: Host, vmID: str, **params: Any) -> None:
    # policies without effect here; the machine must exist
    host.machines.get(vmID)


def _change(host: Host, name: str, vm_id: str, params: dict[str, Any]) -> dict[str, Any]:
    return host.machines.change(host.machines.get(vm_id), name, params)


@verb("VM.updateDevice", unlocked=True)
def vm_update_device(host: Host, vmID: str, **params: Any) -> dict[str, Any]:
    return _change(host, "updateDevice", vmID, params)


@verb("VM.setTicket", unlocked=True)
def vm_set_ticket(host: Host, vmID: str, **params: Any) -> dict[str, Any]:
    return _change(host, "setTicket", vmID, params)


@verb(
    "VM.changeCD",
    "VM.hotplugDisk",
    "VM.hotunplugDisk",
    "VM.hotplugNic",
    "VM.hotunplugNic",
    "VM.hotplugLease",
    "VM.hotunplugLease",
    "VM.hotplugMemory",
    "VM.hotunplugMemory",
    "VM.setNumberOfCpus",
    "VM.snapshot",
    unlocked=True,
)
def vm_change(host: Host, vmID: str, **params: Any) -> dict[str, Any]:
    return _change(host, "devices", vmID, params)


@verb("VM.getExternalData")
def vm_external_data(host: Host, vmID: str, kind: Any, forceUpdate: Any = False) -> dict[str, str]:
    host.machines.get(vmID)
    return {"_X_data": "", "hash": ""}


@verb("VM.getIoTune", "VM.getIoTunePolicy", "VM.list_checkpoints")
def vm_empty_list(host: Host, vmID: str, **params: Any) -> list[Any]:
    host.machines.get(vmID)
    return []


@verb("VM.screenshot")
def vm_screenshot(host: Host, vmID: str) -> dict[str, str]:
    host.machines.get(vmID)
    return {"data": "", "encoding": "base64"}


@verb("VM.hibernate", unlocked=True)
def vm_hibernate(host: Host, vmID: str, hibernationVolHandle: Any = None) -> None:
    host.machines.hibernate(host.machines.get(vmID), hibernationVolHandle)


@verb("VM.migrate", unlocked=True)
def vm_migrate(host: Host, vmID: str, params: dict[str, Any]) -> dict[str, Any]:
    host.machines.migrate(host.machines.get(vmID), params)
    return {"params": {}, "migrationPort": 0}


@verb("VM.migrationCreate", unlocked=True)
def vm_migration_create(host: Host, vmID: str, params: dict[str, Any], incomingLimit: Any = None) -> dict[str, Any]:
    return host.machines.expect(vmID, params)


@verb("VM.getMigrationStatus")
def vm_migration_status(host: Host, vmID: str) -> dict[str, Any]:
    return {"progress": host.machines.get(vmID).progress, "downtime": 50}


@verb("VM.diskSizeExtend")
def vm_disk_size_extend(host: Host, vmID: str, driveSpecs: Any, newSize: Any) -> str:
    if vmID != BLANK:  # the blank id: a disk that no machine has
        host.machines.get(vmID)
    return str(newSize)
