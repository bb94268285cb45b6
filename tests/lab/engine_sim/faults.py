# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fault table: what tests order to go wrong, and the counters that tests read.

A fault names a step (`METHOD /path` pattern, or a step of the engine's own work such as `host.deploy`) and what happens
there. See `control` for how faults are set from outside.
"""

from __future__ import annotations

import fnmatch
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: Steps of the engine's own work at which a fault may strike.
STEPS = (
    "ssh.connect",
    "host.deploy",
    "host.up",
    "storage.existing",
    "storage.space",
    "lun.used",
    "disk.create",
    "ovf.update",
)


@dataclass
class Fault:
    """One order.

    step: `POST /api/hosts`, `GET /*`, or one of `STEPS`; shell patterns allowed. times: how often it strikes, 0 without
    end. skip: how often the step passes before. status and detail: answer with this fault. delay: seconds before the
    answer. reset: tear the connection down. html: answer with an HTML page.
    host_status, status_detail, event: terminal state of a host. task: the task of host-deploy that fails. refusal: how
    ssh refuses (`unreachable`, `authentication`). error: text of a failure of the engine's own work. gib: space that a
    storage domain has free. lun: pattern of the units concerned.
    Raises ValueError when the step is no request and not of `STEPS`.
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
    refusal: str = "unreachable"
    error: str = ""
    gib: int = 0
    lun: str = "*"
    skip: int = 0
    passed: int = field(default=0, compare=False)
    struck: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if "/" not in self.step and not fnmatch.filter(STEPS, self.step):
            raise ValueError(f"no such step: {self.step}; steps are METHOD /path and {', '.join(STEPS)}")

    def strikes(self) -> bool:
        """Whether it is its turn; counts the step."""
        if self.passed < self.skip:
            self.passed += 1
            return False
        if self.times and self.struck >= self.times:
            return False
        self.struck += 1
        return True


class FaultTable:
    """The orders in force, and the counters."""

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

    def load(self, path: str | Path) -> int:
        """Adds the orders of a JSON file (a list of faults); how many. Raises OSError, ValueError, TypeError."""
        orders = json.loads(Path(path).read_text())
        for order in orders:
            self.add(**order)
        return len(orders)

    def strike(self, step: str) -> Fault | None:
        """The fault that strikes this step now, if any; counts it."""
        with self._lock:
            return next((f for f in self._faults if fnmatch.fnmatchcase(step, f.step) and f.strikes()), None)

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
