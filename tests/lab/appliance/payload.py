"""What is laid over the Debian tree: files of rootfs/, the simulator, the commands; and what is run once inside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from .profiles import Profile
from .run import chroot

HERE = Path(__file__).parent
LIBRARY = Path("usr/share/ovirt-engine-sim")
"""Where the Python packages live in the appliance."""

PRIVATE = ("root/ovirt-engine-answers",)
"""Files of rootfs/ that git cannot record as 0600."""


def sources(profile: Profile) -> list[tuple[Path, Path]]:
    """(source directory, destination below /) of everything laid over the tree."""
    lab = HERE.parent
    pairs = [
        (HERE / "rootfs/common", Path()),
        (HERE / "rootfs" / profile.name, Path()),
        *([(HERE / "nocloud", Path("usr/lib/appliance/nocloud"))] if profile.name == "fast" else []),
        (HERE / "engine_tools", LIBRARY / "engine_tools"),
        (lab / "engine_sim", LIBRARY / "engine_sim"),
        (lab / "vdsm_rpc", LIBRARY / "vdsm_rpc"),
    ]
    return [pair for pair in pairs if pair[0].is_dir()]


def source_files(profile: Profile) -> list[Path]:
    """All files of `sources`, sorted: what the digest of the image is taken over."""
    found = []
    for directory, _ in sources(profile):
        found += [path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(found)


FAULTS = "etc/ovirt-engine/engine-sim-faults.json"
"""Faults of the simulator that are in force from its first start."""


def lay(profile: Profile, root: Path, faults: str = "") -> None:
    """Copy everything into the tree at `root` and finish it: users, masks, byte code; `faults` is JSON text."""
    for source, destination in sources(profile):
        _copy(source, root / destination)
    if faults:
        (root / FAULTS).parent.mkdir(parents=True, exist_ok=True)
        (root / FAULTS).write_text(faults)
    for name in PRIVATE:
        (root / name).chmod(0o600)
    for unit in profile.masked:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    chroot(
        root,
        "/usr/sbin/useradd",
        "--system",
        "--uid",
        "108",
        "--home-dir",
        "/var/lib/ovirt-engine",
        "--shell",
        "/usr/sbin/nologin",
        "ovirt",
    )
    chroot(root, "sh", "-eu", "/usr/lib/appliance/finish-image")
    (root / "usr/lib/appliance/finish-image").unlink()
    chroot(root, "python3", "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash", f"/{LIBRARY}")


def _copy(source: Path, target: Path) -> None:
    """Copy a directory into another, keeping modes and links; all belongs to root and is not writable by others."""
    for path in sorted(source.rglob("*")):
        if "__pycache__" in path.parts or path.suffix == ".pyc":
            continue
        place = target / path.relative_to(source)
        if path.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(path.readlink())
        elif path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copyfile(path, place)
            place.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
