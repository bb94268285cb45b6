# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A control group per host.

nspawn puts its container into ``payload`` below the group it was started in. Two hosts started from one group would
share that, and with it the groups of all their units: stopping a service in one would look for the other's processes.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from driver.run import wait_for

PARENT = "node0-lab"
_ROOT = Path("/sys/fs/cgroup")


def hierarchies(root: Path = _ROOT) -> list[Path]:
    """The hierarchies in which an init keeps its units: systemd's own and the unified one."""
    hybrid = [root / name for name in ("systemd", "unified") if (root / name / "cgroup.procs").exists()]
    return hybrid or [root]


def of_machine(machine: str) -> list[Path]:
    """The groups of one host."""
    return [hierarchy / PARENT / machine for hierarchy in hierarchies()]


def make(machine: str) -> None:
    """Make the host's groups."""
    for group in of_machine(machine):
        group.mkdir(parents=True, exist_ok=True)


def enter(machine: str) -> None:
    """Move the calling process into the host's groups (between fork and exec)."""
    for group in of_machine(machine):
        (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def processes_of(machine: str) -> list[int]:
    """All processes of the host, as this machine numbers them."""
    found: set[int] = set()
    for group in of_machine(machine):
        for listing in group.rglob("cgroup.procs"):
            try:
                found |= {int(word) for word in listing.read_text(encoding="ascii").split()}
            except OSError:
                continue  # the group went between the two looks, as its last process did
    return sorted(found)


def remove(machine: str) -> None:
    """End what still runs in the host's groups, then remove them, and the common parent with the last of them."""
    _end_all(machine)
    for group in of_machine(machine):
        if group.is_dir():
            for path, _directories, _files in os.walk(group, topdown=False):
                os.rmdir(path)
        parent = group.parent
        if parent.is_dir() and not any(entry.is_dir() for entry in parent.iterdir()):
            parent.rmdir()


def _end_all(machine: str) -> None:
    """Power cut: of a container whose nspawn is gone the processes die with their init, a moment later."""

    def look() -> object:
        left = processes_of(machine)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left or f"processes {left}"

    wait_for(f"end of all processes of {machine}", look, deadline=10)
