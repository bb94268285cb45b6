# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where settings come from, and which source wins.

Variables (inventory, C(-e), and all other levels but the defaults of this collection) win over answer files, later
answer files over earlier ones, all of them over defaults. What is null or an empty text says nothing and wins over
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _answer_files, _rules
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._otopi_settings import Given
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import INTERNAL, aliases, options, secret_names
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._validate import validate

Template = Callable[[Any], Any]
LARGEST_SECRET = 4096


@dataclass
class Resolved:
    """The settings of a run, flat.

    Attributes:
        values: typed values by name, defaults and secrets included.
        given: what the user gave, by name, with its source.
        findings: everything that is wrong or doubtful.
        reports: what became of the keys of each answer file.
    """

    values: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


def resolve(
    variables: Mapping[str, Any],
    template: Template,
    decrypt: _answer_files.Decrypt | None = None,
    purpose: str = _rules.DEPLOY,
) -> Resolved:
    """Return the settings that variables and answer files give, and all that is wrong with them.

    Args:
        variables: variables of the host as they are, without the defaults of this collection.
        template: what turns a value with C({{ }}) into the value that is meant; may raise.
        decrypt: what decrypts answer files that Ansible Vault encrypted.
        purpose: what they are for, see C(_rules.check).
    """
    resolved = gather(variables, template, decrypt)
    values, findings = validate({name: given.value for name, given in resolved.given.items()})
    resolved.values = values
    unread = any(
        f.id in ("answers.bom", "answers.encoding", "answers.syntax", "answers.no_section") for f in resolved.findings
    )
    refused = {found.source for found in [*resolved.findings, *findings] if found.severity == "block"}
    for found in [*findings, *_rules.check(values, purpose)]:
        if found.id == "settings.missing" and (found.source in refused or (unread and found.source not in variables)):
            # It is there and wrong, or in the file that could not be read; the finding about that says more.
            continue
        resolved.findings.append(_placed(found, resolved.given))
    return resolved


def gather(
    variables: Mapping[str, Any],
    template: Template,
    decrypt: _answer_files.Decrypt | None = None,
    referred: Mapping[str, Any] | None = None,
) -> Resolved:
    """Return what the user gave, from the source that wins; types are not checked yet.

    Args:
        variables: those that are looked at.
        template: as in C(resolve).
        decrypt: as in C(resolve).
        referred: variables that references may name; by default the same.
    """
    resolved = Resolved()
    set_by_user = _variables(variables, template, resolved.findings)
    answers = _answer_files.read(_paths(set_by_user, resolved.findings), decrypt)
    resolved.findings += answers.findings
    resolved.reports = answers.reports
    names = aliases()
    overruled = {names.get(name, name): given for name, given in set_by_user.items()}
    for name, given in answers.settings.items():
        winner = overruled.get(names.get(name, name))
        if winner is None:
            resolved.given[name] = given
        elif str(winner.value) != str(given.value):
            shown = HIDDEN if name in secret_names() else repr(given.value)[:120]
            advice = f"The variable {winner.source} wins over the answer file."
            resolved.findings.append(
                Finding("answers.overruled", given.source, f"what {winner.source} says", shown, advice, "info")
            )
    resolved.given.update(set_by_user)
    _follow_references(resolved, variables if referred is None else referred, template)
    return resolved


def secret(
    name: str, variables: Mapping[str, Any], template: Template, decrypt: _answer_files.Decrypt | None = None
) -> str:
    """Return the value of one secret from the source that wins; an empty text when there is none."""
    needed = {one: variables[one] for one in (name, "he_answer_file", "he_secrets_from") if one in variables}
    given = gather(needed, template, decrypt, variables).given.get(name)
    return str(given.value) if given is not None else ""


def _variables(variables: Mapping[str, Any], template: Template, findings: list[Finding]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for name, raw in variables.items():
        if not str(name).startswith("he_") or name in INTERNAL or raw is None or raw == "":
            continue
        if name in secret_names() and isinstance(raw, str) and "{#" in raw and _is_template(raw, template):
            findings.append(_template_finding(name, "a comment of Jinja ({#), which would be cut out"))
            continue
        try:
            value = template(raw)
        except Exception as error:  # what templates raise differs between releases of Ansible
            reason = type(error).__name__ if name in secret_names() else f"{type(error).__name__}: {_first_line(error)}"
            findings.append(_template_finding(name, reason))
            continue
        if value is not None and value != "":
            found[name] = Given(value, name)
    return found


def _is_template(raw: str, template: Template) -> bool:
    try:
        return bool(template(raw) != raw)
    except Exception:  # a template that fails is one
        return True


def _template_finding(name: str, reason: str) -> Finding:
    advice = (
        "Variables are templates: {{, {% and {# begin something there. Write !unsafe in front of a text that has them."
    )
    return Finding("settings.template", name, "a text, or a template that can be evaluated", reason, advice)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _paths(given: Mapping[str, Given], findings: list[Finding]) -> list[str]:
    if "he_answer_file" not in given:
        return []
    value = given["he_answer_file"].value
    paths = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(paths, (list, tuple)) or any(not isinstance(path, str) or "\0" in path for path in paths):
        return []  # the check of types says so
    return [str(path) for path in paths if path]


def _follow_references(resolved: Resolved, variables: Mapping[str, Any], template: Template) -> None:
    references = resolved.given.get("he_secrets_from")
    if references is None or not isinstance(references.value, Mapping):
        return
    for name, text in references.value.items():
        if name not in secret_names() or name in resolved.given or not isinstance(text, str):
            continue
        kind, _colon, place = text.partition(":")
        try:
            value = _referred(kind, place, variables, template)
        except Exception as error:  # of templates and of files
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            advice = "Correct he_secrets_from, or give the secret there."
            resolved.findings.append(
                Finding("settings.reference", f"{references.source}: {name}", text[:120], str(reason), advice)
            )
            continue
        if value:
            resolved.given[name] = Given(value, f"{name}, from {kind}")
        elif kind in ("variable", "env", "file"):
            advice = f"Give it there, or set {name}."
            resolved.findings.append(
                Finding("settings.reference", f"{references.source}: {name}", text[:120], "nothing", advice)
            )


def _referred(kind: str, place: str, variables: Mapping[str, Any], template: Template) -> Any:
    if kind == "variable":
        return template(variables.get(place))
    if kind == "env":
        return os.environ.get(place)
    if kind == "file":
        with open(os.path.expanduser(place), encoding="utf-8") as stream:
            return stream.read(LARGEST_SECRET).rstrip("\r\n")
    return None


def _placed(found: Finding, given: Mapping[str, Given]) -> Finding:
    """Return a finding that names file and line where the value came from a file."""
    origin = given.get(found.source)
    if origin is None:
        old = next((alias for alias, name in aliases().items() if name == found.source and alias in given), None)
        origin = given.get(old) if old else None
    if origin is None or origin.source == found.source or found.source not in options():
        return found
    return found.at(origin.source if found.source in origin.source else f"{origin.source} {found.source}")
