# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put small files in place: whole, with the right owner and mode from the first moment on."""

from __future__ import annotations

import os
import tempfile
from typing import Optional


def current(path: str) -> Optional[str]:
    """Return the text of a file, or None when there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def is_in_place(path: str, text: str, mode: int, uid: int, gid: int) -> bool:
    """Return whether a file has this text, mode and owner."""
    if current(path) != text:
        return False
    status = os.stat(path)
    return (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, uid, gid)


def install(path: str, text: str, mode: int, uid: int = 0, gid: int = 0) -> bool:
    """Replace a file atomically; return whether something had to be done.

    The folder is made, with mode 0755, when it does not exist.
    """
    if is_in_place(path, text, mode, uid, gid):
        return False
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".node0-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True
