# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SDK's connection, with a time limit on the login and a count of what goes over the wire."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any, Optional
from urllib.parse import urlencode

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import pycurl, sdk

_Base: Any = sdk.Connection if sdk else object

CONNECT_SECONDS = 10


class Connection(_Base):  # type: ignore[misc]  # the SDK is untyped
    """A connection of the SDK.

    The SDK's own login has no time limit at all, so that an engine that accepts connections and does not answer, as
    it does for some 20 s of its start, would hold a deployment for ever (engine contract 1, finding 12).

    Attributes:
        exchanges: requests that were sent, logins included.
        logins: tokens that were asked for.
    """

    _timeout: int

    def __init__(
        self, url: str, username: str, password: str, ca_file: str, timeout: int, token: Optional[str]
    ) -> None:
        self.exchanges = 0
        self.logins = 0
        super().__init__(
            url=url,
            username=username,
            password=password,
            ca_file=ca_file,
            timeout=timeout,
            token=token,
            # One TCP connection, kept alive: a handshake costs more than the wait for the answer before.
            connections=1,
        )

    @property
    def token(self) -> Optional[str]:
        """The token in use, if there is one."""
        token: Optional[str] = self._sso_token
        return token

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Give each exchange within the block another time limit."""
        before = self._timeout
        self._timeout = int(seconds)
        try:
            yield
        finally:
            self._timeout = before

    def mark(self, correlation_id: str) -> None:
        """Send this correlation id with everything that follows; the engine notes it in its events."""
        self._headers["Correlation-Id"] = correlation_id

    def send(self, request: Any) -> Any:
        """Send a request, see the SDK."""
        self.exchanges += 1
        return super().send(request)

    def _get_access_token(self) -> Any:
        self.logins += 1
        if self._sso_token is not None:
            self.exchanges += 1  # the SDK repeats the exchange whose token had expired
        return super()._get_access_token()

    def _get_sso_response(self, url: str, params: Any = "") -> Any:
        self.exchanges += 1
        body = io.BytesIO()
        curl = pycurl.Curl()
        try:
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.COPYPOSTFIELDS, urlencode(params))
            curl.setopt(pycurl.HTTPHEADER, ["Accept: application/json"])
            curl.setopt(pycurl.CONNECTTIMEOUT, min(CONNECT_SECONDS, self._timeout))
            curl.setopt(pycurl.TIMEOUT, self._timeout)
            curl.setopt(pycurl.NOSIGNAL, 1)
            if url.startswith("https"):
                curl.setopt(pycurl.CAINFO, self._ca_file)
            curl.setopt(pycurl.WRITEFUNCTION, body.write)
            curl.perform()
            kind = curl.getinfo(pycurl.CONTENT_TYPE) or "none"
            code = curl.getinfo(pycurl.HTTP_CODE)
        finally:
            curl.close()
        if "json" not in kind.lower():
            raise sdk.Error(f"The response content type '{kind}' isn't the expected JSON (HTTP status {code})")
        return json.loads(body.getvalue().decode("utf-8"))

    def revoke(self) -> None:
        """End the session on the engine."""
        self._revoke_access_token()
        self._sso_token = None
