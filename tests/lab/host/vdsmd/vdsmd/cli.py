# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the daemon."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import Any

from .farm import Farm


def read_config(path: Path) -> dict[str, Any]:
    """The configuration file; files in the folder beside it (vdsmd.d for vdsmd.json) overwrite single `defaults`."""
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for more in sorted(path.with_suffix(".d").glob("*.json")):
        config["defaults"] = {**config.get("defaults", {}), **json.loads(more.read_text(encoding="utf-8"))}
    return config


def parse(argv: list[str] | None = None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """Options and the configuration file, merged."""
    p = argparse.ArgumentParser(prog="vdsmd", description="VDSM of the lab: modelled hosts, or this host")
    p.add_argument("--config", help="JSON file; options on the command line win")
    p.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="ADDRESS[=NAME]",
        help="address of a modelled host; repeat for several",
    )
    p.add_argument("--port", type=int, help="port of every host (54321)")
    p.add_argument("--root", help="folder for state, logs and storage (vdsmd-data), or / for real paths")
    p.add_argument("--tls", choices=("off", "on", "auto"), help="auto: recognise TLS by the first byte")
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--ca")
    p.add_argument("--verify-client", action="store_true", default=None)
    p.add_argument("--unknown", choices=("error", "success"), help="answer to verbs that are not implemented")
    p.add_argument(
        "--external-vm",
        action="append",
        default=[],
        metavar="NAME",
        help="running machine that the engine does not know, on the first host (HostedEngineLocal)",
    )
    p.add_argument("--control-port", type=int)
    p.add_argument("--verbose", action="store_true", default=None, help="log long results too")
    p.add_argument("--quiet", action="store_true")
    args = p.parse_args(argv)
    config: dict[str, Any] = read_config(Path(args.config)) if args.config else {}
    if args.host:
        config["hosts"] = [dict(zip(("address", "name"), host.split("=", 1))) for host in args.host]
    config.setdefault("hosts", ["127.0.1.1"])
    for name in ("port", "tls", "cert", "key", "ca", "verify_client", "control_port", "verbose", "root"):
        if getattr(args, name) is not None:
            config[name] = getattr(args, name)
    if args.unknown:
        config.setdefault("defaults", {})["unknown"] = args.unknown
    if args.external_vm:
        first = config["hosts"][0]
        first = {"address": first} if isinstance(first, str) else first
        first["external_vms"] = [*first.get("external_vms", []), *args.external_vm]
        config["hosts"][0] = first
    return args, config


async def serve(config: dict[str, Any]) -> None:
    """Serve until TERM or INT."""
    farm = Farm(config, config.get("root", "vdsmd-data"))
    await farm.start()
    for server in farm.servers.values():
        name = server.host.name
        print(f"listening {name} {server.host.address}:{server.port} tls={server.tls}", flush=True)
    if farm.control:
        print(f"control http://127.0.0.1:{farm.control.port}/state", flush=True)
    ready()
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await stop.wait()
    await farm.stop()
    if farm.journal.gaps:
        print(f"gaps: {dict(farm.journal.gaps)}")


def ready() -> None:
    """Tell systemd that the port is open (Type=notify)."""
    import os
    import socket

    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.send(b"READY=1")


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    args, config = parse(argv)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if "logs" in config:
        Path(config["logs"]).mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(Path(config["logs"], "vdsm.log")))
    logging.basicConfig(
        level=logging.WARNING if args.quiet else logging.INFO,
        handlers=handlers,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    if "vdsm_conf" in config:
        from .settings import apply_vdsm_conf

        apply_vdsm_conf(config)
    asyncio.run(serve(config))
    return 0
