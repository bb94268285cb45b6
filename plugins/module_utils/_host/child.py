# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do something in a child process that is given up at a deadline, with mounts that end with it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run

_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000

Evidence = Mapping[str, Any]


class Child:
    """A forked process that returns plain data. It must be begun while its parent has a single thread.

    Args:
        function: what it does; what it returns must be JSON.
        seconds: after which it is killed, counted from now.
    """

    def __init__(self, function: Callable[[], dict[str, Any]], seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: Optional[Evidence] = None
        self._from, into = os.pipe()
        _run.count_processes(1)
        self._pid = os.fork()
        if self._pid == 0:
            _report(function, into)
        os.close(into)

    def result(self) -> Evidence:
        """Return what the function returned; C({"error": words}) when it failed, or did not end in time."""
        with self._lock:
            if self._known is None:
                self._known = self._collect()
            return self._known

    def _collect(self) -> Evidence:
        told = b""
        try:
            while select.select([self._from], [], [], max(0.0, self._deadline - time.monotonic()))[0]:
                part = os.read(self._from, 65536)
                if not part:
                    break
                told += part
            else:
                return {"error": f"no answer within {self._seconds:g} s", "silent": True}
        finally:
            os.close(self._from)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        answer = json.loads(told) if told else {"error": "the process that looked ended without an answer"}
        _run.count_processes(int(answer.pop("processes", 0)))
        found: Evidence = answer
        return found


def _report(function: Callable[[], dict[str, Any]], into: int) -> None:
    """Run the function in the child, write what it returns, and end; nothing of the parent's end is run here."""
    try:
        before = _run.processes_started()
        try:
            told = function()
        except Exception as error:  # the parent is told whatever happens
            told = {"error": f"{type(error).__name__}: {error}"}
        told["processes"] = _run.processes_started() - before
        with os.fdopen(into, "wb") as stream:
            stream.write(json.dumps(told, default=str).encode())
    finally:
        os._exit(0)


def own_mounts() -> None:
    """Give this process mounts of its own: what it mounts nobody else sees, and it is gone when it has ended.

    Raises:
        OSError: when the kernel refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mounts of its own: {os.strerror(number)}")


def become(uid: int, gid: int) -> None:
    """Become another account for good, with no group but its own; only a child does that.

    Raises:
        OSError: when the kernel refuses it.
    """
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
