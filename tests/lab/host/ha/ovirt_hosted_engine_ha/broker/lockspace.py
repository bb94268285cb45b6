# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The right to write one's own slot: a host id held in the lockspace on he_sanlock (host contract 4)."""

import errno
import fcntl
import importlib
import logging
import os
import threading
import time
from typing import Any, Protocol

from ..env import constants
from ..env.timing import Timing
from ..lib.exceptions import HostIdLockedError

_log = logging.getLogger(__name__)

_ATTEMPTS = 5
_RETRIED = (errno.EINTR, errno.EINPROGRESS, errno.ENOENT)
_SOCKET = constants.ROOT + "/run/sanlock/sanlock.sock"
_ALIGNMENTS = {512: 1 << 20, 4096: 8 << 20}


class Lockspace(Protocol):
    """Host ids of one lockspace."""

    def lock(self, host_id: int) -> None:
        """Acquire a host id and keep it; raises HostIdLockedError."""

    def holds(self, host_id: int) -> bool:
        """Tell whether this host holds the id now."""

    def release(self, host_id: int) -> None:
        """Give a host id back."""

    def reset(self) -> None:
        """Write an empty lockspace; raises OSError, or what the lock manager raises."""


class SanlockLockspace:
    """The real thing: delta leases of the sanlock daemon, which outlive the broker."""

    def __init__(self, path: str, sector_size: int, timing: Timing) -> None:
        # the module exists only where the daemon does
        self._sanlock: Any = importlib.import_module("sanlock")
        self._name = constants.LOCKSPACE_NAME.encode()
        self._path = path
        self._sector_size = sector_size
        self._timing = timing

    def lock(self, host_id: int) -> None:
        """Acquire; see Lockspace."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._sanlock.add_lockspace(self._name, host_id, self._path, iotimeout=self._timing.sanlock_io_timeout)
                _log.info("Acquired host id %d in %s", host_id, self._path)
                return
            except self._sanlock.SanlockException as exc:
                if exc.errno == errno.EEXIST:
                    return
                if exc.errno == errno.EINVAL:
                    raise HostIdLockedError(f"sanlock already holds lock on a different host id: {exc}") from exc
                if exc.errno not in _RETRIED or attempt == _ATTEMPTS:
                    raise HostIdLockedError(f"cannot get lock on host id {host_id}: {exc}") from exc
                _log.warning("Host id %d, attempt %d of %d: %s", host_id, attempt, _ATTEMPTS, exc)
                time.sleep(self._timing.lockspace_retry_delay)

    def holds(self, host_id: int) -> bool:
        """Ask sanlock; see Lockspace."""
        try:
            return bool(self._sanlock.inq_lockspace(self._name, host_id, self._path))
        except self._sanlock.SanlockException as exc:
            _log.error("sanlock does not tell about host id %d: %s", host_id, exc)
            return False

    def release(self, host_id: int) -> None:
        """Release; see Lockspace."""
        try:
            self._sanlock.rem_lockspace(self._name, host_id, self._path)
        except self._sanlock.SanlockException as exc:
            if exc.errno != errno.ENOENT:
                raise

    def reset(self) -> None:
        """Initialise all sectors; see Lockspace."""
        self._sanlock.write_lockspace(
            self._name,
            self._path,
            iotimeout=self._timing.sanlock_io_timeout,
            align=_ALIGNMENTS[self._sector_size],
            sector=self._sector_size,
        )


class FileLockspace:
    """Stand-in where no sanlock daemon runs: one locked file per host id next to the volume, held by this process.

    It keeps two brokers from the same id only where they share the file system's locks, and it writes no lockspace.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.realpath(path)
        self._held: dict[int, int] = {}
        self._lock = threading.Lock()
        _log.warning(
            "No sanlock daemon on this host: host ids are locked by files %s.host-<id>.lock instead", self._path
        )

    def lock(self, host_id: int) -> None:
        """Lock the file; see Lockspace."""
        with self._lock:
            if host_id in self._held:
                return
            if self._held:
                raise HostIdLockedError(f"already holds lock on a different host id: {sorted(self._held)}")
            descriptor = os.open(f"{self._path}.host-{host_id}.lock", os.O_RDWR | os.O_CREAT, 0o660)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                os.close(descriptor)
                raise HostIdLockedError(f"cannot get lock on host id {host_id}: {exc}") from exc
            self._held[host_id] = descriptor

    def holds(self, host_id: int) -> bool:
        """See Lockspace."""
        with self._lock:
            return host_id in self._held

    def release(self, host_id: int) -> None:
        """See Lockspace."""
        with self._lock:
            descriptor = self._held.pop(host_id, None)
        if descriptor is not None:
            os.unlink(f"{self._path}.host-{host_id}.lock")
            os.close(descriptor)

    def reset(self) -> None:
        """Say that nothing was written."""
        _log.error("No sanlock daemon on this host: no lockspace was written to %s", self._path)


def open_lockspace(path: str, sector_size: int, timing: Timing) -> Lockspace:
    """Return the lockspace of a volume: sanlock's where its daemon and its Python module are there."""
    if os.path.exists(_SOCKET):
        try:
            return SanlockLockspace(path, sector_size, timing)
        except ImportError as exc:
            _log.error("sanlock runs, but its Python module is missing: %s", exc)
    return FileLockspace(path)
