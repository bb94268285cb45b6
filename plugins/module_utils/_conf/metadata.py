# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whiteboard of the HA hosts on the metadata volume: one slot of 4096 bytes a host (host contract 3)."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any, Optional

SLOT = 4096
DATA = 512
# The broker decodes slots 0 to 2000 as text in one read; leftovers anywhere in there stop it (host contract 3.1).
SCANNED = 8 * 1024**2


@dataclass(frozen=True)
class Slot:
    """What a host has written about itself.

    Attributes:
        host_id: id in the line itself.
        timestamp: monotonic seconds of the writing host; only a change means anything.
        score: 0 to 3400.
        engine_status: C(vm), C(health), C(detail) and perhaps C(reason); None before the first result.
        state: class name of the agent's state, from the text part.
        stopped: whether the agent ended in good order.
        local_maintenance: whether the host is in local maintenance.
    """

    host_id: int
    timestamp: int
    score: int
    engine_status: Optional[dict[str, Any]]
    state: str
    stopped: bool
    local_maintenance: bool


def parse(slot: bytes) -> Optional[Slot]:
    """Return the content of a slot, or None when it is empty or not (yet) readable."""
    if not slot or slot[:1] == b"\0":
        return None
    try:
        line = slot[:DATA].rstrip(b"\0").decode()
        fields = line.split("|")
        if len(fields) < 10 or not _checksum_fits(fields):
            return None
        return Slot(
            host_id=int(fields[3]),
            timestamp=int(fields[2]),
            score=int(fields[4]),
            engine_status=json.loads(fields[5]),
            state=_text(slot[DATA:]).get("state", ""),
            stopped=fields[8] == "1",
            local_maintenance=fields[7] == "1",
        )
    except (ValueError, IndexError):
        return None


def in_global_maintenance(slot: bytes) -> bool:
    """Return whether slot 0 says that the HA hosts are in global maintenance (host contract 3.3)."""
    key, _equals, value = slot.rstrip(b"\0").decode("ascii", "replace").partition("=")
    return key.strip() == "maintenance" and is_true(value)


def is_true(word: str) -> bool:
    """Return whether the HA services take a word for true: its first letter decides (host contract 5.1)."""
    return word.strip()[:1].lower() in ("t", "y", "1")


def _checksum_fits(fields: list[str]) -> bool:
    blanked = "|".join([*fields[:9], "00000000", *fields[10:]])
    return f"{zlib.crc32(blanked.encode()) & 0xFFFFFFFF:08x}" == fields[9]


def _text(part: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in part.rstrip(b"\0").decode().splitlines())
    return {key: value for key, _equals, value in pairs}
