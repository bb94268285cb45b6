# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the host layer needs of a journal; the layer below does not know the journal itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Optional, Protocol

Record = dict[str, Any]


class Ledger(Protocol):
    """The list of what was made on the host; see the class Journal."""

    def making(self, kind: str, name: str, **details: Any) -> AbstractContextManager[Record]:
        """Write down that a thing is being made and, after the body, that it is made."""

    def made(self, kind: Optional[str] = None) -> list[Record]:
        """Return what was made and not removed yet, newest first."""

    def gone(self, kind: str, name: str) -> None:
        """Note that a thing has been removed."""
