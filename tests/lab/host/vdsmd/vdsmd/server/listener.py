# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accepts connections of one host, tells TLS from plain and STOMP from HTTP, runs verbs in threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from vdsm_rpc import stomp
from vdsm_rpc.errors import ProtocolError

from ..errors import VdsmError
from . import relay
from .http import HttpConnection
from .stomp import StompConnection

if TYPE_CHECKING:
    from ..host import Host
    from ..journal import Journal

log = logging.getLogger("vdsmd")

HTTP_OPENERS = (b"GET ", b"PUT ", b"POST ", b"HEAD ")
#: First words by which a STOMP client can open a connection. The engine's Java client queues its SUBSCRIBE frames
#: before CONNECT, so either may come first.
STOMP_OPENERS = (
    b"CONNECT",
    b"STOMP",
    b"SEND",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"DISCONNECT",
    b"MESSAGE",
    b"RECEIPT",
    b"ERROR",
    b"\n",
    b"\r\n",
)
TLS_HANDSHAKE = b"\x16"
#: A peer that has connected must say something within this many seconds.
GREETING_TIMEOUT = 30
#: Verbs that run at once; further ones wait.
THREADS = 16


class HostServer:
    """Serves one host on address:port. `tls` is off, on or auto (both on one port)."""

    def __init__(
        self,
        host: Host,
        port: int,
        journal: Journal,
        tls: str = "off",
        context: ssl.SSLContext | None = None,
        nudge: bool = True,
    ) -> None:
        self.host = host
        self.port = port
        self.journal = journal
        self.tls = tls
        self.context = context
        self.nudge = nudge
        self.connections: set[StompConnection] = set()
        self.paused = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._greeters: set[asyncio.Task[None]] = set()
        self._pool = concurrent.futures.ThreadPoolExecutor(THREADS, f"verbs-{host.name}")

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._loop = asyncio.get_running_loop()
        self._socket = self._bind()
        self.port = self._socket.getsockname()[1]
        self.host.listeners.append(self._event)
        self._accepting = asyncio.create_task(self._accept())

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((self.host.address, self.port))
        sock.listen(64)
        sock.setblocking(False)
        return sock

    async def stop(self) -> None:
        """Close the port and every connection."""
        self.host.listeners.remove(self._event)
        self._accepting.cancel()
        self._socket.close()
        self.drop()
        if self._greeters:
            await asyncio.wait(self._greeters, timeout=2)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def drop(self) -> None:
        """Cut every connection, as a host that loses power does."""
        for writer in list(self._writers):
            writer.transport.abort()

    def pause(self, paused: bool) -> None:
        """Refuse connections and cut the present ones, or serve again. Callable from any thread."""
        self.paused = paused
        if paused:
            self._loop.call_soon_threadsafe(self.drop)

    def publish(self, destination: str, body: str | bytes) -> int:
        """Send to every subscriber of the destination; returns how many there were."""
        return sum(connection.deliver(destination, body) for connection in list(self.connections))

    async def execute(self, method: str, params: dict[str, Any], flow: str | None) -> tuple[Any, dict[str, Any] | None]:
        """Run one verb in a worker thread; returns (result, error)."""
        start = time.monotonic()
        try:
            result = await self._loop.run_in_executor(self._pool, self.host.call, method, params)
        except VdsmError as error:
            self.journal.call(self.host, method, params, flow, time.monotonic() - start, error=error)
            return None, {"code": error.code, "message": error.message}
        except Exception as error:  # the peer must get an answer, and the journal must tell
            log.exception("%s %s", self.host.name, method)
            self.journal.gap(self.host, method, params, f"crash: {error!r}")
            return None, {"code": -32603, "message": f"Internal JSON-RPC error: {{'reason': {str(error)!r}}}"}
        self.journal.call(self.host, method, params, flow, time.monotonic() - start, result=result)
        return result, None

    def _event(self, method: str, params: dict[str, Any]) -> None:
        """Called from any thread."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params})
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.publish, stomp.EVENTS, body)

    async def _accept(self) -> None:
        while True:
            sock, peer = await self._loop.sock_accept(self._socket)
            if self.paused:
                sock.close()
                continue
            task = asyncio.create_task(self._greet(sock, str(peer[0])))
            self._greeters.add(task)
            task.add_done_callback(self._greeters.discard)

    async def _greet(self, sock: socket.socket, peer: str) -> None:
        try:
            reader, writer = await self._open(sock)
        except (OSError, asyncio.TimeoutError) as error:
            log.warning("%s: connection from %s failed: %s", self.host.name, peer, error)
            sock.close()
            return
        self._writers.add(writer)
        try:
            await self._serve(reader, writer, peer)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ProtocolError) as error:
            log.info("%s: %s closed: %r", self.host.name, peer, error)
        except Exception:
            log.exception("%s: connection from %s", self.host.name, peer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _open(self, sock: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = self.tls == "on" or (self.tls == "auto" and await self._peek(sock) == TLS_HANDSHAKE)
        reader = asyncio.StreamReader(limit=2**24)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol, sock, ssl=self.context if secure else None
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        first = await asyncio.wait_for(reader.read(65536), GREETING_TIMEOUT)
        while first and len(first) < 4 and not first.startswith((b"\n", b"\r")):
            more = await asyncio.wait_for(reader.read(65536), GREETING_TIMEOUT)
            if not more:
                return
            first += more
        if first.startswith(b"CONNECT libvirt "):
            verified = self.context is not None and self.context.verify_mode == ssl.CERT_REQUIRED
            await relay.serve(reader, writer, trusted=self.tls == "on" and verified)
        elif first.startswith(HTTP_OPENERS):
            await HttpConnection(self, reader, writer).run(first)
        elif first.startswith(STOMP_OPENERS):
            connection = StompConnection(self, reader, writer, peer)
            self.connections.add(connection)
            try:
                await connection.run(first)
            finally:
                self.connections.discard(connection)
        elif first:
            log.warning("%s: unrecognised protocol from %s: %r", self.host.name, peer, first[:16])

    async def _peek(self, sock: socket.socket) -> bytes:
        """First byte without consuming it."""
        ready = self._loop.create_future()

        def readable() -> None:
            if not ready.done():
                ready.set_result(True)

        self._loop.add_reader(sock.fileno(), readable)
        try:
            await asyncio.wait_for(ready, GREETING_TIMEOUT)
        finally:
            self._loop.remove_reader(sock.fileno())
        return sock.recv(1, socket.MSG_PEEK)
