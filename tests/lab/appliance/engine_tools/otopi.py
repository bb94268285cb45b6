"""otopi's configuration files: `[environment:default]` sections with `KEY=type:value` lines."""

from __future__ import annotations

from pathlib import Path

SECTION = "environment:default"
Value = None | bool | int | str | list[str]


def parse_value(text: str) -> Value:
    """A typed value. Raises ValueError without a type, KeyError for an unknown one (otopi's own behaviour)."""
    kind, separator, value = text.partition(":")
    if not separator:
        raise ValueError("Missing variable type")
    if kind == "none":
        return None
    if kind == "bool":
        return value.lower() not in ("", "0", "false", "no", "n", "f")
    if kind == "int":
        return int(value)
    if kind == "str":
        return value
    if kind in ("multi-str", "list"):
        return [line for line in value.split("\n") if line]
    raise KeyError(f"Invalid variable type {kind}")


def render_value(value: Value) -> str:
    """The typed text of a value."""
    if value is None:
        return "none:None"
    if isinstance(value, bool):
        return f"bool:{value}"
    if isinstance(value, int):
        return f"int:{value}"
    if isinstance(value, list):
        return "multi-str:" + "\n ".join(value)
    return f"str:{value}"


def read_raw(path: Path) -> dict[str, dict[str, str]]:
    """Sections of one file with typed texts. Raises ValueError naming file and line; OSError."""
    sections: dict[str, dict[str, str]] = {}
    section, last = None, None
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith(("#", ";")):
            continue
        if line.startswith("["):
            section = sections.setdefault(line.strip()[1:-1], {})
            last = None
        elif line[0].isspace() and section is not None and last is not None:
            section[last] += "\n" + line.strip()
        elif section is None or "=" not in line:
            raise ValueError(f"{path}: line {number} is neither a section nor KEY=type:value")
        else:
            last, _, value = line.partition("=")
            last = last.strip()
            section[last] = value.strip()
    return sections


def with_directory(path: Path) -> list[Path]:
    """`path` and the *.conf files of `path`.d in alphabetical order; those that exist."""
    found = [path] if path.is_file() else []
    return found + sorted(path.with_name(path.name + ".d").glob("*.conf"))


def read_environment(paths: list[Path]) -> dict[str, Value]:
    """All of `paths` one over the other. Raises ValueError naming the file and key of a bad value; OSError."""
    environment: dict[str, Value] = {}
    for path in paths:
        for name, section in read_raw(path).items():
            if not name.startswith("environment:"):
                continue
            for key, text in section.items():
                try:
                    environment[key] = parse_value(text)
                except (ValueError, KeyError) as error:
                    raise ValueError(
                        f"Cannot parse configuration file key {key} at section {name}: {error.args[0]}"
                    ) from error
    return environment


def render(environment: dict[str, Value]) -> str:
    """A configuration file of `environment`."""
    return f"[{SECTION}]\n" + "".join(f"{key}={render_value(value)}\n" for key, value in sorted(environment.items()))
