# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An appliance image that the user gave: told by its content, and offered in both formats, whichever it is in."""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from appliance.ova import build_ova

from driver.errors import LabError
from driver.paths import cache
from driver.registry import locked
from driver.run import run

_COPY_SECONDS = 1800.0


def format_of(image: Path) -> str:
    """``qcow2`` or ``ova``; raises LabError if the file is neither, is not there or needs another file."""
    if not image.is_file():
        raise LabError(f"appliance {image}: there is no such file")
    with image.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"QFI\xfb"):
        if backing := _info(image).get("backing-filename"):
            raise LabError(f"appliance {image}: is an overlay of {backing}; give a flat image (qemu-img convert)")
        return "qcow2"
    if head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        return "ova"
    raise LabError(f"appliance {image}: expected a qcow2 image or an OVA (tar, gzipped or not), its content is neither")


def both_formats(image: Path) -> dict[str, Path]:
    """Paths by format: the given file, and what was made of it, kept in the cache while the file stays as it is."""
    given = format_of(image)
    store = cache() / "appliance" / "given"
    about = image.stat()
    digest = hashlib.sha256(f"{image.resolve()} {about.st_size} {about.st_mtime_ns}".encode()).hexdigest()[:16]
    other = "ova" if given == "qcow2" else "qcow2"
    made = store / f"{digest}.{other}"
    with locked(store / "lock"):
        if not made.exists():
            draft = made.with_suffix(".partial")
            if other == "ova":
                build_ova(image, int(_info(image)["virtual-size"]), digest, draft)
            else:
                _disk_of(image, draft)
            draft.replace(made)
    return {given: image, other: made}


def _info(image: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(["qemu-img", "info", "--output=json", image]))
    return found


def _disk_of(ova: Path, target: Path) -> None:
    """The only disk of an OVA in the layout of ovirt-engine-appliance (``images/GROUP/VOLUME``), as qcow2."""
    try:
        with tarfile.open(ova, "r|*") as tar:
            for member in tar:
                parts = Path(member.name).parts
                if member.isfile() and "images" in parts and not member.name.endswith(".meta"):
                    source = tar.extractfile(member)
                    assert source is not None  # it is a file
                    with target.open("wb") as file:
                        shutil.copyfileobj(source, file, 1 << 20)
                    break
            else:
                raise LabError(f"appliance {ova}: has no disk below images/")
    except tarfile.TarError as error:
        raise LabError(f"appliance {ova}: {error}") from error
    with target.open("rb") as file:
        flat = file.read(4) != b"QFI\xfb"
    if flat:
        raw = target.with_suffix(".raw")
        target.rename(raw)
        run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, target], timeout=_COPY_SECONDS)
        raw.unlink()
