# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures of a running domain, asked of libvirt: processor, memory, NICs, display, addresses."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import libvirt

from . import domxml
from .machine import Machine, network_stats

PID_FILES = Path("/run/libvirt/qemu")


def describe(domain: Any, external: bool) -> Machine:
    """A machine from a domain that this daemon did not start."""
    xml = domain.XMLDesc(0)
    machine = from_xml(ET.fromstring(xml), xml)
    machine.status, machine.external = "Up", external
    refresh(machine, domain)
    return machine


def from_xml(root: ET.Element, xml: str) -> Machine:
    """A machine that does not run yet."""
    return Machine(
        root.findtext("uuid", ""), root.findtext("name", ""), xml, domxml.memory_kib(root) // 1024, domxml.vcpus(root)
    )


def is_ours(xml: str) -> bool:
    """Whether VDSM made the domain: such have the engine's metadata."""
    return ET.fromstring(xml).find(f"metadata/{{{domxml.OVIRT_VM}}}vm") is not None


def refresh(machine: Machine, domain: Any) -> None:
    """What changes with the devices: XML, display, process."""
    machine.xml = domain.XMLDesc(0)
    root = ET.fromstring(machine.xml)
    machine.memory_mb, machine.vcpus = domxml.memory_kib(root) // 1024, domxml.vcpus(root)
    graphics = root.find("devices/graphics")
    if graphics is not None:
        listen = graphics.find("listen")
        machine.display_port = graphics.get("port") or "-1"
        address = listen.get("address") if listen is not None else None
        machine.display_address = address or graphics.get("listen") or ""
    pid = PID_FILES / f"{machine.name}.pid"
    machine.pid = int(pid.read_text(encoding="ascii")) if pid.exists() else 0
    process = Path("/proc", str(machine.pid))
    if machine.pid and process.exists():
        machine.started = process.stat().st_ctime


def measure(machine: Machine, domain: Any) -> None:
    """What changes all the time. Raises libvirt.libvirtError when the domain is gone."""
    state, maximum, used, _, spent = domain.info()
    now, last = time.monotonic(), machine.client.get("_cpu")
    share = 0.0
    if last and now > last[0]:
        share = 100 * (spent - last[1]) / 1e9 / (now - last[0])
    root = ET.fromstring(machine.xml)
    networks, macs = {}, []
    for interface in root.iterfind("devices/interface"):
        mac, target = interface.find("mac"), interface.find("target")
        if mac is None or target is None:
            continue
        name = target.get("dev", "")
        macs.append(mac.get("address", ""))
        rx, _, _, dropped, tx, *_ = domain.interfaceStats(name)
        networks[name] = network_stats(name, macs[-1], rx, tx, dropped)
    machine.guest_ip = " ".join(addresses(domain, macs))
    machine.client = {
        "_cpu": (now, spent),
        "network": networks,
        "cpuUser": f"{share:.2f}",
        "cpuSys": "0.00",
        "cpuUsage": str(spent),
        "memUsage": str(int(100 * used / maximum)) if maximum else "0",
    }


def addresses(domain: Any, macs: list[str]) -> list[str]:
    """IPv4 addresses of the guest, from libvirt's leases and the host's neighbours: there is no agent in the guest."""
    found: list[str] = []
    for source in (libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP):
        try:
            told = domain.interfaceAddresses(source)
        except libvirt.libvirtError:
            continue  # a bridge that libvirt does not manage has no leases
        for entry in told.values():
            if entry["hwaddr"] in macs:
                found += [address["addr"] for address in entry["addrs"] or () if ":" not in address["addr"]]
    return sorted(set(found))
