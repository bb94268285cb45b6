# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The domain monitor: which domains this host watches, under which host id, and what it would report of them."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from ..errors import VdsmError, code
from . import domains, pools

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")


class Monitor:
    """Domains asked for by Host.startMonitoringDomain, and those that are active in a connected pool."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked: dict[str, int] = {}  # domain -> host id
        self._of_pools: dict[str, int] = {}

    def start(self, sd_id: str, host_id: int) -> None:
        """Watch a domain and join its lockspace. Raises VdsmError."""
        self._asked[sd_id] = host_id
        self._join(sd_id, host_id)

    def stop(self, sd_id: str) -> None:
        """Watch no longer, unless a pool needs it."""
        host_id = self._asked.pop(sd_id, None)
        if host_id is not None and sd_id not in self._of_pools:
            self._leave(sd_id, host_id)

    def follow_pools(self) -> None:
        """Join the lockspaces of the domains that are active in connected pools, leave those of others."""
        wanted: dict[str, int] = {}
        for pool_id, host_id in self._host.pools.items():
            try:
                pool = pools.find(self._host, pool_id)
            except VdsmError as problem:
                log.warning("pool %s: %s", pool_id, problem.message)
                continue
            wanted.update({sd: host_id for sd, status in pool.members.items() if status == "Active"})
        for sd_id, host_id in wanted.items():
            if self._of_pools.get(sd_id) != host_id:
                try:
                    self._join(sd_id, host_id)
                except VdsmError as problem:
                    log.warning("domain %s: %s", sd_id, problem.message)
                    continue
        for sd_id in set(self._of_pools) - set(wanted) - set(self._asked):
            self._leave(sd_id, self._of_pools[sd_id])
        self._of_pools = wanted

    def stats(self) -> dict[str, Any]:
        """Answer of Host.getStorageRepoStats."""
        result = {}
        for sd_id, host_id in {**self._of_pools, **self._asked}.items():
            start = time.monotonic()
            status, version, acquired = code("StorageDomainDoesNotExist"), -1, False
            try:
                domain = domains.find(self._host, sd_id)
                os.statvfs(domain.path)
                status, version = 0, int(domain.fields["VERSION"])
                acquired = domain.is_block or self._host.lockspaces.held(sd_id, host_id, domain.ids)
            except VdsmError as problem:
                status = problem.code
            except OSError as problem:
                log.warning("domain %s: %s", sd_id, problem)
            broken = sd_id in self._host.broken_domains
            delay = f"{time.monotonic() - start:.9f}"
            result[sd_id] = {
                "code": code("StorageDomainDoesNotExist") if broken else status,
                "lastCheck": "0.1",
                "delay": delay,
                "valid": status == 0 and not broken,
                "version": version,
                "acquired": acquired,
                "actual": True,
            }
        return result

    def _join(self, sd_id: str, host_id: int) -> None:
        domain = domains.find(self._host, sd_id)
        if not domain.is_block:
            self._host.lockspaces.join(sd_id, host_id, domain.ids)

    def _leave(self, sd_id: str, host_id: int) -> None:
        try:
            domain = domains.find(self._host, sd_id)
        except VdsmError as problem:
            log.warning("domain %s: left without its storage: %s", sd_id, problem.message)
            return
        if not domain.is_block:
            self._host.lockspaces.leave(sd_id, host_id, domain.ids)
