"""engine-config: read, set and list the options of vdc_options (texts and status as recorded on ovirt-engine 4.5.8)."""

from __future__ import annotations

import getopt
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from .layout import Layout

_UNKNOWN = 'Cannot invoke "com.fasterxml.jackson.databind.JsonNode.get(String)" because "node" is null'
_USAGE = """engine-config: get/set/list configuration
USAGE:
    engine-config ACTION [--cver=version]
Where:
    ACTION              action to perform, see details below
    version             relevant configuration version to use.

    ACTIONS
    -l, --list          list available configuration keys.
    -a, --all           get all available configuration values.
    -g, --get=key       get the value of a key, of all versions unless one is given.
    -s, --set key=val --cver=version   set a new value for the given key.
"""


class ConfigError(Exception):
    """What engine-config refuses; the text is printed as it is."""


def read_types(path: Path) -> dict[str, dict[str, str]]:
    """Attributes (type, description, validValues) of each key in engine-config.properties."""
    keys: dict[str, dict[str, str]] = {}
    for line in path.read_text().splitlines():
        name, separator, value = line.partition("=")
        key, dot, attribute = name.strip().rpartition(".")
        if separator and dot and not line.startswith("#"):
            keys.setdefault(key, {})[attribute] = value.strip()
    return keys


def is_valid(value: str, attributes: dict[str, str]) -> bool:
    """Whether `value` fits the type and the valid values of its key."""
    kind, valid = attributes.get("type", "String"), attributes.get("validValues", "")
    try:
        if kind == "Integer" or kind == "Long":
            int(value)
        elif kind in ("Double", "Float"):
            float(value)
    except ValueError:
        return False
    if kind == "Boolean" and value.lower() not in ("true", "false"):
        return False
    if not valid:
        return True
    given = value.split(",") if kind == "StringMultiple" else [value]
    return all(_among(item, valid) for item in given)


def _among(value: str, valid: str) -> bool:
    for choice in valid.split(","):
        low, dots, high = choice.partition("..")
        if dots and value.lstrip("-").isdigit() and int(low) <= int(value) <= int(high):
            return True
        if not dots and value.lower() == choice.strip().lower():
            return True
    return False


class EngineConfig:
    """The command's actions on one installation."""

    def __init__(self, layout: Layout) -> None:
        self._types = read_types(layout.option_types)
        self._database = layout.database

    def _query(self, sql: str, *parameters: str) -> list[tuple[str, ...]]:
        try:
            with sqlite3.connect(f"file:{self._database}?mode=rw", uri=True, timeout=60) as connection:
                return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise ConfigError(
                "Connection to the Database failed. "
                f"Please check that the hostname and port number are correct ({error})"
            ) from error

    def _rows(self, key: str, version: str | None) -> list[tuple[str, ...]]:
        rows = self._query("SELECT option_value, version FROM vdc_options WHERE option_name = ? ORDER BY version", key)
        return [row for row in rows if version in (None, row[1])]

    def get(self, key: str, version: str | None = None) -> str:
        """The lines of `-g`."""
        if key not in self._types:
            raise ConfigError(_UNKNOWN)
        rows = self._rows(key, version)
        if not rows:
            suffix = f" with version {version}" if version else ". Please verify key name and property file support"
            raise ConfigError(f"Error fetching {key} value: no such entry{suffix}.")
        return "".join(f"{key}: {value} version: {found}\n" for value, found in rows)

    def set(self, assignment: str, version: str | None = None) -> None:
        """`-s KEY=VALUE`."""
        key, separator, value = assignment.partition("=")
        if not separator:
            raise ConfigError("Please provide a value for the key: -s KEY=VALUE")
        if key not in self._types:
            raise ConfigError(_UNKNOWN)
        if not is_valid(value, self._types[key]):
            raise ConfigError(f"Cannot set value {value} to key {key}. ")
        versions = [found for _, found in self._rows(key, version)]
        if not versions:
            raise ConfigError(
                f"Error setting {key}'s value. No such entry{f' with version {version}' if version else ''}."
            )
        if len(versions) > 1:
            listed = "\n".join(f"{number}. {found}" for number, found in enumerate(versions, start=1))
            raise ConfigError(f"Please select a version:\n{listed}")
        self._query(
            "UPDATE vdc_options SET option_value = ? WHERE option_name = ? AND version = ?", value, key, versions[0]
        )

    def keys(self) -> str:
        """The lines of `-l`."""
        lines = []
        for key, attributes in sorted(self._types.items()):
            description = attributes.get("description", '""')
            lines.append(f"{key}: {description} (Value Type: {attributes.get('type', 'String')})\n")
        return "".join(lines)

    def all(self) -> str:
        """The lines of `-a`."""
        rows = self._query("SELECT option_name, option_value, version FROM vdc_options ORDER BY option_name, version")
        return "".join(f"{name}: {value} version: {version}\n" for name, value, version in rows if name in self._types)


def main(argv: Sequence[str] | None = None, layout: Layout | None = None) -> int:
    """Entry point of engine-config."""
    try:
        names = ["get=", "set=", "list", "all", "cver=", "help", "properties=", "config="]
        given, rest = getopt.gnu_getopt(list(sys.argv[1:] if argv is None else argv), "g:s:lahp:c:", names)
    except getopt.GetoptError as error:
        print(f"{error}\n{_USAGE}", file=sys.stderr)
        return 1
    version = next((value for name, value in given if name == "--cver"), None)
    action = next(
        (
            (name, value)
            for name, value in given
            if name in ("-g", "--get", "-s", "--set", "-l", "--list", "-a", "--all")
        ),
        None,
    )
    if action is None or rest:
        print(_USAGE, end="")
        return 0 if any(name in ("-h", "--help") for name, _ in given) else 1
    command = EngineConfig(layout or Layout.installed())
    try:
        if action[0] in ("-g", "--get"):
            print(command.get(action[1], version), end="")
        elif action[0] in ("-s", "--set"):
            command.set(action[1], version)
        else:
            print(command.keys() if action[0] in ("-l", "--list") else command.all(), end="")
    except ConfigError as error:
        print(error)
        return 1
    return 0
