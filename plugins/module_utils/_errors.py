# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue of problems and the one exception that carries them.

A layer declares the problems it can meet next to the code that meets them; C(docs/errors.md) is generated from the
catalogue. Layers raise, only a module's C(main) fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CATALOGUE: dict[str, Problem] = {}


@dataclass(frozen=True)
class Problem:
    """One entry of the catalogue.

    Attributes:
        id: stable dotted name, C(area.what_is_wrong).
        summary: what is wrong, one sentence without a full stop.
        advice: what the operator can do about it.
        retryable: whether the same command may succeed without a change by the operator.
    """

    id: str
    summary: str
    advice: str
    retryable: bool = False


def declare(id: str, summary: str, advice: str, retryable: bool = False) -> Problem:
    """Add a problem to the catalogue and return it.

    Raises:
        ValueError: if another problem already has this id.
    """
    if id in CATALOGUE:
        raise ValueError(f"problem {id} is declared twice")
    problem = Problem(id, summary, advice, retryable)
    CATALOGUE[id] = problem
    return problem


class HostedEngineError(Exception):
    """A problem that was met, with what was expected, what was seen and what to do.

    Args:
        problem: entry of the catalogue.
        observed: what was seen, in the words of the component that said it.
        expected: what should have been seen.
        advice: replaces the catalogue's advice when this case allows a better one.
        evidence: further facts, for example events of the engine or the end of a log; never a secret.
    """

    def __init__(
        self,
        problem: Problem,
        observed: str,
        expected: str = "",
        advice: str = "",
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem = problem
        self.observed = observed
        self.expected = expected
        self.advice = advice or problem.advice
        self.evidence = dict(evidence or {})
        super().__init__(self.message())

    def message(self) -> str:
        """Return the problem as one paragraph for people."""
        parts = [f"[{self.problem.id}] {self.problem.summary}."]
        if self.expected:
            parts.append(f"Expected: {self.expected}.")
        parts.append(f"Seen: {self.observed.rstrip('.')}.")
        parts.append(f"What to do: {self.advice}")
        return " ".join(parts)

    def as_result(self) -> dict[str, Any]:
        """Return the arguments for C(fail_json): C(msg) for people, C(error) for machines."""
        return {
            "msg": self.message(),
            "error": {
                "id": self.problem.id,
                "summary": self.problem.summary,
                "expected": self.expected,
                "observed": self.observed,
                "advice": self.advice,
                "retryable": self.problem.retryable,
                "evidence": self.evidence,
            },
        }
