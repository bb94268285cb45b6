# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vdsm's monitor of the storage domain, which also holds the host id in the domain (host contract 7)."""

import logging
import time

from ..env.timing import Timing
from ..lib import vdsm_api

_log = logging.getLogger(__name__)


class DomainMonitor:
    """Starts and stops the monitor."""

    def __init__(self, vdsm: vdsm_api.Vdsm, domain: str, timing: Timing) -> None:
        self._vdsm = vdsm
        self._domain = domain
        self._timing = timing

    def _acquired(self) -> bool:
        stats = self._vdsm.call("Host.getStorageRepoStats", {"domains": [self._domain]})
        return bool(stats.get(self._domain, {}).get("acquired"))

    def start(self, host_id: int) -> bool:
        """Start and wait until the host id is acquired; raises TimeoutError, VdsmError."""
        if self._acquired():
            return True
        self._vdsm.call("Host.startMonitoringDomain", {"sdUUID": self._domain, "hostID": host_id})
        deadline = time.monotonic() + self._timing.domain_monitor_timeout
        while not self._acquired():
            if time.monotonic() > deadline:
                raise TimeoutError(f"domain {self._domain}: host id {host_id} not acquired in time")
            time.sleep(min(1.0, self._timing.monitor_interval))
        _log.info("vdsm monitors domain %s with host id %d", self._domain, host_id)
        return True

    def stop(self) -> None:
        """Stop; raises VdsmError."""
        self._vdsm.call("Host.stopMonitoringDomain", {"sdUUID": self._domain})
