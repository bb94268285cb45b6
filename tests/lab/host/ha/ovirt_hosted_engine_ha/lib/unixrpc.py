# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""XML-RPC in HTTP over a unix stream socket; the client's URL carries the socket's path as base16 (host contract 7)."""

import base64
import http.client
import os
import socket
import socketserver
from typing import Any
from xmlrpc.client import ServerProxy, Transport
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(Transport):
    def __init__(self, timeout: float | None) -> None:
        super().__init__(use_builtin_types=False)
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(base64.b16decode(host).decode(), self._timeout)


def proxy(path: str, timeout: float | None = None) -> ServerProxy:
    """Return a client of the server at ``path``; nothing is connected before the first call."""
    url = "http://" + base64.b16encode(path.encode()).decode()
    return ServerProxy(url, transport=_UnixTransport(timeout), allow_none=True)


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ()

    def address_string(self) -> str:
        return "unix socket"

    # TCP_NODELAY, which the base class sets, does not exist on this kind of socket
    disable_nagle_algorithm = False

    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests out of the journal."""


class UnixXmlRpcServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
    """The server; an old socket file in its place is replaced."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str) -> None:
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        if os.path.exists(path):
            os.unlink(path)
        socketserver.UnixStreamServer.__init__(self, path, _Handler)
        self.logRequests = False
