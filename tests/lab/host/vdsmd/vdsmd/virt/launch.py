# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting a machine: substitutions, volumes, leases, then libvirt."""

from __future__ import annotations

import logging
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libvirt

from ..errors import VdsmError
from ..storage import domains, volumes
from . import domain_facts, substitutions
from .leases import Leases
from .libvirt_link import LibvirtLink
from .machine import Machine

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")

#: Bridge for NICs that are in no network, as VDSM makes it.
DUMMY_BRIDGE = ";vdsmdummy;"
_QEMU_CONF = Path("/etc/libvirt/qemu.conf")


def start(host: Host, link: LibvirtLink, leases: Leases, machine: Machine, xml: str, paused: bool = False) -> None:
    """Run the engine's XML as a domain; `paused` leaves its processors stopped.

    Raises VdsmError (volumes, leases), libvirt.libvirtError, OSError.
    """
    lab = laboratory(host)
    asked = substitutions.volume_leases(ET.fromstring(xml))
    root = substitutions.substitute(xml, lab)
    for directory in lab.made:
        directory.mkdir(parents=True, exist_ok=True)
    _dummy_bridge(root)
    if lab.lease is None:
        leases.acquire(machine.id, _located(host, asked))
    domain = link.connection().createXML(
        ET.tostring(root, encoding="unicode"), libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
    )
    domain_facts.refresh(machine, domain)


def laboratory(host: Host) -> substitutions.Lab:
    """What the substitutions need to know."""
    from ..api.images import prepare

    def prepared(pool: str, domain: str, image: str, volume: str) -> str:
        with host.lock:
            # the blank pool needs no connected pool: the HA services start the engine machine that way
            known = pool if pool in host.pools else ""
            return prepare(host, known, domain, image, volume)

    def lease(lockspace: str, key: str) -> tuple[str, int]:
        return _located(host, [(lockspace, key)])[0][2:]

    system = host.facts.operating_system
    return substitutions.Lab(
        prepare=prepared,
        console_address=console_address(host),
        host_id=host.uuid,
        system=(system["name"], system["version"]),
        lease=lease if sanlock_manages() else None,
    )


def console_address(host: Host) -> str:
    """The management network's address, on which the engine expects consoles."""
    told: dict[str, Any] = host.network.capabilities()["networks"]
    addressed = [network["addr"] for network in told.values() if network["addr"]]
    with_default = [network["addr"] for network in told.values() if network["addr"] and network["ipv4defaultroute"]]
    return str((with_default or addressed or ["0.0.0.0"])[0])


def sanlock_manages() -> bool:
    """Whether libvirt's lock manager is sanlock."""
    if not _QEMU_CONF.exists():
        return False
    lines = _QEMU_CONF.read_text(encoding="utf-8").splitlines()
    return any(line.replace(" ", "") == 'lock_manager="sanlock"' for line in lines)


def hold_leases(host: Host, leases: Leases, machine: Machine) -> bool:
    """Take the leases of a machine that runs already, by the volumes of its metadata. False when another holds them."""
    root, wanted = ET.fromstring(machine.xml), []
    space = "{http://ovirt.org/vm/1.0}"
    for device in root.iterfind(f"metadata/{space}vm/{space}device"):
        if device.findtext(f"{space}shared") == "exclusive":
            wanted.append((device.findtext(f"{space}domainID", ""), device.findtext(f"{space}volumeID", "")))
    try:
        leases.acquire(machine.id, _located(host, wanted))
    except VdsmError as problem:
        log.warning("%s: its leases could not be taken: %s", machine.name, problem.message)
        return False
    return True


def _located(host: Host, wanted: list[tuple[str, str]]) -> list[tuple[str, str, str, int]]:
    """(lockspace, resource) with path and offset: a volume of the domain, or a lease of its xleases."""
    from ..api.leases import lease_info

    found = []
    with host.lock:
        for lockspace, key in wanted:
            domain = domains.find(host, lockspace)
            volume = next((v for v in volumes.volumes(domain) if v.id == key), None)
            if volume is not None:
                found.append((lockspace, key, *volume.lease))
            else:
                info = lease_info(host, {"sd_id": lockspace, "lease_id": key})
                found.append((lockspace, key, info["path"], info["offset"]))
    return found


def _dummy_bridge(root: ET.Element) -> None:
    sources = [source.get("bridge") for source in root.iterfind("devices/interface/source")]
    if DUMMY_BRIDGE in sources and not Path("/sys/class/net", DUMMY_BRIDGE).exists():
        subprocess.run(["ip", "link", "add", "name", DUMMY_BRIDGE, "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "set", DUMMY_BRIDGE, "up"], check=True)


def legacy_xml(vm_id: str, params: dict[str, Any]) -> str:
    """Domain XML from parameters of the time before the engine wrote XML, as old vm.conf files have them."""
    root = ET.Element("domain", type="kvm")
    ET.SubElement(root, "name").text = str(params.get("vmName", vm_id))
    ET.SubElement(root, "uuid").text = vm_id
    ET.SubElement(root, "memory").text = str(int(params.get("memSize", 1024)) * 1024)
    cpus = str(params.get("smp", 1))
    ET.SubElement(root, "vcpu", current=cpus).text = str(params.get("maxVCpus") or cpus)
    system = ET.SubElement(root, "os")
    ET.SubElement(system, "type", arch="x86_64", machine=str(params.get("emulatedMachine", ""))).text = "hvm"
    ET.SubElement(ET.SubElement(root, "features"), "acpi")
    devices = ET.SubElement(root, "devices")
    for device in params.get("devices", ()):
        _legacy_device(devices, device)
    ET.SubElement(devices, "graphics", type="vnc", port="-1", autoport="yes")
    return ET.tostring(root, encoding="unicode")


def _legacy_device(devices: ET.Element, device: dict[str, Any]) -> None:
    if device.get("type") == "interface":
        interface = ET.SubElement(devices, "interface", type="bridge")
        ET.SubElement(interface, "mac", address=str(device["macAddr"]))
        ET.SubElement(interface, "source", bridge=str(device.get("network") or DUMMY_BRIDGE))
        ET.SubElement(interface, "model", type="virtio")
    elif device.get("type") == "disk" and device.get("device") == "disk":
        disk = ET.SubElement(devices, "disk", type="file", device="disk")
        path = "/".join(
            (
                "/rhev/data-center",
                str(device.get("poolID")),
                str(device["domainID"]),
                "images",
                str(device["imageID"]),
                str(device["volumeID"]),
            )
        )
        ET.SubElement(
            disk, "driver", name="qemu", type="qcow2" if device.get("format") == "cow" else "raw", cache="none"
        )
        ET.SubElement(disk, "source", file=path)
        ET.SubElement(disk, "target", dev="vda", bus="virtio")
        if device.get("bootOrder"):
            ET.SubElement(disk, "boot", order=str(device["bootOrder"]))
