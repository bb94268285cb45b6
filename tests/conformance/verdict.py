# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the tool's report to a verdict: accepted deviations are skipped, everything unexpected fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_LINE = re.compile(r"(DIFFERS|ERROR)(\s+\w+\s+)(\S+/\S+)(.*)")
_SUMMARY = re.compile(r"(must|should):\s+\d+ passed|warnings: \d+$|\d+ passed, \d+ failed$")


@dataclass
class Result:
    """Names of steps (`SCENARIO/STEP`) by what became of them; figures: scenario > level > state > number."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    figures: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return bool(self.passed) and not self.failed and not self.unexpected


def accepted(path: Path | None) -> dict[str, str]:
    """`SCENARIO/STEP` and the reason. Raises ValueError for an entry without one."""
    found = (yaml.safe_load(path.read_text()) if path else None) or {}
    for name, reason in found.items():
        if "/" not in str(name) or not str(reason or "").strip():
            raise ValueError(f"{path}: {name}: a step (SCENARIO/STEP) and a reason are expected")
    return {str(name): str(reason).strip() for name, reason in found.items()}


def relay(lines: Iterable[str], known: dict[str, str]) -> None:
    """Prints the tool's report as it comes; its own sums are left out, they know nothing of accepted deviations."""
    for line in lines:
        text = line.rstrip("\n")
        match = _LINE.match(text)
        if match and match[3] in known:
            text = f"skipped {match[2].removeprefix(' ')}{match[3]}  (accepted: {known[match[3]]}){match[4]}"
        if not _SUMMARY.match(text):
            print(text, flush=True)


def judge(steps: list[dict[str, Any]], known: dict[str, str]) -> Result:
    """Each step of the tool's JSON report: `scenario`, `step`, `level`, `state` (ok, differs, error, skipped)."""
    result = Result()
    for step in steps:
        name, state = f"{step['scenario']}/{step['step']}", step["state"]
        if state == "ok" and name in known:
            result.unexpected.append(name)
            state = "failed"
        elif state == "ok":
            result.passed.append(name)
        elif state == "skipped":
            result.skipped[name] = "what it needs is not offered"
        elif name in known:
            result.skipped[name] = f"accepted: {known[name]}"
            state = "skipped"
        else:
            result.failed.append(name)
            state = "failed"
        levels = result.figures.setdefault(step["scenario"], {})
        counts = levels.setdefault(step["level"], {"ok": 0, "failed": 0, "skipped": 0})
        counts[state] += 1
    return result


def report(result: Result) -> list[str]:
    """The lines at the end: a table of scenarios, what is skipped and why, what failed, the sums."""
    lines = ["", *table(result.figures)]
    lines += [f"skipped: {name}: {reason}" for name, reason in result.skipped.items()]
    lines += [f"failed: {name}" for name in result.failed]
    lines += [f"failed: {name}: passes, though it is listed as an accepted deviation" for name in result.unexpected]
    lines.append(f"{len(result.passed)} passed, {len(result.failed) + len(result.unexpected)} failed")
    return lines


def table(figures: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    """Markdown: scenario, must, should; each `passed/steps`."""
    lines = ["| scenario | must | should |", "|---|---|---|"]
    sums = {"must": [0, 0], "should": [0, 0]}
    for scenario, levels in figures.items():
        cells = []
        for level in ("must", "should"):
            counts = levels.get(level, {})
            good, every = counts.get("ok", 0), sum(counts.values())
            sums[level][0] += good
            sums[level][1] += every
            cells.append(f"{good}/{every}")
        lines.append(f"| {scenario} | {cells[0]} | {cells[1]} |")
    lines.append("| **all** | " + " | ".join(f"{good}/{every}" for good, every in sums.values()) + " |")
    return lines


def write_summary(path: Path, result: Result) -> None:
    """The figures of each scenario as JSON."""
    path.write_text(json.dumps(result.figures, indent=1) + "\n")
