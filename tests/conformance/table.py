# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of scenarios in the lab's README: what passes when the run is green.

tests/conformance/table.py            # writes it
tests/conformance/table.py --check    # exit status 1 when it is stale
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import conformance
import verdict

HERE = Path(__file__).resolve().parent
README = HERE.parent / "lab" / "README.md"
PLACE = re.compile(r"(<!-- conformance -->\n).*?(<!-- /conformance -->\n)", re.DOTALL)


def expected() -> list[str]:
    """From the scenarios and the accepted deviations; that the steps pass is what the run itself shows."""
    known = verdict.accepted(HERE / "deviations.yaml")
    steps = [
        {
            "scenario": scenario["name"],
            "step": step["name"],
            "level": step.get("level", scenario.get("level", "must")),
            "state": "differs" if f"{scenario['name']}/{step['name']}" in known else "ok",
        }
        for scenario in conformance.chosen(conformance.load_scenarios(str(HERE / "scenarios")), None)
        for step in scenario["steps"]
    ]
    return verdict.table(verdict.judge(steps, known).figures)


def renewed(text: str) -> str:
    """The README with the table of now. Raises ValueError when it has no place for it."""
    if not PLACE.search(text):
        raise ValueError(f"{README} has no marks for the table")
    return PLACE.sub(lambda match: match[1] + "\n".join(expected()) + "\n" + match[2], text)


def main() -> int:
    text = README.read_text()
    if "--check" in sys.argv:
        return int(renewed(text) != text)
    README.write_text(renewed(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
