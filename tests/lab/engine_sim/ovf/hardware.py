# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware section of an OVF: an Item per CPU set, memory, disk, interface and device."""

from __future__ import annotations

from lxml import etree

from .build import el, leaf, stamp
from .model import BLANK, Disk, Nic, Vm

#: CIM's numbers of resource types; 0 is "other".
_CPU, _MEMORY, _NETWORK, _CDROM, _DISK, _VIDEO, _USB, _GRAPHICS, _OTHER = 3, 4, 10, 15, 17, 20, 23, 26, 0


def hardware_section(vm: Vm, version: str) -> etree._Element:
    """The section, in the engine's order."""
    return el(
        "Section",
        {"xsi:type": "ovf:VirtualHardwareSection_Type"},
        leaf("Info", f"{vm.cpus} CPU, {vm.memory} Memory"),
        el("System", None, leaf("vssd:VirtualSystemType", f"ENGINE {version}")),
        _cpu(vm),
        _memory(vm),
        *(_disk(vm, disk) for disk in vm.disks),
        *(_nic(nic) for nic in vm.nics),
        _item({"Caption": "USB Controller", "InstanceId": 3, "ResourceType": _USB, "UsbPolicy": "DISABLED"}),
        _video(vm),
        _item(
            {"Caption": "Graphical Framebuffer", "InstanceId": vm.devices.graphics, "ResourceType": _GRAPHICS},
            *_device("graphics", "vnc"),
        ),
        _item(
            {"Caption": "CDROM", "InstanceId": vm.devices.cdrom, "ResourceType": _CDROM},
            *_device("disk", "cdrom", read_only=True),
            _spec(path=""),
        ),
        *_others(vm),
    )


def _cpu(vm: Vm) -> etree._Element:
    return _item(
        {
            "Caption": f"{vm.cpus} virtual cpu",
            "Description": "Number of virtual CPU",
            "InstanceId": 1,
            "ResourceType": _CPU,
            "num_of_sockets": vm.sockets,
            "cpu_per_socket": vm.cores,
            "threads_per_cpu": vm.threads,
            "max_num_of_vcpus": vm.max_cpus,
            "VirtualQuantity": vm.cpus,
        }
    )


def _memory(vm: Vm) -> etree._Element:
    return _item(
        {
            "Caption": f"{vm.memory} MB of memory",
            "Description": "Memory Size",
            "InstanceId": 2,
            "ResourceType": _MEMORY,
            "AllocationUnits": "MegaBytes",
            "VirtualQuantity": vm.memory,
        }
    )


def _disk(vm: Vm, disk: Disk) -> etree._Element:
    return _item(
        {
            "Caption": disk.alias,
            "InstanceId": disk.volume_id,
            "ResourceType": _DISK,
            "HostResource": f"{disk.image_id}/{disk.volume_id}",
            "Parent": BLANK,
            "Template": BLANK,
            "ApplicationList": "",
            "StorageId": disk.domain_id,
            "StoragePoolId": vm.pool_id,
            "CreationDate": stamp(disk.created),
            "LastModified": stamp(disk.modified or disk.created),
            "last_modified_date": stamp(vm.exported),
        },
        *_device("disk", "disk", boot_order=1 if disk.boots else 0, alias=f"ua-{disk.image_id}"),
    )


def _nic(nic: Nic) -> etree._Element:
    return _item(
        {
            "Caption": f"Ethernet adapter on {nic.network}",
            "InstanceId": nic.id,
            "ResourceType": _NETWORK,
            "OtherResourceType": nic.network,
            "ResourceSubType": 3,
            "Connection": nic.network,
            "Linked": nic.linked,
            "Name": nic.name,
            "ElementName": nic.name,
            "MACAddress": nic.mac,
            "speed": 10000,
        },
        *_device("interface", "bridge", plugged=nic.plugged),
    )


def _video(vm: Vm) -> etree._Element:
    return _item(
        {
            "Caption": "Graphical Controller",
            "InstanceId": vm.devices.video,
            "ResourceType": _VIDEO,
            "VirtualQuantity": 1,
            "SinglePciQxl": False,
        },
        *_device("video", "vga"),
        _spec(vram=16384),
    )


def _others(vm: Vm) -> list[etree._Element]:
    ids = vm.devices
    result = [
        _other(ids.balloon, *_device("balloon", "memballoon", read_only=True), _spec(model="virtio")),
        _other(ids.usb, *_device("controller", "usb"), _spec(index=0, model="qemu-xhci")),
        _other(ids.rng, *_device("rng", "virtio"), _spec(source="urandom")),
        _other(ids.sound, *_device("sound", "ich9", read_only=True)),
        _other(ids.scsi, *_device("controller", "virtio-scsi"), _spec(ioThreadId="")),
    ]
    if vm.console:
        result.append(
            _other(ids.console, *_device("console", "console"), _spec(enableSocket=True, consoleType="serial"))
        )
    return [*result, _other(ids.virtio_serial, *_device("controller", "virtio-serial"))]


def _other(device_id: str, *content: etree._Element) -> etree._Element:
    return _item({"ResourceType": _OTHER, "InstanceId": device_id}, *content)


def _item(resource: dict[str, object], *content: etree._Element) -> etree._Element:
    return el("Item", None, *(leaf(f"rasd:{name}", value) for name, value in resource.items()), *content)


def _device(
    kind: str, device: str, boot_order: int = 0, plugged: bool = True, read_only: bool = False, alias: str = ""
) -> list[etree._Element]:
    return [
        leaf("Type", kind),
        leaf("Device", device),
        leaf("rasd:Address"),
        leaf("BootOrder", boot_order),
        leaf("IsPlugged", plugged),
        leaf("IsReadOnly", read_only),
        leaf("Alias", alias),
    ]


def _spec(**values: object) -> etree._Element:
    return el("SpecParams", None, *(leaf(name, value) for name, value in values.items()))
