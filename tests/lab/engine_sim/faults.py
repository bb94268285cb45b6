# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fault table: what tests order to go wrong, and the counters that tests read.

A fault names a step (`METHOD /path` pattern, or a step of the engine's own work such as `host.deploy`) and what happens
there. See `control` for how faults are set from outside.
"""

from __future__ import annotations

import fnmatch
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Fault:
    """One order.

    step: `POST /api/hosts`, `GET /*`, `host.deploy`, `host.up`, `disk.create` ...; shell patterns allowed.
    times: how often it strikes, 0 without end. status and detail: answer with this fault. delay: seconds before the
    answer. reset: close the connection. html: answer with an HTML page.
    host_status, status_detail, event: terminal state of a host.
    task: the task of host-deploy that fails. error: text of a failure of the engine's own work.
    """

    step: str
    times: int = 1
    status: int = 0
    detail: str = ""
    reason: str = "Operation Failed"
    delay: float = 0
    reset: bool = False
    html: bool = False
    host_status: str = ""
    status_detail: str = ""
    event: str = ""
    task: str = ""
    error: str = ""
    struck: int = field(default=0, compare=False)


class FaultTable:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._closed_until = 0.0
        self.counters: dict[str, int] = {"logins": 0, "refused_logins": 0, "exchanges": 0, "revoked": 0}

    def add(self, **order: Any) -> Fault:
        """Adds an order. Raises TypeError for an unknown member."""
        fault = Fault(**order)
        with self._lock:
            self._faults.append(fault)
        return fault

    def strike(self, step: str) -> Fault | None:
        """The fault that strikes this step now, if any; counts it."""
        with self._lock:
            for fault in self._faults:
                if fnmatch.fnmatchcase(step, fault.step) and (fault.times == 0 or fault.struck < fault.times):
                    fault.struck += 1
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
        self._closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """A window of 503 answers, as while the server boots."""
        self._closed_until = time.monotonic() + seconds

    @property
    def closed(self) -> bool:
        return time.monotonic() < self._closed_until

    def count(self, what: str) -> None:
        with self._lock:
            self.counters[what] = self.counters.get(what, 0) + 1

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]
