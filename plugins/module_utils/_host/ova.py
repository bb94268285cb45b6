# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unpack the disk image of an OVA in one pass: read, hashed, decompressed, checked for space and written together."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

APPLIANCE_DAMAGED = declare(
    "appliance.damaged",
    "The appliance cannot be unpacked",
    "Download the file again, or reinstall the package ovirt-engine-appliance; then run the same playbook again.",
)
APPLIANCE_NO_SPACE = declare(
    "appliance.no_space",
    "There is not enough room to unpack the appliance",
    "Make room, or name a folder on a larger file system with he_appliance_cache_dir.",
)

_BLOCK = 1 << 20
_SPARE = 256 << 20


class HashingReader:
    """A file that is read once, front to back, while digests of it are made."""

    def __init__(self, stream: IO[bytes], algorithms: Iterable[str]) -> None:
        self._stream = stream
        self._sums = {name: hashlib.new(name) for name in algorithms}

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._stream.read(size)
        for each in self._sums.values():
            each.update(data)
        return data

    def digests(self) -> dict[str, str]:
        """Read the rest of the file and return its digests by algorithm."""
        while self.read(_BLOCK):
            pass
        return {name: each.hexdigest() for name, each in self._sums.items()}


def unpack(path: str, compressed: bool, target: str, algorithms: Iterable[str]) -> dict[str, str]:
    """Write the disk image of an OVA into a new file, and return the digests of the OVA.

    The image is the largest file below C(images/) that is no C(.meta). The room that it needs is known from the header
    in front of it, so that nothing is written where it does not fit.

    Args:
        path: the OVA.
        compressed: whether it is compressed with gzip.
        target: file to write; it is removed when that fails.
        algorithms: names of the digests to make.

    Raises:
        HostedEngineError: C(appliance.damaged) or C(appliance.no_space).
    """
    with open(path, "rb") as stream:
        reader = HashingReader(stream, algorithms)
        try:
            with _expanded(reader, compressed) as plain, tarfile.open(fileobj=plain, mode="r|", bufsize=_BLOCK) as tar:
                size = _largest(tar, target)
                # Whatever follows the archive must have been read before the digest is known.
                while plain.read(_BLOCK):
                    pass
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            _drop(target)
            raise HostedEngineError(APPLIANCE_DAMAGED, observed=f"{path}: {error}") from error
        except BaseException:
            _drop(target)
            raise
        if not size:
            _drop(target)
            raise HostedEngineError(APPLIANCE_DAMAGED, observed=f"{path} holds no disk image below images/")
        return reader.digests()


def _largest(tar: tarfile.TarFile, target: str) -> int:
    largest = 0
    for member in tar:
        name = member.name[2:] if member.name.startswith("./") else member.name
        if member.isfile() and name.startswith("images/") and not name.endswith(".meta") and member.size > largest:
            check_space(os.path.dirname(target), member.size)
            content = tar.extractfile(member)
            if content is not None:
                _write(content, target, member.size)
                largest = member.size
    return largest


def check_space(folder: str, size: int) -> None:
    """Refuse to begin what does not fit.

    Raises:
        HostedEngineError: C(appliance.no_space).
    """
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < size + _SPARE:
        raise HostedEngineError(
            APPLIANCE_NO_SPACE,
            expected=f"{(size + _SPARE) / 2**30:.1f} GiB free in {folder}",
            observed=f"{free / 2**30:.1f} GiB",
        )


def _write(content: IO[bytes], target: str, size: int) -> None:
    empty = bytes(_BLOCK)
    with open(target, "wb") as output:
        while block := content.read(_BLOCK):
            if block == empty:
                output.seek(len(block), os.SEEK_CUR)
            else:
                output.write(block)
        output.truncate(size)
        output.flush()
        os.fsync(output.fileno())


@contextlib.contextmanager
def _expanded(reader: HashingReader, compressed: bool) -> Iterator[Any]:
    """Give the uncompressed stream."""
    if not compressed:
        yield reader
        return
    with gzip.GzipFile(fileobj=reader) as plain:  # type: ignore[call-overload]  # it needs no more than read()
        yield plain


def _drop(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
