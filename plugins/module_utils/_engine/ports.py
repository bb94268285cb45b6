# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this layer needs from layers above it, described by its use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StorageEvidence:
    """A storage domain that is on the storage.

    Attributes:
        id: the domain.
        name: name that it was given when it was made.
        pools: data centres that it belongs to.
        images: number of disks in it.
    """

    id: str
    name: str
    pools: tuple[str, ...]
    images: int


@dataclass(frozen=True)
class StoreVolume:
    """One OVF_STORE disk: data centre, storage domain, disk and volume."""

    data_center_id: str
    storage_id: str
    disk_id: str
    image_id: str


class StoreReader(Protocol):
    """Reads OVF stores on the host."""

    def ovf(self, store: StoreVolume, vm_id: str) -> str:
        """Return the OVF of a VM, or an empty text."""

    def is_updated(self, store: StoreVolume) -> bool:
        """Return whether vdsm has noted that the store is current."""
