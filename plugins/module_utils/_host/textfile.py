# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small text files of the system, whole or not at all: edited with owner, mode and label kept, or put in place."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable


def read(path: str) -> str:
    """Return the content of a text file, nothing when there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def edit(path: str, change: Callable[[str], str], dry_run: bool = False) -> bool:
    """Change a file through a function of its content; return whether that made (or would make) a difference.

    A file that cannot be replaced because it is a mount point of its own (a container's /etc/hosts) is rewritten.
    """
    before = read(path)
    after = change(before)
    if after == before or dry_run:
        return after != before
    replace(path, after)
    return True


def replace(path: str, text: str, mode: int = 0o644) -> None:
    """Give a file new content; owner, mode and extended attributes stay those of the file that was there."""

    def finish(temporary: str) -> None:
        if os.path.exists(path):
            shutil.copystat(path, temporary)
            found = os.stat(path)
            os.chown(temporary, found.st_uid, found.st_gid)
        else:
            os.chmod(temporary, mode)

    path = os.path.realpath(path)
    _write(path, text, finish)


def install(path: str, text: str, mode: int, uid: int = 0, gid: int = 0) -> bool:
    """Have a file with this content, mode and owner; return whether something had to be done.

    The folder is made, with mode 0755, when it does not exist.
    """

    def finish(temporary: str) -> None:
        os.chown(temporary, uid, gid)
        os.chmod(temporary, mode)

    if is_in_place(path, text, mode, uid, gid):
        return False
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _write(path, text, finish)
    return True


def is_in_place(path: str, text: str, mode: int, uid: int, gid: int) -> bool:
    """Return whether a file is there and has this content, mode and owner."""
    if not os.path.exists(path) or read(path) != text:
        return False
    status = os.stat(path)
    return (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, uid, gid)


def _write(path: str, text: str, finish: Callable[[str], None]) -> None:
    """Put a file in the place of another, complete and as C(finish) has made it; nobody else reads it before."""
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        finish(temporary)
        _move(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _move(temporary: str, path: str) -> None:
    try:
        os.replace(temporary, path)
    except OSError:
        if not (os.path.ismount(path) and stat.S_ISREG(os.stat(path).st_mode)):
            raise
        shutil.copyfile(temporary, path)
