# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control interface: faults, counters and sessions, by JSON over HTTP on a port of its own or a unix socket.

GET  /state        counters, unrevoked tokens, faults
POST /faults       one fault (members of faults.Fault); DELETE clears all
POST /expire       all tokens and sessions die
POST /close        {"seconds": N}: 503 answers for so long
POST /speed        {"speed": N}
POST /event        {"name": ..., texts}: logs an event
"""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Engine


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    server_name, server_port = "control", 0


class Control:
    """Serves at `where`: `ADDRESS:PORT`, or the path of a unix socket."""

    def __init__(self, engine: Engine, where: str) -> None:
        handler = type("Handler", (_Handler,), {"engine": engine})
        self._path = Path(where) if where.startswith("/") else None
        self.server: socketserver.BaseServer
        if self._path:
            self._path.unlink(missing_ok=True)
            self.server = _UnixServer(str(self._path), handler)
            self._path.chmod(0o600)
            self.address = str(self._path)
        else:
            host, _, port = where.rpartition(":")
            server: HTTPServer = ThreadingHTTPServer((host or "127.0.0.1", int(port)), handler)
            self.server, self.address = server, f"http://{server.server_address[0]!s}:{server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, name="control", daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        if self._path:
            self._path.unlink(missing_ok=True)


class _Handler(BaseHTTPRequestHandler):
    engine: Engine

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the control interface keeps no log."""

    def address_string(self) -> str:
        return "control"

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        engine = self.engine
        self._answer(
            200,
            {
                "counters": engine.faults.counters,
                "unrevoked_tokens": engine.sessions.unrevoked,
                "faults": engine.faults.listing(),
                "speed": engine.clock.speed,
            },
        )

    def do_DELETE(self) -> None:
        self.engine.faults.clear()
        self._answer(200, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        try:
            given = json.loads(self.rfile.read(length) or b"{}")
            self._answer(200, self._act(self.path.rstrip("/"), given) or {})
        except (KeyError, TypeError, ValueError) as error:
            self._answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _act(self, path: str, given: dict[str, Any]) -> Any:
        engine = self.engine
        if path == "/faults":
            engine.faults.add(**given)
        elif path == "/expire":
            engine.sessions.expire_all()
        elif path == "/close":
            engine.faults.close_for(float(given["seconds"]))
        elif path == "/speed":
            engine.clock.speed = float(given["speed"])
        elif path == "/event":
            return {"index": engine.events.add(given.pop("name"), **given)}
        else:
            raise KeyError(path)
        return None
