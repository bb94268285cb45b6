"""Build the appliance and run a molecule scenario from create to destroy.

Usage: scenario.py [SCENARIO]

What the hosts of a scenario that failed have logged is kept in .cache/reports/SCENARIO-logs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tree import ROOT

#: Which appliance a scenario deploys; what only matters after the deployment is shown with the one that boots faster.
PROFILES = {"ha": "fast"}
LABS = {"default": "molecule", "ha": "mol-ha"}


def main(scenario: str) -> int:
    """Return molecule's exit status."""
    lab = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}
    build = [sys.executable, "-m", "appliance", "build", "--profile", PROFILES.get(scenario, "faithful")]
    subprocess.run(build, cwd=ROOT, env=lab, check=True)
    kept = ROOT / ".cache" / "reports" / f"{scenario}-logs"
    shutil.rmtree(kept, ignore_errors=True)
    # Without this one a lab that an earlier run has left up would be taken for the one to be made.
    _molecule("destroy", scenario)
    status = _molecule("test", scenario, "--destroy", "never")
    if status != 0:
        for log in (ROOT / ".cache" / "lab" / LABS[scenario]).glob("hosts/*/upper/var/log"):
            shutil.copytree(log, kept / log.parts[-4], symlinks=True)
    return _molecule("destroy", scenario) or status


def _molecule(verb: str, scenario: str, *words: str) -> int:
    argv = [sys.executable, "-m", "molecule", verb, "--scenario-name", scenario, *words]
    environment = {**os.environ, "PY_COLORS": "0", "NO_COLOR": "1", "LAB": LABS[scenario]}
    return subprocess.run(argv, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "default"))
