# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the services are there that the HA services stand on."""

import os
import subprocess

from .exceptions import ServiceNotUpError

REQUIRED = ("vdsmd", "sanlock")


def check(names: tuple[str, ...] = REQUIRED) -> None:
    """Raise ServiceNotUpError for the first one that systemd does not call active; without systemd nothing is asked."""
    if not os.path.isdir("/run/systemd/system"):
        return
    for name in names:
        done = subprocess.run(["systemctl", "is-active", "--quiet", name], check=False)
        if done.returncode:
            raise ServiceNotUpError(name)
