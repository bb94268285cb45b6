# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server: cheroot with TLS, keep-alive and a pool of threads."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.errors import FatalSSLAlert

from .app import NO_TYPE, Dropped, make_app

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("engine.web")


def _quiet(msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    """What cheroot has to say about broken connections goes to the debug log."""
    log.debug("%s", msg)


class Server:
    """Serves one engine on a TLS port, and on a plain one when it is configured."""

    def __init__(self, engine: Engine) -> None:
        config = engine.config
        app = make_app(engine)
        self._servers = [self._make((config.listen, config.port), app, config.threads)]
        self._servers[0].ssl_adapter = self._adapter(engine)
        if config.http_port:
            self._servers.append(self._make((config.listen, config.http_port), app, 2))
        self._threads: list[threading.Thread] = []

    @staticmethod
    def _make(address: tuple[str, int], app: Any, threads: int) -> wsgi.Server:
        server = wsgi.Server(
            address, app, numthreads=threads, max=threads * 4, request_queue_size=64, timeout=300, shutdown_timeout=1
        )
        server.gateway = _Gateway
        server.error_log = _quiet  # type: ignore[method-assign]
        return server

    @staticmethod
    def _adapter(engine: Engine) -> Any:
        from cheroot.ssl.builtin import BuiltinSSLAdapter

        return BuiltinSSLAdapter(str(engine.pki.web_certificate), str(engine.pki.web_key), str(engine.pki.ca_file))

    @property
    def port(self) -> int:
        return int(self._servers[0].bind_addr[1])

    def start(self) -> None:
        for server in self._servers:
            server.prepare()
            thread = threading.Thread(target=server.serve, name="http", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        for server in self._servers:
            server.stop()


class _Gateway(wsgi.Gateway_10):
    """Takes out the mark of a missing content type; an ordered reset tears the connection down without an answer."""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return super().start_response(status, [header for header in headers if header[1] != NO_TYPE], exc_info)

    def respond(self) -> None:
        try:
            super().respond()
        except Dropped:
            _reset(self.req.conn)
            raise FatalSSLAlert("ordered by a fault") from None


def _reset(connection: Any) -> None:
    """Ends a connection with a reset: with a linger time of zero the kernel sends no orderly end."""
    raw = connection.socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.linger = True  # nothing is left for cheroot to close
    os.close(raw.detach())
