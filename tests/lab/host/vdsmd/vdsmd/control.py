# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small HTTP interface by which a test changes the world while a client looks at it. JSON in, JSON out."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .errors import VdsmError
from .storage import domains, volumes
from .verbs import VERBS
from .virt.machine import USER_SHUTDOWN, End

if TYPE_CHECKING:
    from .farm import Farm
    from .host import Host

log = logging.getLogger("vdsmd")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:  # no reverse lookup of the address
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class Control:
    """Serves GET /state /counts /gaps /verbs and POST /host/NAME/ACTION."""

    def __init__(self, farm: Farm, address: str, port: int) -> None:
        control = self
        self.farm = farm

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(lambda: control.get(self.path.strip("/")))

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                self._answer(lambda: control.post(self.path.strip("/").split("/"), json.loads(raw or b"{}")))

            def _answer(self, function: Callable[[], Any]) -> None:
                try:
                    status, body = 200, function()
                except VdsmError as error:
                    status, body = 409, {"error": error.message, "code": error.code}
                except (KeyError, ValueError, TypeError) as error:
                    status, body = 400, {"error": repr(error)}
                data = json.dumps(body, indent=1, default=str).encode() + b"\n"
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        self.server = _Server((address, port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def get(self, what: str) -> Any:
        """What is asked for. Raises KeyError."""
        with self.farm.fabric.lock:
            if what in ("", "state"):
                return {
                    "vgs": self.farm.fabric.vgs,
                    "hosts": {host.address: self._host(host) for host in self.farm.fabric.hosts},
                }
            if what == "counts":
                return dict(self.farm.journal.counts.most_common())
            if what == "gaps":
                return dict(self.farm.journal.gaps.most_common())
            if what == "verbs":
                return sorted(VERBS)
        raise KeyError(what)

    @staticmethod
    def _host(host: Host) -> dict[str, Any]:
        seen = {
            domain.id: {**domain.info(), "volumes": {v.id: v.info() for v in volumes.volumes(domain)}}
            for domain in domains.visible(host)
        }
        return {
            **host.persistent(),
            "name": host.name,
            "uuid": host.uuid,
            "mom": host.mom,
            "faults": host.faults,
            "tasks": [task.status() for task in host.tasks.values()],
            "jobs": host.jobs,
            "domains": seen,
            "vms": {machine.name: {"id": machine.id, "status": machine.status} for machine in host.machines.all()},
        }

    def post(self, path: list[str], body: Any) -> Any:
        """/host/<address or name>/<action>. Raises KeyError."""
        if len(path) != 3 or path[0] != "host":
            raise KeyError("/".join(path))
        host = next((h for h in self.farm.fabric.hosts if path[1] in (h.address, h.name)), None)
        if host is None:
            raise KeyError(path[1])
        if path[2] == "call":
            return {"result": host.call(body["verb"], body.get("params", {}))}
        with self.farm.fabric.lock:
            answer = self._act(host, path[2], body)
            self.farm.fabric.save()
        return answer

    def _act(self, host: Host, action: str, body: Any) -> Any:
        if action == "ha":
            host.ha.flags.update(body)
        elif action == "config":
            host.config.update(body)
        elif action == "vm":
            return {"id": host.machines.add_external(body).id}
        elif action == "vm-status":
            self._vm_status(host, body)
        elif action == "domain":
            # {"domain": id, "broken": true}: the monitor reports it as not reachable
            (host.broken_domains.add if body.get("broken", True) else host.broken_domains.discard)(body["domain"])
        elif action == "event":
            host.emit(body["method"], body.get("params", {}))
        elif action == "faults":
            host.faults = list(body if isinstance(body, list) else [body] if body else [])
        elif action == "power":
            self.farm.servers[host.address].pause(body.get("state") == "off")
        elif action == "unknown":
            host.unknown = body["mode"]
        else:
            raise KeyError(action)
        return {"ok": True}

    @staticmethod
    def _vm_status(host: Host, body: dict[str, Any]) -> None:
        machines = host.machines
        machine = next((m for m in machines.all() if body["vm"] in (m.id, m.name)), None)
        if machine is None:
            raise KeyError(body["vm"])
        if body.get("status") == "gone":
            machines.known.pop(machine.id)
        elif body.get("status") == "Down":
            reason = int(body.get("exitReason", USER_SHUTDOWN))
            machines.power_off(machine, End(int(body.get("exitCode", 0)), reason, body.get("exitMessage", "")))
        else:
            machine.guest_ip = body.get("guest_ip", machine.guest_ip)
            machine.fqdn = body.get("fqdn", machine.fqdn)
            if "status" in body:
                machines.set_status(machine, body["status"])
