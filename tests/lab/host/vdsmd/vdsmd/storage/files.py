# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and paths of the storage tree: names, owners, modes and sizes (host contract 11.4)."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB
#: The blank id: "no pool", "no parent", "no image".
BLANK = "00000000-0000-0000-0000-000000000000"
#: User vdsm and group kvm, to whom all of it belongs.
VDSM_UID = VDSM_GID = 36
MODE_DATA, MODE_TEXT, MODE_DIRECTORY = 0o660, 0o644, 0o755


def mount_name(remote: str) -> str:
    """Directory below data-center/mnt for a remote path: "_" is doubled, "/" becomes "_"."""
    return remote.rstrip("/").replace("_", "__").replace("/", "_")


class Layout:
    """Where things are below a root directory, which is / on a host."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def data_center(self, *parts: str) -> Path:
        """Below /rhev/data-center."""
        return self.root.joinpath("rhev", "data-center", *parts)

    def mount_point(self, remote: str, kind: str) -> Path:
        """Where a remote path of this kind of storage is mounted."""
        if kind == "GLUSTERFS":
            return self.data_center("mnt", "glusterSD", mount_name(remote))
        return self.data_center("mnt", mount_name(remote))

    def block_domain(self, sd_id: str) -> Path:
        """Directory of a block domain."""
        return self.data_center("mnt", "blockSD", sd_id)

    def run(self, *parts: str) -> Path:
        """Below /run/vdsm/storage, where prepared images are linked."""
        return self.root.joinpath("run", "vdsm", "storage", *parts)


def own(path: Path, mode: int | None = None) -> None:
    """Give a file to 36:36 (where this process may) and set its mode."""
    if mode is not None:
        path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, VDSM_UID, VDSM_GID)


def directory(path: Path) -> None:
    """Make a directory, and those above it, with vdsm's owner and mode where they are new."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for new in reversed(missing):
        new.mkdir()
        own(new, MODE_DIRECTORY)


def replace(path: Path, data: str | bytes, mode: int = MODE_TEXT) -> None:
    """Write a whole file so that a reader sees the old or the new text, never a part."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    own(new, mode)
    new.replace(path)


def sparse(path: Path, size: int, mode: int = MODE_DATA) -> None:
    """A file of `size` bytes without blocks; an existing one only grows or shrinks."""
    with open(path, "ab") as file:
        file.truncate(size)
    own(path, mode)


def allocate(path: Path, size: int, mode: int = MODE_DATA) -> None:
    """A file of `size` bytes whose blocks are there. Raises OSError (ENOSPC)."""
    with open(path, "ab") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    own(path, mode)


def soil(path: Path, size: int) -> None:
    """Overwrite the first `size` bytes with what is neither zero nor text in any encoding."""
    with open(path, "r+b") as file:
        for start in range(0, size, MIB):
            file.write(b"\xff" * min(MIB, size - start))


def link(target: Path, name: Path) -> None:
    """Make or correct a symbolic link. What is there and no link stays."""
    directory(name.parent)
    if name.is_symlink():
        if name.readlink() == target:
            return
        name.unlink()
    if not name.exists():
        name.symlink_to(target)
        if os.geteuid() == 0:
            os.lchown(name, VDSM_UID, VDSM_GID)


def allocated(path: Path) -> int:
    """Bytes that the file occupies; 0 when it is not there."""
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def length(path: Path, default: int = 0) -> int:
    """Length of the file; `default` when it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return default
