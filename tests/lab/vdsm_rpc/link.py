# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One STOMP connection with a thread of its own, which alone touches the socket.

A TLS socket must not be read and written by two threads at once, so callers only queue bytes and ring a bell.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import stomp
from .errors import ProtocolError

if TYPE_CHECKING:
    import ssl

#: errno of ssl.SSLWantReadError and SSLWantWriteError; ssl itself is not imported for plain connections.
_WANT_READ, _WANT_WRITE = 2, 3


class Link:
    """Sends frames, hands received ones to `receive` and says why it ended to `ended`, both in its own thread."""

    def __init__(
        self,
        address: tuple[str, int],
        ssl_context: ssl.SSLContext | None,
        timeout: float,
        heartbeat: float,
        receive: Callable[[stomp.Frame], None],
        ended: Callable[[Exception], None],
    ) -> None:
        """Connect; `heartbeat` is the interval offered and wanted in seconds, 0 for none. Raises OSError."""
        self._receive = receive
        self._ended = ended
        self._out = bytearray()
        self._lock = threading.Lock()
        self._closing = False
        self._parser = stomp.Parser()
        self._send_every = self._expect_every = 0.0
        self._last_in = self._last_out = time.monotonic()
        self._socket = socket.create_connection(address, timeout)
        self._bell, self._ringer = socket.socketpair()
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if ssl_context is not None:
                self._socket = ssl_context.wrap_socket(self._socket, server_hostname=address[0])
        except OSError:
            self._drop()
            raise
        self._socket.setblocking(False)
        offer = int(heartbeat * 1000)
        self.send(stomp.Frame("CONNECT", {"accept-version": "1.2", "heart-beat": f"{offer},{offer}"}))
        self._thread = threading.Thread(target=self._run, name=f"vdsm-{address[0]}", daemon=True)

    def start(self) -> None:
        """Begin to send and receive."""
        self._thread.start()

    def send(self, frame: stomp.Frame) -> None:
        """Queue a frame; never blocks."""
        self._queue(frame.encode())

    def close(self) -> None:
        """Say good-bye, let what is queued leave, end the thread."""
        self._closing = True
        self.send(stomp.Frame("DISCONNECT"))
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _queue(self, data: bytes) -> None:
        with self._lock:
            self._out += data
        try:
            self._ringer.send(b"!")
        except OSError:
            return  # the thread has ended; `ended` has told the owner

    def _run(self) -> None:
        reason: Exception = ConnectionError("the connection was closed here")
        try:
            while self._turn():
                pass
        except (OSError, ProtocolError, ValueError) as error:
            reason = error
        finally:
            self._drop()
            self._ended(reason)

    def _drop(self) -> None:
        for end in (self._socket, self._bell, self._ringer):
            end.close()

    def _turn(self) -> bool:
        poller = select.poll()
        poller.register(self._bell, select.POLLIN)
        poller.register(self._socket, select.POLLIN | (select.POLLOUT if self._out else 0))
        poller.poll(self._patience() * 1000)
        self._drain_bell()
        self._read()
        self._beat()
        self._write()
        return not (self._closing and not self._out)

    def _patience(self) -> float:
        intervals = [i for i in (self._send_every, self._expect_every) if i]
        return min(intervals) / 4 if intervals else 5.0

    def _drain_bell(self) -> None:
        try:
            self._bell.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(262144)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (_WANT_READ, _WANT_WRITE):
                    return
                raise
            if not data:
                raise ConnectionError("the peer closed the connection")
            self._last_in = time.monotonic()
            for frame in self._parser.feed(data):
                if frame.command == "CONNECTED":
                    sends, wants = stomp.parse_heartbeat(frame.headers.get("heart-beat"))
                    self._send_every, self._expect_every = wants / 1000, sends / 1000
                self._receive(frame)

    def _beat(self) -> None:
        now = time.monotonic()
        if self._expect_every and now - self._last_in > 3 * self._expect_every:
            raise ConnectionError(f"no heart-beat for {now - self._last_in:.0f} s")
        with self._lock:
            if self._send_every and not self._out and now - self._last_out > 0.7 * self._send_every:
                self._out += stomp.HEARTBEAT

    def _write(self) -> None:
        with self._lock:
            while self._out:
                try:
                    sent = self._socket.send(self._out)
                except BlockingIOError:
                    return
                except OSError as error:
                    if error.errno in (_WANT_READ, _WANT_WRITE):
                        return
                    raise
                self._last_out = time.monotonic()
                del self._out[:sent]
