"""A vdsmd in model mode inside the test's process."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

from vdsm_rpc.client import Client
from vdsmd.farm import Farm

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures/host/vdsm"
FAST = {"boot": 0.1, "up": 0.2, "shutdown": 0.2, "task": 0.05, "migrate": 0.3}


class Running:
    """A farm in a thread. `start` again after `stop` keeps the state."""

    def __init__(self, root: Path, config: dict[str, Any]) -> None:
        self.root = root
        self.config = {
            "hosts": [{"address": "127.0.1.1", "name": "h1", "external_vms": ["HostedEngineLocal"]}, "127.0.1.2"],
            "port": 0,
            "tls": "auto",
            "control_port": 0,
            "defaults": {"seconds": FAST},
            **config,
        }
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._clients: list[Client] = []
        self.start()

    def start(self) -> None:
        self.farm = Farm(json.loads(json.dumps(self.config)), self.root)
        asyncio.run_coroutine_threadsafe(self.farm.start(), self._loop).result(10)

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()
        asyncio.run_coroutine_threadsafe(self.farm.stop(), self._loop).result(10)

    def end(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def port(self, address: str = "127.0.1.1") -> int:
        return self.farm.servers[address].port

    def client(self, address: str = "127.0.1.1", **options: Any) -> Client:
        client = Client(address, self.port(address), timeout=10, **options)
        self._clients.append(client)
        return client

    def control(self, path: str, body: Any = None) -> Any:
        assert self.farm.control
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.farm.control.port}/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=5) as answer:
            return json.load(answer)
