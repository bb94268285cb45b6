# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Monitors that read one value of vdsm's statistics (host contract 7)."""

import os

from ..monitor import Context, Options

_MAX_DELAY_SECONDS = 10.0


class MgmtBridgeMonitor:
    """Whether the management network is up."""

    def __init__(self, context: Context, options: Options) -> None:
        self._vdsm = context.vdsm
        self._bridge = options.get("bridge_name")

    def action(self) -> bool:
        """Look."""
        networks = self._vdsm.call("Host.getStats").get("network", {})
        return bool(networks.get(self._bridge, {}).get("state") == "up")


class MemFreeMonitor:
    """Free memory in MiB."""

    def __init__(self, context: Context, options: Options) -> None:
        self._vdsm = context.vdsm

    def action(self) -> float:
        """Look."""
        return float(self._vdsm.call("Host.getStats")["memFree"])


class CpuLoadMonitor:
    """Load average of one minute per CPU; no state uses it."""

    def __init__(self, context: Context, options: Options) -> None:
        self._cpus = os.cpu_count() or 1

    def action(self) -> float:
        """Look."""
        return os.getloadavg()[0] / self._cpus


class StorageDomainMonitor:
    """Whether vdsm can use the storage domain."""

    def __init__(self, context: Context, options: Options) -> None:
        domain = options.get("sd_uuid")
        if domain is None:
            raise ValueError("storage-domain monitor needs sd_uuid")
        self._vdsm = context.vdsm
        self._domain = domain

    def action(self) -> bool:
        """Look: valid, and its last check took at most 10 seconds."""
        stats = self._vdsm.call("Host.getStorageRepoStats", {"domains": [self._domain]}).get(self._domain)
        return bool(stats and stats["valid"] and float(stats["delay"]) <= _MAX_DELAY_SECONDS)
