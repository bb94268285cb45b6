# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The monitors of the broker: one thread each, shared by all who ask with the same options (host contract 7)."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..env.timing import Timing
from ..lib import vdsm_api

_log = logging.getLogger(__name__)

Options = Mapping[str, str | None]


@dataclass
class Context:
    """What monitors are made with."""

    vdsm: vdsm_api.Vdsm
    timing: Timing
    #: Set when vdsm reports a change of a VM; key is the VM's id.
    vm_events: dict[str, threading.Event] = field(default_factory=dict)


class Submonitor(Protocol):
    """A kind of monitor; made with the context and its options, raises ValueError if options are missing."""

    def action(self) -> object:
        """Look once and return the result; the broker hands on its text."""


Factory = Callable[[Context, Options], Submonitor]


class _Running:
    """A submonitor in its thread."""

    def __init__(self, kind: str, submonitor: Submonitor, interval: float, wake: threading.Event) -> None:
        self.kind = kind
        self._submonitor = submonitor
        self._interval = interval
        self._wake = wake
        self._ended = False
        self.result: object = None
        self._thread = threading.Thread(target=self._run, name=f"monitor-{kind}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            try:
                self.result = self._submonitor.action()
            except Exception:
                # a monitor must outlive whatever its surroundings do; no result says that it does not know
                _log.exception("Monitor %s failed", self.kind)
                self.result = None
            self._wake.wait(self._interval)

    def end(self) -> None:
        self._ended = True
        self._wake.set()


class Monitors:
    """All monitors that run."""

    def __init__(self, context: Context, factories: Mapping[str, Factory]) -> None:
        self._context = context
        self._factories = factories
        self._lock = threading.Lock()
        self._next_id = 1
        self._by_id: dict[int, _Running] = {}
        self._ids: dict[tuple[object, ...], int] = {}

    def start(self, kind: str, options: Options) -> int:
        """Start a monitor and return its id; the same kind and options give the same id.

        Raises KeyError for a kind that does not exist, ValueError for missing options.
        """
        key = (kind, *sorted(options.items()))
        with self._lock:
            if key in self._ids:
                return self._ids[key]
            if kind not in self._factories:
                raise KeyError(f"Unknown monitor type {kind}")
            submonitor = self._factories[kind](self._context, options)
            wake = self._context.vm_events.setdefault(options.get("vm_uuid") or "", threading.Event())
            running = _Running(
                kind,
                submonitor,
                self._context.timing.monitor_interval,
                wake if kind == "engine-health" else threading.Event(),
            )
            monitor_id, self._next_id = self._next_id, self._next_id + 1
            self._by_id[monitor_id] = running
            self._ids[key] = monitor_id
        _log.info("Started monitor %s, id %d", kind, monitor_id)
        return monitor_id

    def stop(self, monitor_id: int) -> None:
        """Stop a monitor; raises KeyError for an unknown id."""
        with self._lock:
            running = self._by_id.pop(monitor_id)
            self._ids = {key: value for key, value in self._ids.items() if value != monitor_id}
        running.end()

    def status(self, monitor: int | str) -> str:
        """Return the last result as text, by id or by the kind of a monitor that runs; raises KeyError for none."""
        with self._lock:
            if isinstance(monitor, str):
                found = [number for number, running in self._by_id.items() if running.kind == monitor]
                if not found:
                    raise KeyError(f"No monitor {monitor} runs")
                monitor = found[0]
            return str(self._by_id[monitor].result)

    def stop_all(self) -> None:
        """Stop all monitors."""
        with self._lock:
            running, self._by_id, self._ids = list(self._by_id.values()), {}, {}
        for monitor in running:
            monitor.end()
