# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One session with the engine: verified TLS, one token, problems in people's words, everything counted."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults, problems
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.connection import Connection
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import require_sdk
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.token_file import TokenFile
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import (
    Clock,
    Look,
    pending,
    ready,
    wait_for,
)

OLDEST = (4, 4)

# An engine that starts accepts connections long before it answers; a look at it must not hang for a whole timeout.
LOGIN_SECONDS = 15

# Kinds that no waiting cures.
_HOPELESS = frozenset({faults.AUTH, faults.FORBIDDEN, faults.CERTIFICATE})


@dataclass(frozen=True)
class Access:
    """How to reach an engine.

    Attributes:
        fqdn: name of the engine, with C(:port) when it is not 443.
        user: user with its profile.
        password: the user's password.
        ca_file: certificate of the engine's CA.
        session_file: file that keeps the token, or None.
        timeout: seconds that one exchange may take.
    """

    fqdn: str
    user: str
    password: str
    ca_file: str
    session_file: Optional[str] = None
    timeout: int = 60

    @property
    def base(self) -> str:
        """Return the address below which everything of the engine is."""
        return f"https://{self.fqdn}/ovirt-engine"

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return f"{self.base}/api"


class Session:
    """A session with the engine.

    It logs in at the first exchange, with the token of the session file when there is one; a token that has expired
    is replaced by the SDK, which has the credentials. Use it as a context manager: what leaves the block by an
    exception ends the session on the engine as well.

    Args:
        access: how to reach the engine.
        clock: source of time for the waits.
        read_only: leave no trace: neither read nor write the session file, and always end the session.

    Attributes:
        ends_after_use: whether the block's end is also the session's end; otherwise the session file keeps the token.
    """

    def __init__(self, access: Access, clock: Optional[Clock] = None, read_only: bool = False) -> None:
        require_sdk()
        if not os.path.exists(access.ca_file):
            raise HostedEngineError(problems.CERTIFICATE, observed=f"there is no CA file {access.ca_file}")
        self.access = access
        self.clock = clock or Clock()
        self.correlation_id = ""
        self._file = TokenFile(None if read_only else access.session_file, access.url, access.user)
        self.ends_after_use = read_only or access.session_file is None
        self._others = [0, 0]
        _reach_directly(access.fqdn)
        self._connection = self._connect(self._file.read())

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Any, trace: Any) -> None:
        if kind is None:
            self.close(revoke=self.ends_after_use)
            return
        # The first problem is the one to report; that the token could not be revoked either is no news.
        with contextlib.suppress(HostedEngineError):
            self.close(revoke=True)

    @property
    def exchanges(self) -> int:
        """Number of exchanges with the engine so far."""
        return self._others[0] + int(self._connection.exchanges)

    @property
    def logins(self) -> int:
        """Number of tokens that were asked for so far."""
        return self._others[1] + int(self._connection.logins)

    @property
    def counts(self) -> dict[str, int]:
        """The figures that each module returns."""
        return {"exchanges": self.exchanges, "logins": self.logins}

    @property
    def system(self) -> Any:
        """The root of the SDK's services."""
        return self._connection.system_service()

    def count(self, exchanges: int = 1) -> None:
        """Count exchanges that went past the SDK."""
        self._others[0] += exchanges

    @contextlib.contextmanager
    def step(self, doing: str, label: str = "", seconds: Optional[float] = None, advice: str = "") -> Iterator[None]:
        """Do one step of the work: its exchanges carry one correlation id, its failures become problems.

        Args:
            doing: the step in words, without a full stop ("add host node1").
            label: short name of the step, part of the correlation id; none keeps the id of the step before.
            seconds: time limit of each exchange when it may take longer than usual.
            advice: replaces the catalogue's advice when the engine refuses.

        Raises:
            HostedEngineError: what the engine or the way to it did wrong.
        """
        if label:
            self.mark(label)
        try:
            if seconds is None:
                yield
            else:
                with self._connection.limit(seconds):
                    yield
        except faults.exceptions() as error:
            raise faults.translate(
                error, doing, advice=advice, evidence={"correlation_id": self.correlation_id}
            ) from error

    def mark(self, label: str) -> str:
        """Begin a new correlation id and return it; the engine keeps letters, digits, C(_) and C(-) of it."""
        self.correlation_id = f"node0-{re.sub(r'[^0-9A-Za-z_-]', '-', label)}-{uuid.uuid4().hex[:8]}"
        self._connection.mark(self.correlation_id)
        return self.correlation_id

    def renew(self) -> None:
        """Replace the transport, after an exchange broke in the middle; the token stays."""
        self._others[0] += self._connection.exchanges
        self._others[1] += self._connection.logins
        token = self._connection.token
        self._shut()
        self._connection = self._connect(token)
        if self.correlation_id:
            self._connection.mark(self.correlation_id)

    def open(self, seconds: float) -> tuple[int, int]:
        """Wait until the engine lets us in, and return its version as major and minor number.

        A login is the only check that says that the engine is ready; its health page says nothing about it
        (measured on ovirt-engine 4.5.8). A refused login costs 5 s and is never repeated.

        Raises:
            HostedEngineError: C(engine.login_refused), C(engine.certificate) or C(engine.too_old) at once,
                C(engine.not_ready) at the deadline.
        """
        version = wait_for(
            self._try_to_enter,
            what=f"engine {self.access.fqdn} to accept a login",
            seconds=seconds,
            problem=problems.NOT_READY,
            clock=self.clock,
        )
        if version < OLDEST:
            raise HostedEngineError(
                problems.TOO_OLD,
                expected=f"at least version {OLDEST[0]}.{OLDEST[1]}",
                observed=f"version {version[0]}.{version[1]}",
            )
        return version

    def _try_to_enter(self) -> Look[tuple[int, int]]:
        try:
            with self._connection.limit(min(LOGIN_SECONDS, self.access.timeout)):
                version = self.system.get().product_info.version
            if self._connection.logins:
                self._keep()
            return ready((int(version.major), int(version.minor)))
        except faults.exceptions() as error:
            if faults.classify(error) in _HOPELESS:
                raise faults.translate(error, f"log in to engine {self.access.fqdn}") from error
            seen = faults.words(error)
        self.renew()
        return pending(seen)

    def close(self, revoke: bool = False) -> None:
        """End the use of the session.

        Args:
            revoke: end the session on the engine and remove the session file; otherwise the token is kept there.

        Raises:
            HostedEngineError: when the token could not be revoked; the session file is gone all the same.
        """
        try:
            if not revoke:
                self._keep()
                return
            self._file.remove()
            if self._connection.token is not None:
                with self.step("end the session with the engine", seconds=LOGIN_SECONDS):
                    self._connection.revoke()
        finally:
            self._shut()

    def _keep(self) -> None:
        token = self._connection.token
        if token is not None and token != self._file.read():
            self._file.write(token)

    def _connect(self, token: Optional[str]) -> Connection:
        access = self.access
        return Connection(access.url, access.user, access.password, access.ca_file, timeout=access.timeout, token=token)

    def _shut(self) -> None:
        self._connection.close(logout=False)


def _reach_directly(fqdn: str) -> None:
    """Keep the engine's name away from a proxy that the host's environment names: no proxy leads to it."""
    name = fqdn.partition(":")[0]
    names = [word for word in os.environ.get("no_proxy", "").split(",") if word]
    if name not in names:
        os.environ["no_proxy"] = ",".join([*names, name])
