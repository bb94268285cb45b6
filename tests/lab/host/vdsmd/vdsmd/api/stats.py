# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of statistics. The engine reads processor figures only as text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host

_DISKS = ("/tmp", "/var/log", "/var/log/core", "/var/run/vdsm/")


def _mean(processors: dict[str, dict[str, Any]], key: str) -> str:
    figures = [float(cpu[key]) for cpu in processors.values()]
    return f"{sum(figures) / len(figures) if figures else 0:.2f}"


@verb("Host.getStats")
def get_stats(host: Host) -> dict[str, Any]:
    facts, now = host.facts, time.time()
    machines = host.machines.all()
    running = [machine for machine in machines if machine.status != "Down"]
    committed = sum(machine.memory_mb for machine in running)
    free, total = facts.memory_free_mb(committed), facts.memory_mb
    used, ha = int(100 - 100 * free / total), host.ha.stats()
    processors, swap = facts.processor_times(), facts.swap_mb()
    return {
        "cpuIdle": _mean(processors, "cpuIdle"),
        "cpuUser": _mean(processors, "cpuUser"),
        "cpuSys": _mean(processors, "cpuSys"),
        "cpuSysVdsmd": "0.10",
        "cpuUserVdsmd": "0.20",
        "cpuLoad": facts.load(),
        "cpuStatistics": processors,
        "elapsedTime": str(int(now - facts.boot_time)),
        "bootTime": str(int(facts.boot_time)),
        "dateTime": time.strftime("%Y-%m-%dT%H:%M:%S GMT", time.gmtime(now)),
        "numaNodeMemFree": {"0": {"memFree": str(free), "memPercent": used, "hugepages": {}}},
        "memFree": str(free),
        "memAvailable": str(free),
        "memCommitted": committed,
        "memShared": 0,
        "memUsed": str(used),
        "anonHugePages": "512",
        "thpState": "always",
        "swapTotal": swap[0],
        "swapFree": swap[1],
        "ksmPages": 100,
        "ksmState": False,
        "ksmCpu": 0,
        "ksmMergeAcrossNodes": True,
        "hugepages": {
            "2048": {
                "resv_hugepages": 0,
                "free_hugepages": 0,
                "nr_overcommit_hugepages": 0,
                "surplus_hugepages": 0,
                "vm.free_hugepages": 0,
                "nr_hugepages": 0,
                "nr_hugepages_mempolicy": 0,
            }
        },
        "netConfigDirty": "False",
        "network": host.network.statistics(),
        "rxDropped": "0",
        "txDropped": "0",
        "vmCount": len(machines),
        "vmActive": len(running),
        "vmMigrating": 0,
        "incomingVmMigrations": sum(machine.status == "Migration Destination" for machine in running),
        "outgoingVmMigrations": sum(machine.status == "Migration Source" for machine in running),
        "storageDomains": host.monitor.stats(),
        "lockManager": host.lockspaces.manager,
        "haScore": ha["score"],
        "haStats": ha,
        "momStatus": "active",
        "diskStats": {path: {"free": "20000"} for path in _DISKS},
        "v2vJobs": {},
        "multipathHealth": {},
        **host.config.get("stats", {}),
    }
