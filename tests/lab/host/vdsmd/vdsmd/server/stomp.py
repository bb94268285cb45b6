# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One STOMP connection: subscriptions, JSON-RPC requests, events, heart-beats both ways."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from vdsm_rpc import stomp
from vdsm_rpc.stomp import Frame

if TYPE_CHECKING:
    from .listener import HostServer

log = logging.getLogger("vdsmd")

REQUEST_QUEUES = (stomp.REQUESTS, "jms.topic.vdsm_irs_requests", "jms.queue.requests")
#: The shortest interval of heart-beats that is agreed on, in ms.
SHORTEST_HEARTBEAT = 1000
#: Pause between frames, and the wait after a burst before a bare end of line is sent, in seconds.
FRAME_GAP, NUDGE_AFTER = 0.002, 0.05


def invalid(request_id: Any, text: str) -> dict[str, Any]:
    """JSON-RPC's answer to what is no request."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": -32600, "message": text}}


class StompConnection:
    """Serves one client until it goes."""

    def __init__(
        self, server: HostServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._subscriptions: dict[str, str] = {}  # id -> destination
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._heartbeat = 0  # ms within which we promised to send
        self._expect = 0  # ms within which the client promised to send
        self._last_in = self._last_out = time.monotonic()

    async def run(self, first: bytes) -> None:
        """Serve; `first` is what has been read already."""
        name = self._server.host.name
        log.info("%s: STOMP connection from %s", name, self._peer)
        sender = asyncio.create_task(self._send_loop())
        watch = asyncio.create_task(self._heartbeat_loop())
        parser, data = stomp.Parser(), first
        try:
            while data:
                self._last_in = time.monotonic()
                for frame in parser.feed(data):
                    self._frame(frame)
                data = await self._reader.read(65536)
        finally:
            for task in (sender, watch, *self._running):
                task.cancel()
            log.info("%s: STOMP connection from %s ended", name, self._peer)

    def deliver(self, destination: str, body: str | bytes) -> int:
        """Send to every subscription of this connection that covers the destination; returns how many."""
        sent = 0
        for sub_id, wanted in list(self._subscriptions.items()):
            if destination == wanted or destination.startswith(wanted + "."):
                headers = {"destination": destination, "content-type": "application/json", "subscription": sub_id}
                self._outbox.put_nowait(Frame("MESSAGE", headers, body))
                sent += 1
        return sent

    def _frame(self, frame: Frame) -> None:
        command, headers = frame.command, frame.headers
        if command in ("CONNECT", "STOMP"):
            self._connect(headers)
        elif command == "SUBSCRIBE":
            self._subscribe(headers)
        elif command == "UNSUBSCRIBE":
            self._subscriptions.pop(headers.get("id", ""), None)
        elif command == "DISCONNECT":
            if headers.get("receipt"):
                self._outbox.put_nowait(Frame("RECEIPT", {"receipt-id": headers["receipt"]}))
        elif command == "SEND":
            self._send(frame)
        elif command not in ("ACK", "NACK"):
            self._error(f"Unknown command {command}")

    def _connect(self, headers: dict[str, str]) -> None:
        if "1.2" not in headers.get("accept-version", "").split(","):
            self._error("Version unsupported")
            return
        sends, wants = stomp.parse_heartbeat(headers.get("heart-beat"))
        self._heartbeat = max(wants, SHORTEST_HEARTBEAT) if wants else 0
        self._expect = max(sends, SHORTEST_HEARTBEAT) if sends else 0
        answer = {"version": "1.2", "heart-beat": f"{self._heartbeat},{self._expect}"}
        self._outbox.put_nowait(Frame("CONNECTED", answer))

    def _subscribe(self, headers: dict[str, str]) -> None:
        if not headers.get("destination") or not headers.get("id"):
            self._error("Missing destination or subscription id header")
        elif headers["id"] in self._subscriptions:
            self._error("Subscription id already exists")
        else:
            self._subscriptions[headers["id"]] = headers["destination"]

    def _send(self, frame: Frame) -> None:
        destination = frame.headers.get("destination", "")
        if any(destination == queue or destination.startswith(queue + ".") for queue in REQUEST_QUEUES):
            task = asyncio.create_task(self._request(frame))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        elif not self._server.publish(destination, frame.body):
            self._error("Subscription not available")

    async def _request(self, frame: Frame) -> None:
        local = str(self._writer.get_extra_info("sockname")[0]).removeprefix("::ffff:")
        if not local.startswith("127.0.0.") and local != "::1":  # tools of the host itself are no clients to go by
            self._server.host.server_address = local
        reply_to = frame.headers.get("reply-to", stomp.RESPONSES)
        flow = frame.headers.get("ovirtCorrelationId")
        try:
            message = json.loads(frame.body)
        except ValueError:
            text = "Invalid JSON was received by the server."
            self._reply(reply_to, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": text}})
            return
        if not isinstance(message, list):
            answers = [await self._one(message, flow)]
        elif message:
            answers = list(await asyncio.gather(*[self._one(request, flow) for request in message]))
        else:
            answers = [invalid(None, "request batch is empty")]
        told = [answer for answer in answers if answer is not None]
        if told:
            self._reply(reply_to, told if len(told) > 1 else told[0])

    async def _one(self, request: Any, flow: str | None) -> dict[str, Any] | None:
        known = isinstance(request, dict)
        if not known or request.get("jsonrpc") != "2.0" or not isinstance(request.get("method"), str):
            return invalid(request.get("id") if known else None, "Invalid request")
        params = request.get("params") or {}
        if not isinstance(params, dict):
            why = "positional parameters are not supported"
            self._server.journal.gap(self._server.host, request["method"], {"list": params}, why)
            return invalid(request.get("id"), why)
        result, error = await self._server.execute(request["method"], params, flow)
        if request.get("id") is None:
            return None
        return {"jsonrpc": "2.0", "id": request["id"], **({"error": error} if error else {"result": result})}

    def _reply(self, destination: str, answer: Any) -> None:
        if not self.deliver(destination, json.dumps(answer)):
            log.warning("%s: nobody listens at %s", self._server.host.name, destination)

    def _error(self, text: str) -> None:
        log.warning("%s: STOMP error to %s: %s", self._server.host.name, self._peer, text)
        self._outbox.put_nowait(Frame("ERROR", {"message": text}, text))

    async def _send_loop(self) -> None:
        """Frames leave one at a time with a small gap. The engine's Java client keeps a second frame that arrives in
        the same read until more bytes come, so after a burst a bare end of line is sent to push it out."""
        burst = 0
        while True:
            if burst > 1 and self._server.nudge and self._outbox.empty():
                try:
                    frame = await asyncio.wait_for(self._outbox.get(), NUDGE_AFTER)
                except asyncio.TimeoutError:
                    self._writer.write(stomp.HEARTBEAT)
                    burst = 0
                    continue
            else:
                if self._outbox.empty() and burst == 1:
                    burst = 0
                frame = await self._outbox.get()
            self._writer.write(frame.encode())
            await self._writer.drain()
            self._last_out = time.monotonic()
            burst = burst + 1 if frame.command == "MESSAGE" else 0
            await asyncio.sleep(FRAME_GAP)

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            due = self._heartbeat and now - self._last_out >= self._heartbeat / 1000 * 0.8
            if due and not self._server.paused:
                self._writer.write(stomp.HEARTBEAT)
                self._last_out = now
            if self._expect and now - self._last_in > self._expect / 1000 * 3:
                log.warning("%s: no heart-beat from %s", self._server.host.name, self._peer)
                self._writer.transport.abort()
                return
