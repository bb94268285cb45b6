# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this layer needs from layers above it, described by its use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Optional, Protocol

from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed


class Shell(Protocol):
    """A machine on which commands can be run: the bootstrap VM over ssh."""

    def run(
        self, argv: Sequence[str], stdin: Optional[str] = None, timeout: float = 60.0, check: bool = True
    ) -> Completed:
        """Run a command there."""


class Notes(Protocol):
    """The journal, as far as making things needs it."""

    def making(self, kind: str, name: str, **details: Any) -> AbstractContextManager[Any]:
        """Note that a thing is being made and then that it is made."""

    def made(self, kind: Optional[str] = None) -> list[dict[str, Any]]:
        """Return what was made."""

    def gone(self, kind: str, name: str) -> None:
        """Note that a thing was removed."""
