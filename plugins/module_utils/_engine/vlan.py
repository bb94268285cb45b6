# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VLAN tag of the interface that will carry the management network."""

from __future__ import annotations

import re
from typing import Optional


def vlan_tag(interface: str, folder: str = "/proc/net/vlan") -> Optional[int]:
    """Return the tag of a VLAN interface as the kernel tells it, or None for any other interface."""
    try:
        with open(f"{folder}/{interface}", encoding="ascii") as stream:
            found = re.search(r"\bVID:\s*(\d+)", stream.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return int(found.group(1)) if found else None
