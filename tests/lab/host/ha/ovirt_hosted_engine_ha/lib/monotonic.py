# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clock of the metadata: seconds of this host that no one sets (host contract 3.2, field 2)."""

import time as _time


def time() -> int:
    """Return CLOCK_MONOTONIC_RAW in whole seconds."""
    return int(_time.clock_gettime(_time.CLOCK_MONOTONIC_RAW))


def epoch() -> float:
    """Return the wall-clock time at which the monotonic clock read zero."""
    return _time.time() - _time.clock_gettime(_time.CLOCK_MONOTONIC_RAW)
