# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request on its way through the engine: who asks, for what, with which correlation id."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .doc import Doc
from .errors import Refused
from .store import Database, Row

if TYPE_CHECKING:
    from .engine import Engine

TRUE = {"t", "true", "y", "yes", "1"}


@dataclass
class Call:
    """What commands and resources see of a request.

    query: parameters of the address, last value wins; doc: the body; parents: ids of the objects above, outermost
    first; base: `https://FQDN` as the client wrote it; full: all_content was asked for.
    """

    engine: Engine
    user: Row
    correlation_id: str
    base: str = ""
    query: dict[str, str] = field(default_factory=dict)
    doc: Doc = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    full: bool = False
    version_header: bool = True
    job: str | None = None
    created: bool = False
    below_domain: bool = False

    @property
    def db(self) -> Database:
        return self.engine.db

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter of the address, in any of the spellings that the engine takes."""
        value = self.query.get(name)
        return default if value is None else value.lower() in TRUE

    def event(self, name: str, **about: Any) -> int:
        """Logs an event of this call's user and correlation id."""
        about.setdefault("user", self.user)
        return self.engine.events.add(name, self.correlation_id, **about)


def correlation_id(given: str | None) -> str:
    """The id that the engine keeps of what the client sent, or a new one (engine contract 2.3)."""
    kept = re.sub(r"[^0-9A-Za-z_-]", "", given or "")
    return kept or str(uuid.uuid4())


def new_id() -> str:
    return str(uuid.uuid4())


def refuse(what: str, *reasons: str, status: int = 409) -> Refused:
    """`Cannot WHAT. REASON`, the form of the engine's validation messages."""
    first, *others = reasons
    return Refused(f"Cannot {what}. {first}", *others, status=status)
