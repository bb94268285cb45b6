# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Client of VDSM: verbs by JSON-RPC over STOMP, events, volume contents by HTTP, all on one port.

with Client("he-host1.demo.lab.test", ssl_context=host_context()) as vdsm:
    vdsm.events(lambda method, params: print(method, params))
    print(vdsm.call("Host.getVMList"))
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import stomp
from .errors import VdsmConnectionLost, VdsmError, VdsmTimeout
from .link import Link

if TYPE_CHECKING:
    import ssl

__all__ = ["Client", "VdsmConnectionLost", "VdsmError", "VdsmTimeout", "host_context"]

#: VDSM's port of the protocol.
PORT = 54321

EventCallback = Callable[[str, Any], None]


def host_context(pki: str | Path = "/etc/pki/vdsm") -> ssl.SSLContext:
    """TLS as a host speaks it: its own key pair, the engine's CA (host contract 12.4).

    The peer's certificate is verified, its name is not: clients on the host connect to `localhost`.
    """
    return client_context(
        ca=Path(pki, "certs/cacert.pem"), cert=Path(pki, "certs/vdsmcert.pem"), key=Path(pki, "keys/vdsmkey.pem")
    )


def client_context(ca: str | Path, cert: str | Path | None, key: str | Path | None) -> ssl.SSLContext:
    """TLS with any key pair of the engine's CA; the engine uses its own certificate this way."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.load_verify_locations(ca)
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


class Client:
    """A connection to one VDSM. Safe to use from several threads. A lost connection stays lost: make a new client."""

    def __init__(
        self,
        host: str,
        port: int = PORT,
        ssl_context: ssl.SSLContext | None = None,
        timeout: float = 60,
        *,
        heartbeat: float = 5,
        on_close: Callable[[Exception], None] | None = None,
    ) -> None:
        """Connect. Raises OSError (refused, unreachable, TLS) or VdsmTimeout.

        `timeout` (seconds) holds for connecting and for each call that names no other. `heartbeat` (seconds, 0 for
        none) is what both sides promise; silence three times as long ends the connection. `on_close` is called once,
        with the reason, when the connection has ended other than by `close`.
        """
        self.host = host
        self.port = port
        self.timeout = timeout
        self._ssl_context = ssl_context
        self._on_close = on_close
        self._changed = threading.Condition()
        self._pending: set[str] = set()
        self._answers: dict[str, dict[str, Any]] = {}
        self._callbacks: list[EventCallback] = []
        self._connected = self._closed = False
        self._reason: Exception | None = None
        self._link = Link((host, port), ssl_context, timeout, heartbeat, self._receive, self._ended)
        self._link.send(stomp.Frame("SUBSCRIBE", {"destination": stomp.RESPONSES, "id": "responses", "ack": "auto"}))
        self._link.start()
        with self._changed:
            self._changed.wait_for(lambda: self._connected or self._reason, timeout)
        if not self._connected:
            self.close()
            raise self._reason or VdsmTimeout(f"{host}:{port} accepted the connection but does not speak STOMP")

    @property
    def alive(self) -> bool:
        """Whether calls can still be made."""
        return self._reason is None and not self._closed

    def call(
        self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None, flow: str | None = None
    ) -> Any:
        """Call `verb` ("Volume.getInfo") with named parameters and return its result.

        `flow` is the engine's correlation id, which VDSM writes to its log. Raises VdsmError with VDSM's code and
        message, VdsmTimeout, or VdsmConnectionLost.
        """
        key = str(uuid.uuid4())
        request = {"jsonrpc": "2.0", "method": verb, "params": dict(params or {}), "id": key}
        headers = {"destination": stomp.REQUESTS, "reply-to": stomp.RESPONSES, "content-type": "application/json"}
        if flow:
            headers["ovirtCorrelationId"] = flow
        wait = self.timeout if timeout is None else timeout
        with self._changed:
            if not self.alive:
                raise VdsmConnectionLost(f"connection to {self.host}:{self.port} is closed: {self._reason}")
            self._pending.add(key)
            self._link.send(stomp.Frame("SEND", headers, json.dumps(request)))
            self._changed.wait_for(lambda: key in self._answers or not self.alive, wait)
            self._pending.discard(key)
            answer = self._answers.pop(key, None)
            reason = self._reason
        if answer is None:
            if reason is not None or self._closed:
                raise VdsmConnectionLost(f"connection to {self.host}:{self.port} ended during {verb}: {reason}")
            raise VdsmTimeout(f"{verb}: no answer from {self.host}:{self.port} within {wait:g} seconds")
        if "error" in answer:
            raise VdsmError(int(answer["error"].get("code", -1)), str(answer["error"].get("message", "")))
        return answer.get("result")

    def events(self, callback: EventCallback) -> None:
        """Call `callback(method, params)` for each event ("|virt|VM_status|<id>") from now on, in the link's thread.

        The callback must not call verbs itself: the thread that would receive the answer is the one it runs in.
        """
        with self._changed:
            first = not self._callbacks
            self._callbacks.append(callback)
        if first:
            self._link.send(stomp.Frame("SUBSCRIBE", {"destination": stomp.EVENTS, "id": "events", "ack": "auto"}))

    def upload(self, headers: Mapping[str, str], data: bytes, timeout: float | None = None) -> str:
        """Write `data` to the start of a volume by HTTP PUT, as the engine writes OVF_STORE; returns the task's id.

        `headers`: Storage-Pool-Id, Storage-Domain-Id, Image-Id, Volume-Id. Raises VdsmError or OSError.
        """
        from .http import exchange

        return exchange(self.host, self.port, self._ssl_context, timeout or self.timeout, "PUT", headers, data)[0]

    def download(self, headers: Mapping[str, str], size: int, timeout: float | None = None) -> bytes:
        """The first `size` bytes of a volume by HTTP GET, with the headers of `upload`."""
        from .http import exchange

        wanted = {**headers, "Range": f"bytes=0-{size - 1}"}
        return exchange(self.host, self.port, self._ssl_context, timeout or self.timeout, "GET", wanted, None)[1]

    def close(self) -> None:
        """End the connection; calls that still wait raise VdsmConnectionLost."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._link.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in the link's thread

    def _ended(self, reason: Exception) -> None:
        with self._changed:
            self._reason = reason
            told = self._closed or not self._connected
            self._changed.notify_all()
        if self._on_close is not None and not told:
            self._on_close(reason)

    def _receive(self, frame: stomp.Frame) -> None:
        if frame.command == "CONNECTED":
            with self._changed:
                self._connected = True
                self._changed.notify_all()
        elif frame.command == "MESSAGE":
            message = json.loads(frame.body)
            for part in message if isinstance(message, list) else [message]:
                self._message(part)
        elif frame.command == "ERROR":
            raise ConnectionError(f"STOMP error: {frame.headers.get('message', '')} {frame.body.decode()}".strip())

    def _message(self, message: dict[str, Any]) -> None:
        if "method" in message:
            for callback in list(self._callbacks):
                callback(message["method"], message.get("params"))
            return
        with self._changed:
            if message.get("id") in self._pending:
                self._answers[message["id"]] = message
                self._changed.notify_all()
