# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connections to hosts: one client per host, made when needed and dropped when the host goes."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

from .store import Row
from .vdsm import HostClient, engine_tls

if TYPE_CHECKING:
    from .engine import Engine


class Hosts:
    """Clients by host id. The only way by which the engine reaches a host, besides host-deploy's ssh."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clients: dict[str, tuple[str, HostClient]] = {}
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def client(self, host: Row) -> HostClient:
        """The client of a host row; a new one after its address changed."""
        address = f"{host['host_name']}:{host['port']}"
        with self._lock:
            known = self._clients.get(host["vds_id"])
            if known and known[0] == address:
                return known[1]
            if known:
                known[1].close()
            client = HostClient(host["host_name"], int(host["port"]), self._context(), connect_timeout=5)
            self._clients[host["vds_id"]] = (address, client)
            return client

    def _context(self) -> ssl.SSLContext | None:
        if self._engine.config.encrypt_host_communication and self._tls is None:
            self._tls = engine_tls(self._engine.config.pki_dir)
        return self._tls

    def drop(self, host_id: str) -> None:
        with self._lock:
            known = self._clients.pop(host_id, None)
        if known:
            known[1].close()

    def close(self) -> None:
        for host_id in list(self._clients):
            self.drop(host_id)
