# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All hosts of one process with what they share, and their ports."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from . import backends
from .api import load  # noqa: F401  (registers the verbs)
from .control import Control
from .fabric import Fabric
from .host import Host
from .journal import Journal
from .server import tls
from .server.listener import HostServer


class Farm:
    """Assembly. `config` is the configuration file, `root` where the storage tree begins."""

    def __init__(self, config: dict[str, Any], root: str | Path) -> None:
        self.config = config
        base = Path(root).resolve()
        state, logs = Path(config.get("state", base)), Path(config.get("logs", base))
        for directory in (base, state, logs):
            directory.mkdir(parents=True, exist_ok=True)
        self.fabric = Fabric(config, base, state)
        self.journal = Journal(logs, config.get("verbose", False))
        self._state = state
        common = config.get("defaults", {})
        for index, entry in enumerate(config["hosts"], 1):
            own = {"address": entry} if isinstance(entry, str) else dict(entry)
            host = Host(self.fabric, {**common, **own}, own["address"], index)
            host.journal = self.journal
            backends.attach(host)
            self.fabric.hosts.append(host)
        self.servers: dict[str, HostServer] = {}
        self.control: Control | None = None

    async def start(self) -> None:
        """Open the ports. Raises OSError."""
        mode = self.config.get("tls", "off")
        context = None if mode == "off" else self._context()
        for host in self.fabric.hosts:
            port = int(host.config.get("port", self.config.get("port", 54321)))
            server = HostServer(host, port, self.journal, mode, context, self.config.get("nudge", True))
            await server.start()
            self.servers[host.address] = server
            # what was connected before a restart is watched again
            threading.Thread(target=host.monitor.follow_pools, name="monitor", daemon=True).start()
        if self.config.get("control_port") is not None:
            address = self.config.get("control_address", "127.0.0.1")
            self.control = Control(self, address, int(self.config["control_port"]))

    async def stop(self) -> None:
        """Close everything and save."""
        for server in self.servers.values():
            await server.stop()
        if self.control:
            self.control.close()
        with self.fabric.lock:
            self.fabric.save()
        self.journal.close()

    def _context(self) -> Any:
        cert, key, ca = (Path(self.config[name]) if self.config.get(name) else None for name in ("cert", "key", "ca"))
        if cert is None or key is None:
            cert, key = tls.self_signed(self._state, [host.address for host in self.fabric.hosts])
        return tls.server_context(cert, key, ca, bool(self.config.get("verify_client")))
