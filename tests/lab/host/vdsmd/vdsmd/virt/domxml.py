# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading domain XML, and filling in what libvirt would assign, for the model."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

OVIRT_VM = "http://ovirt.org/vm/1.0"
ET.register_namespace("ovirt-vm", OVIRT_VM)
ET.register_namespace("ovirt-tune", "http://ovirt.org/vm/tune/1.0")
ET.register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")

_UNADDRESSED = ("emulator", "input", "graphics", "serial", "console", "tpm", "redirdev", "smartcard", "lease")

EXTERNAL_XML = """<domain type='kvm' id='1'>
  <name>{name}</name>
  <uuid>{id}</uuid>
  <memory unit='KiB'>{kib}</memory>
  <currentMemory unit='KiB'>{kib}</currentMemory>
  <vcpu placement='static'>{vcpus}</vcpu>
  <os><type arch='x86_64' machine='{machine}'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough' check='none'/>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/libexec/qemu-kvm</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/><address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/><source file='{seed}'/><target dev='sda' bus='sata'/><readonly/>
      <alias name='sata0-0-0'/><address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>
    <interface type='network'>
      <mac address='{mac}'/><source network='default' bridge='virbr0'/><model type='virtio'/><alias name='net0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <serial type='pty'><target port='0'/><alias name='serial0'/></serial>
    <console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>
    <graphics type='vnc' port='5900' autoport='yes' listen='127.0.0.1'/>
    <video><model type='vga' vram='16384' heads='1' primary='yes'/><alias name='video0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></video>
    <memballoon model='virtio'><alias name='balloon0'/>
      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/></rng>
  </devices>
</domain>
"""


def launch_paused(root: ET.Element | None, params: Mapping[str, Any]) -> bool:
    """Whether a machine shall start with its processors stopped: the engine's metadata say so, or an old parameter."""
    told = root.findtext(f"metadata/{{{OVIRT_VM}}}vm/{{{OVIRT_VM}}}launchPaused") if root is not None else None
    return str(told or params.get("launchPaused", "")).strip().lower() == "true"


def memory_kib(root: ET.Element) -> int:
    """Memory of a domain in KiB."""
    memory = root.find("memory")
    return int(memory.text or 0) if memory is not None else 1024 * 1024


def vcpus(root: ET.Element) -> int:
    """Processors that are plugged in."""
    element = root.find("vcpu")
    return int(element.get("current") or element.text or 1) if element is not None else 1


def with_addresses(root: ET.Element) -> str:
    """The XML with an alias and an address at each device, as libvirt would assign them."""
    slot, unit = 2, 0
    for device in root.findall("devices/*"):
        if device.tag in _UNADDRESSED:
            continue
        if device.find("alias") is None:
            ET.SubElement(device, "alias", name=f"{device.tag}{slot}")
        target = device.find("target")
        bus = (target.get("bus") if target is not None else None) or ""
        if device.find("address") is not None:
            pass
        elif device.tag == "channel":
            ET.SubElement(device, "address", type="virtio-serial", controller="0", bus="0", port=str(slot))
        elif device.tag == "disk" and bus in ("sata", "scsi", "ide", "fdc"):
            ET.SubElement(device, "address", type="drive", controller="0", bus="0", target="0", unit=str(unit))
            unit += 1
        else:
            ET.SubElement(
                device, "address", type="pci", domain="0x0000", bus=f"0x{slot:02x}", slot="0x00", function="0x0"
            )
        slot += 1
    return ET.tostring(root, encoding="unicode")
