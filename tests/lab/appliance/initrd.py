"""A hand-made initrd of 2 MB: the kernel has virtio as modules, and Debian's initrd costs seconds under TCG."""

from __future__ import annotations

import shutil
from pathlib import Path

from .base import kernel_version, module_files
from .profiles import LABEL
from .run import run

_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4")  # those that are not built in

_INIT = """#!/bin/busybox sh
export PATH=/bin
for name in mount umount switch_root findfs insmod sleep ls; do ln -s busybox /bin/$name; done
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
{insmod}
tries=0
until root=$(findfs LABEL={label} 2>/dev/null); do
    tries=$((tries + 1))
    [ $tries -gt 600 ] && {{ echo "no disk with the label {label}:"; ls /sys/block; exec sh; }}
    sleep 0.05
done
mount -t ext4 -o rw,noatime,discard $root /root
umount /sys
umount /proc
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
"""


def build_initrd(tree: Path, scratch: Path, target: Path) -> None:
    """Write the initrd for the kernel of `tree` to `target`, using the empty directory `scratch`."""
    source = tree / "usr/lib/modules" / kernel_version(tree)
    for name in ("bin", "dev", "proc", "sys", "root", "modules"):
        (scratch / name).mkdir()
    shutil.copy2(tree / "bin/busybox", scratch / "bin/busybox")
    lines = []
    for path in module_files(tree, _MODULES):
        shutil.copy2(source / path, scratch / "modules")
        lines.append(f"insmod /modules/{Path(path).name}")
    init = scratch / "init"
    init.write_text(_INIT.format(insmod="\n".join(lines), label=LABEL))
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(scratch)) for path in sorted(scratch.rglob("*")))
    # Packed also because mke2fs makes holes of zeros: extlinux cannot read a file of more than four extents.
    pack = 'cpio --quiet -o -H newc -R 0:0 | gzip -n -1 >"$1"'
    run("bash", "-o", "pipefail", "-c", pack, "cpio", target, stdin=names, cwd=scratch)
