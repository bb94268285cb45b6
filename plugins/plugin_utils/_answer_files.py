# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answer files in YAML, JSON and OTOPI's format: settings, what is wrong, and what became of each key.

A value in an answer file is what it is; it is never a template.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _otopi
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._otopi_settings import (
    Converted,
    Given,
    Report,
    convert,
)
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names

LARGEST = 1024 * 1024
DEEPEST = 20
ENCRYPTED = b"$ANSIBLE_VAULT;"
OTOPI_SIGN = re.compile(r"^\s*(\[[^\]\n]*\]|[A-Z_]+/[\w/]+\s*[=:])", re.MULTILINE)
UTF8_MARK = b"\xef\xbb\xbf"
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")

Decrypt = Callable[[bytes], bytes]
# Name, value, number of the line.
Triple = tuple[Any, Any, int]


@dataclass
class Answers:
    """What all answer files together say.

    Attributes:
        settings: as given, by name; types are not checked yet.
        findings: what is wrong with the files.
        reports: what became of the keys of each file.
    """

    settings: dict[str, Given] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _File:
    path: str
    kind: str
    entries: list[_otopi.Entry] = field(default_factory=list)
    settings: dict[str, Given] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    report: Report = field(default_factory=Report)
    vaulted: set[str] = field(default_factory=set)


def read(paths: Iterable[str], decrypt: Decrypt | None = None) -> Answers:
    """Return what the files say. A later file wins over an earlier one.

    Of OTOPI files all values of C([environment:enforce]) win over all of C([environment:override]), those over
    C([environment:init]), those over C([environment:default]) and over other formats; within one section a later file
    wins.
    Next to an OTOPI file C(NAME), the files C(NAME.d/*.conf) are read as its own reader does.

    Args:
        paths: files on the control node; relative ones start at the current folder.
        decrypt: what decrypts files that Ansible Vault encrypted.
    """
    answers = Answers()
    files: list[_File] = []
    for path in paths:
        one = _read_file(str(path), decrypt)
        files.append(one)
        if one.kind == "otopi" and os.path.isdir(f"{path}.d"):
            files += [_read_file(str(more), decrypt) for more in sorted(Path(f"{path}.d").glob("*.conf"))]
    converted = convert(_otopi.merge(one.entries for one in files))
    order = {one.path: number for number, one in enumerate(files)}
    strength: dict[str, tuple[int, int]] = {}
    for name, given in converted.settings.items():
        answers.settings[name] = given
        strength[name] = (given.rank, order.get(given.source.rpartition(":")[0], 0))
    for number, one in enumerate(files):
        for name, given in one.settings.items():
            if (0, number) >= strength.get(name, (0, -1)):
                answers.settings[name] = given
                strength[name] = (0, number)
        answers.findings += one.findings
    answers.findings += converted.findings
    for one in files:
        answers.findings += _unsafe(one, converted)
        answers.reports.append({"path": one.path, "format": one.kind, **asdict(_report(one, converted))})
        answers.findings += _unused(one, answers.reports[-1])
    return answers


def _read_file(path: str, decrypt: Decrypt | None) -> _File:
    one = _File(path, "unknown")
    try:
        content = _bytes(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        advice = "Correct he_answer_file; its files are on the control node."
        one.findings.append(Finding("answers.file", path, "a readable file", reason, advice))
        return one
    if content.startswith(ENCRYPTED):
        try:
            content = (decrypt or _no_vault)(content)
        except Exception as error:  # the vault raises its own errors, one of them for each release
            advice = "Give the vault's password to ansible-playbook."
            seen = f"an encrypted one ({type(error).__name__})"
            one.findings.append(Finding("answers.vault", path, "a file that can be decrypted", seen, advice))
            return one
    text = _decoded(one, content)
    if text is None:
        return one
    one.kind = _kind(path, text)
    if one.kind == "otopi":
        parsed = _otopi.parse(text, path)
        one.entries = parsed.entries
        one.findings += parsed.findings
    else:
        _structured(one, text, decrypt)
    return one


def _bytes(path: str) -> bytes:
    with open(os.path.expanduser(path), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("no regular file")
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes")
    return content


def _no_vault(_content: bytes) -> bytes:
    raise ValueError("no vault")


def _decoded(one: _File, content: bytes) -> str | None:
    advice = "Save the file as UTF-8 without a byte order mark."
    if content.startswith(WIDE_MARKS):
        one.findings.append(Finding("answers.encoding", f"{one.path}:1", "UTF-8", "UTF-16", advice))
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        seen = f"byte 0x{content[error.start]:02x}, which is not UTF-8 (Latin-1?)"
        advice += " Its own reader ignores all of such a file silently."
        one.findings.append(Finding("answers.encoding", f"{one.path}:{line}", "UTF-8", seen, advice))
        return None


def _kind(path: str, text: str) -> str:
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".json":
        return "json"
    if suffix in (".yml", ".yaml"):
        return "yaml"
    plain = text.lstrip("\ufeff \t\r\n")
    if suffix == ".conf" or not plain or OTOPI_SIGN.search(plain):
        return "json" if plain.startswith("{") else "otopi"
    return "json" if plain.startswith("{") else "yaml"


def _structured(one: _File, text: str, decrypt: Decrypt | None) -> None:
    if text.startswith("\ufeff"):
        advice = "It is read all the same; other readers may fail. Save the file without it."
        one.findings.append(Finding("answers.bom", f"{one.path}:1", "plain UTF-8", "a byte order mark", advice, "warn"))
        text = text[1:]
    pairs = _json_pairs(one, text) if one.kind == "json" else _yaml_pairs(one, text, decrypt)
    seen: dict[str, int] = {}
    for name, value, line in pairs:
        source = f"{one.path}:{line} ({name})"
        if not isinstance(name, str) or not name.startswith("he_") or name == "he_answer_file":
            advice = "Only variables of this collection are read from answer files."
            one.findings.append(
                Finding("answers.foreign", source[:300], "a variable he_*", repr(name)[:60], advice, "warn")
            )
            one.report.unknown.append(str(name)[:60])
            continue
        if name in seen:
            advice = "Keep one of them; readers take the last one silently."
            one.findings.append(
                Finding("answers.duplicate", source, "each name once", f"the same as in line {seen[name]}", advice)
            )
        seen.setdefault(name, line)
        (one.report.secret if name in secret_names() else one.report.used).append(name)
        if value is not None and value != "":
            one.settings[name] = Given(value, source)


def _json_pairs(one: _File, text: str) -> list[Triple]:
    try:
        # Inner objects stay lists of pairs for the moment, so that none of their names gets lost.
        found = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return _broken(one, error.lineno, "JSON", error.msg)
    except (ValueError, RecursionError) as error:
        return _broken(one, 1, "JSON", str(error)[:120])
    if not isinstance(found, _Pairs):
        return _broken(one, 1, "one object", type(found).__name__)
    try:
        return [
            (name, _plain(value), _line_of(text, name, found[:number])) for number, (name, value) in enumerate(found)
        ]
    except RecursionError:
        return _broken(one, 1, "JSON", "too many levels")


class _Pairs(list):  # type: ignore[type-arg]
    """An object of JSON with its names in order, also those that are there twice."""


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {name: _plain(inner) for name, inner in value}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _refuse(word: str) -> Any:
    raise ValueError(f"{word}, which is no JSON")


def _line_of(text: str, name: str, before: Iterable[Any]) -> int:
    times = sum(1 for earlier, _value in before if earlier == name)
    places = [match.start() for match in re.finditer(re.escape(json.dumps(name)) + r"\s*:", text)]
    return text.count("\n", 0, places[times]) + 1 if len(places) > times else 1


class _Loader(yaml.SafeLoader):
    """YAML as variables have it: C(!unsafe) is a text, C(!vault) an encrypted one."""

    decrypt: Decrypt | None = None


def _unsafe_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


def _vaulted_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    try:
        return (loader.decrypt or _no_vault)(str(loader.construct_scalar(node)).encode()).decode()
    except Exception as error:  # as with whole files
        raise ValueError(type(error).__name__) from error


_Loader.add_constructor("!unsafe", _unsafe_text)
_Loader.add_constructor("!vault", _vaulted_text)


def _yaml_pairs(one: _File, text: str, decrypt: Decrypt | None) -> list[Triple]:
    try:
        odd = _odd_structure(text)
        if odd:
            return _broken(one, 1, "plain YAML", odd)
        loader = _Loader(text)
        loader.decrypt = decrypt
        try:
            node = loader.get_single_node()
            if node is None:
                return []
            if not isinstance(node, yaml.MappingNode):
                return _broken(one, node.start_mark.line + 1, "names with values", "something else")
            one.vaulted |= {str(key.value) for key, value in node.value if value.tag == "!vault"}
            return [
                (
                    loader.construct_object(key, deep=True),
                    loader.construct_object(value, deep=True),
                    key.start_mark.line + 1,
                )
                for key, value in node.value
            ]
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return _broken(one, line, "YAML", str(error.problem)[:120])
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError, KeyError, AttributeError) as error:
        return _broken(one, 1, "YAML", type(error).__name__)


def _odd_structure(text: str) -> str | None:
    """Return what a file of settings never has and what can be made to take for ever."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            return "an alias (*name)"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return f"more than {DEEPEST} levels"
    return None


def _broken(one: _File, line: int, expected: str, seen: str) -> list[Triple]:
    advice = "Nothing of this file was read; correct it, or fetch it again if it was cut."
    one.findings.append(Finding("answers.syntax", f"{one.path}:{line}", expected, seen, advice))
    return []


def _report(one: _File, converted: Converted) -> Report:
    if one.kind != "otopi":
        return one.report
    there = {entry.key for entry in one.entries}
    return Report(**{what: sorted(there & set(found)) for what, found in asdict(converted.report).items()})


def _unused(one: _File, report: dict[str, Any]) -> list[Finding]:
    findings = []
    for what, advice in (
        ("ignored", "They are for the original setup's dialog or its own files; nothing depends on them here."),
        ("obsolete", "They are of older versions; take them out."),
    ):
        names = report[what]
        if names:
            expected = "keys that settings come from"
            seen = f"{len(names)} {what} keys: {', '.join(names)}"
            findings.append(Finding(f"answers.{what}", one.path, expected, seen, advice, "info"))
    return findings


def _unsafe(one: _File, converted: Converted) -> list[Finding]:
    secret = {entry.key for entry in one.entries if entry.value} & set(converted.report.secret)
    names = sorted(secret or set(one.report.secret) - one.vaulted)
    try:
        mode = stat.S_IMODE(os.stat(os.path.expanduser(one.path)).st_mode)
        with open(os.path.expanduser(one.path), "rb") as stream:
            encrypted = stream.read(len(ENCRYPTED)) == ENCRYPTED
    except (OSError, ValueError):
        return []
    if not names or encrypted or not mode & 0o077:
        return []
    seen = f"mode {mode:04o} and {', '.join(names)}"
    advice = "Encrypt it with ansible-vault, or take the secrets out, or chmod 600."
    return [Finding("answers.readable", one.path, "secrets that only you can read", seen, advice, "warn")]
