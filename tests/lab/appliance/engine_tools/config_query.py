"""otopi-config-query: `query` prints a value, `match` compares one (exit status 0 equal, 1 different, 2 not there)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import otopi


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="otopi-config-query", description="Query otopi configuration files")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("query", "match"):
        command = commands.add_parser(name)
        command.add_argument("-s", "--section", default=otopi.SECTION)
        command.add_argument("-k", "--key", required=True)
        command.add_argument("-f", "--file", type=Path, required=True)
        if name == "query":
            command.add_argument("-t", "--with-type", action="store_true")
        else:
            command.add_argument("-v", "--value", required=True)
    options = parser.parse_args(argv)
    expected = otopi.parse_value(options.value) if options.command == "match" else None
    files = otopi.with_directory(options.file)
    section: dict[str, str] | None = None
    for path in files:
        found = otopi.read_raw(path).get(options.section)
        if found is not None:
            section = {**(section or {}), **found}
    if section is None or options.key not in section:
        if options.command == "match":
            return 2
        print(_reason(files, section, options), file=sys.stderr)
        return 1
    text = section[options.key]
    if options.command == "match":
        return 0 if otopi.parse_value(text) == expected else 1
    value = otopi.parse_value(text)
    print(text if options.with_type else "\n".join(value) if isinstance(value, list) else value)
    return 0


def _reason(files: list[Path], section: dict[str, str] | None, options: argparse.Namespace) -> str:
    """The last line of the traceback with which the real one ends."""
    if not files:
        return "__main__.FileNotFound: No configuration file found"
    if section is None:
        return f"configparser.NoSectionError: No section: {options.section!r}"
    return f"configparser.NoOptionError: No option {options.key!r} in section: {options.section!r}"
