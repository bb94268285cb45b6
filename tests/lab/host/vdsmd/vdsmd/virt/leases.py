# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leases of machines, held by the daemon while the machine runs, where libvirt's lock manager is not sanlock.

A lease keeps the same disk from being run on two hosts. It belongs to a process; the daemon registers itself once and
takes them again after a restart. Without the sanlock daemon nothing is held, which Host.getStats says (lockManager).
"""

from __future__ import annotations

import errno
import logging
import threading
from typing import Any

from ..errors import VdsmError
from ..storage import sanlock

log = logging.getLogger("vdsmd")

#: sanlock's "held by another host" and what libvirt makes of it (host contract 11.2).
HELD_ELSEWHERE = (-243, 243, errno.EAGAIN)
HELD_TEXT = "Failed to acquire lock: Lease is held by another host"


class Leases:
    """Leases by machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._held: dict[str, list[tuple[str, str, str, int]]] = {}

    def acquire(self, vm_id: str, wanted: list[tuple[str, str, str, int]]) -> None:
        """Take leases (lockspace, resource, path, offset) for a machine. Raises VdsmError with libvirt's words."""
        binding = sanlock.binding()
        if binding is None or not wanted:
            return
        with self._lock:
            if self._descriptor is None:
                self._descriptor = binding.register()
            for lockspace, resource, path, offset in wanted:
                try:
                    binding.acquire(lockspace.encode(), resource.encode(), [(path, offset)], slkfd=self._descriptor)
                except binding.SanlockException as problem:
                    self._release(binding, vm_id)
                    if problem.errno in HELD_ELSEWHERE:
                        raise VdsmError(1, HELD_TEXT) from problem
                    raise VdsmError(1, f"Failed to acquire lock: error {problem.errno}") from problem
                self._held.setdefault(vm_id, []).append((lockspace, resource, path, offset))

    def release(self, vm_id: str) -> None:
        """Give a machine's leases back."""
        binding = sanlock.binding()
        if binding is not None:
            with self._lock:
                self._release(binding, vm_id)

    def _release(self, binding: Any, vm_id: str) -> None:
        for lockspace, resource, path, offset in self._held.pop(vm_id, []):
            try:
                binding.release(lockspace.encode(), resource.encode(), [(path, offset)], slkfd=self._descriptor)
            except binding.SanlockException as problem:
                log.warning("lease %s:%s: cannot release: %s", lockspace, resource, problem)
