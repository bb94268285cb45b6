# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lasting connection from the engine to one host's vdsmd."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vdsm_rpc.client import PORT, Client, client_context
from vdsm_rpc.errors import VdsmError

if TYPE_CHECKING:
    import ssl

__all__ = ["HostClient", "HostUnreachable", "VdsmError", "engine_tls"]

#: Seconds an engine waits for the connection itself (engine option vdsConnectionTimeout).
CONNECT_TIMEOUT = 20.0

EventCallback = Callable[[str, Any], None]


class HostUnreachable(ConnectionError):
    """The host cannot be reached, went away during a call, or did not answer in time."""

    def __init__(self, address: str, reason: BaseException | str) -> None:
        super().__init__(f"host {address}: {reason}")
        self.address = address


def engine_tls(pki_dir: str | Path) -> ssl.SSLContext:
    """TLS as the engine speaks it to vdsm: its own certificate, hosts verified against its authority."""
    pki = Path(pki_dir)
    return client_context(ca=pki / "ca.pem", cert=pki / "certs/engine.cer", key=pki / "keys/engine_id_rsa")


class HostClient:
    """Calls verbs on one host. Connects at the first call and again after a loss; safe to use from several threads.

    A call that a loss interrupts is not repeated: like an engine, the caller looks at the host before it acts again.
    """

    def __init__(
        self,
        address: str,
        port: int = PORT,
        tls: ssl.SSLContext | None = None,
        timeout: float = 180,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        heartbeat: float = 5,
        on_lost: Callable[[HostUnreachable], None] | None = None,
    ) -> None:
        """`timeout`: seconds per call that names no other (an engine's vdsTimeout is 180). Does not connect yet.

        `on_lost` is called from another thread when an established connection ends other than by `close`.
        """
        self.address = address
        self.port = port
        self.timeout = timeout
        self._tls = tls
        self._connect_timeout = connect_timeout
        self._heartbeat = heartbeat
        self._on_lost = on_lost
        self._callbacks: list[EventCallback] = []
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether a connection stands; false before the first call and after a loss."""
        client = self._client
        return client is not None and client.alive

    def call(
        self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None, flow: str | None = None
    ) -> Any:
        """Call a verb and return its result; `flow` is the engine's correlation id.

        Raises VdsmError with vdsm's code when the host refuses, HostUnreachable in all other cases.
        """
        client = self._connection()
        try:
            return client.call(verb, params, self.timeout if timeout is None else timeout, flow)
        except OSError as error:
            raise HostUnreachable(self.address, error) from error

    def events(self, callback: EventCallback) -> None:
        """Call `callback(method, params)` for each event of the host, across reconnections.

        It runs in the connection's thread and must not call verbs there. Events come only while connected.
        """
        with self._lock:
            self._callbacks.append(callback)
            if len(self._callbacks) == 1 and self._client is not None and self._client.alive:
                self._client.events(self._dispatch)

    def upload(
        self, pool_id: str, domain_id: str, image_id: str, volume_id: str, data: bytes, timeout: float | None = None
    ) -> str:
        """Write `data` to the start of a volume (engine command UploadStream); returns the id of vdsm's task."""
        headers = {
            "Storage-Pool-Id": pool_id,
            "Storage-Domain-Id": domain_id,
            "Image-Id": image_id,
            "Volume-Id": volume_id,
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(data)),
        }
        client = self._connection()
        try:
            return client.upload(headers, data, self.timeout if timeout is None else timeout)
        except OSError as error:
            raise HostUnreachable(self.address, error) from error

    def sibling(self, timeout: float | None = None) -> HostClient:
        """A further client to the same host, with connections of its own and no callbacks."""
        return HostClient(
            self.address,
            self.port,
            self._tls,
            self.timeout if timeout is None else timeout,
            connect_timeout=min(self._connect_timeout, timeout or self._connect_timeout),
            heartbeat=self._heartbeat,
        )

    def disconnect(self) -> None:
        """Drop the connection; the next call makes a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """Drop the connection for good."""
        self._closed = True
        self.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HostClient {self.address}:{self.port}{' connected' if self.connected else ''}>"

    def _connection(self) -> Client:
        with self._lock:
            if self._closed:
                raise HostUnreachable(self.address, "the client is closed")
            if self._client is not None and self._client.alive:
                return self._client
            try:
                self._client = Client(
                    self.address,
                    self.port,
                    self._tls,
                    self._connect_timeout,
                    heartbeat=self._heartbeat,
                    on_close=self._lost,
                )
            except OSError as error:
                self._client = None
                raise HostUnreachable(self.address, error) from error
            if self._callbacks:
                self._client.events(self._dispatch)
            return self._client

    def _dispatch(self, method: str, params: Any) -> None:
        for callback in list(self._callbacks):
            callback(method, params)

    def _lost(self, reason: Exception) -> None:
        if self._on_lost is not None:
            self._on_lost(HostUnreachable(self.address, reason))
