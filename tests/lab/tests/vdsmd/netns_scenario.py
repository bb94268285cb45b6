"""Run by test_vdsmd_network in a network namespace of its own: prints what it sees as JSON lines."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

for folder in sys.argv[1].split(":"):
    sys.path.insert(0, folder)

from vdsm_rpc.errors import VdsmError
from vdsmd.net import kernel, persistence
from vdsmd.net.linux import LinuxNetwork

WANTED = {
    "mgmt": {
        "nic": "host0",
        "bridged": "true",
        "bootproto": "none",
        "ipaddr": "192.0.2.11",
        "mtu": 1500,
        "netmask": "255.255.255.0",
        "gateway": "192.0.2.1",
        "defaultRoute": True,
        "switch": "legacy",
    }
}


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def tell(name: str, network: LinuxNetwork, **more: Any) -> None:
    links = kernel.links()
    print(
        json.dumps(
            {
                "step": name,
                "links": {
                    link.name: {
                        "addresses": link.addresses,
                        "gateway": link.gateway,
                        "mac": link.mac,
                        "master": link.master,
                    }
                    for link in links.values()
                },
                "rules": [rule for rule in kernel.rules() if rule["priority"] == 3200],
                "networks": network.capabilities()["networks"],
                "persisted": persistence.load(network._directory),
                **more,
            }
        )
    )


def main() -> None:
    ip("link", "add", "host0", "type", "veth", "peer", "name", "peer0")
    for words in (
        "link set lo up",
        "link set peer0 up",
        "link set host0 up",
        "address add 192.0.2.11/24 dev host0",
        "route add default via 192.0.2.1",
    ):
        ip(*words.split())
    told: list[str] = []
    host = SimpleNamespace(saved={}, config={}, emit=lambda method, params: told.append(method), address="::")
    network = LinuxNetwork(host, Path(sys.argv[2]))  # type: ignore[arg-type]
    tell("fresh", network)
    try:
        network.setup(WANTED, {}, {"connectivityCheck": "true", "connectivityTimeout": 0.2})
    except VdsmError as error:
        tell("silent client", network, code=error.code)
    threading.Timer(0.1, network.confirm).start()
    network.setup(WANTED, {}, {"connectivityCheck": "true", "connectivityTimeout": 10, "commitOnSuccess": False})
    tell("confirmed", network, events=told)
    network.persist()
    moved = {"mgmt": {**WANTED["mgmt"], "ipaddr": "192.0.2.12"}}
    network.setup(moved, {}, {"connectivityCheck": "false", "commitOnSuccess": True})
    tell("changed", network)
    try:
        network.setup({"mgmt": {"remove": True}}, {}, {"connectivityTimeout": 0.2})
    except VdsmError as error:
        tell("removal undone", network, code=error.code)
    ip("link", "del", "mgmt")
    ip("address", "add", "192.0.2.12/24", "dev", "host0")
    ip("rule", "flush")
    ip("rule", "add", "lookup", "main", "priority", "32766")
    persistence.restore(network._directory)
    tell("restored", network)
    persistence.clear(["mgmt"], network._directory)
    persistence.clear([], network._directory)
    tell("cleared", network)


main()
