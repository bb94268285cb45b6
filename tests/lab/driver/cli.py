# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of ``python -m driver``: JSON on standard output, messages on standard error."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from driver import cert, faults, lab
from driver.build import build_parts
from driver.errors import LabError

_Handler = Callable[[argparse.Namespace], int]


def _print(value: object) -> int:
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def _appliance(asked: argparse.Namespace) -> Path | None:
    if asked.faults and asked.appliance:
        raise LabError("--faults makes an appliance of its own: leave --appliance out")
    found: Path | None = faults.appliance(asked.lab, asked.profile, asked.faults) if asked.faults else asked.appliance
    return found


def _down(asked: argparse.Namespace) -> int:
    left = lab.down(asked.lab, keep_logs=asked.keep_logs)
    for text in left:
        print(f"left behind: {text}", file=sys.stderr)
    return 1 if left else 0


def _exec(asked: argparse.Namespace) -> int:
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    argv = lab.exec_argv(asked.lab, asked.host, command or ["bash", "-l"])
    os.execvp(argv[0], argv)


def _build(asked: argparse.Namespace) -> int:
    layers, repository = build_parts(asked.appliance_package)
    return _print({"layers": [str(layer) for layer in layers], "repository": str(repository)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="driver", description="Labs of real hosts on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str, handler: _Handler, *, of_lab: bool = True) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(handler=handler)
        if of_lab:
            added.add_argument("--lab", default="demo", metavar="NAME", help="which lab (default: demo)")
        return added

    up = verb(
        "up",
        "bring a lab up (or report the one that is up)",
        lambda asked: _print(lab.up(asked.lab, asked.hosts, _appliance(asked), asked.package, asked.appliance_package)),
    )
    up.add_argument("--hosts", type=int, default=2, metavar="N")
    up.add_argument("--appliance", type=Path, metavar="PATH", help="a qcow2 image or an OVA to offer to the hosts")
    up.add_argument(
        "--package", action="append", default=[], metavar="NAME", help="install this on each host (repeatable)"
    )
    up.add_argument("--faults", type=Path, metavar="FILE", help="JSON list of faults that the engine begins with")
    up.add_argument("--profile", default="fast", metavar="NAME", help="with --faults: the appliance (default: fast)")
    down = verb("down", "take a lab down and leave nothing behind", _down)
    down.add_argument("--keep-logs", action="store_true")
    verb("status", "print what the lab offers, as JSON", lambda asked: _print(lab.report_of(asked.lab)))
    verb("refresh", "give a running lab newly built packages and images", lambda asked: _print(lab.refresh(asked.lab)))
    reset = verb(
        "reset",
        "fresh hosts, and fresh storage if all hosts are reset",
        lambda asked: _print(lab.reset(asked.lab, asked.host, keep_storage=asked.keep_storage)),
    )
    reset.add_argument("--host", action="append", default=[], metavar="NAME", help="only this host (repeatable)")
    reset.add_argument("--keep-storage", action="store_true")
    for name, text, act in (
        ("restart", "power a host off and on", lab.restart),
        ("power-off", "power a host off", lab.power_off),
    ):
        power = verb(name, text, lambda asked, act=act: _print(act(asked.lab, asked.host, hard=asked.hard)))  # type: ignore[misc]
        power.add_argument("--hard", action="store_true", help="as if its power was cut")
        power.add_argument("host")
    enrol = verb(
        "cert",
        "install vdsm on a host with a certificate of a given CA",
        lambda asked: _print(cert.enrol(asked.lab, asked.host, asked.ca, asked.key)),
    )
    enrol.add_argument("--host", required=True, metavar="NAME")
    enrol.add_argument("--ca", required=True, type=Path, metavar="PEM")
    enrol.add_argument("--key", required=True, type=Path, metavar="PEM")
    inside = verb("exec", "run a command in a host, past its network", _exec)
    inside.add_argument("host")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    build = verb("build", "build what labs need: host layers and package repository", _build, of_lab=False)
    for offering in (up, build):
        offering.add_argument(
            "--appliance-package",
            metavar="PROFILE",
            choices=("faithful", "fast"),
            help="the hosts' repository offers this profile's OVA as package ovirt-engine-appliance",
        )
    return parser


def main(arguments: list[str]) -> int:
    """Exit status 0, 1 if the lab cannot do what was asked, or that of the command run by ``exec``."""
    asked = _parser().parse_args(arguments)
    handler: _Handler = asked.handler
    try:
        return handler(asked)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
