"""Hosts for the engine's arms to work on: the lab's vdsmd as a plain process on loopback, and an sshd of our own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).resolve().parents[2]

#: Module and its folder; another implementation of the protocol may be named as FOLDER:MODULE.
IMPLEMENTATION = os.environ.get("LAB_VDSMD", f"{LAB / 'host/vdsmd'}:vdsmd")
DEADLINE = 20.0
LUN = "360014050000000000000000000000001"


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def wait_for_port(address: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"nobody listens at {address}:{port}: {error}") from error
        time.sleep(0.05)


def wait_for_silence(address: str, port: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline, f"somebody still listens at {address}:{port}"
        time.sleep(0.05)


class Farm:
    """Hosts of one vdsmd process and the control interface beside them."""

    def __init__(self, addresses: list[str], port: int, control: int, root: Path) -> None:
        self.addresses = addresses
        self.port = port
        self.root = root
        self._control = f"http://127.0.0.1:{control}"

    def look(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self._control}/{what}", timeout=5) as answer:
            return json.load(answer)

    def tell(self, what: str, message: dict[str, Any]) -> Any:
        request = urllib.request.Request(f"{self._control}/{what}", json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


def start_farm(root: Path, addresses: list[str], **config: Any) -> tuple[Farm, subprocess.Popen[bytes]]:
    folder, _colon, module = IMPLEMENTATION.rpartition(":")
    if not (Path(folder) / module / "__main__.py").exists():
        pytest.skip(f"{module} is not in this tree")
    farm = Farm(addresses, free_port(addresses[0]), free_port(), root)
    (root / "config.json").write_text(
        json.dumps(
            {
                "port": farm.port,
                "control_port": int(farm._control.rsplit(":", 1)[1]),
                "defaults": {"seconds": {"task": 0.1, "boot": 0.1, "up": 0.2, "shutdown": 0.2}},
                **config,
            }
        )
    )
    with (root / "vdsmd.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--config", str(root / "config.json"), "--root", str(root)],
            env={**os.environ, "PYTHONPATH": f"{folder}:{LAB}"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        for address in addresses:
            wait_for_port(address, farm.port, process)
    except AssertionError as error:
        end(process)
        raise AssertionError(f"{error}\n{(root / 'vdsmd.log').read_text()[-2000:]}") from error
    return farm, process


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Two hosts with a management network, one without; exports (one refuses), an iSCSI unit, an unknown machine."""
    root = tmp_path_factory.mktemp("vdsmd")
    hosts = [
        {"address": "127.0.41.1", "name": "host1", "external_vms": [{"name": "HostedEngineLocal", "memory_mb": 4096}]},
        {"address": "127.0.41.2", "name": "host2"},
        {
            "address": "127.0.41.3",
            "name": "host3",
            "management_network": False,
            "capabilities": {"lastClientIface": "eth0"},
        },
    ]
    exports = [
        {"path": "nfs.lab.test:/exports/he", "size_gib": 100},
        {"path": "nfs.lab.test:/exports/data", "size_gib": 50},
        {"path": "nfs.lab.test:/exports/closed", "denied": [str(host["address"]) for host in hosts]},
    ]
    targets = [{"address": "127.0.0.1", "port": 3261, "iqn": "iqn.2026-11.test.lab:he", "user": "u", "password": "p"}]
    made, process = start_farm(
        root,
        [str(host["address"]) for host in hosts],
        hosts=hosts,
        exports=exports,
        iscsi_targets=targets,
        luns=[{"guid": LUN, "size": 64 * 1024**3}],
    )
    yield made
    end(process)
