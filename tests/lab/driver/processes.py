# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes by number and start time, so that a number used again is never mistaken for ours."""

import os
import signal
import time
from pathlib import Path

from driver.run import POLL_SECONDS

_KILL_SECONDS = 5.0


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """Start of ``pid`` in clock ticks since boot (field 22 of /proc/PID/stat); None if there is no such process."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def alive(pid: int, start: int) -> bool:
    """Whether the very process is still there; a zombie counts as gone."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX" and int(fields[19]) == start


def children(pid: int) -> list[int]:
    """Direct children of ``pid``."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []
    found: list[int] = []
    for task in tasks:
        try:
            found += [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended between the two looks
    return found


def _own_line() -> set[int]:
    """This process, its parent and so on."""
    line, pid = set[int](), os.getpid()
    while pid and (fields := _stat(pid)):
        line.add(pid)
        pid = int(fields[1])
    return line


def with_argument(marker: str) -> list[int]:
    """Processes one of whose arguments contains ``marker``; without ourselves and those that called us."""
    found, ours = [], _own_line()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(marker.encode() in argument for argument in arguments):
            found.append(int(entry.name))
    return found


def ask(pid: int, start: int) -> None:
    """TERM, without waiting."""
    if alive(pid, start):
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return


def end(pid: int, start: int, *, grace: float) -> str | None:
    """TERM, then KILL after ``grace`` seconds; a text if the process survived even that."""
    ask(pid, start)
    return None if _gone_within(pid, start, grace) else kill(pid, start)


def kill(pid: int, start: int) -> str | None:
    """KILL; a text if the process survived."""
    if alive(pid, start):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
    return None if _gone_within(pid, start, _KILL_SECONDS) else f"process {pid} does not end"


def _gone_within(pid: int, start: int, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while alive(pid, start):
        _collect(pid)
        if time.monotonic() >= limit:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _collect(pid: int) -> None:
    """Take the exit status if the process is our own child, so that it does not stay a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
