# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PUT and GET of volume contents on the same port, with the headers the engine uses for OVF_STORE."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..api import streams
from ..errors import VdsmError

if TYPE_CHECKING:
    from .listener import HostServer

REQUIRED = ("storage-pool-id", "storage-domain-id", "image-id")


class HttpError(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class HttpConnection:
    """One request, then the connection closes."""

    def __init__(self, server: HostServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    async def run(self, data: bytes) -> None:
        """Serve; `data` is what has been read already."""
        while b"\r\n\r\n" not in data:
            data += await self._more()
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        method, start, host = first.split()[0], time.monotonic(), self._server.host
        try:
            task = await self._answer(method, headers, rest)
            self._server.journal.call(host, f"HTTP.{method}", headers, None, time.monotonic() - start, result=task)
        except HttpError as error:
            self._server.journal.gap(host, f"HTTP.{method}", headers, error.text)
            self._respond(error.status, error.text, {})
        except VdsmError as error:
            self._server.journal.call(host, f"HTTP.{method}", headers, None, time.monotonic() - start, error=error)
            body = json.dumps({"status": {"code": error.code, "message": error.message}}).encode()
            self._respond(500, "Internal Server Error", {"Content-type": "application/json"}, body)
        await self._writer.drain()

    async def _answer(self, method: str, headers: dict[str, str], rest: bytes) -> str:
        missing = [name for name in REQUIRED if not headers.get(name)]
        if missing:
            raise HttpError(400, f"missing or empty required header(s): {', '.join(missing)}")
        if method == "PUT":
            if headers.get("expect", "").lower() == "100-continue":
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await self._body(headers, rest)
            task: str = await self._run(lambda: streams.write(self._server.host, headers, body))
            self._respond(200, "OK", {"Task-Id": task})
            return task
        if method == "GET":
            unit, _, last = headers.get("range", "").partition("=0-")
            if unit != "bytes" or not last.isdigit():
                raise HttpError(400, f"Unsupported range: {headers.get('range')!r}")
            size = int(last) + 1
            task, content = await self._run(lambda: streams.read(self._server.host, headers, size))
            answer = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes 0-{size - 1}",
                "Task-Id": task,
            }
            self._respond(206, "Partial Content", answer, content)
            return task
        raise HttpError(501, f"Unsupported method {method}")

    async def _run(self, function: Callable[[], Any]) -> Any:
        def locked() -> Any:
            with self._server.host.lock:
                return function()

        return await asyncio.get_running_loop().run_in_executor(None, locked)

    async def _body(self, headers: dict[str, str], rest: bytes) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks(bytearray(rest))
        if not headers.get("content-length", "").isdigit():
            raise HttpError(411, "missing header content-length")
        size, body = int(headers["content-length"]), bytearray(rest)
        while len(body) < size:
            body += await self._more()
        return bytes(body[:size])

    async def _chunks(self, buffer: bytearray) -> bytes:
        body = bytearray()
        while True:
            while b"\r\n" not in buffer:
                buffer += await self._more()
            line, _, tail = bytes(buffer).partition(b"\r\n")
            size, buffer = int(line.split(b";")[0], 16), bytearray(tail)
            while len(buffer) < size + 2:
                buffer += await self._more()
            if size == 0:
                return bytes(body)
            body += buffer[:size]
            del buffer[: size + 2]

    async def _more(self) -> bytes:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionError("the request ended early")
        return data

    def _respond(self, status: int, reason: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = [
            f"HTTP/1.1 {status} {reason}",
            f"Server: vdsm/{__version__}",
            "Connection: close",
            f"Content-Length: {len(body)}",
            *(f"{key}: {value}" for key, value in headers.items()),
        ]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
