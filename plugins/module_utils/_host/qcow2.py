# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The header of a qcow2 image, and the first bytes that its guest sees (QEMU's docs/interop/qcow2.txt).

They are read without a command; all that is further inside is QEMU's business.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import IO, Optional

MAGIC = b"QFI\xfb"

HEADER_SIZE = 112
_HEADER = ">4sIQIIQIIQ"
_HEADER_V3 = 104
_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION = 1, 2, 4, 8
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZERO = 1
_DEFLATE_WINDOW = -12


@dataclass(frozen=True)
class Header:
    """What an image says of itself.

    Attributes:
        version: 2 or 3.
        virtual_size: bytes that the guest sees.
        cluster_bits: binary logarithm of the size of a cluster.
        l1_offset: where the table of tables begins.
        incomplete: words for what of the image is in another file, nothing if it is whole.
        broken: words for what the image says is wrong with it.
        encrypted: whether it is.
    """

    version: int
    virtual_size: int
    cluster_bits: int
    l1_offset: int
    incomplete: str = ""
    broken: str = ""
    encrypted: bool = False

    @property
    def partial(self) -> bool:
        """Return whether it needs another file to be complete."""
        return bool(self.incomplete)


def read_header(path: str) -> Optional[Header]:
    """Return the header of an image, or None when it is no qcow2 image.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as stream:
        try:
            return header(stream.read(HEADER_SIZE))
        except ValueError:
            return None


def header(start: bytes) -> Header:
    """Return the header of an image that begins with these bytes, at least C(HEADER_SIZE) if there are as many.

    Raises:
        ValueError: when it is no qcow2 image, or one that is cut off.
    """
    if len(start) < struct.calcsize(_HEADER) or start[:4] != MAGIC:
        raise ValueError("no qcow2 image")
    _magic, version, backing, _length, bits, size, crypt, _l1_size, l1_offset = struct.unpack_from(_HEADER, start)
    if version not in (2, 3) or not 9 <= bits <= 21:
        raise ValueError(f"a qcow2 image of version {version} with clusters of 2^{bits} bytes")
    if version == 3 and len(start) < _HEADER_V3:
        raise ValueError("the image is cut off")
    features = struct.unpack_from(">Q", start, 72)[0] if version == 3 else 0
    incomplete = "it has a backing file" if backing else "its data are in another file" if features & _DATA_FILE else ""
    broken = "it is marked as corrupt" if features & _CORRUPT else "it was not closed" if features & _DIRTY else ""
    return Header(version, size, bits, l1_offset, incomplete, broken, bool(crypt))


def guest_start(stream: IO[bytes], length: int) -> Optional[bytes]:
    """Return the first bytes that the guest sees; None when they are packed in a way that is not understood.

    Raises:
        ValueError: when it is no qcow2 image, or one that is cut off.
    """
    start = stream.read(HEADER_SIZE)
    found = header(start)
    if found.version == 3 and struct.unpack_from(">Q", start, 72)[0] & _COMPRESSION:
        return None
    size = 1 << found.cluster_bits
    if length > size * (size // 8):
        return None
    entry = _numbers(stream, found.l1_offset, 1)[0] & _OFFSET
    if not entry:
        return bytes(length)
    count = -(-length // size)
    return b"".join(_cluster(stream, one, found.cluster_bits) for one in _numbers(stream, entry, count))[:length]


def _numbers(stream: IO[bytes], place: int, count: int) -> tuple[int, ...]:
    stream.seek(place)
    told = stream.read(8 * count)
    if len(told) < 8 * count:
        raise ValueError("the image is cut off")
    return struct.unpack(f">{count}Q", told)


def _cluster(stream: IO[bytes], entry: int, bits: int) -> bytes:
    size = 1 << bits
    if entry & _COMPRESSED:
        shift = 62 - (bits - 8)
        stream.seek(entry & ((1 << shift) - 1))
        sectors = ((entry & (_COMPRESSED - 1)) >> shift) + 1
        try:
            return zlib.decompressobj(_DEFLATE_WINDOW).decompress(stream.read(sectors * 512), size)
        except zlib.error as error:
            raise ValueError(f"a damaged cluster: {error}") from error
    if not entry & _OFFSET or entry & _ZERO:
        return bytes(size)
    stream.seek(entry & _OFFSET)
    found = stream.read(size)
    return found + bytes(size - len(found))
