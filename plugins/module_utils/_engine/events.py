# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follow the engine's events: they are the progress of a long operation, and the evidence when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session

SEVERITIES = {"normal": 0, "warning": 1, "error": 2, "alert": 10}


@dataclass(frozen=True)
class Event:
    """One event of the engine."""

    index: int
    code: int
    severity: str
    text: str
    time: str
    correlation_id: str
    host_id: str

    @classmethod
    def of(cls, entity: Any) -> Event:
        """Return the event that an entity of the SDK describes."""
        return cls(
            index=int(entity.index if entity.index is not None else entity.id),
            code=int(entity.code or 0),
            severity=str(entity.severity or "normal"),
            text=entity.description or "",
            time=entity.time.isoformat(timespec="seconds") if entity.time else "",
            correlation_id=entity.correlation_id or "",
            host_id=(entity.host.id or "") if entity.host else "",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the event as a module returns it."""
        return {"code": self.code, "severity": self.severity, "text": self.text, "time": self.time}


class EventLog:
    """The events from one moment on.

    Args:
        session: session with the engine.
        tell: is called with the text of each new event, for progress.
    """

    def __init__(self, session: Session, tell: Optional[Callable[[str], None]] = None) -> None:
        self.seen: list[Event] = []
        self._session = session
        self._tell = tell or (lambda text: None)
        self._last = 0

    def begin(self) -> None:
        """Start after the newest event there is."""
        newest = self._session.system.events_service().list(max=1)
        self._last = Event.of(newest[0]).index if newest else 0

    def news(self) -> list[Event]:
        """Return the events since the last look, oldest first.

        C(from) is exclusive and the engine lists the newest first (engine contract 7.3).
        """
        found = sorted(
            (Event.of(entity) for entity in self._session.system.events_service().list(from_=self._last)),
            key=lambda e: e.index,
        )
        fresh = [event for event in found if event.index > self._last]
        for event in fresh:
            self._last = event.index
            self.seen.append(event)
            self._tell(event.text)
        return fresh

    def about(self, host_id: str = "", correlation_id: str = "") -> list[Event]:
        """Return the events seen so far that belong to a host or to a step."""
        return [
            event
            for event in self.seen
            if (host_id and event.host_id == host_id) or (correlation_id and event.correlation_id == correlation_id)
        ]


def worst(events: list[Event], at_least: str = "warning") -> list[Event]:
    """Return the events of a severity and above, each code and text once."""
    chosen: dict[tuple[int, str], Event] = {}
    for event in events:
        if SEVERITIES.get(event.severity, 0) >= SEVERITIES[at_least]:
            chosen.setdefault((event.code, event.text), event)
    return list(chosen.values())
