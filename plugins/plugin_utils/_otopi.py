# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of OTOPI answer files: read like its own reader, with everything said that it swallows.

What the original reads was measured (fixtures C(host/answer-files)); its rules are in the reference of variables, 4.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding

# In the order in which they act: a later one wins over an earlier one.
SECTIONS = ("environment:default", "environment:init", "environment:override", "environment:enforce")
FALSE = frozenset({"f", "F", "false", "False"})
# Texts that people mean as false and that the original reads as true.
LOOKS_FALSE = re.compile(r"\s*(|0|n|no|off|f|false|none|null|disabled?)\s*", re.IGNORECASE)
LOOKS_LIKE_KEY = re.compile(r"\s*[A-Za-z_]+/[\w./]+\s*[=:]")
TYPES = ("none", "bool", "int", "str", "multi-str")


@dataclass(frozen=True)
class Entry:
    """One value of an answer file.

    Attributes:
        key: for example C(OVEHOSTED_NETWORK/fqdn).
        type: one of C(TYPES).
        value: None, bool, int, str or a list of str.
        section: one of C(SECTIONS).
        path: file.
        line: number of its line, from 1.
    """

    key: str
    type: str
    value: Any
    section: str
    path: str
    line: int

    @property
    def source(self) -> str:
        """Return file, line and key as findings name them."""
        return f"{self.path}:{self.line} ({self.key})"


class TypedValueError(ValueError):
    """A value that has no type, a type that does not exist, or a text that does not fit its type."""


def parse_value(text: str) -> tuple[str, Any]:
    """Return type and value of C(type:value).

    Only four texts are a false C(bool); every other text is true.

    Raises:
        TypedValueError: as the original would fail.
    """
    kind, colon, value = text.partition(":")
    if not colon:
        raise TypedValueError("no type in front of the value")
    if kind == "none":
        return kind, None
    if kind == "bool":
        return kind, value not in FALSE
    if kind == "int":
        try:
            return kind, int(value)
        except ValueError as error:
            raise TypedValueError("not an integer") from error
    if kind == "str":
        return kind, value
    if kind == "multi-str":
        return kind, value.splitlines()
    raise TypedValueError(f"no such type: {kind[:20]!r}")


@dataclass
class Parsed:
    """What one file says.

    Attributes:
        entries: values, without those that cannot be read.
        findings: what is wrong with the file.
        readable: False when the original reads nothing of the file.
    """

    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    readable: bool = True


class _Parser(configparser.RawConfigParser):
    """The parser of the original, which also notes in which line each key was."""

    def __init__(self) -> None:
        super().__init__(strict=False)
        self.line = 0
        self.section = ""
        self.sections_at: list[tuple[str, int]] = []
        self.keys_at: list[tuple[str, str, int]] = []

    def numbered(self, text: str) -> Iterator[str]:
        # Not splitlines(): a file has only these line ends, and the original reads files.
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
            self.line = number
            header = self.SECTCRE.match(line)
            if header:
                self.section = header.group("header")
                self.sections_at.append((self.section, number))
            yield line + "\n"

    def optionxform(self, optionstr: str) -> str:
        self.keys_at.append((self.section, optionstr, self.line))
        return optionstr


def parse(text: str, path: str) -> Parsed:
    """Return what an answer file says and what is wrong with it.

    Args:
        text: its content, decoded; a byte order mark is still there.
        path: how findings name the file.
    """
    parsed = Parsed()
    parser = _Parser()
    try:
        parser.read_file(parser.numbered(text), source=path)
    except configparser.MissingSectionHeaderError as error:
        parsed.readable = False
        parsed.findings.append(_no_section(text, path, error.lineno))
        return parsed
    except configparser.ParsingError as error:
        parsed.findings += [_no_value(path, number) for number, _line in error.errors]
    parsed.findings += _repeated(parser, path)
    keys_at = list(parser.keys_at)
    for name in parser.sections():
        if name not in SECTIONS:
            parsed.findings.append(_strange_section(path, name, parser.sections_at))
            continue
        for key, raw in parser.items(name):
            line = next(
                (at for section, one, at in reversed(keys_at) if one == key and section in (name, "DEFAULT")), 0
            )
            _take(parsed, Entry(key, "", raw, name, path, line))
    if text and not text.endswith(("\n", "\r")):
        last = text.count("\n") + 1
        parsed.findings.append(
            Finding(
                "answers.cut",
                f"{path}:{last}",
                "a line end at the end of the file",
                "none",
                "Look whether the file was cut off while it was copied.",
                "warn",
            )
        )
    return parsed


def _take(parsed: Parsed, raw: Entry) -> None:
    text = raw.value if isinstance(raw.value, str) else ""
    swallowed = [line for line in text.splitlines()[1:] if LOOKS_LIKE_KEY.match(line)]
    if swallowed:
        parsed.findings.append(
            Finding(
                "answers.swallowed",
                raw.source,
                "each key at the beginning of its line",
                f"{len(swallowed)} indented lines that look like keys and are read as part of this value",
                "Remove the blanks in front of them.",
            )
        )
    try:
        kind, value = parse_value(text)
    except TypedValueError as error:
        advice = "Write KEY=str:TEXT, KEY=int:NUMBER, KEY=bool:True, KEY=bool:False or KEY=none:None."
        seen = f"{error}; its own reader fails here"
        parsed.findings.append(Finding("answers.type", raw.source, f"a type: {', '.join(TYPES)}", seen, advice))
        return
    if kind == "bool" and value and LOOKS_FALSE.fullmatch(text.partition(":")[2]):
        advice = "Only f, F, false and False are false in these files; write bool:False if that is meant."
        parsed.findings.append(
            Finding("answers.bool", raw.source, "True or False", "a text that counts as true", advice, "warn")
        )
    if kind == "str" and "\n" in value and not swallowed:
        advice = "Write it in one line; indented lines continue the line above them."
        parsed.findings.append(
            Finding("answers.lines", raw.source, "one line", "a text of several lines", advice, "warn")
        )
    parsed.entries.append(Entry(raw.key, kind, value, raw.section, raw.path, raw.line))


def _no_section(text: str, path: str, line: int) -> Finding:
    if text.startswith("\ufeff"):
        advice = (
            "Save the file as UTF-8 without a byte order mark; with one, its own reader ignores all of it silently."
        )
        return Finding("answers.bom", f"{path}:1", "plain UTF-8", "a byte order mark", advice)
    advice = "Put [environment:default] in front; without it, its own reader ignores all of the file silently."
    return Finding("answers.no_section", f"{path}:{line}", "a section before the first key", "none", advice)


def _no_value(path: str, line: int) -> Finding:
    advice = "Write KEY=type:value. Its own reader ignores such a line silently; the file may have been cut."
    return Finding("answers.no_value", f"{path}:{line}", "a key with a value", "a line without '='", advice)


def _strange_section(path: str, name: str, sections_at: Iterable[tuple[str, int]]) -> Finding:
    line = next((at for section, at in sections_at if section == name), 0)
    advice = "Its own reader ignores everything in other sections silently."
    expected = "one of " + ", ".join(f"[{section}]" for section in SECTIONS)
    return Finding("answers.section", f"{path}:{line}", expected, repr(f"[{name[:40]}]"), advice)


def _repeated(parser: _Parser, path: str) -> list[Finding]:
    findings = []
    seen: dict[tuple[str, ...], int] = {}
    sections = [((section,), line) for section, line in parser.sections_at if section != "DEFAULT"]
    keys = [((section, key), line) for section, key, line in parser.keys_at]
    places: list[tuple[tuple[str, ...], int]] = [*sections, *keys]
    for place, line in places:
        if place in seen:
            findings.append(
                Finding(
                    "answers.duplicate",
                    f"{path}:{line} ({place[-1][:60]})",
                    "each section and each key once",
                    f"the same as in line {seen[place]}",
                    "Keep one of them; its own reader fails on such a file, or ignores the rest of it.",
                )
            )
        seen.setdefault(place, line)
    return findings


def merge(files: Iterable[Iterable[Entry]]) -> dict[str, tuple[int, Entry]]:
    """Return the environment: per key how strong it is and what it is.

    In one section a later file wins; then C(default), C(init), C(override) and C(enforce) win in this order.
    """
    merged: dict[str, tuple[int, Entry]] = {}
    for entries in files:
        for entry in entries:
            rank = SECTIONS.index(entry.section)
            if entry.key not in merged or rank >= merged[entry.key][0]:
                merged[entry.key] = (rank, entry)
    return merged


def render(environment: Mapping[str, Any], comments: Iterable[str] = ()) -> str:
    """Return an answer file that its own reader and C(parse) read back as the same values.

    Args:
        environment: values of type None, bool, int, str or list of str by key.
        comments: lines for people, put first.

    Raises:
        ValueError: a value that the grammar cannot carry; it is not shown.
    """
    lines = [f"# {comment}" for comment in comments] + ["[environment:default]"]
    for key, value in sorted(environment.items()):
        lines.append(f"{key}={_rendered(key, value)}")
    return "\n".join(lines) + "\n"


def _rendered(key: str, value: Any) -> str:
    if value is None:
        return "none:None"
    if isinstance(value, bool):
        return f"bool:{value}"
    if isinstance(value, int):
        return f"int:{value}"
    if isinstance(value, str):
        return f"str:{_line(key, value)}"
    # Continuation lines are indented, which the original forgets.
    parts = [_line(key, str(part)) for part in value]
    if any(not part or part != part.strip() or part[0] in "#;" for part in parts[1:]) or (parts and not parts[0]):
        raise ValueError(f"a list for {key} that an answer file cannot carry")
    return "multi-str:" + "\n  ".join(parts)


def _line(key: str, text: str) -> str:
    if text != text.rstrip() or any(ord(sign) < 32 or sign in "\x7f\x85\u2028\u2029" for sign in text):
        raise ValueError(f"{HIDDEN} for {key}, with a control character or a blank at its end")
    return text
