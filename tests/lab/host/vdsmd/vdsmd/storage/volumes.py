# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A volume: data, .meta and .lease next to each other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import error
from . import files, metadata, qcow2, sanlock
from .domains import Domain
from .files import BLANK, MIB

FORMATS = {4: "COW", 5: "RAW"}
PREALLOCATION = {1: "PREALLOCATED", 2: "SPARSE"}
#: Lease slots of a block domain's volumes begin here.
FIRST_BLOCK_SLOT = 100
_INFO = (
    "type",
    "format",
    "disktype",
    "voltype",
    "description",
    "parent",
    "image",
    "legality",
    "generation",
    "sequence",
    "domain",
)


def preallocation(value: Any) -> str:
    """The engine's number or the API's name."""
    text = str(value)
    return PREALLOCATION[int(text)] if text.isdigit() else text.upper()


def volume_format(value: Any, default: str = "RAW") -> str:
    """The engine's number or the API's name; another number (3, unknown) means the default."""
    text = str(value)
    return FORMATS.get(int(text), default) if text.isdigit() else text.upper()


class Volume:
    """One volume of an image."""

    def __init__(self, domain: Domain, image: str, vol_id: str, meta: dict[str, Any], problems: list[str]) -> None:
        self.domain = domain
        self.image = image
        self.id = vol_id
        self.meta = meta
        self.problems = problems

    @property
    def path(self) -> Path:
        """The data."""
        return self.domain.path / "images" / self.image / self.id

    @property
    def lease(self) -> tuple[str, int]:
        """Path and offset of its sanlock lease."""
        if self.domain.is_block:
            return f"/dev/{self.domain.id}/leases", FIRST_BLOCK_SLOT * MIB
        return f"{self.path}.lease", 0

    @property
    def qemu_format(self) -> str:
        """QEMU's name of the format."""
        return "qcow2" if self.meta.get("format") == "COW" else "raw"

    @property
    def status(self) -> str:
        """OK, ILLEGAL or INVALID."""
        if self.problems:
            return "INVALID"
        return "OK" if self.meta["legality"] == "LEGAL" else "ILLEGAL"

    def true_size(self) -> int:
        """Bytes it takes of the domain. A preallocated volume of a model is sparse, but counts whole."""
        allocated = files.allocated(self.path)
        if self.meta.get("type") == "PREALLOCATED":
            return max(allocated, int(self.meta.get("capacity", 0)))
        return allocated

    def save(self) -> None:
        """Write the .meta."""
        files.replace(Path(f"{self.path}.meta"), metadata.volume_text(self.meta))

    def describe(self, text: str) -> None:
        """Set the description, cut to what VDSM stores, and write."""
        self.meta["description"] = text[: metadata.DESCRIPTION_LIMIT]
        self.save()

    def info(self) -> dict[str, Any]:
        """Answer of Volume.getInfo (fixture vdsm/client/volume-getinfo-*)."""
        path, offset = self.lease
        info = {key: self.meta[key] for key in _INFO if key in self.meta}
        info.update(
            uuid=self.id,
            capacity=str(self.meta.get("capacity", 0)),
            ctime=str(self.meta.get("ctime", 0)),
            pool="",
            mtime="0",
            truesize=str(self.true_size()),
            status=self.status,
            apparentsize=str(files.length(self.path, int(self.meta.get("capacity", 0)))),
            children=sorted(
                other.id for other in image_volumes(self.domain, self.image) if other.meta.get("parent") == self.id
            ),
            lease={"path": path, "offset": offset, "owners": [], "version": None},
        )
        return info

    def remove(self) -> None:
        """Delete its files, and the image's directory with the last one."""
        for suffix in (".meta", ".lease", ""):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: the image has other volumes
            self.path.parent.rmdir()


def load(domain: Domain, image: str, vol_id: str) -> Volume:
    """The volume. Raises VolumeDoesNotExist."""
    meta = domain.path / "images" / image / f"{vol_id}.meta"
    try:
        return Volume(domain, image, vol_id, *metadata.parse_volume(meta.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        raise error("VolumeDoesNotExist", repr((vol_id,))) from None


def image_volumes(domain: Domain, image: str) -> list[Volume]:
    """All volumes of an image; none when there is no such image."""
    folder = domain.path / "images" / image
    return [load(domain, image, meta.stem) for meta in sorted(folder.glob("*.meta"))]


def volumes(domain: Domain) -> Iterator[Volume]:
    """All volumes of a domain."""
    for image in domain.images():
        yield from image_volumes(domain, image)


def leaf(domain: Domain, image: str) -> Volume | None:
    """The volume of an image that is nobody's parent."""
    found = image_volumes(domain, image)
    parents = {volume.meta.get("parent") for volume in found}
    return next((volume for volume in found if volume.id not in parents), None)


def create(
    domain: Domain,
    image: str,
    vol_id: str,
    *,
    size: int,
    fmt: str,
    prealloc: str,
    disktype: str,
    description: str,
    parent: str | None = None,
    parent_image: str | None = None,
    sequence: int = 0,
    legal: bool = True,
    allocate: bool = True,
    old_content: int = 0,
) -> Volume:
    """Make a volume with its lease and metadata.

    `allocate`: give a preallocated volume its blocks. `old_content`: bytes at the beginning of a raw volume that hold
    what somebody wrote before, as on storage that is used again. Raises VolumeAlreadyExists, VolumeDoesNotExist
    (parent), OSError.
    """
    meta = {
        "domain": domain.id,
        "image": image,
        "parent": parent or BLANK,
        "capacity": int(size),
        "format": fmt,
        "type": prealloc,
        "voltype": "LEAF",
        "disktype": disktype or "DATA",
        "description": description[: metadata.DESCRIPTION_LIMIT],
        "legality": "LEGAL" if legal else "ILLEGAL",
        "ctime": int(time.time()),
        "generation": 0,
        "sequence": int(sequence),
    }
    volume = Volume(domain, image, vol_id, meta, [])
    if Path(f"{volume.path}.meta").exists():
        raise error("VolumeAlreadyExists", vol_id)
    backing = None
    if meta["parent"] != BLANK:
        backing = load(domain, parent_image or image, str(meta["parent"]))
        backing.meta["voltype"] = "INTERNAL"
        backing.save()
    files.directory(volume.path.parent)
    if fmt == "COW":
        qcow2.create(volume.path, int(size), backing.path if backing else None, backing.qemu_format if backing else "")
        files.own(volume.path, files.MODE_DATA)
    elif prealloc == "PREALLOCATED" and allocate:
        files.allocate(volume.path, int(size))
    else:
        files.sparse(volume.path, int(size))
    if fmt == "RAW" and old_content:
        files.soil(volume.path, min(old_content, int(size)))
    if not domain.is_block:
        lease = Path(f"{volume.path}.lease")
        files.sparse(lease, MIB)
        files.allocate(lease, MIB)
        sanlock.init_resource(domain.id, vol_id, lease)
    volume.save()
    return volume
