# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the engine lets an object go that another of its commands holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

T = TypeVar("T")

BUSY_SECONDS = 60


def when_free(
    session: Session, doing: str, label: str, act: Callable[[], T], seconds: float = BUSY_SECONDS, limit: float = 60
) -> T:
    """Do one step, again as long as the engine says that the object is busy; every other refusal is final.

    Args:
        session: session with the engine.
        doing: the step in words.
        label: short name of the step.
        act: the exchange.
        seconds: how long a busy object is waited for.
        limit: time limit of each exchange.

    Raises:
        HostedEngineError: the engine's refusal, or C(wait.deadline) with the words of the last one.
    """

    def look() -> Look[T]:
        try:
            with session.step(doing, label, seconds=limit):
                return ready(act())
        except HostedEngineError as error:
            if not faults.busy(error):
                raise
            return pending(error.observed)

    return wait_for(look, doing, seconds, clock=session.clock)
