# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to libvirt: opened when needed, again after libvirtd was restarted; its events in a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import libvirt

log = logging.getLogger("vdsmd")

URI = "qemu:///system"
LifeCycle = Callable[[str, int, int], None]


class LibvirtLink:
    """One connection with life-cycle and reboot events of all domains."""

    def __init__(self, on_event: LifeCycle, on_reboot: Callable[[str], None]) -> None:
        self._on_event = on_event
        self._on_reboot = on_reboot
        self._connection: Any = None
        self._lock = threading.Lock()
        libvirt.registerErrorHandler(lambda context, error: log.debug("libvirt: %s", error), None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self._loop, name="libvirt-events", daemon=True).start()

    @staticmethod
    def _loop() -> None:
        while True:
            try:
                libvirt.virEventRunDefaultImpl()
            except libvirt.libvirtError as problem:
                log.warning("libvirt's events: %s", problem)

    def connection(self) -> Any:
        """A living connection. Raises libvirt.libvirtError while libvirtd does not answer."""
        with self._lock:
            if self._connection is None or not self._connection.isAlive():
                connection = libvirt.open(URI)
                connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._life_cycle, None)
                connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._reboot, None)
                self._connection = connection
            return self._connection

    def domain(self, vm_id: str) -> Any:
        """The domain, or None when libvirt does not have it."""
        try:
            return self.connection().lookupByUUIDString(vm_id)
        except libvirt.libvirtError as problem:
            if problem.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def active(self) -> list[Any]:
        """Domains that run or are paused."""
        return list(self.connection().listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE))

    def _life_cycle(self, connection: Any, domain: Any, event: int, detail: int, opaque: Any) -> None:
        # not in this thread: it would wait for libvirt's answers, which this thread delivers
        threading.Thread(target=self._on_event, args=(domain.UUIDString(), event, detail), daemon=True).start()

    def _reboot(self, connection: Any, domain: Any, opaque: Any) -> None:
        threading.Thread(target=self._on_reboot, args=(domain.UUIDString(),), daemon=True).start()
