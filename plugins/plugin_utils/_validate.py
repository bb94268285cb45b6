# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of single settings: names, types, choices."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import INTERNAL, options

ARGUMENT_KEYS = ("type", "elements", "choices", "no_log")


def validate(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Return typed values with defaults, and what is wrong with what was given.

    Args:
        raw: the he_* variables as the user set them.

    Returns:
        All options of the specification by name (the default where the given value is unusable), and the findings.
    """
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, option in options().items():
        default = option.get("default")
        given = raw.get(name)
        if given is None or given == "":
            values[name] = default
            continue
        argument = {key: option[key] for key in ARGUMENT_KEYS if key in option}
        checked = ArgumentSpecValidator({name: argument}).validate({name: given})
        if checked.error_messages:
            values[name] = default
            findings.append(_wrong(name, option, given))
        else:
            values[name] = checked.validated_parameters[name]
    findings.extend(_unknown(name) for name in raw if name not in options() and name not in INTERNAL)
    return values, findings


def _wrong(name: str, option: Mapping[str, Any], given: Any) -> Finding:
    choices = option.get("choices")
    return Finding(
        id="settings.choice" if choices else "settings.type",
        source=name,
        expected=f"one of {', '.join(map(str, choices))}"
        if choices
        else f"a value of type {option.get('type', 'str')}",
        seen="a value that is not shown" if option.get("no_log") else repr(given),
        advice=str(option["description"] if isinstance(option["description"], str) else option["description"][0]),
    )


def _unknown(name: str) -> Finding:
    near = difflib.get_close_matches(name, options(), n=1, cutoff=0.75)
    return Finding(
        id="settings.unknown",
        source=name,
        expected="a variable of this collection",
        seen="a name that nothing reads",
        advice=f"Did you mean {near[0]}?" if near else "Remove it, or see docs/settings.md for the names that exist.",
        severity="warn",
    )
