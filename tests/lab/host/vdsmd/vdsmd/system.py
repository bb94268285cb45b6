# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of this machine, from /proc, libvirt's answer being no source: a container sees the machine's figures there.

CPU models and machine types are those of an EL9 host with an Intel processor, because they decide the cluster's CPU
type; which of them QEMU really gets is the table in `virt/substitutions.py`.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .facts import PACKAGES, Facts

if TYPE_CHECKING:
    from .host import Host

VDSM_ID = Path("/etc/vdsm/vdsm.id")
INITIATOR = Path("/etc/iscsi/initiatorname.iscsi")
#: Debian packages that stand for what the engine asks about.
_DEBIAN = {
    "qemu-kvm": "qemu-system-x86",
    "libvirt": "libvirt-daemon-system",
    "vdsm": "vdsm",
    "ovirt-hosted-engine-ha": "ovirt-hosted-engine-ha",
}


class SystemFacts(Facts):
    """This machine."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        host.name = socket.gethostname()
        if VDSM_ID.exists():
            host.uuid = VDSM_ID.read_text(encoding="ascii").strip()
        self.boot_uuid = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        self.boot_time = time.time() - float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        self._last: dict[str, list[int]] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self.processor_times()

    @property
    def cpus(self) -> int:
        """Processors that this process may use."""
        return len(os.sched_getaffinity(0))

    @property
    def memory_mb(self) -> int:
        """Memory in MiB."""
        return _meminfo()["MemTotal"] // 1024

    @cached_property
    def cpu_name(self) -> str:
        """As /proc/cpuinfo names it."""
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        return found.group(1) if found else "unknown"

    @cached_property
    def operating_system(self) -> dict[str, str]:
        """From os-release; named RHEL, because the engine refuses host deploy on what it does not know."""
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        told = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
        return {
            "name": "RHEL",
            "version": "9",
            "release": "9.6.0.el9",
            "pretty_name": told.get("PRETTY_NAME", "Linux"),
            **self._config.get("operating_system", {}),
        }

    @property
    def kernel_arguments(self) -> str:
        """Kernel command line."""
        return Path("/proc/cmdline").read_text(encoding="utf-8").strip()

    @cached_property
    def packages(self) -> dict[str, dict[str, Any]]:
        """Versions that are installed; what the lab does not have is told as an EL9 host has it."""
        names = list(_DEBIAN.values())
        query = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *names]
        done = subprocess.run(query, capture_output=True, text=True, check=False)
        installed = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        told = {}
        for name, version, release in PACKAGES:
            real = re.match(r"(?:\d+:)?([^+-]+)", installed.get(_DEBIAN.get(name, ""), ""))
            # the engine compares versions with what it needs, so never tell less than an EL9 host would
            known = real.group(1) if real and _at_least(real.group(1), version) else version
            told[name] = {"version": known, "release": release, "buildtime": 1700000000}
        return told

    @cached_property
    def initiator(self) -> str:
        """iSCSI initiator name."""
        if INITIATOR.exists():
            for line in INITIATOR.read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                if key.strip() == "InitiatorName":
                    return value.strip()
        return f"iqn.1994-05.com.redhat:{self._host.uuid[:12].replace('-', '')}"

    def hardware(self) -> dict[str, str]:
        """The container has no SMBIOS of its own: its id serves."""
        return {
            "systemManufacturer": "node0",
            "systemProductName": "lab host",
            "systemVersion": "1",
            "systemSerialNumber": self._host.uuid[:8],
            "systemUUID": self._host.uuid,
            "systemFamily": "lab",
        }

    def memory_free_mb(self, used_by_machines: int) -> int:
        """Free memory with what the kernel can give back, in MiB."""
        return _meminfo()["MemAvailable"] // 1024

    def swap_mb(self) -> tuple[int, int]:
        """Swap in all and free, in MiB."""
        told = _meminfo()
        return told["SwapTotal"] // 1024, told["SwapFree"] // 1024

    def load(self) -> str:
        """Load average of the last minute."""
        return Path("/proc/loadavg").read_text(encoding="ascii").split()[0]

    def processor_times(self) -> dict[str, dict[str, Any]]:
        """Percent since the last call, per processor of this process."""
        current = _proc_stat()
        for number in os.sched_getaffinity(0):
            name = str(number)
            spent = [new - old for new, old in zip(current.get(name, []), self._last.get(name, [0] * 10))]
            total = sum(spent)
            if total < 10:  # less than 0.1 s: too short to say anything
                self._told.setdefault(name, {"cpuIdle": "100.00", "cpuUser": "0.00", "cpuSys": "0.00", "nodeIndex": 0})
                continue
            user, system, idle = spent[0] + spent[1], spent[2] + spent[5] + spent[6], spent[3] + spent[4]
            self._told[name] = {
                key: f"{100 * part / total:.2f}"
                for key, part in (("cpuUser", user), ("cpuSys", system), ("cpuIdle", idle))
            } | {"nodeIndex": 0}
            self._last[name] = current[name]
        return {str(index): told for index, (_, told) in enumerate(sorted(self._told.items()))}


def _at_least(version: str, wanted: str) -> bool:
    def key(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text)]

    return key(version) >= key(wanted)


def _meminfo() -> dict[str, int]:
    """/proc/meminfo in KiB."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines)}


def _proc_stat() -> dict[str, list[int]]:
    """Ticks per processor: user nice system idle iowait irq softirq steal guest guest_nice."""
    result = {}
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if re.fullmatch(r"cpu\d+", name):
            result[name[3:]] = [int(tick) for tick in ticks]
    return result
