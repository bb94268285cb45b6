# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The appliance's disk image, ready to be the backing file of the bootstrap VM's disk; unpacked once, then cached.

The cache is a folder of images named by the SHA-256 of the OVA they come from, and an index. The index knows a file by
path, size and time of change, so that a warm run reads nothing; it is only a shortcut and may be removed at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import appliance_file, disk_image, ova, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ova import HashingReader

APPLIANCE_CHECKSUM = declare(
    "appliance.checksum",
    "The appliance is not the file that it should be",
    "Download it again, or correct the checksum in the settings.",
)
APPLIANCE_UNREADABLE = declare(
    "appliance.unreachable_for_qemu",
    "QEMU's account cannot read the appliance's disk image where it is",
    "Put the file into a folder that everybody may enter, for example below /var/lib/node0, mode 0644.",
)

CACHE = "/var/cache/node0-hosted-engine/appliance"
AUTO = "auto"

Record = dict[str, Any]


@dataclass(frozen=True)
class Image:
    """The image that the bootstrap VM's disk is laid over.

    Attributes:
        path: of the image; it is only read.
        format: C(qcow2) or C(raw).
        virtual_size: bytes that the guest sees.
        digest: C(algorithm:hex) of the appliance's file; empty for a qcow2 image whose checksum nobody asked for.
        firmware: C(bios) or C(uefi).
    """

    path: str
    format: str
    virtual_size: int
    digest: str
    firmware: str

    def facts(self) -> Record:
        """Return the image as a module's result."""
        return asdict(self)


def prepare(
    path: str, cache: str = CACHE, checksum: str = "", firmware: str = AUTO, dry_run: bool = False
) -> tuple[Optional[Image], bool]:
    """Return the appliance's image, and whether something had to be done for it.

    Args:
        path: OVA or qcow2 file; empty for the installed package.
        cache: folder of the cache.
        checksum: what the file must have; empty for none, or for what the package says.
        firmware: C(bios), C(uefi), or C(auto) to look into the image.
        dry_run: only look; the image is None when it is not in the cache yet.

    Raises:
        HostedEngineError: see the catalogue's C(appliance.) entries.
    """
    source = appliance_file.find(path, checksum)
    index = _Index(cache)
    known = index.lookup(source.path)
    fits = known is not None and (not source.checksum or source.checksum in known["digests"])
    changed = not fits or known is None
    if known is None or changed:
        if dry_run:
            return None, True
        known = _learn(source, cache)
        index.store(source.path, known)
    chosen = known["firmware"] if firmware == AUTO else firmware
    digest = source.checksum or next(iter(known["digests"]), "")
    return Image(known["image"], known["format"], known["virtual_size"], digest, chosen), changed


def _learn(source: appliance_file.Source, cache: str) -> Record:
    kind = appliance_file.kind(source.path)
    algorithm, _colon, _value = source.checksum.partition(":")
    if kind == "qcow2":
        digests = _digests(source.path, [algorithm] if algorithm else [])
        _verify(source, digests)
        reachable(source.path)
        image = source.path
    else:
        image, digests = _unpacked(source, kind == "gzip", cache, {"sha256", algorithm or "sha256"})
    info = disk_image.inspect(image)
    return {
        "image": image,
        "format": info.format,
        "virtual_size": info.virtual_size,
        "firmware": disk_image.firmware_of(image, info.format),
        "digests": [f"{name}:{value}" for name, value in sorted(digests.items(), reverse=True)],
    }


def _unpacked(
    source: appliance_file.Source, compressed: bool, cache: str, algorithms: set[str]
) -> tuple[str, dict[str, str]]:
    _make_cache(cache)
    _sweep(cache)
    handle, partial = tempfile.mkstemp(prefix=".partial-", dir=cache)
    os.close(handle)
    digests = ova.unpack(source.path, compressed, partial, algorithms)
    try:
        _verify(source, digests)
        os.chmod(partial, 0o644)
        image = os.path.join(cache, f"{digests['sha256']}.img")
        os.replace(partial, image)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
    return image, digests


def known(path: str, cache: str = CACHE) -> Optional[Record]:
    """Return what an earlier run has learnt of an appliance file that has not changed since, or None."""
    return _Index(cache).lookup(path)


def _make_cache(folder: str) -> None:
    """Make the folder, open to QEMU's account whatever root's umask is."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
        os.chmod(folder, 0o755)


def _sweep(cache: str) -> None:
    """Remove what a run that was killed has left half-written."""
    for name in os.listdir(cache):
        if name.startswith(".partial-"):
            os.unlink(os.path.join(cache, name))


def _digests(path: str, algorithms: list[str]) -> dict[str, str]:
    if not algorithms:
        return {}
    with open(path, "rb") as stream:
        return HashingReader(stream, algorithms).digests()


def _verify(source: appliance_file.Source, digests: dict[str, str]) -> None:
    algorithm, _colon, expected = source.checksum.partition(":")
    if expected and digests[algorithm] != expected:
        raise HostedEngineError(
            APPLIANCE_CHECKSUM,
            expected=f"{algorithm} {expected}",
            observed=f"{algorithm} {digests[algorithm]} of {source.path}",
        )


def reachable(path: str) -> None:
    """Make sure that everybody may read the file: QEMU does not run as root, and it is never copied."""
    folder = os.path.dirname(os.path.realpath(path))
    while folder != os.path.dirname(folder):
        if not os.stat(folder).st_mode & stat.S_IXOTH:
            raise HostedEngineError(APPLIANCE_UNREADABLE, observed=f"{folder} is closed to others")
        folder = os.path.dirname(folder)
    if not os.stat(path).st_mode & stat.S_IROTH:
        raise HostedEngineError(APPLIANCE_UNREADABLE, observed=f"{path} is not readable for others")


class _Index:
    """What is known of appliance files, by path, size and time of change."""

    def __init__(self, cache: str) -> None:
        self._cache = cache
        self._path = os.path.join(cache, "index.json")

    def lookup(self, path: str) -> Optional[Record]:
        """Return what is known of a file that has not changed since and whose image is there, or None."""
        entry = self._read().get(os.path.realpath(path))
        if entry is None or entry["mark"] != _mark(path):
            return None
        known: Record = entry["known"]
        return known if os.path.exists(known["image"]) else None

    def store(self, path: str, known: Record) -> None:
        """Remember what is known of a file."""
        _make_cache(self._cache)
        entries = {**self._read(), os.path.realpath(path): {"mark": _mark(path), "known": known}}
        textfile.replace(self._path, json.dumps(entries, indent=2, sort_keys=True) + "\n")

    def _read(self) -> dict[str, Record]:
        try:
            entries = json.loads(textfile.read(self._path) or "{}")
        except ValueError:
            return {}
        return entries if isinstance(entries, dict) else {}


def _mark(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]
