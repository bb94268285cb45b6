"""`python -m appliance build --profile fast|faithful [--output DIR] [--cache DIR] [--no-ova]`.

Makes the appliance, or takes it from the cache, and prints one line of JSON that says where it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import base, cache, image, ova, payload
from .profiles import PROFILES, SUITE, Profile
from .run import BuildError, missing

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
CACHE = Path(os.environ.get("LAB_CACHE") or REPOSITORY / ".cache") / "appliance"
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "losetup": "mount",
    "extlinux": "extlinux",
    "qemu-img": "qemu-utils",
    "cpio": "cpio",
}
"""Commands that the build runs, and the Debian packages that bring them."""


def tree_digest(profile: Profile) -> str:
    """Digest of all that the Debian tree is made from."""
    texts = [SUITE, profile.kernel, " ".join(profile.packages), " ".join(profile.modules)]
    return cache.digest([*texts, HERE / "base.py", HERE / "hooks/kernel"], HERE)


def image_digest(profile: Profile, faults: str = "") -> str:
    """Digest of all that the disk is made from."""
    scripts = [HERE / name for name in ("image.py", "initrd.py", "payload.py", "ova.py", "appliance.ovf.in")]
    texts = [tree_digest(profile), " ".join(profile.masked), profile.cmdline, *([faults] if faults else [])]
    return cache.digest([*texts, *scripts, *payload.source_files(profile)], HERE.parent)


def build(profile: Profile, cache_dir: Path, output: Path, with_ova: bool, faults: str = "") -> dict[str, object]:
    """Build what is not in the cache and link the results into `output`. Returns what the command prints.

    faults: JSON text with faults of the simulator that the image brings.
    """
    started = time.monotonic()
    built = []
    tree = cache_dir / f"tree-{profile.name}-{tree_digest(profile)}"
    name = image_digest(profile, faults)
    qcow2 = cache_dir / f"disk-{profile.name}-{name}.qcow2"
    packed = cache_dir / f"disk-{profile.name}-{name}.ova"
    with cache.locked(cache_dir):
        if not qcow2.exists():
            if not tree.exists():
                partial = cache_dir / f"{tree.name}.partial"
                base.build_tree(profile, partial)
                cache.publish(partial, tree)
                built.append("tree")
            with tempfile.TemporaryDirectory(prefix="build-", dir=cache_dir) as scratch:
                partial = cache_dir / f"{qcow2.name}.partial"
                image.build_disk(profile, tree, Path(scratch), partial, faults)
                cache.publish(partial, qcow2)
            built.append("qcow2")
        if with_ova and not packed.exists():
            partial = cache_dir / f"{packed.name}.partial"
            ova.build_ova(qcow2, image.VIRTUAL_SIZE, name, partial)
            cache.publish(partial, packed)
            built.append("ova")
        result = {
            "profile": profile.name,
            "digest": name,
            "virtual_size": image.VIRTUAL_SIZE,
            "size": qcow2.stat().st_size,
        }
        result["qcow2"] = str(link(qcow2, output / f"{profile.name}.qcow2"))
        if packed.exists():
            result["ova"] = str(link(packed, output / f"{profile.name}.ova"))
        else:  # one of another image would only mislead
            (output / f"{profile.name}.ova").unlink(missing_ok=True)
    return {**result, "built": built, "seconds": round(time.monotonic() - started, 1)}


def link(source: Path, target: Path) -> Path:
    """Make `target` a hard link to `source` (a copy on another file system); it is replaced in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.samefile(source):
        return target
    fresh = target.with_name(f".{target.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    fresh.replace(target)
    return target


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; one line of JSON on standard output, errors on standard error with exit status 1."""
    parser = argparse.ArgumentParser(prog="appliance", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("build", help="build one profile")
    command.add_argument("--profile", choices=sorted(PROFILES), required=True)
    command.add_argument("--output", type=Path, help="directory for PROFILE.qcow2 and PROFILE.ova (default: the cache)")
    command.add_argument("--cache", type=Path, default=CACHE)
    command.add_argument("--faults", type=Path, metavar="FILE", help="JSON list of faults that the engine begins with")
    command.add_argument("--no-ova", action="store_true", help="only the qcow2")
    options = parser.parse_args(argv)
    if absent := missing(list(TOOLS)):
        print(f"appliance: install {' '.join(TOOLS[tool] for tool in absent)}", file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        print("appliance: only root can build the image (chroot, loop device)", file=sys.stderr)
        return 1
    try:
        faults = json.dumps(json.loads(options.faults.read_text())) if options.faults else ""
        output = options.output or options.cache
        result = build(PROFILES[options.profile], options.cache, output, not options.no_ova, faults)
    except (BuildError, OSError, ValueError) as error:
        print(f"appliance: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
