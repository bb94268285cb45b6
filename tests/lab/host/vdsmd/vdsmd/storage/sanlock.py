# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sanlock areas of a domain and the host's place in its lockspace.

Areas are initialised by the tool (`sanlock direct`), which needs no daemon. Joining needs the daemon; on a machine
without it nobody can hold a lease, and `Lockspaces.manager` says so in Host.getStats.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

from .files import MIB

log = logging.getLogger("vdsmd")

#: Slot of the SPM's lease in `leases` (VDSM `storage/sd.py`), and its resource name.
SPM_RESOURCE, SPM_OFFSET = "SDM", MIB
_SOCKET = Path("/run/sanlock/sanlock.sock")


def binding() -> Any:
    """The daemon's Python binding, or None where it is not installed or the daemon does not run."""
    if not _SOCKET.exists():
        return None
    try:
        return importlib.import_module("sanlock")
    except ImportError:
        return None


def _direct(kind: str, spec: str, io_timeout: int | None) -> bool:
    tool = shutil.which("sanlock", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if tool is None:
        return False
    command = [tool, "direct", "init", kind, spec, "-Z", "512", "-A", "1M"]
    if io_timeout:
        command += ["-o", str(io_timeout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stdout.strip()} {done.stderr.strip()}")
    return True


def init_lockspace(name: str, path: Path, io_timeout: int | None = None) -> bool:
    """Write an empty lockspace of 1 MiB. False when there is no sanlock on this machine; OSError when it fails."""
    return _direct("-s", f"{name}:0:{_escaped(path)}:0", io_timeout)


def init_resource(lockspace: str, name: str, path: Path, offset: int = 0) -> bool:
    """Write a free lease of 1 MiB at `offset`. As `init_lockspace`."""
    return _direct("-r", f"{lockspace}:{name}:{_escaped(path)}:{offset}", None)


def _escaped(path: Path) -> str:
    """The tool separates by colons, and mounts of NFS have one in their name."""
    return str(path).replace(":", "\\:")


class Lockspaces(Protocol):
    """How this host takes part in the domains' lockspaces."""

    manager: str

    def join(self, name: str, host_id: int, path: Path) -> None:
        """Acquire the host id. Raises VdsmError AcquireHostIdFailure."""

    def leave(self, name: str, host_id: int, path: Path) -> None:
        """Release it; leaving what was not joined is no error."""

    def held(self, name: str, host_id: int, path: Path) -> bool:
        """Whether the host id is held now."""


class NoLockspaces:
    """A machine without the sanlock daemon: ids are taken at their word."""

    manager = "none"

    def __init__(self) -> None:
        self._joined: set[tuple[str, int]] = set()

    def join(self, name: str, host_id: int, path: Path) -> None:
        """Remember the id."""
        self._joined.add((name, host_id))

    def leave(self, name: str, host_id: int, path: Path) -> None:
        """Forget the id."""
        self._joined.discard((name, host_id))

    def held(self, name: str, host_id: int, path: Path) -> bool:
        """Whether it was joined."""
        return (name, host_id) in self._joined


class SanlockLockspaces:
    """The daemon by its Python binding; names are bytes there."""

    manager = "sanlock"

    def __init__(self, binding: Any, io_timeout: int) -> None:
        self._sanlock = binding
        self._io_timeout = io_timeout

    def join(self, name: str, host_id: int, path: Path) -> None:
        """Acquire the host id: 3 s with an io timeout of 1, 21 s with the product's 10."""
        from ..errors import error

        if self.held(name, host_id, path):
            return
        try:
            self._sanlock.add_lockspace(name.encode(), host_id, str(path), iotimeout=self._io_timeout)
        except self._sanlock.SanlockException as problem:
            raise error("AcquireHostIdFailure", repr((name, problem))) from problem

    def leave(self, name: str, host_id: int, path: Path) -> None:
        """Release the host id."""
        if not self.held(name, host_id, path):
            return
        try:
            self._sanlock.rem_lockspace(name.encode(), host_id, str(path))
        except self._sanlock.SanlockException as problem:
            log.warning("lockspace %s: cannot leave: %s", name, problem)

    def held(self, name: str, host_id: int, path: Path) -> bool:
        """Asks the daemon; no answer means not held."""
        try:
            return self._sanlock.inq_lockspace(name.encode(), host_id, str(path)) is True
        except self._sanlock.SanlockException as problem:
            log.warning("lockspace %s: %s", name, problem)
            return False


def lockspaces(io_timeout: int) -> Lockspaces:
    """The daemon where it runs and its binding is installed, else none."""
    found = binding()
    return NoLockspaces() if found is None else SanlockLockspaces(found, io_timeout)
