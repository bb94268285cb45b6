# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What turns the base tree into a lab host: a second layer, made in seconds, kept by digest."""

import hashlib
import shutil
from pathlib import Path

from driver.paths import HOST_SOURCES, cache
from driver.registry import locked
from driver.run import run
from driver.tree import base_tree

_ROOTFS = HOST_SOURCES / "rootfs"
_TREE_SOURCES = HOST_SOURCES / "tree"
_SHIM = Path("usr/lib/lab/libnolimits.so")


def tree_digest(directories: list[Path], seed: str = "") -> str:
    """Digest of names, modes and contents of all files below some directories."""
    digest = hashlib.sha256(seed.encode())
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            if "__pycache__" in path.parts or path.is_dir():
                continue
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            mode = path.lstat().st_mode & 0o777
            digest.update(f"\0{path.relative_to(directory)}\0{mode:o}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def host_layers(packages: list[Path]) -> list[Path]:
    """Lower directories of a host, uppermost first; ``packages`` are installed in the layer (the SDK)."""
    base = base_tree()
    seed = " ".join([base.name, *(package.name for package in packages)])
    store = cache() / "tree"
    with locked(store / "lock"):
        layer = store / f"layer-{tree_digest([_ROOTFS, _TREE_SOURCES], seed)}"
        if not layer.is_dir():
            _make(base, layer, packages)
    return [layer, base]


def _make(base: Path, layer: Path, packages: list[Path]) -> None:
    scratch = layer.with_name(f".{layer.name}")
    root, upper, work = (scratch / name for name in ("root", "upper", "work"))
    if scratch.exists():
        run(["umount", "--recursive", "--quiet", root]) if root.is_mount() else None
        shutil.rmtree(scratch)
    for path in (root, upper, work):
        path.mkdir(parents=True)
    upper.chmod(0o755)
    run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={upper},workdir={work}", root])
    try:
        run(["cp", "-r", "--preserve=mode,links", f"{_ROOTFS}/.", root])
        run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", root / _SHIM, _TREE_SOURCES / "nolimits.c"])
        shutil.copy(_TREE_SOURCES / "qemu.conf.append", root / "tmp")
        for package in packages:
            run(["dpkg", f"--root={root}", "--force-script-chrootless", "--install", package])
        run(["chroot", root, "/bin/sh", "-s"], stdin=(_TREE_SOURCES / "configure").read_text(encoding="utf-8"))
    finally:
        run(["umount", root])
    upper.rename(layer)
    shutil.rmtree(scratch)
