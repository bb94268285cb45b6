# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the header of a qcow2 image says (QEMU's docs/interop/qcow2.txt); its content is QEMU's business."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Optional

MAGIC = b"QFI\xfb"

# Magic, version, backing file's offset and length of name, cluster bits, virtual size.
_HEADER = struct.Struct(">4sIQIIQ")
_FEATURES_AT, _DATA_FILE = 72, 1 << 2


@dataclass(frozen=True)
class Header:
    """The header of a qcow2 image: its virtual size in bytes, and whether it needs another file to be complete."""

    virtual_size: int
    partial: bool


def read_header(path: str) -> Optional[Header]:
    """Return the header of an image, or None when it is no qcow2 image.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as stream:
        start = stream.read(_FEATURES_AT + 8).ljust(_FEATURES_AT + 8, b"\0")
    magic, version, backing_at, _length, _bits, size = _HEADER.unpack_from(start)
    if magic != MAGIC:
        return None
    features = struct.unpack_from(">Q", start, _FEATURES_AT)[0] if version >= 3 else 0
    return Header(size, partial=bool(backing_at or features & _DATA_FILE))
