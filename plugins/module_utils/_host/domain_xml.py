# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt domain of the bootstrap VM (host contract 10.7): written, and read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional
from xml.etree import ElementTree

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

DOMAIN_IMPOSSIBLE = declare(
    "local_vm.impossible",
    "The bootstrap VM cannot be built as the settings ask",
    "Change one of the named settings.",
)

CPU_MODES = ("host-model", "host-passthrough", "maximum")


@dataclass(frozen=True)
class DomainSpec:
    """What the bootstrap VM is made of.

    Attributes:
        name: of the domain.
        uuid: of the domain; the engine later knows it as the external VM's id.
        memory: bytes.
        vcpus: number of virtual CPUs.
        virt_type: C(kvm) or C(qemu).
        machine: machine type, for example C(q35).
        cpu: C(host-model), C(host-passthrough), C(maximum) or the name of a CPU model.
        firmware: C(bios) or C(uefi); it must be what the image boots with.
        disk: path of the qcow2 image.
        disk_cache: cache mode of the disk.
        seed: path of the cloud-init ISO.
        seed_bus: C(sata), C(ide), C(scsi) (CD-ROMs) or C(virtio) (a read-only disk).
        network: libvirt network of the only NIC.
        mac: hardware address of the NIC.
        console_log: path of the file that keeps what the serial console says.
    """

    name: str
    uuid: str
    memory: int
    vcpus: int
    virt_type: str
    machine: str
    cpu: str
    firmware: str
    disk: str
    seed: str
    seed_bus: str
    network: str
    mac: str
    console_log: str
    disk_cache: str = "writeback"


def domain_xml(spec: DomainSpec) -> str:
    """Return the domain's XML: no graphics, a serial console that is logged, no balloon, no USB.

    Raises:
        HostedEngineError: C(local_vm.impossible).
    """
    if spec.seed_bus == "ide" and "q35" in spec.machine:
        raise HostedEngineError(
            DOMAIN_IMPOSSIBLE, observed="seed bus ide on machine q35, which has none", expected="sata, scsi or virtio"
        )
    domain = ElementTree.Element("domain", type=spec.virt_type)
    _add(domain, "name", spec.name)
    _add(domain, "uuid", spec.uuid)
    _add(domain, "memory", str(spec.memory), unit="b")
    _add(domain, "vcpu", str(spec.vcpus))
    _boot(domain, spec)
    features = _add(domain, "features")
    _add(features, "acpi")
    _add(features, "apic")
    _cpu(domain, spec)
    clock = _add(domain, "clock", offset="utc")
    if spec.virt_type == "kvm":
        _add(clock, "timer", name="kvmclock", present="yes")
    _add(domain, "on_poweroff", "destroy")
    _add(domain, "on_reboot", "restart")
    _add(domain, "on_crash", "destroy")
    _devices(_add(domain, "devices"), spec)
    ElementTree.indent(domain)
    return ElementTree.tostring(domain, encoding="unicode")


@dataclass(frozen=True)
class DomainFacts:
    """What an existing domain's XML says: identity, hardware address, network and the path of its first disk."""

    name: str
    uuid: str
    mac: str
    network: str
    disk: str


def read_domain(xml: str) -> DomainFacts:
    """Return the facts of a domain from its XML; what is not there is empty."""
    domain = ElementTree.fromstring(xml)
    disk = domain.find("./devices/disk[@device='disk']/source")
    nic = domain.find("./devices/interface")
    mac = nic.find("mac") if nic is not None else None
    source = nic.find("source") if nic is not None else None
    return DomainFacts(
        name=domain.findtext("name", ""),
        uuid=domain.findtext("uuid", ""),
        mac=mac.get("address", "") if mac is not None else "",
        network=source.get("network", "") if source is not None else "",
        disk=disk.get("file", "") if disk is not None else "",
    )


def _boot(domain: ElementTree.Element, spec: DomainSpec) -> None:
    boot = _add(domain, "os")
    if spec.firmware == "uefi":
        # libvirt chooses the firmware's files; the appliance's loader is not signed for every host's keys.
        boot.set("firmware", "efi")
    _add(boot, "type", "hvm", arch="x86_64", machine=spec.machine)
    if spec.firmware == "uefi":
        _add(boot, "loader", secure="no")
    _add(boot, "boot", dev="hd")


def _cpu(domain: ElementTree.Element, spec: DomainSpec) -> None:
    if spec.cpu in CPU_MODES:
        _add(domain, "cpu", mode=spec.cpu)
        return
    cpu = _add(domain, "cpu", mode="custom", match="exact")
    _add(cpu, "model", spec.cpu, fallback="forbid")


def _devices(devices: ElementTree.Element, spec: DomainSpec) -> None:
    disk = _add(devices, "disk", type="file", device="disk")
    _add(disk, "driver", name="qemu", type="qcow2", cache=spec.disk_cache, discard="unmap")
    _add(disk, "source", file=spec.disk)
    _add(disk, "target", dev="vda", bus="virtio")
    _seed(devices, spec)
    _add(devices, "controller", type="usb", model="none")
    nic = _add(devices, "interface", type="network")
    _add(nic, "mac", address=spec.mac)
    _add(nic, "source", network=spec.network)
    _add(nic, "model", type="virtio")
    serial = _add(devices, "serial", type="pty")
    _add(serial, "log", file=spec.console_log, append="off")
    rng = _add(devices, "rng", model="virtio")
    _add(rng, "backend", "/dev/urandom", model="random")
    _add(devices, "memballoon", model="none")


def _seed(devices: ElementTree.Element, spec: DomainSpec) -> None:
    # virtio has no CD-ROMs; cloud-init looks for the label and not for the kind of device.
    is_disk = spec.seed_bus == "virtio"
    names = {"virtio": "vdb", "ide": "hdc"}
    seed = _add(devices, "disk", type="file", device="disk" if is_disk else "cdrom")
    _add(seed, "driver", name="qemu", type="raw")
    _add(seed, "source", file=spec.seed)
    _add(seed, "target", dev=names.get(spec.seed_bus, "sda"), bus=spec.seed_bus)
    _add(seed, "readonly")
    if spec.seed_bus == "scsi":
        _add(devices, "controller", type="scsi", model="virtio-scsi")


def _add(parent: ElementTree.Element, tag: str, text: Optional[str] = None, **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag, attributes)
    child.text = text
    return child
