# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let the engine log in to this host as root: one line of C(authorized_keys), added once."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes


def let_in(notes: Notes, path: str, line: str) -> bool:
    """Let the owner of a key in and note it; return whether anything had to be done for it."""
    if holds_key(path, line):
        return False
    with notes.making("authorized_key", path, line=line):
        add_key(path, line)
    return True


def holds_key(path: str, line: str) -> bool:
    """Return whether the file already lets the owner of the key in, whatever options or comment its line has."""
    body = line.split()[1]
    return any(body in words.split() for words in _lines(path) if not words.lstrip().startswith("#"))


def add_key(path: str, line: str) -> None:
    """Append a key; the file is replaced in one step, keeps its owner, and is 0600 as sshd wants it."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    content = "".join(f"{words}\n" for words in [*_lines(path), line])
    handle, temporary = tempfile.mkstemp(prefix=".authorized_keys-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.exists(path):
            about = os.stat(path)
            os.chown(temporary, about.st_uid, about.st_gid)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read().splitlines()
    except FileNotFoundError:
        return []
