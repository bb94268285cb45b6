# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OVF of a machine."""

from __future__ import annotations

from lxml import etree

from .build import el, leaf, serialize, stamp
from .domain import engine_xml
from .hardware import hardware_section
from .model import BIOS_TYPES, BLANK, VM_TYPES, Disk, Vm

#: Version of the format, not of the engine.
VERSION = "4.4.0.0"
_GIB = 1024**3
_SPARSE = "http://www.vmware.com/specifications/vmdk.html#sparse"
#: The engine's number of VGA as display type.
_DISPLAY_VGA = 2


def build_ovf(vm: Vm) -> str:
    """The whole document, with the libvirt XML inside."""
    return serialize(
        el(
            "ovf:Envelope",
            {"ovf:version": VERSION},
            el("References", None, *(_reference(disk) for disk in vm.disks)),
            el(
                "NetworkSection",
                None,
                leaf("Info", "List of networks"),
                *(el("Network", {"ovf:name": name}) for name in sorted({nic.network for nic in vm.nics})),
            ),
            el(
                "Section",
                {"xsi:type": "ovf:DiskSection_Type"},
                leaf("Info", "List of Virtual Disks"),
                *(_disk(vm, disk) for disk in vm.disks),
            ),
            el(
                "Content",
                {"ovf:id": "out", "xsi:type": "ovf:VirtualSystem_Type"},
                *_properties(vm),
                leaf("EngineXml", engine_xml(vm)),
                _system(vm),
                hardware_section(vm, VERSION),
                _snapshots(vm),
            ),
            namespaces=("ovf", "rasd", "vssd", "xsi"),
        )
    )


def _reference(disk: Disk) -> etree._Element:
    return el(
        "File",
        {
            "ovf:href": f"{disk.image_id}/{disk.volume_id}",
            "ovf:id": disk.volume_id,
            "ovf:size": disk.actual_size,
            "ovf:description": "Active VM",
            "ovf:disk_storage_type": "IMAGE",
            "ovf:cinder_volume_type": "",
        },
    )


def _disk(vm: Vm, disk: Disk) -> etree._Element:
    return el(
        "Disk",
        {
            "ovf:diskId": disk.volume_id,
            "ovf:size": -(-disk.size // _GIB),
            "ovf:actual_size": disk.actual_size // _GIB,
            "ovf:vm_snapshot_id": vm.snapshot_id,
            "ovf:parentRef": "",
            "ovf:fileRef": f"{disk.image_id}/{disk.volume_id}",
            "ovf:format": _SPARSE,
            "ovf:volume-format": "RAW" if disk.raw else "COW",
            "ovf:volume-type": "Sparse" if disk.sparse else "Preallocated",
            "ovf:disk-interface": "VirtIO",
            "ovf:read-only": False,
            "ovf:shareable": False,
            "ovf:boot": disk.bootable,
            "ovf:pass-discard": False,
            "ovf:incremental-backup": False,
            "ovf:disk-alias": disk.alias,
            "ovf:disk-description": disk.description,
            "ovf:wipe-after-delete": False,
        },
    )


def _properties(vm: Vm) -> list[etree._Element]:
    values: dict[str, object] = {
        "Name": vm.name,
        "Description": vm.description,
        "Comment": vm.comment,
        "CreationDate": stamp(vm.created),
        "ExportDate": stamp(vm.exported),
        "DeleteProtected": vm.delete_protected,
        "SsoMethod": "guest_agent",
        "IsSmartcardEnabled": False,
        "NumOfIoThreads": 1,
        "TimeZone": vm.time_zone,
        "default_boot_sequence": 0,
        "Generation": vm.generation,
        "ClusterCompatibilityVersion": vm.cluster.version,
        "VmType": VM_TYPES[vm.vm_type],
        "ResumeBehavior": "AUTO_RESUME",
        "MinAllocatedMem": vm.minimum_memory,
        "IsStateless": False,
        "IsRunAndPause": False,
        "AutoStartup": vm.highly_available,
        "Priority": vm.priority,
        "CreatedByUserId": vm.created_by,
        "MigrationSupport": 0,
        "IsBootMenuEnabled": False,
        "IsSpiceFileTransferEnabled": True,
        "IsSpiceCopyPasteEnabled": True,
        "AllowConsoleReconnect": False,
        "ConsoleDisconnectAction": "LOCK_SCREEN",
        "ConsoleDisconnectActionDelay": 0,
        "CustomEmulatedMachine": vm.cluster.emulated_machine if vm.hosted_engine else "",
        "BiosType": BIOS_TYPES[vm.firmware],
        "CustomCpuName": vm.cluster.cpu_verb if vm.hosted_engine else "",
        "PredefinedProperties": "",
        "UserDefinedProperties": "",
        "MaxMemorySizeMb": vm.maximum_memory,
        "MultiQueuesEnabled": True,
        "VirtioScsiMultiQueuesEnabled": False,
        "UseHostCpu": False,
        "BalloonEnabled": True,
        "CpuPinningPolicy": 0,
        "ClusterName": vm.cluster.name,
        "TemplateId": BLANK,
        "TemplateName": "Blank",
        "IsInitilized": False,
        "Origin": vm.origin,
        "quota_id": vm.cluster.quota_id,
        "DefaultDisplayType": _DISPLAY_VGA,
        "TrustedService": False,
        "OriginalTemplateId": BLANK,
        "OriginalTemplateName": "Blank",
        "UseLatestVersion": False,
        "StopTime": stamp(vm.created),
    }
    return [leaf(name, value) for name, value in values.items()]


def _system(vm: Vm) -> etree._Element:
    return el(
        "Section",
        {"ovf:id": vm.id, "ovf:required": False, "xsi:type": "ovf:OperatingSystemSection_Type"},
        leaf("Info", "Guest Operating System"),
        leaf("Description", vm.os_type),
    )


def _snapshots(vm: Vm) -> etree._Element:
    active = el(
        "Snapshot",
        {"ovf:id": vm.snapshot_id},
        leaf("Type", "ACTIVE"),
        leaf("Description", "Active VM"),
        leaf("CreationDate", stamp(vm.created)),
    )
    return el("Section", {"xsi:type": "ovf:SnapshotsSection_Type"}, active)
