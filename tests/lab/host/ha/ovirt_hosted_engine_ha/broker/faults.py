# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults that a test of the lab asks for (host contract 16).

``/var/lib/ovirt-hosted-engine-ha/lab-refuse-start`` holds a number: so many starts of the broker fail.
"""

import os

from ..env import constants
from ..lib.exceptions import BrokerInitializationError

REFUSE_START_FILE = constants.STATE_DIR + "/lab-refuse-start"


def refuse_start(path: str = REFUSE_START_FILE) -> None:
    """Raise BrokerInitializationError as long as the file says so, counting down."""
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as stream:
        left = int(stream.read().strip() or 0)
    if left <= 1:
        os.unlink(path)
    else:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(f"{left - 1}\n")
    if left > 0:
        raise BrokerInitializationError(f"this start was to fail, {left - 1} more after it ({path})")
