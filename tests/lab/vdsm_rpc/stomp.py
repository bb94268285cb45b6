# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STOMP 1.2 frames: encoder and incremental parser. No input or output here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import ProtocolError

#: Between frames a bare end of line is a heart-beat.
HEARTBEAT = b"\n"
#: Where requests go, where answers come back and where events are published (VDSM `api/vdsmapi`, engine's client).
REQUESTS = "jms.topic.vdsm_requests"
RESPONSES = "jms.topic.vdsm_responses"
EVENTS = "jms.queue.events"
#: A frame larger than this is taken for garbage, in bytes.
FRAME_LIMIT = 256 * 1024 * 1024

_ESCAPE = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}
_UNESCAPE = {b"\\\\": b"\\", b"\\r": b"\r", b"\\n": b"\n", b"\\c": b":"}
# CONNECT and CONNECTED are exempt from escaping (STOMP 1.2, "Value Encoding").
_PLAIN = ("CONNECT", "CONNECTED")


class Frame:
    """One frame: command, headers (the first of repeated ones counts) and body."""

    __slots__ = ("body", "command", "headers")

    def __init__(self, command: str, headers: Mapping[str, object] | None = None, body: bytes | str = b"") -> None:
        self.command = command
        self.headers = {key: str(value) for key, value in (headers or {}).items()}
        self.body = body.encode("utf-8") if isinstance(body, str) else body

    def encode(self) -> bytes:
        """The frame as it goes over the wire, with its length when it has a body."""
        headers = dict(self.headers)
        if self.body:
            headers["content-length"] = str(len(self.body))
        convert = str if self.command in _PLAIN else escape
        lines = [self.command, *(f"{convert(key)}:{convert(value)}" for key, value in headers.items())]
        return ("\n".join(lines) + "\n\n").encode("utf-8") + self.body + b"\0"

    def __repr__(self) -> str:
        return f"<Frame {self.command} {self.headers} {len(self.body)} bytes>"


def escape(text: str) -> str:
    """A header's key or value as STOMP 1.2 writes it."""
    return re.sub(r"[\\\r\n:]", lambda match: _ESCAPE[match.group(0)], text)


def unescape(raw: bytes) -> str:
    """The reverse of `escape`; raises ProtocolError for an escape that STOMP does not know."""

    def replace(match: re.Match[bytes]) -> bytes:
        try:
            return _UNESCAPE[match.group(0)]
        except KeyError:
            raise ProtocolError(f"bad escape {match.group(0)!r}") from None

    return re.sub(rb"\\.", replace, raw).decode("utf-8")


def parse_heartbeat(value: str | None) -> tuple[int, int]:
    """Header `heart-beat` as (sends every ms, wants every ms); nonsense counts as none."""
    try:
        sends, wants = (value or "0,0").split(",", 1)
        return int(sends), int(wants)
    except ValueError:
        return 0, 0


class Parser:
    """Feed bytes, get frames. Bare ends of lines between frames are counted in `heartbeats`, not returned."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self.heartbeats = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, return the frames that are complete; raises ProtocolError."""
        self._buffer += data
        if len(self._buffer) > self._limit:
            raise ProtocolError("frame too long")
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        buffer = self._buffer
        skip = 0
        while skip < len(buffer) and buffer[skip] in b"\r\n":
            skip += 1
        if skip:
            self.heartbeats += buffer[:skip].count(b"\n")
            del buffer[:skip]
        end = re.search(rb"\r?\n\r?\n", buffer)
        if end is None:
            return None
        command, *lines = (line.rstrip(b"\r") for line in bytes(buffer[: end.start()]).split(b"\n"))
        headers = _headers(lines)
        start = end.end()
        length = headers.get("content-length", "").strip()
        if length.isdigit():
            stop = start + int(length)
            if len(buffer) <= stop:
                return None
            if buffer[stop] != 0:
                raise ProtocolError("frame does not end with NUL")
        else:
            stop = buffer.find(b"\0", start)
            if stop < 0:
                return None
        body = bytes(buffer[start:stop])
        del buffer[: stop + 1]
        return Frame(command.decode("utf-8"), headers, body)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"bad header line {line!r}")
        # VDSM's and the engine's clients do not agree about escaping: what does not unescape is taken as it is.
        try:
            pair = unescape(key), unescape(value)
        except ProtocolError:
            pair = key.decode("utf-8"), value.decode("utf-8")
        headers.setdefault(*pair)
    return headers
