# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts of the lab: the hosts' overlays and the file system they share."""

import os
from pathlib import Path

from driver.paths import LabPaths
from driver.run import run
from driver.state import State

# Sparse: large enough for a domain whose engine disk is thick, costs what is written.
EXPORTS_SIZE = 160 * 1024**3
STORAGE_OWNER = 36


def mounted_below(directory: Path) -> list[str]:
    """Mount points at or below ``directory``, deepest last."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == str(directory) or point.startswith(f"{directory}/"):
            found.append(point)
    return found


def mount_overlay(lowers: list[Path], directory: Path, state: State) -> Path:
    """Mount ``directory/root`` from the shared layers and the host's own upper layer."""
    root, upper, work = (directory / name for name in ("root", "upper", "work"))
    for path in (root, upper, work):
        path.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(str(lower) for lower in lowers)},upperdir={upper},workdir={work}"
    state.intend("mount", path=str(root))
    run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    return root


def make_exports(paths: LabPaths, state: State, export_names: list[str]) -> None:
    """A fresh XFS in a sparse file, mounted once for all hosts; one directory per export, owned by vdsm:kvm."""
    paths.exports_image.unlink(missing_ok=True)
    with paths.exports_image.open("wb") as stream:
        stream.truncate(EXPORTS_SIZE)
    run(["mkfs.xfs", "-q", "-K", "-l", "size=64m", paths.exports_image])
    mount_exports(paths, state)
    for name in export_names:
        directory = paths.exports / name
        directory.mkdir()
        os.chown(directory, STORAGE_OWNER, STORAGE_OWNER)
        directory.chmod(0o755)


def mount_exports(paths: LabPaths, state: State) -> None:
    """Mount the image; the kernel frees the loop device with the mount."""
    paths.exports.mkdir(parents=True, exist_ok=True)
    state.intend("mount", path=str(paths.exports), image=str(paths.exports_image))
    run(["mount", "-o", "loop,nodiscard", paths.exports_image, paths.exports])


def loops_of(directory: Path) -> list[str]:
    """Loop devices whose file lies below ``directory``."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            name = backing.read_text(encoding="utf-8").strip()
        except OSError:
            continue  # the device was freed between the two looks
        if name.removesuffix(" (deleted)").startswith(f"{directory}/"):
            found.append(f"/dev/{backing.parts[3]} ({name})")
    return found
