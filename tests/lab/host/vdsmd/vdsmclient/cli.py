# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line, byte for byte as VDSM's (fixture vdsm/client/cases.json, host contract 11.1)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from vdsm_rpc.client import Client, VdsmConnectionLost, VdsmError, VdsmTimeout, host_context

from .api import METHODS, NAMESPACES

PROGRAM = "vdsm-client"


class UsageError(Exception):
    """What the parser itself shall complain about."""


class Failure(Exception):
    """A text for stderr; the exit code is 1."""


def parser() -> argparse.ArgumentParser:
    """The parser with a sub-parser for each namespace and method."""
    top = argparse.ArgumentParser(prog=PROGRAM, description="Vdsm client")
    top.add_argument("-a", "--host", default="localhost", help="host address (default localhost)")
    top.add_argument("-p", "--port", type=int, default=54321, help="port (default 54321)")
    top.add_argument("--insecure", dest="use_tls", action="store_false", help="use unsecured connection")
    top.add_argument("--flow-id", help="correlation id of the request")
    top.add_argument("--timeout", type=int, default=60, help="timeout in seconds (default 60)")
    top.add_argument("-f", "--file", help="read method params from json file. Set to '-' to read from standard input")
    spaces = top.add_subparsers(dest="namespace", metavar="namespace method [arg=value]")
    for namespace in NAMESPACES:
        methods = spaces.add_parser(namespace).add_subparsers(dest="method", metavar="method [arg=value]")
        for name in METHODS[namespace].split():
            method = methods.add_parser(name)
            method.add_argument("method_args", metavar="arg=value", nargs="*")
    return top


def parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Parameters of the verb: from a file, else the k=v arguments, whose values stay text."""
    words = args.method_args
    if args.file:
        text = sys.stdin.read() if args.file == "-" else Path(args.file).read_text(encoding="utf-8")
        return dict(json.loads(text))
    result = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"Invalid param {word!r}")
        result[key] = value
    return result


def connect(args: argparse.Namespace) -> Client:
    """Raises Failure."""
    try:
        context = host_context() if args.use_tls else None
        return Client(args.host, args.port, context, args.timeout)
    except OSError as error:
        raise Failure(
            f"Connection to {args.host}:{args.port} with use_tls={args.use_tls}, "
            f"timeout={float(args.timeout)} failed: {error}"
        ) from error


def run(args: argparse.Namespace) -> Any:
    """Call the verb. Raises UsageError or Failure."""
    params = parameters(args)
    verb = f"{args.namespace}.{args.method}"
    with connect(args) as client:
        try:
            return client.call(verb, params, timeout=args.timeout, flow=args.flow_id)
        except VdsmTimeout as error:
            raise Failure(f"Request {verb} with args {params} timed out after {args.timeout} seconds") from error
        except VdsmError as error:
            raise Failure(f"Command {verb} with args {params} failed:\n{error}") from error
        except VdsmConnectionLost as error:
            raise Failure(
                f"Connection to {args.host}:{args.port} with use_tls={args.use_tls}, "
                f"timeout={float(args.timeout)} failed: {error}"
            ) from error


def main(argv: list[str] | None = None) -> int:
    """Entry point; exit code 0, 1 (failed) or 2 (usage)."""
    top = parser()
    args = top.parse_args(argv)
    try:
        result = run(args)
    except UsageError as error:
        top.error(str(error))
    except (Failure, AttributeError, ValueError, OSError) as error:
        # AttributeError: no method was named; VDSM's client prints Python's own words then
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=4, sort_keys=True))
    return 0
