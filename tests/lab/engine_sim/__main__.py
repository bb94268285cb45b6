# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python -m engine_sim serve --config FILE` and `python -m engine_sim standalone`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from logging.handlers import WatchedFileHandler
from pathlib import Path


def _logging(log_dir: str | None, verbose: bool) -> None:
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if log_dir:
        Path(log_dir).mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(Path(log_dir) / "engine.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-5s [%(name)s] (%(threadName)s) %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])


def serve(arguments: argparse.Namespace) -> int:
    from .config import load
    from .control import Control
    from .engine import Engine
    from .web.server import Server

    config = load(arguments.config)
    _logging(config.log_dir, arguments.verbose)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    engine = Engine(config)
    server = Server(engine)
    control = Control(engine, config.control) if config.control else None
    server.start()
    engine.start()
    logging.getLogger("engine").info("serving on %s:%s", config.listen, server.port)
    ended.wait()
    server.stop()
    if control:
        control.stop()
    engine.stop()
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="engine_sim", description="The engine simulator of the lab.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("serve", help="serve one engine by a configuration file")
    one.add_argument("--config", required=True)
    one.add_argument("--verbose", action="store_true")
    two = commands.add_parser("standalone", help="a fresh engine with model hosts on loopback; prints one JSON line")
    two.add_argument("--hosts", type=int, default=2, help="how many model hosts")
    two.add_argument("--speed", type=float, default=10.0, help="engine seconds per second")
    two.add_argument("--directory", help="state directory (default: temporary, removed at the end)")
    two.add_argument("--first-address", default="", help="address of the first model host (default: free ones)")
    two.add_argument(
        "--world", help="JSON file with members of vdsmd's configuration: exports, luns, defaults of hosts"
    )
    two.add_argument("--listen", default="127.0.0.1", help="address of the engine")
    two.add_argument("--fqdn", default="localhost", help="name of the engine in its address and certificate")
    two.add_argument(
        "--external-vm", default="HostedEngineLocal", help="machine that runs on the first host unknown to the engine"
    )
    two.add_argument("--faults", default="", help="JSON list of faults that are in force from the start")
    two.add_argument("--port", type=int, default=0, help="port of the engine (0: any)")
    two.add_argument("--verbose", action="store_true")
    three = commands.add_parser("control", help="ask or order a running engine by its control interface")
    three.add_argument("--at", default="/run/engine-sim.sock", help="path of its socket, or http://ADDRESS:PORT")
    three.add_argument("path", help="/state, /faults, /expire, /close, /speed, /event")
    three.add_argument("values", nargs="?", help="JSON: what to order; without it /state is read, others are ordered")
    three.add_argument("--clear", action="store_true", help="with /faults: take all back")
    arguments = parser.parse_args(argv)
    if arguments.command == "serve":
        return serve(arguments)
    if arguments.command == "control":
        from .tell import main as tell

        return tell(arguments)
    from .standalone import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
