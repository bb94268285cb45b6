# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fresh engine as a plain process on loopback, with model hosts behind it: for tests in seconds.

Prints one JSON line when it serves: url, ca_file, user, password, hosts, exports, luns, dead_address, control. Ends
on TERM.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

LAB = Path(__file__).resolve().parent.parent
VDSM_PORT = 54321
NFS_ADDRESS = "storage.example.test"
EXPORTS = [
    {"path": f"{NFS_ADDRESS}:/exports/one", "size_gib": 200},
    {"path": f"{NFS_ADDRESS}:/exports/two", "size_gib": 100},
    {"path": f"{NFS_ADDRESS}:/exports/small", "size_gib": 20},
]
ISCSI = {"address": "127.0.0.1", "port": 3261, "tpgt": 1, "iqn": "iqn.2026-01.test.example:lab"}
LUNS = [{"guid": "360014050000000000000000000000001", "size": 100 * 2**30}]
#: Seconds that the model hosts need for things, before the speed factor.
SECONDS = {"boot": 2.0, "up": 4.0, "shutdown": 4.0, "task": 0.5, "migrate": 5.0}


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def free_addresses(count: int) -> list[str]:
    """So many loopback addresses in a row on which nothing listens at vdsm's port."""
    for _ in range(100):
        net = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}"
        found = [f"{net}.{number}" for number in range(1, count + 1)]
        try:
            for address in found:
                with socket.socket() as probe:
                    probe.bind((address, VDSM_PORT))
        except OSError:
            continue
        return found
    raise RuntimeError("no free loopback addresses")


def start_hosts(
    directory: Path, addresses: list[str], speed: float, external_vm: str, world: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], str]:
    """The model hosts, one process for all; returns it and the address of its control interface.

    `world` overrides what the hosts are and see: members of vdsmd's configuration file.
    """
    control = free_port()
    hosts: list[dict[str, Any]] = [
        {"address": address, "name": f"host{number}"} for number, address in enumerate(addresses, 1)
    ]
    if external_vm:
        hosts[0]["external_vms"] = [{"name": external_vm, "memory_mb": 4096}]
    defaults = {"seconds": {name: value / speed for name, value in SECONDS.items()}, **world.get("defaults", {})}
    config = {
        "exports": EXPORTS,
        "iscsi_targets": [ISCSI],
        "luns": LUNS,
        **world,
        "port": VDSM_PORT,
        "tls": "off",
        "control_port": control,
        "hosts": hosts,
        "root": str(directory / "hosts"),
        "defaults": defaults,
    }
    path = directory / "hosts.json"
    path.write_text(json.dumps(config))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(LAB / "host/vdsmd"), str(LAB)))}
    with (directory / "hosts.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vdsmd", "--config", str(path)], stdout=log, stderr=log, env=environment
        )
    url = f"http://127.0.0.1:{control}"
    _await(f"{url}/verbs", process, directory / "hosts.log")
    return process, url


def _await(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    deadline, last = time.monotonic() + seconds, "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"model hosts ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError) as error:
            last = str(error)
        time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer within {seconds:g} s: {last}")


def run(arguments: argparse.Namespace) -> int:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    directory = Path(arguments.directory or tempfile.mkdtemp(prefix="engine-sim-"))
    directory.mkdir(parents=True, exist_ok=True)
    hosts = None
    try:
        hosts, stop = _start(arguments, directory)
        ended.wait()
        stop()
    finally:
        if hosts is not None:
            hosts.terminate()
            hosts.wait(10)
        if not arguments.directory:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def _start(arguments: argparse.Namespace, directory: Path) -> tuple[subprocess.Popen[bytes], Any]:
    from . import pki
    from .__main__ import _logging
    from .config import Config
    from .control import Control
    from .engine import Engine
    from .web.server import Server

    _logging(str(directory / "log"), arguments.verbose)
    if arguments.first_address:
        net, _, first = arguments.first_address.rpartition(".")
        addresses = [f"{net}.{int(first) + number}" for number in range(arguments.hosts)]
    else:
        addresses = free_addresses(arguments.hosts)
    world = json.loads(Path(arguments.world).read_text()) if arguments.world else {}
    hosts, vdsm_control = start_hosts(directory, addresses, arguments.speed, arguments.external_vm, world)
    password = secrets.token_urlsafe(12)
    secret = directory / "password"
    secret.touch(0o600)
    secret.write_text(password)
    if not (directory / "pki/ca.pem").exists():
        pki.create(directory / "pki", arguments.fqdn, "Test")
    config = Config(
        listen=arguments.listen,
        port=arguments.port or free_port(arguments.listen),
        fqdn=arguments.fqdn,
        pki_dir=str(directory / "pki"),
        database=str(directory / "engine.db"),
        log_dir=str(directory / "log"),
        speed=arguments.speed,
        admin_password_file=str(secret),
        install_vds=False,
        encrypt_host_communication=False,
        control=f"127.0.0.1:{free_port()}",
        faults=arguments.faults,
    )
    engine = Engine(config)
    server = Server(engine)
    control = Control(engine, config.control)
    server.start()
    engine.start()
    print(
        json.dumps(
            {
                "url": f"https://{arguments.fqdn}:{config.port}/ovirt-engine/api",
                "ca_file": str(directory / "pki/ca.pem"),
                "user": config.admin_user,
                "password": password,
                "password_file": str(secret),
                "hosts": [{"name": f"host{number}", "address": address} for number, address in enumerate(addresses, 1)],
                "external_vm": arguments.external_vm,
                "exports": world.get("exports", EXPORTS),
                "luns": world.get("luns", LUNS),
                "iscsi": ISCSI,
                "dead_address": f"{addresses[0].rpartition('.')[0]}.99",
                "control": control.address,
                "vdsm_control": vdsm_control,
                "database": config.database,
                "directory": str(directory),
            }
        ),
        flush=True,
    )

    def stop() -> None:
        server.stop()
        control.stop()
        engine.stop()

    return hosts, stop
