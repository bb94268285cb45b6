# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the state machine knows at one step, and how it comes to hold other hosts for alive (host contract 3.5, 6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..env.timing import Timing
from ..lib import engine
from ..lib.metadata import HostMetadata
from . import constants
from . import score as scoring


@dataclass(frozen=True)
class LocalStats:
    """Results of the monitors of this host; None where a monitor has none yet."""

    network: float | None
    bridge: bool | None
    mem_free: float | None
    cpu_load: float | None
    engine_health: engine.EngineStatus | None
    storage_domain: bool | None
    maintenance: bool


@dataclass(frozen=True)
class Point:
    """One entry of the history: the clock of this host, its CPU load, and the timestamps that all hosts showed."""

    time: int
    cpu_load: float | None
    timestamps: Mapping[int, int]


@dataclass(frozen=True)
class Snapshot:
    """All input of one step."""

    time: int
    host_id: int
    local: LocalStats
    #: Slots of the other hosts.
    remote: Mapping[int, HostMetadata]
    global_maintenance: bool
    #: Newest first, this step included.
    history: tuple[Point, ...]
    timing: Timing
    score_config: scoring.ScoreConfig
    memory_needed: int
    conf_up_to_date: bool
    #: Failed starts of the VM, and when the last one was.
    retries: int = 0
    retry_time: int | None = None
    alive: frozenset[int] = field(default_factory=frozenset)

    @property
    def health(self) -> engine.EngineStatus:
        """The local engine status; raises TypeError while there is none, which ends the loop (known fault)."""
        status: Any = self.local.engine_health
        status["vm"]
        return dict(status)

    @property
    def history_covers_decision(self) -> bool:
        """Whether enough was seen to start the VM: at least a minute."""
        return self.time - self.history[-1].time >= self.timing.history_needed

    def live_hosts(self) -> list[HostMetadata]:
        """Return the slots of the other hosts that are alive."""
        return [self.remote[host_id] for host_id in sorted(self.alive)]

    def engine_up_elsewhere(self) -> bool:
        """Tell whether a live host reports the engine VM as up."""
        return any(host["engine-status"]["vm"] == engine.VMState.UP for host in self.live_hosts())

    def engine_better_elsewhere(self) -> bool:
        """Tell whether a live host reports the engine in a better state than it is here.

        One in the same state does not count: after a migration the source's slot is a loop behind.
        """
        here = engine.rank(self.health)
        return any(engine.rank(host["engine-status"]) > here for host in self.live_hosts())

    def best_live_score(self) -> int:
        """Return the highest score of the other live hosts, 0 without any."""
        return max((int(host["score"]) for host in self.live_hosts()), default=0)


def alive_hosts(now: int, history: tuple[Point, ...], current: Mapping[int, int], timeout: float) -> frozenset[int]:
    """Return the hosts whose timestamp changed since the newest point that is older than ``timeout`` seconds.

    Without such a point nobody is alive: so nobody is in the first minute.
    """
    for point in history:
        if now - point.time > timeout:
            return frozenset(host for host, stamp in current.items() if stamp != point.timestamps.get(host))
    return frozenset()


def trimmed(now: int, history: tuple[Point, ...]) -> tuple[Point, ...]:
    """Drop what is older than 15 minutes."""
    return tuple(point for point in history if now - point.time <= constants.HISTORY_SECS)
