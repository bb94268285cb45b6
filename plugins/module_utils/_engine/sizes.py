# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one rule for how much room the storage domain must have (engine contract 7.5)."""

from __future__ import annotations

from typing import Optional

GIB = 2**30
MIB = 2**20

# Lockspace and configuration 1 GiB each, metadata 128 MiB, two OVF stores of 128 MiB, and room to breathe.
OVERHEAD = 5 * GIB
DEFAULT_CRITICAL_SPACE = 5


def disk_size(requested: int, appliance: int = 0) -> int:
    """Return the size of the engine VM's disk in bytes: what was asked for, but never less than the appliance."""
    return max(requested, appliance)


def required_space(requested: int, appliance: int = 0, critical_space: Optional[int] = None) -> int:
    """Return the bytes that a new storage domain must have available.

    Args:
        requested: size of the engine VM's disk that was asked for, in bytes.
        appliance: virtual size of the appliance's disk, in bytes.
        critical_space: the domain's C(critical_space_action_blocker) in GiB; the engine's default when None.
    """
    blocker = DEFAULT_CRITICAL_SPACE if critical_space is None else critical_space
    return disk_size(requested, appliance) + blocker * GIB + OVERHEAD


def human(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
