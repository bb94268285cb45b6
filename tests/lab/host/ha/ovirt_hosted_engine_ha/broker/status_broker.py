# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Slots to and from the volume, once per interval (host contract 5.1, 7)."""

import collections
import logging
import os
import signal
import threading

from ..env.timing import Timing
from ..lib.exceptions import RequestError
from . import storage_broker
from .lockspace import Lockspace

_log = logging.getLogger(__name__)


class StatusBroker:
    """Keeps the last reading of the volume and the next update to write.

    One update waits at most: a later one takes the place of an earlier one that was not yet written, whichever slot
    each is for (known fault, host contract 5.1). A storage error ends the broker.
    """

    def __init__(self, volume: str, lockspace: Lockspace, timing: Timing) -> None:
        self._volume = volume
        self._lockspace = lockspace
        self._timing = timing
        self._pending: collections.deque[tuple[int, bytes]] = collections.deque(maxlen=1)
        self._wake = threading.Condition()
        self._ended = False
        self._stats: dict[int, str] = {}
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Read once, then keep writing and reading; raises RequestError if the first reading fails."""
        self._stats = storage_broker.get_raw_stats(self._volume)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(self._timing.status_interval)

    def get_stats(self) -> dict[int, str]:
        """Return the last reading."""
        with self._wake:
            return dict(self._stats)

    def put_stats(self, host_id: int, data: bytes) -> None:
        """Leave a slot to be written."""
        with self._wake:
            self._pending.append((host_id, data))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._pending and not self._ended:
                    self._wake.wait(self._timing.status_interval)
                if self._ended and not self._pending:
                    return
                update = self._pending.popleft() if self._pending else None
            try:
                if update is not None:
                    self._write(*update)
                stats = storage_broker.get_raw_stats(self._volume)
            except (OSError, RequestError) as exc:
                _log.error("Failed to write or read the metadata: %s", exc)
                trigger_restart()
                return
            with self._wake:
                self._stats = stats

    def _write(self, host_id: int, data: bytes) -> None:
        if host_id and not self._lockspace.holds(host_id):
            _log.error("Host id %d is not held: its slot is not written", host_id)
            return
        storage_broker.write_slot(self._volume, host_id, data)


def trigger_restart() -> None:
    """End this process in order; systemd does not restart it after that (known fault, host contract 7)."""
    _log.error("Trying to restart the broker")
    os.kill(os.getpid(), signal.SIGTERM)
