# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server: cheroot with TLS, keep-alive and a pool of threads."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from cheroot import wsgi

from .app import NO_TYPE, Dropped, make_app

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("engine.web")


class _Server(wsgi.Server):
    """Says what it stumbles over in the simulator's log."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Take a message of the server."""
        log.debug("%s", msg)


class Server:
    """Serves one engine on a TLS port, and on a plain one when it is configured."""

    def __init__(self, engine: Engine) -> None:
        config = engine.config
        app = _finished(make_app(engine))
        self._servers = [self._make((config.listen, config.port), app, config.threads)]
        self._servers[0].ssl_adapter = self._adapter(engine)
        if config.http_port:
            self._servers.append(self._make((config.listen, config.http_port), app, 2))
        self._threads: list[threading.Thread] = []

    @staticmethod
    def _make(address: tuple[str, int], app: Any, threads: int) -> wsgi.Server:
        return _Server(
            address, app, numthreads=threads, max=threads * 4, request_queue_size=64, timeout=300, shutdown_timeout=1
        )

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


def _finished(app: Any) -> Any:
    """Takes out the mark of a missing content type; an ordered reset closes the socket before anything was sent."""

    def run(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [header for header in headers if header[1] != NO_TYPE], *rest)

        try:
            return app(environ, start)
        except Dropped:
            import socket

            connection = environ.get("cheroot.connection") or getattr(environ.get("wsgi.input"), "rfile", None)
            raw = getattr(connection, "socket", None)
            if raw is not None:
                raw.shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("ordered by a fault") from None

    return run
