# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An appliance whose engine begins with faults: they are in force before anybody can reach the engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

from driver.errors import LabError
from driver.paths import CHECKOUT, cache


def appliance(lab: str, profile: str, orders: Path) -> Path:
    """Build (in seconds, from the cached tree) the image of ``profile`` with the faults of the JSON file ``orders``.

    Raises LabError when the file is no list of faults or the appliance cannot be built.
    """
    try:
        given = json.loads(orders.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"faults {orders}: {error}") from None
    if not isinstance(given, list) or not all(isinstance(one, dict) and "step" in one for one in given):
        raise LabError(f"faults {orders}: expected a list of objects with a member `step`")
    images = cache() / "appliance"
    command = [sys.executable, "-m", "appliance", "build", "--profile", profile, "--faults", str(orders.resolve())]
    command += ["--no-ova"]
    command += ["--cache", str(images), "--output", str(images / f"faults-{lab}")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"the appliance with faults could not be built: {done.stderr.strip()}")
    return Path(json.loads(done.stdout)["qcow2"])
