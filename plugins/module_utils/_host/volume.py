# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read and write the first bytes of volumes on shared storage, past the page cache."""

from __future__ import annotations

import mmap
import os

BLOCK = 4096
CHUNK = 1024**2


def write_direct(path: str, data: bytes) -> None:
    """Write bytes to the begin of a volume with direct I/O and flush them.

    Args:
        path: file or block device; it is neither made nor cut.
        data: a multiple of 4096 bytes, good for domains with 512 and with 4096 byte sectors (host contract 2.4).

    Raises:
        OSError: as the storage says.
        ValueError: if the length is no multiple of 4096.
    """
    if len(data) % BLOCK:
        raise ValueError(f"{len(data)} bytes are no multiple of {BLOCK}")
    handle = os.open(path, os.O_WRONLY | os.O_DIRECT)
    try:
        for start in range(0, len(data), CHUNK):
            end = start + CHUNK
            piece = data[start:end]
            with mmap.mmap(-1, len(piece)) as buffer:
                buffer.write(piece)
                _write_all(handle, buffer, start)
        os.fsync(handle)
    finally:
        os.close(handle)


def read_direct(path: str, size: int) -> bytes:
    """Return the first C(size) bytes of a volume, read with direct I/O, so from the storage itself."""
    whole = -(-size // BLOCK) * BLOCK
    handle = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, whole) as buffer:
            done = os.preadv(handle, [buffer], 0)
            return bytes(buffer[: min(size, done)])
    finally:
        os.close(handle)


def _write_all(handle: int, buffer: mmap.mmap, offset: int) -> None:
    written = os.pwritev(handle, [buffer], offset)
    if written != len(buffer):
        raise OSError(f"only {written} of {len(buffer)} bytes were written at {offset}")
