# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks of a SAN as this host sees them: size, identity, and what is on them."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

FC_HOSTS = "/sys/class/fc_host"

_COLUMNS = "NAME,TYPE,SIZE,WWN,SERIAL,FSTYPE,LABEL,TRAN,VENDOR,MODEL,MOUNTPOINT,PARTTYPE"


@dataclass(frozen=True)
class Lun:
    """A disk of a SAN.

    Attributes:
        name: the kernel's name of one of its paths.
        wwn: its world wide name in lower case without prefix, for example C(60014054f3...).
        size: bytes.
        transport: C(iscsi), C(fc), or what else lsblk says.
        content: words for what is on it: file system, volume group, partitions, where it is mounted.
        paths: how many paths lead to it.
    """

    name: str
    wwn: str
    size: int
    transport: str
    content: tuple[str, ...]
    paths: int = 1

    def is_called(self, wanted: str) -> bool:
        """Return whether this is the LUN with an id as the engine writes it: its name after a digit."""
        text = wanted.lower().removeprefix("0x")
        return bool(self.wwn) and text in (self.wwn, f"3{self.wwn}")


def read(text: str = "") -> list[Lun]:
    """Return the disks that lsblk lists, those with several paths once.

    Args:
        text: lsblk's JSON; it is run if empty.

    Raises:
        HostedEngineError: C(command.failed).
    """
    told = text or run(["lsblk", "--json", "--bytes", "--output", _COLUMNS], timeout=8).stdout
    found: dict[str, Lun] = {}
    for entry in json.loads(told)["blockdevices"]:
        if entry["type"] != "disk":
            continue
        wwn = (entry.get("wwn") or "").lower().removeprefix("0x")
        key = wwn or entry["name"]
        known = found.get(key)
        content = [*(known.content if known else ()), *_content(entry)]
        found[key] = Lun(
            known.name if known else entry["name"],
            wwn,
            min(int(entry["size"]), known.size if known else int(entry["size"])),
            entry.get("tran") or "",
            tuple(dict.fromkeys(content)),
            known.paths + 1 if known else 1,
        )
    return list(found.values())


def _content(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry.get("fstype"):
        yield f"{entry['fstype']} {entry.get('label') or ''}".strip()
    if entry.get("mountpoint"):
        yield f"mounted at {entry['mountpoint']}"
    for child in entry.get("children", []):
        if child["type"] == "part":
            yield "partitions"
        elif child["type"] == "lvm":
            yield f"LVM volume {child['name']}"
        yield from _content(child)


def fc_ports(folder: str = FC_HOSTS) -> dict[str, str]:
    """Return the state of each Fibre Channel port by its name, for example C(Online) or C(Linkdown)."""
    return {
        os.path.basename(path): textfile.read(os.path.join(path, "port_state")).strip()
        for path in sorted(glob.glob(os.path.join(folder, "host*")))
    }
