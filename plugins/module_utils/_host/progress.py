# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a long command of qemu-img is, told while it runs."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed, run

# Percent, 0 to 100.
Tell = Callable[[float], None]

PAUSE = 5.0

# qemu-img -p writes "    (12.34/100%)" again and again, with a carriage return between.
_PERCENT = re.compile(r"\((\d+\.\d+)/100%\)")

# exec, so that a deadline ends the command itself.
_INTO_FILE = 'exec "$@" >"$0"'


def run_told(
    argv: Sequence[str],
    folder: str,
    tell: Tell,
    timeout: float,
    user: str,
    group: Optional[str],
    owner: tuple[int, int],
    pause: float = PAUSE,
) -> Completed:
    """Run a command of C(qemu-img) with C(-p) as an account, and tell how far it is; its exit status is not checked.

    Args:
        argv: the command.
        folder: where that account can reach a file; what the command prints lands in one, which is removed.
        tell: is called from another thread, at most once in each pause and only when there is news.
        timeout: seconds.
        user: name of the account.
        group: name of its group.
        owner: uid and gid of the account.
        pause: seconds.

    Returns:
        What became of it; C(stdout) is what it printed besides its progress.
    """
    handle, path = tempfile.mkstemp(prefix=".progress-", dir=folder)
    os.fchown(handle, *owner)
    os.close(handle)
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(path, over, tell, pause), daemon=True)
    watcher.start()
    try:
        done = run(["sh", "-c", _INTO_FILE, path, *argv], timeout=timeout, user=user, group=group, check=False)
        printed = _PERCENT.sub("", _read(path)).replace("\r", "")
    finally:
        over.set()
        watcher.join()
        os.unlink(path)
    return Completed(tuple(argv), done.rc, printed, done.stderr)


def percent(text: str) -> float:
    """Return the last percentage in what C(qemu-img -p) printed, 0 when there is none yet."""
    found: Sequence[str] = _PERCENT.findall(text)
    return float(found[-1]) if found else 0.0


def _watch(path: str, over: threading.Event, tell: Tell, pause: float) -> None:
    last = 0.0
    while not over.wait(pause):
        now = percent(_read(path))
        if now > last:
            last = now
            tell(now)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
