# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state machine: one step per loop, with a memory of the last 15 minutes."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..env.timing import Timing
from ..lib import util
from ..lib.metadata import HostMetadata
from . import constants, states
from .score import ScoreConfig
from .state_data import LocalStats, Point, Snapshot, alive_hosts, trimmed

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collected:
    """What was read for one step."""

    time: int
    local: LocalStats
    #: Slots of the other hosts, engine status parsed.
    remote: Mapping[int, HostMetadata]
    global_maintenance: bool
    memory_needed: int
    conf_up_to_date: bool


@dataclass
class EngineStateMachine:
    """Runs the states; ``collect`` reads the world, ``vm`` acts on the VM."""

    host_id: int
    collect: Callable[[], Collected]
    vm: states.VmActions
    timing: Timing
    score_config: ScoreConfig
    state: states.State | None = None
    _history: tuple[Point, ...] = field(default=())

    def next(self) -> tuple[str, states.State, float]:
        """Make one step; return the name of the old state, the new state and the seconds to sleep.

        Whatever ``collect`` or a state raises goes to the caller, and the machine stays where it was.
        """
        new = self._refresh()
        old = self.state or states.StartState(new)
        self.state, delay = old.consume(new, self.vm)
        if self.state.name != old.name:
            _log.info("State transition %s -> %s (score: %d)", old.name, self.state.name, self.state.score)
        return old.name, self.state, delay

    def stopped(self) -> states.State | None:
        """Return the state to publish at the end, None if there was no step."""
        return states.AgentStopped(self.state.snapshot) if self.state is not None else None

    def _refresh(self) -> Snapshot:
        found = self.collect()
        stamps = {host_id: int(values["host-ts"]) for host_id, values in found.remote.items()}
        alive = alive_hosts(found.time, self._history, stamps, self.timing.host_alive_timeout)
        point = Point(found.time, found.local.cpu_load, stamps)
        self._history = trimmed(found.time, (point, *self._history))
        snapshot = Snapshot(
            time=found.time,
            host_id=self.host_id,
            local=found.local,
            remote=found.remote,
            global_maintenance=found.global_maintenance,
            history=self._history,
            timing=self.timing,
            score_config=self.score_config,
            memory_needed=found.memory_needed,
            conf_up_to_date=found.conf_up_to_date,
            alive=alive,
        )
        return self._with_retries(snapshot)

    def _with_retries(self, snapshot: Snapshot) -> Snapshot:
        """Carry the failed starts over, unless their time is up: by the wall clock, so always (host contract 6.1)."""
        if self.state is None:
            return snapshot
        last = self.state.snapshot
        if last.retry_time is None or util.has_elapsed(last.retry_time, constants.ENGINE_RETRY_EXPIRATION_SECS):
            return snapshot
        return dataclasses.replace(snapshot, retries=last.retries, retry_time=last.retry_time)
