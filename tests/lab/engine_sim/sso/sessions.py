# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens and cookie sessions. They live in memory: an engine's restart ends them all (engine contract 4)."""

from __future__ import annotations

import base64
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import Config

#: Seconds without use after which a session dies (UserSessionTimeOutInterval, 30 minutes).
IDLE = 30 * 60
#: Longest life of a login: 7 days (measured on 4.5.8).
LIFETIME = 7 * 24 * 3600
DENIED = "Unable to log in. Verify your login information or contact the system administrator."
NO_PROFILE = "No valid profile found in credentials."
EXPIRED = "invalid_grant: The provided authorization grant for the auth code has expired."


class LoginRefused(Exception):
    """`access_denied` with the text that the engine gives."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(f"Cannot authenticate user '{user}': {why}.")


@dataclass
class Session:
    user: str
    scope: str = ""
    created: float = field(default_factory=time.time)
    used: float = field(default_factory=time.monotonic)
    name: str = field(default_factory=lambda: base64.b64encode(os.urandom(66)).decode())

    @property
    def expires(self) -> int:
        """Epoch milliseconds, whole seconds."""
        return int(self.created + LIFETIME) * 1000


class Sessions:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._tokens: dict[str, Session] = {}
        self._cookies: dict[str, Session] = {}
        self._lock = threading.Lock()

    def check(self, user: str, password: str) -> None:
        """Raises LoginRefused, after the time that a refusal takes."""
        name, at, profile = user.rpartition("@")
        if not at:
            raise LoginRefused(f"{user}@N/A", NO_PROFILE)
        if profile != self._config.profile:
            raise LoginRefused(user, NO_PROFILE)
        if user != self._config.admin_user or not self._config.password_matches(password):
            time.sleep(self._config.refused_login_delay / self._config.speed)
            raise LoginRefused(user, DENIED)

    def login(self, user: str, password: str, scope: str = "") -> tuple[str, Session]:
        """A new token. Raises LoginRefused."""
        self.check(user, password)
        token, session = secrets.token_urlsafe(64), Session(user, scope)
        with self._lock:
            self._tokens[token] = session
        return token, session

    def by_token(self, token: str) -> Session | None:
        return self._use(self._tokens, token)

    def revoke(self, token: str) -> Session | None:
        with self._lock:
            return self._tokens.pop(token, None)

    def open(self, user: str) -> str:
        """A cookie session (`Prefer: persistent-auth`)."""
        cookie = secrets.token_urlsafe(24)
        with self._lock:
            self._cookies[cookie] = Session(user)
        return cookie

    def by_cookie(self, cookie: str) -> Session | None:
        return self._use(self._cookies, cookie)

    def close(self, cookie: str) -> None:
        with self._lock:
            self._cookies.pop(cookie, None)

    def expire_all(self) -> None:
        """All tokens and sessions die at once."""
        with self._lock:
            self._tokens.clear()
            self._cookies.clear()

    @property
    def unrevoked(self) -> int:
        return len(self._tokens)

    def _use(self, table: dict[str, Session], key: str) -> Session | None:
        with self._lock:
            session = table.get(key)
            if session is None:
                return None
            if time.monotonic() - session.used > IDLE or time.time() - session.created > LIFETIME:
                del table[key]
                return None
            session.used = time.monotonic()
            return session
