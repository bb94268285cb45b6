from __future__ import annotations

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock, pending, ready, wait_for


class FakeClock(Clock):
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


def test_looks_at_once_and_does_not_pause_when_it_is_done() -> None:
    clock = FakeClock()
    assert wait_for(lambda: ready("value"), "a value", 10, clock=clock) == "value"
    assert clock.pauses == []


def test_pauses_grow_up_to_the_longest() -> None:
    clock = FakeClock()
    looks = iter([pending("no")] * 6 + [ready(1)])
    assert wait_for(lambda: next(looks), "one", 60, clock=clock) == 1
    assert clock.pauses == [0.5, 0.75, 1.125, 1.6875, 2.0, 2.0]


def test_deadline_tells_what_was_last_seen() -> None:
    clock = FakeClock()
    with pytest.raises(HostedEngineError) as caught:
        wait_for(lambda: pending(f"state at {clock.time:g}"), "host up", 3, clock=clock)
    assert caught.value.problem.id == "wait.deadline"
    assert caught.value.observed == "state at 3"
    assert caught.value.expected == "host up within 3 s"
    assert sum(clock.pauses) == pytest.approx(3)


def test_a_terminal_state_ends_the_wait_at_once() -> None:
    def look() -> object:
        raise KeyError("hopeless")

    with pytest.raises(KeyError):
        wait_for(look, "anything", 60, clock=FakeClock())  # type: ignore[arg-type]
