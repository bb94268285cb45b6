# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follow a host from C(installing) to C(up) by the engine's events, and say why when it does not get there."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import deploy_log, faults
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.events import Event, EventLog, worst
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Shell
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

INSTALL_FAILED = declare(
    "engine.host_install_failed",
    "The engine could not install the host",
    "Remove the reason that the failed task gives and run the same playbook again; the engine installs it again.",
)
NON_OPERATIONAL = declare(
    "engine.host_non_operational",
    "The engine holds the host for not operational",
    "Remove the reason that the engine gives and run the same playbook again.",
)
NON_RESPONSIVE = declare(
    "engine.host_non_responsive",
    "The engine gets no answer from vdsm on the host",
    "Check vdsmd on the host (systemctl status vdsmd), port 54321 in its firewall, and the way from the bootstrap VM.",
    retryable=True,
)
HOST_FAILED = declare(
    "engine.host_failed",
    "The host went to a state from which it does not come back by itself",
    "Look at the engine's events and at vdsm's log on the host.",
)
NOT_UP = declare(
    "engine.host_not_up",
    "The host did not come up in time",
    "See the engine's events below; run the same playbook again if it was still making progress.",
    retryable=True,
)

# The bridge is made while the host is installed, so that the way to it, or to the engine, may break for a while.
SILENCE_SECONDS = 300
POLL_SECONDS = 15
LOOK_SECONDS = 10
LONGEST_PAUSE = 2.5

# Events after which the host's state may be another: up, installed, failed, non-operational, network, activation.
_NEWS = frozenset({12, 13, 14, 16, 18, 141, 504, 505, 517, 519, 561, 603, 1120, 9027, 9028})
_TERMINAL = frozenset({"error", "down", "kdumping"})


class HostDeploy:
    """The way of one host to C(up).

    Each look is one exchange: the events. The host itself is asked for when they say that something happened to it,
    and every 10 s in any case.

    Args:
        session: session with the engine.
        events: the engine's events since before the host was added.
        host_id: id of the host.
        shell: the engine's machine, for the log of host-deploy; None does without.

    Attributes:
        polls: exchanges that the following has cost.
    """

    def __init__(self, session: Session, events: EventLog, host_id: str, shell: Optional[Shell] = None) -> None:
        self.polls = 0
        self._session = session
        self._events = events
        self._host_id = host_id
        self._shell = shell
        self._seen = "not looked at yet"
        self._asked: Optional[float] = None
        self._silent_since: Optional[float] = None

    def wait(self, seconds: float) -> Any:
        """Wait until the host is up and return it.

        Raises:
            HostedEngineError: at once in a state that only people can end, C(engine.host_not_up) at the deadline.
        """
        try:
            return wait_for(
                self._look_through_breaks,
                "the host to be up",
                seconds,
                NOT_UP,
                self._session.clock,
                longest_pause=LONGEST_PAUSE,
            )
        except HostedEngineError as error:
            error.evidence.setdefault("events", [event.as_dict() for event in self._evidence()])
            raise

    def _look_through_breaks(self) -> Look[Any]:
        before = self._session.exchanges
        try:
            look = self._look()
        except HostedEngineError as error:
            if error.evidence.get("kind") not in faults.TRANSPORT:
                raise
            self._session.renew()
            self._check_silence(error)
            return pending(f"the engine does not answer: {error.observed}")
        finally:
            self.polls += self._session.exchanges - before
        return look

    def _look(self) -> Look[Any]:
        with self._session.step("follow the installation of the host", seconds=POLL_SECONDS):
            news = self._events.news()
            now = self._session.clock.now()
            due = self._asked is None or now - self._asked >= LOOK_SECONDS
            if not due and not any(event.code in _NEWS for event in news):
                return pending(self._progress())
            host = self._session.system.hosts_service().host_service(self._host_id).get()
        self._asked = now
        return self._judge(host)

    def _judge(self, host: Any) -> Look[Any]:
        status, detail = str(host.status), str(host.status_detail or "")
        self._seen = f"host {host.name} is {status}" + (f" ({detail})" if detail else "")
        if status == "non_responsive":
            self._check_silence(self._failure(host, NON_RESPONSIVE))
            return pending(self._seen)
        self._silent_since = None
        if status == "up":
            return ready(host)
        if status == "install_failed":
            raise self._installation_failure(host)
        if status == "non_operational":
            raise self._failure(host, NON_OPERATIONAL)
        if status in _TERMINAL:
            raise self._failure(host, HOST_FAILED)
        return pending(self._progress())

    def _check_silence(self, failure: HostedEngineError) -> None:
        """Raise C(failure) when there has been silence for too long."""
        now = self._session.clock.now()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= SILENCE_SECONDS:
            raise failure

    def _progress(self) -> str:
        newest = next((event.text for event in reversed(self._events.seen)), "")
        return f"{self._seen}; {newest}" if newest else self._seen

    def _installation_failure(self, host: Any) -> HostedEngineError:
        with self._session.step("read the engine's events"):
            self._events.news()
        facts = deploy_log.evidence(self._events.seen, self._shell)
        failure = facts.get("failure") or {}
        reasons = [f"task '{facts['task']}' failed" if facts["task"] else "", failure.get("message", "")]
        said = ": ".join(reason for reason in reasons if reason)
        return self._failure(host, INSTALL_FAILED, said, facts)

    def _failure(
        self, host: Any, problem: Any, said: str = "", facts: Optional[dict[str, Any]] = None
    ) -> HostedEngineError:
        detail = str(host.status_detail or "")
        reasons = [event.text for event in worst(self._evidence(), "warning") if event.code != 9000]
        observed = "; ".join(
            part for part in (f"{host.name} is {host.status}", detail, said or " / ".join(reasons[-3:])) if part
        )
        return HostedEngineError(
            problem,
            expected="the host to be up",
            observed=observed,
            evidence={"status": str(host.status), "status_detail": detail, **(facts or {})},
        )

    def _evidence(self) -> list[Event]:
        """Return the events that concern the host; 9000 and the like carry no correlation id, but the host."""
        return self._events.about(host_id=self._host_id, correlation_id=self._session.correlation_id)
