"""Digest-addressed cache of the two layers. What a broken build left behind is never taken for a result."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_KEPT = 2
"""Results kept per kind: the current one and the one before (a branch switched back is warm again)."""


def digest(parts: Iterable[str | Path], relative_to: Path) -> str:
    """Sixteen hex digits over texts and files: of a file its path below `relative_to`, its mode and its bytes."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            executable = bool(part.stat().st_mode & 0o100)
            sha.update(f"{part.relative_to(relative_to)} {executable}\0".encode())
            sha.update(part.read_bytes())
        else:
            sha.update(part.encode())
        sha.update(b"\0\0")
    return sha.hexdigest()[:16]


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the cache alone: two builds at once would only do the same work twice."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_behind in cache.glob("*.partial"):
            _remove(left_behind)
        yield


def publish(partial: Path, result: Path) -> None:
    """Give a finished result its name, and drop the oldest results of the same kind (same name up to the digest)."""
    partial.rename(result)
    kind, _, rest = result.name.rpartition("-")
    suffix = rest.partition(".")[2]
    same = [path for path in result.parent.glob(f"{kind}-*") if path.name.partition(".")[2] == suffix]
    for path in sorted(same, key=lambda found: found.stat().st_mtime)[:-_KEPT]:
        if path != result:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
