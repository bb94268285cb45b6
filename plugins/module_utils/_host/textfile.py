# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edit small text files of the system: whole or not at all, owner, mode and SELinux label kept."""

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
    path = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.exists(path):
            shutil.copystat(path, temporary)
            found = os.stat(path)
            os.chown(temporary, found.st_uid, found.st_gid)
        else:
            os.chmod(temporary, mode)
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
