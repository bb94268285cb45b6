# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the OVF of the engine VM to vm.conf (host contract 2.2)."""

import base64
import logging
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ...env import constants

_log = logging.getLogger(__name__)

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1/}"
_RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_OVIRT_VM = {"ovirt-vm": "http://ovirt.org/vm/1.0"}

_CPU_ITEM, _MEMORY_ITEM = "3", "4"
_DISPLAYS = {"0": "cirrus", "1": "qxl", "2": "vnc"}
_NIC_MODELS = {"1": "rtl8139", "2": "e1000", "3": "pv"}
_SPICE_CHANNELS = "smain,sdisplay,sinputs,scursor,splayback,srecord,ssmartcard,susbredir"
_CDROM_ID = "8c3179ac-b322-4f5c-9449-c52e3665e0ae"

#: Longest alias of a console that its socket path bears.
_CONSOLE_ALIAS_LENGTH = 24


def _text(element: Any, path: str) -> str:
    found = element.find(path)
    return "" if found is None or found.text is None else str(found.text)


def _items(root: Any, kind: str, device: str) -> Iterator[Any]:
    for item in root.iter("Item"):
        if _text(item, "Type") == kind and _text(item, "Device") == device:
            yield item


def _item_value(root: Any, resource: str, field: str) -> str:
    """Return a field of the first item of a resource type.

    Raises IndexError if there is no such item.
    """
    found = [item for item in root.iter("Item") if _text(item, _RASD + "ResourceType") == resource]
    return _text(found[0], _RASD + field)


def _address(item: Any) -> str:
    """Return ``{type=pci, slot=0x06}`` as ``{type:pci,slot:0x06}``; no address is the word None."""
    text = _text(item, _RASD + "Address").strip()
    if not text:
        return "None"
    pairs = [pair.strip().replace("=", ":", 1) for pair in text.strip("{}").split(",")]
    return "{" + ",".join(pairs) + "}"


def _spec(**values: str) -> str:
    return "devices={" + ",".join(f"{key}:{value}" for key, value in values.items()) + "}"


def _disk_devices(root: Any) -> Iterator[str]:
    volumes = {}
    for disk in root.iter("Disk"):
        image, _slash, volume = disk.get(_OVF + "fileRef", "").partition("/")
        volumes[disk.get(_OVF + "diskId")] = (image, volume, disk)
    for index, item in enumerate(_items(root, "disk", "disk")):
        instance = _text(item, _RASD + "InstanceId")
        image, volume, disk = volumes[instance]
        yield _spec(
            index=str(index),
            type="disk",
            device="disk",
            iface=disk.get(_OVF + "disk-interface", "").lower(),
            format="cow" if disk.get(_OVF + "volume-format") == "COW" else "raw",
            poolID=constants.BLANK_UUID,
            domainID=_text(item, _RASD + "StorageId"),
            imageID=image,
            volumeID=volume,
            deviceId=instance,
            readonly=_text(item, "IsReadOnly"),
            address=_address(item),
            bootOrder="1",
            propagateErrors="off",
            shared="exclusive",
        )


def _nic_devices(root: Any) -> Iterator[str]:
    for item in _items(root, "interface", "bridge"):
        yield _spec(
            type="interface",
            device="bridge",
            deviceId=_text(item, _RASD + "InstanceId"),
            address=_address(item),
            nicModel=_NIC_MODELS.get(_text(item, _RASD + "ResourceSubType"), "pv"),
            macAddr=_text(item, _RASD + "MACAddress"),
            network=_text(item, _RASD + "Connection"),
            linkActive=_text(item, _RASD + "Linked"),
        )


def _fixed_devices() -> Iterator[str]:
    yield _spec(
        type="disk",
        device="cdrom",
        deviceId=_CDROM_ID,
        address="{controller:0,target:0,unit:0,bus:1,type:drive}",
        index="2",
        iface="ide",
        readonly="true",
        path="",
        shared="false",
    )
    yield _spec(type="rng", device="virtio", model="virtio", specParams="{source:urandom}")
    yield _spec(type="console", device="console")


def usable_engine_xml(text: str) -> bytes | None:
    """Return the engine's libvirt XML as it goes into vm.conf, None if it may not be used.

    It must have a disk that is ``shared=exclusive`` and a lease: without them two hosts could run the VM at once.
    """
    root: Any = etree.fromstring(text.encode())
    disks: Any = root.xpath("metadata/ovirt-vm:vm/ovirt-vm:device[@devtype='disk']", namespaces=_OVIRT_VM)
    shared = [disk.find("ovirt-vm:shared", _OVIRT_VM) for disk in disks]
    if not any(element is not None and element.text == "exclusive" for element in shared):
        _log.error("The engine XML has no disk shared exclusively")
        return None
    if root.find("devices/lease") is None:
        _log.error("The engine XML has no volume lease")
        return None
    for alias in root.findall("devices/console/alias"):
        alias.set("name", alias.get("name", "")[:_CONSOLE_ALIAS_LENGTH])
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def conf_from_ovf(ovf: str | bytes) -> str:
    """Return the text of vm.conf for an OVF of the engine.

    Raises lxml.etree.XMLSyntaxError for text that is no XML, IndexError if the CPU or memory item is missing.
    """
    root: Any = etree.fromstring(ovf.encode() if isinstance(ovf, str) else ovf)
    lines: list[str] = []
    engine_xml = _text(root, "Content/EngineXml")
    if engine_xml:
        usable = usable_engine_xml(engine_xml)
        if usable is not None:
            lines.append("xmlBase64=" + base64.b64encode(usable).decode())
    system: Any = root.xpath(
        "Content/Section[@xsi:type='ovf:OperatingSystemSection_Type']", namespaces={"xsi": _XSI.strip("{}")}
    )
    sockets = _item_value(root, _CPU_ITEM, "num_of_sockets")
    cores = _item_value(root, _CPU_ITEM, "cpu_per_socket")
    lines += [
        "vmId=" + system[0].get(_OVF + "id"),
        "vmName=" + _text(root, "Content/Name"),
        "display=" + _DISPLAYS.get(_text(root, "Content/DefaultDisplayType"), "vnc"),
        "cpuType=" + _text(root, "Content/CustomCpuName"),
        "emulatedMachine=" + _text(root, "Content/CustomEmulatedMachine"),
        f"smp={int(sockets) * int(cores)}",
        "maxVCpus=" + _item_value(root, _CPU_ITEM, "max_num_of_vcpus"),
        "memSize=" + _item_value(root, _MEMORY_ITEM, "VirtualQuantity"),
        "spiceSecureChannels=" + _SPICE_CHANNELS,
        *_disk_devices(root),
        *_nic_devices(root),
        *_fixed_devices(),
    ]
    return "\n".join(lines) + "\n"
