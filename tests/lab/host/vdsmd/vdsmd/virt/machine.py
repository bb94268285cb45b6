# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One virtual machine as VDSM tells about it: status, statistics, reasons of its end."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import Any

# reasons of an end (VDSM `virt/vmexitreason.py`, host contract 11.2)
SUCCESS, GENERIC_ERROR, LOST_QEMU, START_FAILED, MIGRATED, SAVED, ADMIN_SHUTDOWN, USER_SHUTDOWN = range(8)
MIGRATION_FAILED, DOMAIN_MISSING, DESTROYED_ON_START, HOST_SHUTDOWN, POSTCOPY_FAILED, DESTROYED_ON_REBOOT = range(8, 14)
PAUSE_TIMEOUT = 14


@dataclass
class End:
    """How a machine ended. `code`: 0 normal, 1 error."""

    code: int
    reason: int
    message: str


@dataclass
class Machine:
    """A machine that VDSM knows. `external` ones were not made through it."""

    id: str
    name: str
    xml: str
    memory_mb: int
    vcpus: int = 1
    status: str = "WaitForLaunch"
    external: bool = False
    started: float = field(default_factory=time.time)
    end: End | None = None
    progress: int = 0
    revision: int = 1
    guest_ip: str = ""
    fqdn: str = ""
    display_address: str = ""
    display_port: str = "-1"
    pid: int = 0
    client: dict[str, Any] = field(default_factory=dict)  # measured figures: network, cpu

    @property
    def elapsed(self) -> str:
        """Seconds since the start, as text."""
        return str(int(time.time() - self.started))

    @property
    def hash(self) -> str:
        """Changes when the devices do; the engine then asks for the XML again."""
        return str(zlib.crc32(f"{self.id} {self.revision}".encode()))

    def finish(self, end: End) -> None:
        """Mark as down."""
        self.status, self.end = "Down", end


def down_stats(machine: Machine, now: int) -> dict[str, Any]:
    """VM.getStats of a machine that is down (fixture vm-getstats-down)."""
    end = machine.end or End(0, USER_SHUTDOWN, "")
    return {
        "vmId": machine.id,
        "vmName": machine.name,
        "vmType": "kvm",
        "status": "Down",
        "statusTime": str(now),
        "exitCode": end.code,
        "exitMessage": end.message,
        "exitReason": end.reason,
        "hash": machine.hash,
        "timeOffset": "0",
        "elapsedTime": machine.elapsed,
    }


def stats(machine: Machine, now: int) -> dict[str, Any]:
    """One entry of VM.getStats and Host.getAllVmStats (fixture vm-getstats-up)."""
    if machine.status == "Down":
        return down_stats(machine, now)
    kib = machine.memory_mb * 1024
    address, port = machine.display_address, machine.display_port
    result: dict[str, Any] = {
        "vmId": machine.id,
        "vmName": machine.name,
        "vmType": "kvm",
        "status": machine.status,
        "statusTime": str(now),
        "kvmEnable": "true",
        "acpiEnable": "true",
        "elapsedTime": machine.elapsed,
        "monitorResponse": "0",
        "clientIp": "",
        "timeOffset": "0",
        "pid": str(machine.pid),
        "session": "Unknown",
        "username": "Unknown",
        "hash": machine.hash,
        "cpuUser": "1.00",
        "cpuSys": "0.50",
        "cpuUsage": "12340000000",
        "cpuActual": True,
        "vcpuCount": str(machine.vcpus),
        "vcpuPeriod": 100000,
        "vcpuQuota": "-1",
        "vcpuUserLimit": 100,
        "ioTune": [],
        "guestCPUCount": -1,
        "memUsage": "25",
        "cdrom": "",
        "guestName": machine.fqdn,
        "guestOs": "",
        "pauseCode": "NOERR",
        "memoryStats": {
            "mem_total": str(kib),
            "mem_free": str(kib * 3 // 4),
            "mem_buffers": "0",
            "mem_cached": "0",
            "mem_unused": str(kib * 3 // 4),
            "swap_in": 0,
            "swap_out": 0,
            "majflt": 0,
            "minflt": 0,
            "pageflt": 0,
        },
        "balloonInfo": {
            "balloon_max": str(kib),
            "balloon_min": str(kib),
            "balloon_cur": str(kib),
            "balloon_target": str(kib),
            "ballooning_enabled": True,
        },
        "displayInfo": [{"type": "vnc", "port": port, "tlsPort": "-1", "ipAddress": address}],
        "displayType": "vnc",
        "displayPort": port,
        "displaySecurePort": "-1",
        "displayIp": address,
        "network": {},
        "disks": {},
        "vmJobs": {},
        "guestIPs": machine.guest_ip,
        "guestFQDN": machine.fqdn,
        "appsList": [],
        "netIfaces": [],
        "disksUsage": [],
        **machine.client,
    }
    if machine.guest_ip and result["network"]:
        mac = next(iter(result["network"].values()))["macAddr"]
        result["netIfaces"] = [{"name": "eth0", "hw": mac, "inet": machine.guest_ip.split(), "inet6": []}]
    if machine.status in ("Migration Source", "Migration Destination"):
        result["migrationProgress"] = machine.progress
    return result


def network_stats(name: str, mac: str, rx: int = 1000, tx: int = 1000, dropped: int = 0) -> dict[str, Any]:
    """Statistics of one virtual NIC."""
    return {
        "macAddr": mac,
        "name": name,
        "speed": "1000",
        "state": "unknown",
        "rxErrors": "0",
        "rxDropped": str(dropped),
        "txErrors": "0",
        "txDropped": "0",
        "rx": str(rx),
        "tx": str(tx),
        "sampleTime": time.time(),
    }
