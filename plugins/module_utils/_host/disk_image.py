# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a disk image is: format, virtual size, whether it is sound, and with which firmware it boots."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import uuid
from dataclasses import dataclass

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import qcow2
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

IMAGE_UNUSABLE = declare(
    "appliance.unusable_image",
    "The disk image of the appliance cannot be used",
    "Take an appliance as it is published: one qcow2 or raw image without a backing file, with a boot loader.",
)

BIOS, UEFI = "bios", "uefi"

_SECTOR = 512
_START = 1 << 20
_EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_MBR_EFI_SYSTEM, _MBR_GPT = 0xEF, 0xEE


@dataclass(frozen=True)
class ImageInfo:
    """What an image is: its format, and the size that a guest sees, in bytes."""

    format: str
    virtual_size: int


def inspect(path: str) -> ImageInfo:
    """Look at an image and make sure that it is whole.

    Raises:
        HostedEngineError: C(appliance.unusable_image), C(command.failed).
    """
    header = qcow2.read_header(path)
    if header is None:
        return _inspect_other(path)
    if header.partial:
        raise HostedEngineError(IMAGE_UNUSABLE, observed=f"{path} is only a part of an image, the rest is elsewhere")
    checked = run(["qemu-img", "check", "-q", "-f", "qcow2", path], timeout=600, check=False)
    # 3 means that some clusters are unused but not given back, which does no harm.
    if checked.rc not in (0, 3):
        raise HostedEngineError(IMAGE_UNUSABLE, observed=f"{path}: {(checked.stderr or checked.stdout).strip()}")
    return ImageInfo("qcow2", header.virtual_size)


def _inspect_other(path: str) -> ImageInfo:
    """Let QEMU tell a raw image from all the other formats."""
    told = json.loads(run(["qemu-img", "info", "--output=json", path]).stdout)
    if told["format"] != "raw":
        raise HostedEngineError(IMAGE_UNUSABLE, expected="qcow2 or raw", observed=f"{path} is {told['format']}")
    return ImageInfo(told["format"], int(told["virtual-size"]))


def firmware_of(path: str, image_format: str) -> str:
    """Return C(uefi) or C(bios), by the partition table: an EFI system partition means UEFI.

    Raises:
        HostedEngineError: C(appliance.unusable_image) when nothing in the image boots.
    """
    if image_format == "raw":
        with open(path, "rb") as stream:
            return firmware(stream.read(_START), path)
    with open(path, "rb") as stream:
        seen = qcow2.guest_start(stream, _START) if image_format == "qcow2" else None
    if seen is not None:
        return firmware(seen, path)
    with tempfile.TemporaryDirectory(prefix="node0-") as folder:
        start = os.path.join(folder, "start")
        run(["qemu-img", "dd", "-f", image_format, "-O", "raw", f"bs={_START}", "count=1", f"if={path}", f"of={start}"])
        with open(start, "rb") as stream:
            return firmware(stream.read(), path)


def firmware(start: bytes, path: str = "the image") -> str:
    """Return the firmware for a disk that begins with these bytes, at least the first 34 sectors."""
    if start[510:512] != b"\x55\xaa":
        raise HostedEngineError(IMAGE_UNUSABLE, observed=f"{path} has no partition table")
    kinds = [start[446 + 16 * number + 4] for number in range(4)]
    if _MBR_EFI_SYSTEM in kinds or (_MBR_GPT in kinds and _EFI_SYSTEM in _gpt_types(start)):
        return UEFI
    if start[:440].strip(b"\0"):
        return BIOS
    raise HostedEngineError(
        IMAGE_UNUSABLE, observed=f"{path} has neither an EFI system partition nor a boot loader in its first sector"
    )


def _gpt_types(start: bytes) -> set[uuid.UUID]:
    header = start[_SECTOR:][:_SECTOR]
    if not header.startswith(b"EFI PART"):
        return set()
    first, count, size = struct.unpack_from("<Q", header, 72)[0], *struct.unpack_from("<II", header, 80)
    places = (first * _SECTOR + number * size for number in range(min(count, 128)))
    return {uuid.UUID(bytes_le=start[place:][:16]) for place in places if place + 16 <= len(start)}
