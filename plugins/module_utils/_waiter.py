# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one way to wait: a first look at once, growing pauses, a deadline, and the last thing seen in the message."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Optional, TypeVar

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, Problem, declare

T = TypeVar("T")

WAIT_DEADLINE = declare(
    "wait.deadline",
    "Something did not happen in time",
    "See what was last seen; if it was still making progress, run the same playbook again: it goes on from there.",
    retryable=True,
)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 2.0


@dataclass(frozen=True)
class Look(Generic[T]):
    """What one look at the world has shown.

    Attributes:
        seen: the state in words, for the message at the deadline.
        done: whether the wait is over.
        value: what the wait returns once it is over.
    """

    seen: str
    done: bool = False
    value: Optional[T] = None


def pending(seen: str) -> Look[T]:
    """Return a look that shows that it is not done yet."""
    return Look(seen)


def ready(value: T, seen: str = "done") -> Look[T]:
    """Return a look that ends the wait with a value."""
    return Look(seen, True, value)


class Clock:
    """Time as the waiter sees it; tests put their own in its place."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


def wait_for(
    look: Callable[[], Look[T]],
    what: str,
    seconds: float,
    problem: Problem = WAIT_DEADLINE,
    clock: Optional[Clock] = None,
    first_pause: float = FIRST_PAUSE,
    longest_pause: float = LONGEST_PAUSE,
) -> T:
    """Look until it is done, and return the value of the last look.

    A terminal failure state is raised by C(look) itself, so that nobody waits for what cannot happen any more.

    Args:
        look: one look at the world; it raises HostedEngineError when the wait is hopeless.
        what: what is waited for, in words ("host node1 to be up").
        seconds: deadline, counted from the call.
        problem: what to raise at the deadline.
        clock: source of time.
        first_pause: seconds between the first two looks; each pause is half as long again as the one before.
        longest_pause: seconds that no pause exceeds.

    Raises:
        HostedEngineError: C(problem) at the deadline, with what was last seen.
    """
    clock = clock or Clock()
    end = clock.now() + seconds
    pause = first_pause
    while True:
        seen = look()
        if seen.done:
            return seen.value  # type: ignore[return-value]  # a look that is done carries the value
        left = end - clock.now()
        if left <= 0:
            raise HostedEngineError(problem, expected=f"{what} within {seconds:g} s", observed=seen.seen)
        clock.pause(min(pause, left))
        pause = min(pause * 1.5, longest_pause)
