# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of ``python -m driver``: JSON on standard output, messages on standard error."""

import argparse
import json
import os
import sys
from pathlib import Path

from driver import lab
from driver.build import build_parts
from driver.errors import LabError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="driver", description="Labs of real hosts on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str, *, of_lab: bool = True) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        if of_lab:
            added.add_argument("--lab", default="demo", metavar="NAME", help="which lab (default: demo)")
        return added

    up = verb("up", "bring a lab up (or report the one that is up)")
    up.add_argument("--hosts", type=int, default=2, metavar="N")
    up.add_argument("--appliance", type=Path, metavar="PATH", help="a .qcow2 or .ova to offer to the hosts")
    down = verb("down", "take a lab down and leave nothing behind")
    down.add_argument("--keep-logs", action="store_true")
    verb("status", "print what the lab offers, as JSON")
    reset = verb("reset", "fresh hosts, and fresh storage if all hosts are reset")
    reset.add_argument("--host", action="append", default=[], metavar="NAME")
    reset.add_argument("--keep-storage", action="store_true")
    for name, text in (("restart", "power a host off and on"), ("power-off", "power a host off")):
        power = verb(name, text)
        power.add_argument("--hard", action="store_true", help="as if its power was cut")
        power.add_argument("host")
    inside = verb("exec", "run a command in a host, past its network")
    inside.add_argument("host")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    verb("build", "build what labs need: host layers and package repository", of_lab=False)
    return parser


def _print(value: object) -> int:
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def _down(name: str, *, keep_logs: bool) -> int:
    left = lab.down(name, keep_logs=keep_logs)
    for text in left:
        print(f"left behind: {text}", file=sys.stderr)
    return 1 if left else 0


def _exec(name: str, host: str, command: list[str]) -> int:
    argv = lab.exec_argv(name, host, command[1:] if command[:1] == ["--"] else command)
    os.execvp(argv[0], argv)


def _build() -> int:
    layers, repository = build_parts()
    return _print({"layers": [str(layer) for layer in layers], "repository": str(repository)})


def main(arguments: list[str]) -> int:
    """Exit status 0, 1 if the lab cannot do what was asked, or that of the command run by ``exec``."""
    asked = _parser().parse_args(arguments)
    try:
        match asked.verb:
            case "up":
                return _print(lab.up(asked.lab, asked.hosts, asked.appliance))
            case "down":
                return _down(asked.lab, keep_logs=asked.keep_logs)
            case "status":
                return _print(lab.report_of(asked.lab))
            case "reset":
                return _print(lab.reset(asked.lab, asked.host, keep_storage=asked.keep_storage))
            case "restart":
                return _print(lab.restart(asked.lab, asked.host, hard=asked.hard))
            case "power-off":
                return _print(lab.power_off(asked.lab, asked.host, hard=asked.hard))
            case "exec":
                return _exec(asked.lab, asked.host, asked.command)
            case "build":
                return _build()
            case verb:
                raise AssertionError(verb)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
