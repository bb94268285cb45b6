# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""THE table of what is changed in the engine's domain XML before this lab's libvirt gets it.

The XML itself decides name, id, memory, processors, MAC, disk and boot order. Some rows do what real VDSM does too
(marked "as VDSM"); the others exist because there is no KVM, no vhost, no EL9 QEMU, no sanlock lock manager here.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .domxml import OVIRT_VM

BLANK_SOURCES = ("", None)


@dataclass
class Lab:
    """What the rows need to know of this host."""

    #: Path of a volume's data, prepared, by pool, domain, image and volume id. Raises VdsmError.
    prepare: Callable[[str, str, str, str], str]
    #: Address on which consoles listen.
    console_address: str
    #: Id of the host, for the guest's SMBIOS serial.
    host_id: str
    #: Operating system name and version, for the guest's SMBIOS.
    system: tuple[str, str] = ("oVirt", "9")
    #: Whether libvirt's lock manager is sanlock, and where a volume's lease lies: (domain, volume) to (path, offset).
    lease: Callable[[str, str], tuple[str, int]] | None = None
    #: Where UNIX sockets of consoles and channels are made, by the prefix in the engine's XML.
    made: list[Path] = field(default_factory=list)


def virtualisation(root: ET.Element, lab: Lab) -> None:
    """kvm -> qemu: no usable KVM on the machines of the lab."""
    root.set("type", "qemu")


def machine(root: ET.Element, lab: Lab) -> None:
    """pc-q35-rhel*, none -> q35; pc-i440fx-rhel* -> pc: Debian's QEMU has no EL machine types."""
    kind = root.find("os/type")
    if kind is not None:
        name = kind.get("machine", "")
        if "rhel" in name or not name:
            kind.set("machine", "pc" if "i440fx" in name else "q35")


def processor(root: ET.Element, lab: Lab) -> None:
    """Model and features -> mode maximum: what TCG can do. Topology and NUMA cells stay."""
    cpu = root.find("cpu")
    if cpu is None:
        cpu = ET.SubElement(root, "cpu")
    kept = [child for child in cpu if child.tag in ("topology", "numa")]
    for child in list(cpu):
        cpu.remove(child)
    cpu.attrib.clear()
    cpu.set("mode", "maximum")
    cpu.extend(kept)


def huge_pages(root: ET.Element, lab: Lab) -> None:
    """memoryBacking with huge pages is dropped: a container has none."""
    backing = root.find("memoryBacking")
    if backing is not None and backing.find("hugepages") is not None:
        root.remove(backing)


def smbios(root: ET.Element, lab: Lab) -> None:
    """OS-NAME:, OS-VERSION:, HOST-SERIAL: are filled in (as VDSM)."""
    marks = {"OS-NAME:": lab.system[0], "OS-VERSION:": lab.system[1], "HOST-SERIAL:": lab.host_id}
    for entry in root.iterfind("sysinfo/system/entry"):
        entry.text = marks.get(entry.text or "", entry.text)


def firmware(root: ET.Element, lab: Lab) -> None:
    """EL's OVMF -> Debian's, where it is installed."""
    loader, nvram = root.find("os/loader"), root.find("os/nvram")
    if loader is None or Path(loader.text or "").exists():
        return
    secure = ".secboot" in (loader.text or "")
    code = Path("/usr/share/OVMF", "OVMF_CODE_4M.ms.fd" if secure else "OVMF_CODE_4M.fd")
    loader.text = str(code)
    if nvram is not None:
        nvram.set("template", str(code).replace("CODE", "VARS"))


def clock(root: ET.Element, lab: Lab) -> None:
    """Timers of KVM are dropped: kvmclock, and the policy of its PIT."""
    element = root.find("clock")
    for timer in list(element if element is not None else ()):
        if element is not None and timer.get("name") in ("kvmclock", "pit", "hypervclock"):
            element.remove(timer)


def disks(root: ET.Element, lab: Lab) -> None:
    """Sources are the prepared volumes (as VDSM); an empty CD has no source; IDE -> SATA on q35; labels are dropped."""
    q35 = "q35" in _machine_name(root)
    for disk in root.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        if source is not None:
            for label in source.findall("seclabel"):
                source.remove(label)
            if disk.get("device") == "cdrom" and source.get("file") in BLANK_SOURCES:
                disk.remove(source)
            else:
                _resolve(root, disk, source, lab)
        if q35 and target is not None and target.get("bus") == "ide":
            target.set("bus", "sata")
            target.set("dev", "sd" + target.get("dev", "hdc")[-1])
            address = disk.find("address")
            if address is not None:
                disk.remove(address)


def _machine_name(root: ET.Element) -> str:
    kind = root.find("os/type")
    return kind.get("machine", "") if kind is not None else ""


def _resolve(root: ET.Element, disk: ET.Element, source: ET.Element, lab: Lab) -> None:
    """By the ids in the device's metadata, else by those in /rhev/data-center/POOL/DOMAIN/images/IMAGE/VOLUME."""
    target = disk.find("target")
    name = target.get("dev") if target is not None else None
    for device in root.iterfind(f"metadata/{{{OVIRT_VM}}}vm/{{{OVIRT_VM}}}device"):
        if device.get("devtype") == "disk" and device.get("name") == name:
            ids = [device.findtext(f"{{{OVIRT_VM}}}{key}") for key in ("poolID", "domainID", "imageID", "volumeID")]
            if all(ids):
                source.set("file", lab.prepare(*[str(value) for value in ids]))
                return
    parts = source.get("file", "").split("/")
    if parts[:3] == ["", "rhev", "data-center"] and len(parts) == 8 and parts[5] == "images" and parts[3] != "mnt":
        source.set("file", lab.prepare(parts[3], parts[4], parts[6], parts[7]))


def leases(root: ET.Element, lab: Lab) -> None:
    """LEASE-PATH and LEASE-OFFSET are filled in (as VDSM). Without sanlock as lock manager the element is dropped: the
    daemon itself then holds the lease while the machine runs."""
    devices = root.find("devices")
    for lease in list(root.iterfind("devices/lease")):
        target = lease.find("target")
        if lab.lease is None or target is None:
            if devices is not None:
                devices.remove(lease)
        elif target.get("path", "").startswith("LEASE-PATH:"):
            path, offset = lab.lease(lease.findtext("lockspace", ""), lease.findtext("key", ""))
            target.set("path", path)
            target.set("offset", str(offset))


def interfaces(root: ET.Element, lab: Lab) -> None:
    """vhost and its queues are dropped (no vhost-net), the filter too (needs ebtables), empty bandwidth as well."""
    for interface in root.iterfind("devices/interface"):
        for tag in ("driver", "filterref"):
            for child in interface.findall(tag):
                interface.remove(child)
        for bandwidth in interface.findall("bandwidth"):
            if not len(bandwidth):
                interface.remove(bandwidth)


def graphics(root: ET.Element, lab: Lab) -> None:
    """Listening network vdsm-NET -> the management address (VDSM keeps such libvirt networks); spice is dropped; the
    engine's masked password stays a password nobody knows until updateDevice sets one."""
    devices = root.find("devices")
    for element in list(root.iterfind("devices/graphics")):
        if element.get("type") == "spice" and devices is not None:
            devices.remove(element)
            continue
        for listen in element.findall("listen"):
            element.remove(listen)
        element.attrib.pop("tlsPort", None)
        element.attrib.pop("listen", None)
        ET.SubElement(element, "listen", type="address", address=lab.console_address)
    for channel in list(root.iterfind("devices/channel")):
        if channel.get("type") == "spicevmc" and devices is not None:
            devices.remove(channel)


def devices_of_kvm(root: ET.Element, lab: Lab) -> None:
    """What Debian's QEMU under TCG lacks: sound, smart cards, the watchdog's and TPM's helpers; qxl -> virtio."""
    devices = root.find("devices")
    if devices is None:
        return
    for tag in ("sound", "smartcard", "redirdev", "tpm", "emulator"):
        for element in devices.findall(tag):
            devices.remove(element)
    for model in devices.iterfind("video/model"):
        if model.get("type") == "qxl":
            model.attrib.clear()
            model.attrib.update(type="virtio", heads="1")


def sockets(root: ET.Element, lab: Lab) -> None:
    """Directories of UNIX sockets are noted, to be made (packages make them on EL)."""
    for source in root.iterfind("devices/*/source[@mode='bind']"):
        if source.get("path"):
            lab.made.append(Path(source.get("path", "")).parent)


TABLE: tuple[Callable[[ET.Element, Lab], None], ...] = (
    virtualisation,
    machine,
    processor,
    huge_pages,
    smbios,
    firmware,
    clock,
    disks,
    leases,
    interfaces,
    graphics,
    devices_of_kvm,
    sockets,
)


def substitute(xml: str, lab: Lab) -> ET.Element:
    """The engine's XML with every row applied. Raises VdsmError (a volume), ET.ParseError."""
    root = ET.fromstring(xml)
    for row in TABLE:
        row(root, lab)
    return root


def volume_leases(root: ET.Element) -> list[tuple[str, str]]:
    """(lockspace, resource) of the leases that the engine's XML asks for."""
    return [(lease.findtext("lockspace", ""), lease.findtext("key", "")) for lease in root.iterfind("devices/lease")]
