"""The upper layer: tree and payload become a bootable disk. A few seconds, redone at each change of the simulator."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import payload
from .initrd import build_initrd
from .profiles import LABEL, Profile
from .run import run

VIRTUAL_SIZE = 3 << 30
"""Size of the appliance's disk in bytes (sparse)."""

_PARTITION = 1 << 20
_MBR = Path("/usr/lib/EXTLINUX/mbr.bin")
_EXTLINUX = """PROMPT 0
TIMEOUT 0
DEFAULT engine
LABEL engine
  LINUX /boot/vmlinuz
  INITRD /boot/initrd.img
  APPEND {cmdline}
"""


def build_disk(profile: Profile, tree: Path, scratch: Path, target: Path, faults: str = "") -> None:
    """Write the uncompressed qcow2 `target` from `tree`, which is not changed; `scratch` is an existing directory."""
    raw = scratch / "disk.raw"
    with _overlay(tree, scratch) as root:
        payload.lay(profile, root, faults)
        initrd_scratch = scratch / "initrd"
        initrd_scratch.mkdir()
        build_initrd(root, initrd_scratch, root / "boot/initrd.img")
        (root / "boot/extlinux").mkdir(exist_ok=True)
        (root / "boot/extlinux/extlinux.conf").write_text(_EXTLINUX.format(cmdline=profile.cmdline))
        _make_filesystem(root, raw)
    _install_loader(raw, scratch)
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, target)
    raw.unlink()


def _make_filesystem(root: Path, raw: Path) -> None:
    with raw.open("wb") as file:
        file.truncate(VIRTUAL_SIZE)
    run("sfdisk", "--quiet", raw, stdin="label: dos\n2048,,L,*\n")
    run(
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-L",
        LABEL,
        "-d",
        root,
        "-m",
        "1",
        "-J",
        "size=16",
        "-O",
        "^metadata_csum_seed,^orphan_file",
        "-E",
        f"offset={_PARTITION},root_owner=0:0,discard",
        raw,
        f"{(VIRTUAL_SIZE - _PARTITION) // 1024}k",
    )


def _install_loader(raw: Path, scratch: Path) -> None:
    """extlinux can only be installed on a mounted file system; it boots two seconds faster than GRUB under TCG."""
    mount = scratch / "mnt"
    mount.mkdir()
    device = run("losetup", "--find", "--show", "--offset", str(_PARTITION), raw).strip()
    try:
        run("mount", "-t", "ext4", device, mount)
        try:
            run("extlinux", "--install", mount / "boot/extlinux")
        finally:
            run("umount", mount)
    finally:
        run("losetup", "--detach", device)
    with raw.open("r+b") as file:
        file.write(_MBR.read_bytes()[:440])


@contextmanager
def _overlay(tree: Path, scratch: Path) -> Iterator[Path]:
    """A writable view of `tree`; what is written lies in memory and is gone afterwards."""
    memory, merged = scratch / "upper", scratch / "root"
    memory.mkdir()
    merged.mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=0755,size=512m", "appliance-build", memory)
    try:
        (memory / "upper").mkdir(mode=0o755)
        (memory / "work").mkdir()
        options = f"lowerdir={tree},upperdir={memory}/upper,workdir={memory}/work"
        run("mount", "-t", "overlay", "-o", options, "appliance-build", merged)
        try:
            shutil.copymode(tree, merged)
            os.chown(merged, 0, 0)
            yield merged
        finally:
            run("umount", merged)
    finally:
        run("umount", memory)
