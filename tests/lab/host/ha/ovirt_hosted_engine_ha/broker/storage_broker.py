# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""he_metadata as the broker reads and writes it: direct IO, slots of 4096 bytes (host contract 3.1)."""

import errno
import logging
import mmap
import os

from ..env import constants
from ..lib.exceptions import RequestError

_log = logging.getLogger(__name__)

#: Bytes that one read covers: slot 0 and those of 2000 hosts.
READ_BYTES = (constants.MAX_HOST_ID_SCAN + 1) * constants.HOST_SEGMENT_BYTES


def _open_direct(path: str, flags: int) -> int:
    """Open with O_DIRECT and O_SYNC; without O_DIRECT where the file system has none (tmpfs of older kernels)."""
    try:
        return os.open(path, flags | os.O_SYNC | os.O_DIRECT)
    except OSError as exc:
        if exc.errno != errno.EINVAL:
            raise
        return os.open(path, flags | os.O_SYNC)


def read_volume(path: str, length: int = READ_BYTES) -> bytes:
    """Read the start of a volume into an aligned buffer; shorter files give what they have. Raises OSError."""
    descriptor = _open_direct(path, os.O_RDONLY)
    try:
        with mmap.mmap(-1, length) as buffer:
            done = 0
            while done < length:
                with memoryview(buffer) as view, view[done:] as rest:
                    count = os.preadv(descriptor, [rest], done)
                done += count
                # an unaligned end of file: the next direct read would be refused
                if count == 0 or done % constants.METADATA_BLOCK_BYTES:
                    break
            return buffer[:done]
    finally:
        os.close(descriptor)


def write_slot(path: str, host_id: int, data: bytes) -> None:
    """Write one slot, padded with zeros to its 4096 bytes.

    Raises RequestError if the data is longer, OSError if the storage refuses.
    """
    size = constants.HOST_SEGMENT_BYTES
    if len(data) > size:
        raise RequestError(f"Metadata of host {host_id} has {len(data)} bytes, a slot {size}")
    descriptor = _open_direct(path, os.O_WRONLY)
    try:
        with mmap.mmap(-1, size) as buffer:
            buffer[: len(data)] = data
            with memoryview(buffer) as view:
                written = os.pwritev(descriptor, [view], host_id * size)
        if written != size:
            raise RequestError(f"Only {written} of {size} bytes written for host {host_id}")
    finally:
        os.close(descriptor)


def split_slots(path: str, data: bytes) -> dict[int, str]:
    """Return the text of every slot that does not start with a zero byte.

    All of it is decoded at once and cut by characters: bytes that are not UTF-8 spoil everything, a character of two
    bytes shifts all later slots (known faults, host contract 3.1, 3.2). Raises RequestError for the former.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        _log.error("Corrupted metadata from %s", path)
        raise RequestError(f"Corrupted read metadata: {exc}") from exc
    size = constants.HOST_SEGMENT_BYTES
    slots = (text[start : start + size] for start in range(0, len(text), size))
    return {host_id: slot for host_id, slot in enumerate(slots) if slot and slot[0] != "\0"}


def get_raw_stats(path: str) -> dict[int, str]:
    """Read all slots; raises RequestError if the volume cannot be read or decoded."""
    try:
        data = read_volume(path)
    except OSError as exc:
        raise RequestError(f"failed to read metadata: {exc}") from exc
    return split_slots(path, data)
