# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings: what is wrong with an input, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

HIDDEN = "a value that is not shown"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        id: stable name, C(settings.what_is_wrong) or C(answers.what_is_wrong).
        source: the variable it is about, or file and line with the variable or key in brackets.
        expected: what would be right.
        seen: what is there; never the value of a secret.
        advice: what to do.
        severity: C(block) ends the run; C(warn) and C(info) do not.
    """

    id: str
    source: str
    expected: str
    seen: str
    advice: str
    severity: str = "block"

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)

    def at(self, source: str) -> Finding:
        """Return the same finding about another place."""
        return replace(self, source=source)


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that end the run."""
    return [finding for finding in findings if finding.severity == "block"]


def warning(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a person should read although the run goes on."""
    return [finding for finding in findings if finding.severity == "warn"]


def as_text(findings: Iterable[Finding]) -> str:
    """Return findings as a list for people, one to a paragraph."""
    return "\n".join(f"  [{f.id}] {f.source}: expected {f.expected}; seen {f.seen}. {f.advice}" for f in findings)
