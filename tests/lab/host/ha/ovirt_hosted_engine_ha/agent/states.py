# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The states of the agent and where each of them leads (host contract 6.2).

A state is made with the snapshot of the step that entered it; its score is that of this snapshot, so a decision always
compares the score published last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar, Protocol

from ..lib import engine
from . import constants
from . import score as scoring
from .state_data import Snapshot

#: A next state, and the seconds to sleep before its step (0 or the loop's delay).
Step = tuple["State", float]

_DOWN = (engine.VMState.DOWN, engine.VMState.DOWN_UNEXPECTED, engine.VMState.DOWN_MISSING)


class VmActions(Protocol):
    """What states do to the engine VM; each tells whether it worked."""

    def start(self) -> bool:
        """Start the VM."""

    def stop(self, force: bool) -> bool:
        """Shut the VM down, or power it off."""


class State:
    """One state at one step."""

    #: Points are 0 whatever the monitors say.
    worthless: ClassVar[bool] = False
    #: Free memory counts; not where the VM already has it.
    memory_counts: ClassVar[bool] = True
    #: Field of Timing with the longest stay.
    limit: ClassVar[str | None] = None
    stopped: ClassVar[bool] = False

    def __init__(self, snapshot: Snapshot, timeout_start: int | None = None) -> None:
        self.snapshot = snapshot
        self.timeout_start = timeout_start
        self._score: int | None = None

    @property
    def name(self) -> str:
        """Name as published."""
        return type(self).__name__

    @property
    def score(self) -> int:
        """Points of this host in this state."""
        if self._score is None:
            self._score = 0 if self.worthless else self._points()
        return self._score

    def _points(self) -> int:
        data = self.snapshot
        return scoring.score(
            data.score_config,
            network=data.local.network,
            cpu_load=scoring.load_factor([(point.time, point.cpu_load) for point in data.history]),
            memory_free=data.local.mem_free,
            memory_needed=data.memory_needed,
            bridge_up=data.local.bridge,
            conf_up_to_date=data.conf_up_to_date,
            retries=data.retries,
            memory_counts=self.memory_counts,
        )

    @property
    def timeout_end(self) -> float | None:
        """Clock at which the stay ends, None while no limit runs."""
        if self.timeout_start is None or self.limit is None:
            return None
        return self.timeout_start + float(getattr(self.snapshot.timing, self.limit))

    def consume(self, new: Snapshot, vm: VmActions) -> Step:
        """Return the state for the next step."""
        end = self.timeout_end
        if end is not None and new.time >= end:
            return self.on_timeout(new)
        for check in self.checks():
            step = check(self, new)
            if step is not None:
                return step
        return self.decide(new, vm)

    def checks(self) -> tuple[Check, ...]:
        """Conditions that lead away from most states, in the order in which they are looked at."""
        return (to_global_maintenance, to_unknown_vm, to_local_maintenance)

    def on_timeout(self, new: Snapshot) -> Step:
        """Leave after the limit."""
        raise NotImplementedError(self.name)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        """Decide after the common checks."""
        raise NotImplementedError(self.name)

    def stay(self, new: Snapshot) -> Step:
        """Remain; the limit of the stay starts with the first step inside the state."""
        start = self.timeout_start
        if self.limit is not None and start is None:
            start = new.time
        return type(self)(new, start), new.timing.loop_delay

    @staticmethod
    def go(target: type[State], new: Snapshot, *, at_once: bool = False) -> Step:
        """Change to another state."""
        return target(new), 0 if at_once else new.timing.loop_delay


Check = Callable[[State, Snapshot], "Step | None"]


def to_global_maintenance(state: State, new: Snapshot) -> Step | None:
    """Idle while global maintenance is on."""
    return state.go(GlobalMaintenance, new) if new.global_maintenance else None


def to_unknown_vm(state: State, new: Snapshot) -> Step | None:
    """Idle while vdsm does not tell how the VM is."""
    return state.go(UnknownLocalVmState, new) if new.health["vm"] == engine.VMState.UNKNOWN else None


def to_local_maintenance(state: State, new: Snapshot) -> Step | None:
    """Idle while this host is in local maintenance."""
    return state.go(LocalMaintenance, new) if new.local.maintenance else None


class StartState(State):
    """Before the first step."""

    worthless = True

    def checks(self) -> tuple[Check, ...]:
        return ()

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        return self.go(ReinitializeFSM, new)


class ReinitializeFSM(State):
    """Find the state that fits what is."""

    worthless = True

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if new.health["vm"] == engine.VMState.UP:
            return self.go(EngineStarting, new, at_once=True)
        return self.go(EngineDown, new)


class EngineDown(State):
    """The VM does not run here; start it when no live host is better and none has it."""

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if new.health["vm"] == engine.VMState.UP:
            return self.go(EngineStarting, new, at_once=True)
        if not new.history_covers_decision or new.engine_up_elsewhere():
            return self.stay(new)
        if self.score == 0 or new.best_live_score() > self.score:
            return self.stay(new)
        return self.go(EngineStart, new, at_once=True)


class EngineStart(State):
    """Start the VM."""

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if vm.start():
            return self.go(EngineStarting, new)
        failed = dataclasses.replace(new, retries=new.retries + 1, retry_time=new.time)
        return self.go(EngineDown, failed)


class EngineStarting(State):
    """The VM runs, its engine does not answer yet."""

    limit = "engine_starting_timeout"

    def on_timeout(self, new: Snapshot) -> Step:
        return self.go(EngineStop, new)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        status = new.health
        if status["vm"] == engine.VMState.UP:
            if status["detail"] == "Paused":
                return self.go(EngineForceStop, new, at_once=True)
            if status["health"] == engine.Health.GOOD:
                return self.go(EngineUp, new)
            return self.stay(new)
        if status["vm"] == engine.VMState.DOWN and status.get("reason") != engine.Reason.MIGRATED:
            return self.go(EngineForceStop, new, at_once=True)
        return self.go(EngineMaybeAway, new, at_once=status["vm"] == engine.VMState.DOWN_MISSING)


class EngineUp(State):
    """The engine answers. Local maintenance is ignored: the VM has to be moved first."""

    memory_counts = False

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance, to_unknown_vm)

    def _vm_lost(self, new: Snapshot) -> Step | None:
        vm_state = new.health["vm"]
        if vm_state == engine.VMState.DOWN_UNEXPECTED:
            return self.go(EngineUnexpectedlyDown, new)
        if vm_state in _DOWN:
            return self.go(EngineMaybeAway, new, at_once=vm_state == engine.VMState.DOWN_MISSING)
        return None

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        lost = self._vm_lost(new)
        if lost is not None:
            return lost
        if new.engine_better_elsewhere():
            return self.go(EngineStop, new)
        if new.health["health"] != engine.Health.GOOD:
            return self.go(EngineUpBadHealth, new)
        if new.best_live_score() >= self.score + constants.RESTART_THRESHOLD_SCORE:
            return self.go(EngineStop, new)
        return self.stay(new)


class EngineUpBadHealth(EngineUp):
    """The engine stopped answering."""

    limit = "engine_bad_health_timeout"

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance, to_unknown_vm, to_local_maintenance)

    def on_timeout(self, new: Snapshot) -> Step:
        return self.go(EngineStop, new)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        lost = self._vm_lost(new)
        if lost is not None:
            return lost
        if new.health["health"] == engine.Health.GOOD:
            return self.go(EngineUp, new)
        return self.stay(new)


class EngineStop(State):
    """Shut the VM down in order, with the same patience as for bad health."""

    limit = "engine_bad_health_timeout"

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance, to_unknown_vm)

    def on_timeout(self, new: Snapshot) -> Step:
        return self.go(EngineForceStop, new)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        status = new.health
        if status["vm"] in _DOWN:
            return self.go(EngineDown, new)
        if status["detail"] == "Paused":
            return self.go(EngineForceStop, new, at_once=True)
        if self.timeout_start is None and not vm.stop(force=False):
            return self.go(EngineForceStop, new)
        return self.stay(new)


class EngineForceStop(State):
    """Power the VM off."""

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance,)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if vm.stop(force=True):
            return self.go(EngineDown, new)
        return self.go(ReinitializeFSM, new)


class EngineMaybeAway(State):
    """The VM left; wait for it on another host."""

    limit = "engine_away_expiration"

    def on_timeout(self, new: Snapshot) -> Step:
        return self.go(EngineUnexpectedlyDown, new, at_once=True)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if new.health["vm"] == engine.VMState.UP:
            return self.go(EngineUp, new)
        if new.engine_up_elsewhere():
            return self.go(EngineDown, new)
        return self.stay(new)


class EngineUnexpectedlyDown(State):
    """The VM died here; let another host have it for a while."""

    worthless = True
    limit = "unexpected_shutdown_expiration"

    def on_timeout(self, new: Snapshot) -> Step:
        return self.go(EngineDown, new)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if new.health["vm"] == engine.VMState.UP:
            return self.go(EngineUp, new)
        return self.stay(new)


class GlobalMaintenance(State):
    """Nothing is started, stopped or moved."""

    memory_counts = False

    def checks(self) -> tuple[Check, ...]:
        return ()

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        return self.stay(new) if new.global_maintenance else self.go(ReinitializeFSM, new)


class LocalMaintenance(State):
    """This host must not get the VM."""

    worthless = True

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance, to_unknown_vm)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        return self.stay(new) if new.local.maintenance else self.go(ReinitializeFSM, new)


class UnknownLocalVmState(State):
    """vdsm does not answer."""

    def checks(self) -> tuple[Check, ...]:
        return (to_global_maintenance, to_local_maintenance)

    def decide(self, new: Snapshot, vm: VmActions) -> Step:
        if new.health["vm"] == engine.VMState.UNKNOWN:
            return self.stay(new)
        return self.go(ReinitializeFSM, new, at_once=True)


class AgentStopped(State):
    """Published when the agent ends."""

    worthless = True
    stopped = True
