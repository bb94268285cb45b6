"""Build the appliance and run a molecule scenario from create to destroy.

Usage: scenario.py [SCENARIO]
"""

from __future__ import annotations

import os
import subprocess
import sys

from tree import ROOT

#: Which appliance a scenario deploys; what only matters after the deployment is shown with the one that boots faster.
PROFILES = {"ha": "fast"}


def main(scenario: str) -> int:
    """Return molecule's exit status."""
    lab = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}
    build = [sys.executable, "-m", "appliance", "build", "--profile", PROFILES.get(scenario, "faithful")]
    subprocess.run(build, cwd=ROOT, env=lab, check=True)
    words = [sys.executable, "-m", "molecule", "test", "--scenario-name", scenario]
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PY_COLORS": "0", "NO_COLOR": "1"}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "default"))
