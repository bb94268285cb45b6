# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CPU load of the host without the share of the engine VM (host contract 7)."""

import logging
import os
import time

from ...lib import vdsm_api
from ..monitor import Context, Options

_log = logging.getLogger(__name__)

_STAT = "/proc/stat"


def cpu_times(line: str) -> tuple[float, float]:
    """Return busy and total ticks of the first line of /proc/stat; guest time is part of user time already."""
    ticks = [float(text) for text in line.split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


class CpuLoadNoEngineMonitor:
    """Load between 0 and 1, renewed every minute."""

    def __init__(self, context: Context, options: Options) -> None:
        self._vdsm = context.vdsm
        self._interval = context.timing.cpu_load_interval
        self._vm = options.get("vm_uuid")
        self._cpus = os.cpu_count() or 1
        self._last: tuple[float, float, float] | None = None
        self._engine_share = 0.0
        self._load: float | None = None

    def _update_engine_share(self) -> None:
        """Read the VM's share; a sample that vdsm does not call actual leaves the one before."""
        try:
            stats = self._vdsm.call("VM.getStats", {"vmID": self._vm})[0]
        except vdsm_api.VdsmError as exc:
            if exc.code != vdsm_api.NO_SUCH_VM:
                _log.warning("CPU share of the engine VM is unknown: %s", exc)
            self._engine_share = 0.0
            return
        if stats.get("cpuActual") in (True, "true", "True"):
            percent = float(stats.get("cpuUser", 0)) + float(stats.get("cpuSys", 0))
            self._engine_share = percent / 100 / self._cpus

    def action(self) -> float | None:
        """Return the load of the last full interval, None during the first."""
        self._update_engine_share()
        with open(_STAT, encoding="ascii") as stream:
            busy, total = cpu_times(stream.readline())
        now = time.monotonic()
        if self._last is None:
            self._last = (now, busy, total)
        elif now - self._last[0] >= self._interval and total > self._last[2]:
            load = (busy - self._last[1]) / (total - self._last[2])
            self._load = max(0.0, load - self._engine_share)
            self._last = (now, busy, total)
        return self._load
