# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts of the lab: the hosts' overlays and the file system they share."""

import os
from pathlib import Path

from driver.paths import LabPaths
from driver.run import run
from driver.state import State

# Sparse, they cost what is written: one large enough for a domain with a thick engine disk, one that is not.
SIZES = {"exports": 160 * 1024**3, "small": 20 * 1024**3}
STORAGE_OWNER = 36


def mounted_below(directory: Path) -> list[str]:
    """Mount points at or below ``directory``, deepest last."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == str(directory) or point.startswith(f"{directory}/"):
            found.append(point)
    return found


def share_unmounts(paths: LabPaths, state: State) -> None:
    """Make unmounting below ``paths.mounts`` effective everywhere.

    A container that starts copies all mounts of the machine, those of other labs too, and hides them. With a private
    parent the copies would outlive what is unmounted here, and with them the loop devices.
    """
    paths.mounts.mkdir(parents=True, exist_ok=True)
    state.intend("mount", path=str(paths.mounts))
    run(["mount", "--bind", paths.mounts, paths.mounts])
    run(["mount", "--make-shared", paths.mounts])


def mount_overlay(lowers: list[Path], paths: LabPaths, host: str, state: State) -> Path:
    """Mount a host's tree from the shared layers and its own upper layer."""
    root, upper, work = paths.host_root(host), paths.host(host) / "upper", paths.host(host) / "work"
    for path in (root, upper, work):
        path.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(str(lower) for lower in lowers)},upperdir={upper},workdir={work}"
    state.intend("mount", path=str(root), host=host)
    run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    return root


def make_exports(paths: LabPaths, state: State, export_names: list[str]) -> None:
    """Fresh XFS in sparse files, mounted once for all hosts; one directory per export, owned by vdsm:kvm."""
    _mount_fresh(paths.root / "exports.img", SIZES["exports"], paths.exports, state)
    for name in export_names:
        (paths.exports / name).mkdir()
    _mount_fresh(paths.root / "small.img", SIZES["small"], paths.exports / "small", state)
    for name in export_names:
        os.chown(paths.exports / name, STORAGE_OWNER, STORAGE_OWNER)
        (paths.exports / name).chmod(0o755)


def _mount_fresh(image: Path, size: int, directory: Path, state: State) -> None:
    """Make a file system in ``image`` and mount it; the kernel frees the loop device with the mount."""
    image.unlink(missing_ok=True)
    with image.open("wb") as stream:
        stream.truncate(size)
    run(["mkfs.xfs", "-q", "-K", "-l", "size=64m", image])
    directory.mkdir(parents=True, exist_ok=True)
    state.intend("mount", path=str(directory), image=str(image))
    run(["mount", "-o", "loop,nodiscard", image, directory])


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
