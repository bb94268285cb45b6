# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two metadata texts of file storage: dom_md/metadata, sealed with a sum, and a volume's .meta.

Held against fixtures host/vdsm/domain and host/vdsm/volume-meta, which real VDSM wrote and read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..errors import error

SEAL = "_SHA_CKSUM"
#: Longest .meta in bytes, longest description in characters (fixture description-limit.json).
META_LIMIT, DESCRIPTION_LIMIT = 512, 210

#: Key in the file, name in VDSM's answers, whether it must be there.
VOLUME_KEYS = (
    ("DOMAIN", "domain", True),
    ("IMAGE", "image", True),
    ("PUUID", "parent", True),
    ("CAP", "capacity", True),
    ("FORMAT", "format", True),
    ("TYPE", "type", True),
    ("VOLTYPE", "voltype", True),
    ("DISKTYPE", "disktype", True),
    ("DESCRIPTION", "description", True),
    ("LEGALITY", "legality", True),
    ("CTIME", "ctime", True),
    ("GEN", "generation", False),
    ("SEQ", "sequence", False),
)
_NUMBERS = ("capacity", "ctime", "generation", "sequence")


def seal(lines: list[str]) -> str:
    """SHA-1 over the lines without their ends."""
    return hashlib.sha1("".join(lines).encode("utf-8")).hexdigest()


def domain_text(fields: Mapping[str, str]) -> str:
    """dom_md/metadata: sorted lines, then the seal."""
    lines = [f"{key}={fields[key]}" for key in sorted(fields)]
    return "\n".join([*lines, f"{SEAL}={seal(lines)}"]) + "\n"


def parse_domain(data: bytes) -> dict[str, str]:
    """Fields of dom_md/metadata. A wrong seal raises MetaDataSealIsBroken, a missing one is trusted."""
    fields: dict[str, str] = {}
    lines: list[str] = []
    declared = None
    for line in data.rstrip(b"\0").decode("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if not equals:
            continue
        if key == SEAL:
            declared = value
            continue
        lines.append(line)
        fields[key] = value
    computed = seal(lines)
    if declared is not None and declared != computed:
        raise error("MetaDataSealIsBroken", repr(f"cksum = {declared}, computed_cksum = {computed}"))
    return fields


def volume_text(meta: Mapping[str, Any]) -> str:
    """A .meta as VDSM writes it. Raises MetadataOverflowError when it does not fit its 512 bytes."""
    lines = [f"{key}={meta[name]}\n" for key, name, _ in sorted(VOLUME_KEYS)]
    text = "".join([*lines, "EOF\n"])
    if len(text.encode("utf-8")) > META_LIMIT:
        raise error("MetadataOverflowError", repr(f"data={text.encode('utf-8')!r}"))
    return text


def parse_volume(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """What a .meta says and what is wrong with it; with errors the volume's status is INVALID."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for raw in data.rstrip(b"\0").splitlines():
        if raw.startswith(b"EOF"):
            break
        try:
            key, _, value = raw.decode("utf-8").partition("=")
        except UnicodeDecodeError as problem:
            problems.append(f"Invalid line '{raw!r}': {problem}")
            continue
        found[key.strip()] = value.strip()
    if "NONE" in found:
        return {}, ["Metadata was cleared, volume is partly deleted: ()"]
    if "CAP" not in found and found.get("SIZE", "").isdigit():
        found["CAP"] = str(int(found["SIZE"]) * 512)  # before version 5
    found.setdefault("GEN", "0")
    found.setdefault("SEQ", "0")
    meta: dict[str, Any] = {}
    for key, name, required in VOLUME_KEYS:
        if key not in found:
            if required:
                problems.append(f"Required key '{name}' is missing.")
            continue
        try:
            meta[name] = int(found[key]) if name in _NUMBERS else found[key]
        except ValueError as problem:
            problems.append(f"Invalid '{name}' value: {problem}")
    return meta, problems
