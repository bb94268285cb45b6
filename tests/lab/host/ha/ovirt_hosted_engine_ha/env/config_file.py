# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ``key=value`` reader of agent and broker, with its odd corners (host contract 1.1)."""

import logging
import os

_log = logging.getLogger(__name__)


def parse(text: str) -> dict[str, str]:
    """Return the last value of each key.

    White space around key and value goes, quotes and inline comments stay; a line without ``=`` or whose first
    character is ``#`` is skipped.
    """
    values: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = value.strip()
    return values


def load(path: str) -> dict[str, str]:
    """Read a file; a missing one is logged and empty.

    Raises UnicodeDecodeError for bytes that are not UTF-8.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return parse(stream.read())
    except OSError as exc:
        _log.error("Configuration file '%s' not available [%s]", path, exc)
        return {}


def save(path: str, values: dict[str, str]) -> None:
    """Rewrite a file, keeping its owner and mode; comments are lost (host contract 2.5)."""
    text = "".join(f"{key}={value}\n" for key, value in values.items())
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
        if os.path.exists(path):
            found = os.stat(path)
            os.fchmod(stream.fileno(), found.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.fchown(stream.fileno(), found.st_uid, found.st_gid)
    os.replace(temporary, path)


def set_line(text: str, key: str, value: str) -> str:
    """Return the text with the key's lines changed.

    When no line changes, one is appended: setting a value that is already there makes the file grow (known fault, host
    contract 2.4).
    """
    changed = False
    lines: list[str] = []
    for line in text.splitlines():
        name, equals, old = line.partition("=")
        if equals and name.strip() == key and old.strip() != value:
            changed = True
            lines.append(f"{key}={value}")
        else:
            lines.append(line)
    if not changed:
        lines.append(f"{key}={value}")
    return "".join(line + "\n" for line in lines)
