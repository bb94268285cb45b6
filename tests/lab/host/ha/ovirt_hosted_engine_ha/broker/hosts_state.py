# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent last said about who is alive (host contract 3.5)."""

import threading
from collections.abc import Mapping

from ..env.timing import Timing
from ..lib import monotonic


class HostsState:
    """The agent's list; it is worth nothing once it is a minute old."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = threading.Lock()
        self._alive: dict[int, bool] = {}
        self._pushed: int | None = None

    def push(self, alive: Mapping[str, bool]) -> None:
        """Take a new list."""
        with self._lock:
            self._alive = {int(host): bool(value) for host, value in alive.items()}
            self._pushed = monotonic.time()

    def is_alive(self, host_id: int) -> bool:
        """Tell whether the list is fresh and holds the host for alive."""
        with self._lock:
            if self._pushed is None or monotonic.time() - self._pushed > self._timing.host_alive_timeout:
                return False
            return self._alive.get(host_id, False)
