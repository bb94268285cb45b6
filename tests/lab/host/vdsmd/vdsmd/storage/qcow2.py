# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Contents of volumes: empty qcow2 files and copies, by qemu-img where it is installed."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from ..errors import VdsmError
from . import files

CLUSTER = 65536


def _qemu_img(*arguments: str, cwd: Path | None = None) -> None:
    done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise VdsmError(100, f"General Exception: qemu-img {' '.join(arguments)}: {done.stderr.strip()}")


def create(path: Path, size: int, backing: Path | None, backing_format: str) -> None:
    """An empty qcow2, on a backing file or alone."""
    if backing is not None:
        _qemu_img(
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            str(backing),
            "-F",
            backing_format,
            str(path),
            str(size),
            cwd=path.parent,
        )
    else:
        empty(path, size)


def empty(path: Path, size: int) -> None:
    """A minimal qcow2 version 3: header, reference count table with one block, empty L1 table."""
    l1_entries = max(1, -(-size // (CLUSTER * (CLUSTER // 8))))
    used = 3 + -(-l1_entries * 8 // CLUSTER)
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, size, 0, l1_entries, 3 * CLUSTER, CLUSTER, 1, 0, 0)
    header += struct.pack(">QQQII", 0, 0, 0, 4, 104) + struct.pack(">II", 0, 0)
    with open(path, "wb") as file:
        file.write(header)
        file.seek(CLUSTER)
        file.write(struct.pack(">Q", 2 * CLUSTER))
        file.seek(2 * CLUSTER)
        file.write(struct.pack(f">{used}H", *([1] * used)))
        file.truncate(used * CLUSTER)


def copy(source: Path, source_format: str, target: Path, target_format: str, capacity: int) -> None:
    """Contents of one volume into another. Raises VdsmError."""
    if shutil.which("qemu-img"):
        _qemu_img("convert", "-q", "-f", source_format, "-O", target_format, str(source), str(target))
    elif source_format == target_format:
        shutil.copyfile(source, target)
    else:
        raise VdsmError(100, "General Exception: qemu-img is not installed")
    if target_format == "raw" and files.length(target) < capacity:
        files.sparse(target, capacity)
    files.own(target, files.MODE_DATA)
