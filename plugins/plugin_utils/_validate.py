# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of single settings: names, types, choices."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._normalise import normalise, unify
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import INTERNAL, OBSOLETE, aliases, options

LONGEST_SHOWN = 120


def validate(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Return typed values with defaults, and what is wrong with what was given.

    Args:
        raw: the he_* variables as the user set them.

    Returns:
        All options of the specification by name (the default where the given value is unusable), and the findings.
    """
    given, findings = normalise(raw)
    values: dict[str, Any] = {}
    for name, option in options().items():
        default = option.get("default")
        value = given.get(name)
        if value is None or value == "":
            values[name] = default
            continue
        reason = _unfit(option, value)
        if reason is None:
            values[name], reason = _typed(name, option, value)
        if reason is not None:
            values[name] = default
            findings.append(_wrong(name, option, value, reason))
    findings.extend(_unknown(name) for name in raw if name not in options() and name not in INTERNAL | set(aliases()))
    return unify(values), findings


def _unfit(option: Mapping[str, Any], value: Any) -> str | None:
    """Return why a value is refused that Ansible would turn into a text or number nobody meant."""
    kind = option.get("type", "str")
    if kind in ("str", "path") and isinstance(value, (dict, list, tuple, bytes)):
        return "a structure"
    if kind in ("str", "path") and isinstance(value, bool) and not option.get("choices"):
        return "a truth value; quote the text if it is meant"
    if kind == "int" and isinstance(value, bool):
        return "a truth value"
    if kind == "list" and isinstance(value, (bool, dict)):
        return "no list"
    if (
        kind == "list"
        and isinstance(value, (list, tuple))
        and any(isinstance(one, (bool, dict, list, type(None))) for one in value)
    ):
        return "a list with something else than texts or numbers"
    if option.get("no_log") and not isinstance(value, str):
        return "a number or date; quote the password, or YAML changes it"
    return None


def _typed(name: str, option: Mapping[str, Any], value: Any) -> tuple[Any, str | None]:
    argument = {key: option[key] for key in ("elements", "choices", "no_log") if key in option}
    kind = option.get("type", "str")
    # Ansible expands variables and ~ in paths with those of the control node; most of ours are on the host.
    argument["type"] = "str" if kind == "path" else kind
    if argument.get("elements") == "path":
        argument["elements"] = "str"
    if kind == "list" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        checked = ArgumentSpecValidator({name: argument}).validate({name: value})
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        return None, f"a value that cannot be read ({type(error).__name__})"
    if checked.error_messages:
        return None, ""
    typed = checked.validated_parameters[name]
    return (str(typed) if isinstance(typed, str) else typed), None


def _wrong(name: str, option: Mapping[str, Any], given: Any, reason: str) -> Finding:
    choices = option.get("choices")
    is_choice = bool(choices) and not reason
    return Finding(
        id="settings.choice" if is_choice else "settings.type",
        source=name,
        expected=f"one of {', '.join(map(str, choices or ()))}" if choices else f"a value of type {_kind(option)}",
        seen=_shown(option, given, reason),
        advice=str(option["description"] if isinstance(option["description"], str) else option["description"][0]),
    )


def _kind(option: Mapping[str, Any]) -> str:
    kind = str(option.get("type", "str"))
    return f"{kind} of {option['elements']}" if option.get("elements") else kind


def _shown(option: Mapping[str, Any], given: Any, reason: str) -> str:
    if option.get("no_log"):
        return reason or HIDDEN
    try:
        text = repr(given)
    except (ValueError, RecursionError):
        text = "a value that cannot be shown"
    short = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    return f"{short}, {reason}" if reason else short


def _unknown(name: str) -> Finding:
    if name in OBSOLETE:
        seen = "a name of another tool"
        return Finding("settings.obsolete", name, "nothing", seen, OBSOLETE[name], "warn")
    near = difflib.get_close_matches(str(name), options(), n=1, cutoff=0.75)
    return Finding(
        id="settings.unknown",
        source=str(name),
        expected="a variable of this collection",
        seen="a name that nothing reads",
        advice=f"Did you mean {near[0]}?" if near else "Remove it, or see docs/settings.md for the names that exist.",
        severity="warn",
    )
