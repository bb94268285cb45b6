# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file that hands the session's token from one module to the next."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from typing import Optional


class TokenFile:
    """A file of mode 0600 with the token of one user on one engine.

    Args:
        path: where it is; None keeps no token.
        url: API of the engine that issued the token.
        user: whose token it is.
    """

    def __init__(self, path: Optional[str], url: str, user: str) -> None:
        self.path = path
        self.url = url
        self.user = user

    def read(self) -> Optional[str]:
        """Return the token, or None when there is none for this user and engine.

        A file that others can read or that somebody else owns is not believed.
        """
        if self.path is None:
            return None
        try:
            with open(self.path, encoding="utf-8") as stream:
                about = os.fstat(stream.fileno())
                if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
                    return None
                record = json.load(stream)
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(record, dict) or (record.get("url"), record.get("user")) != (self.url, self.user):
            return None
        token = record.get("token")
        return token if isinstance(token, str) and token else None

    def write(self, token: str) -> None:
        """Keep a token; the file is replaced in one step and never readable by others."""
        if self.path is None:
            return
        folder = os.path.dirname(self.path) or "."
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".session-", dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump({"url": self.url, "user": self.user, "token": token}, stream)
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def remove(self) -> None:
        """Forget the token."""
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
