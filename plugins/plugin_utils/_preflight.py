# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of the preflight: what is wrong with the settings, with Ansible and with the host, in one shape."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.release import __version__ as ansible_version

SCHEMA = 1
# What docs/preflight.schema.json says of the report.
BLOCK, WARN, INFO = "block", "warn", "info"
SEVERITIES = (BLOCK, WARN, INFO)

OLDEST_ANSIBLE, NEWEST_ANSIBLE = (2, 14), (2, 21)
OLDEST_PYTHON = (3, 9)

_WIDTH = 120
_MARKS = {BLOCK: "BLOCK", WARN: "warn", INFO: "info"}

Report = dict[str, Any]


def report(settings: Iterable[Mapping[str, Any]], host: Mapping[str, Any]) -> Report:
    """Return the report.

    Args:
        settings: findings of the action settings.
        host: result of the module preflight_probe.
    """
    found = [*map(_of_settings, settings), *controller(), *map(_of_host, host["findings"])]
    findings = [one for severity in SEVERITIES for one in found if one["severity"] == severity]
    counts = {severity: sum(one["severity"] == severity for one in findings) for severity in SEVERITIES}
    checks = [_of_check(one, findings) for one in host["checks"]]
    return {
        "schema": SCHEMA,
        "verdict": BLOCK if counts[BLOCK] else "ok",
        "counts": counts,
        "duration": max([float(one["duration"]) for one in checks], default=0.0),
        "findings": findings,
        "checks": checks,
    }


def controller(version: str = ansible_version, python: Sequence[int] = tuple(sys.version_info[:2])) -> list[Report]:
    """Return what is wrong with Ansible and Python on the control node.

    Args:
        version: of ansible-core.
        python: first two numbers of the interpreter's version.
    """
    found = []
    words = version.split(".")[:2]
    number = tuple(int(word) for word in words)
    supported = f"ansible-core {'.'.join(map(str, OLDEST_ANSIBLE))} to {'.'.join(map(str, NEWEST_ANSIBLE))}"
    if number < OLDEST_ANSIBLE:
        found.append(_finding("controller.ansible", BLOCK, supported, version, "Install a newer ansible-core."))
    elif number > NEWEST_ANSIBLE:
        advice = "It may work; otherwise install one of these."
        found.append(_finding("controller.ansible.untested", WARN, supported, version, advice))
    if tuple(python) < OLDEST_PYTHON:
        oldest, seen = (".".join(map(str, one)) for one in (OLDEST_PYTHON, python))
        found.append(_finding("controller.python", BLOCK, f"Python {oldest} or newer", seen, "Use a newer Python."))
    return found


def table(told: Report, all_checks: bool = False) -> list[str]:
    """Return the report as lines for people: the findings, worst first, and if asked for every check.

    Args:
        told: what C(report) has returned.
        all_checks: also list the checks of the host with what they saw.
    """
    lines = []
    if all_checks:
        lines += [f"{'check':<24}{'result':<12}{'seconds':>8}  seen"]
        lines += [_row(one, told["findings"]) for one in told["checks"]]
        lines.append("")
    for one in told["findings"]:
        about = f" ({one['source']})" if one["source"] else ""
        lines.append(f"{_MARKS[one['severity']]:<6}{one['id']}{about}")
        for word, key in (("expected", "expected"), ("seen", "observed"), ("to do", "resolution")):
            lines += textwrap.wrap(
                one[key], _WIDTH, initial_indent=f"      {word:<9} ", subsequent_indent=" " * 16, break_on_hyphens=False
            )
    counts = told["counts"]
    summary = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES)
    lines.append(f"preflight: {len(told['checks'])} checks of the host in {told['duration']:.1f} s; {summary}")
    return lines


def _row(one: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> str:
    # Findings are sorted, the worst first.
    worst = next((_MARKS[found["severity"]] for found in findings if found["check"] == one["id"]), "")
    seen = one["observed"] if len(one["observed"]) <= 80 else f"{one['observed'][:77]}..."
    result = worst or {"not_needed": "-"}.get(one["status"], one["status"])
    return f"{one['id']:<24}{result:<12}{one['duration']:>8.2f}  {seen}".rstrip()


def _finding(id: str, severity: str, expected: str, observed: str, resolution: str) -> Report:
    return {
        "id": id,
        "check": id.rpartition(".")[0] if id.count(".") > 1 else id,
        "severity": severity,
        "source": "",
        "expected": expected,
        "observed": observed,
        "resolution": resolution,
        "duration": 0.0,
    }


def _of_settings(found: Mapping[str, Any]) -> Report:
    one = _finding(found["id"], found["severity"], found["expected"], found["seen"], found["advice"])
    return {**one, "check": "settings", "source": found["source"]}


def _of_host(found: Mapping[str, Any]) -> Report:
    one = _finding(found["id"], found["severity"], found["expected"], found["observed"], found["resolution"])
    return {**one, "check": found["check"], "source": found["source"], "duration": found["seconds"]}


def _of_check(outcome: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> Report:
    own = [one for one in findings if one["check"] == outcome["check"]]
    return {
        "id": outcome["check"],
        "severity": outcome["severity"],
        "status": outcome["status"],
        "expected": outcome["title"],
        "observed": "; ".join(filter(None, [outcome["observed"], *(one["observed"] for one in own)])),
        "resolution": " ".join(dict.fromkeys(one["resolution"] for one in own)),
        "duration": outcome["seconds"],
    }
