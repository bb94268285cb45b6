# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine appliance: that it is there, is what it should be, fits, and boots on this host."""

from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import sizes
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    appliance,
    appliance_file,
    disk_image,
    ova,
    qcow2,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

CHECK_SECONDS = 8.0

_SOURCE = "he_appliance"
_START = 1 << 20
# Where distributions put the firmware that UEFI guests boot with.
_UEFI = ("/usr/share/OVMF", "/usr/share/edk2/ovmf", "/usr/share/qemu/firmware", "/usr/share/edk2/x64")
_AGAIN = "Download the appliance again, or reinstall its package."


@dataclass(frozen=True)
class Seen:
    """What is known of the appliance's image without unpacking it.

    Attributes:
        kind: C(qcow2), C(gzip) or C(tar), the appliance's file.
        format: C(qcow2) or C(raw), the image in it.
        virtual_size: bytes that the guest sees.
        packed_size: bytes of the image's file.
        image: path of the image if it lies there unpacked.
        problem: words for what makes it unusable.
        firmware: C(bios) or C(uefi), nothing if that cannot be told.
    """

    kind: str
    format: str
    virtual_size: int
    packed_size: int
    image: str = ""
    problem: str = ""
    firmware: str = ""


@check("appliance.file", block=(".missing", ".unknown_format", ".unreadable"), info=(".from_package",))
def file(context: Context) -> Result:
    """The appliance is there, is an OVA or a qcow2 image, and QEMU can read it."""
    settings = context.settings
    try:
        source = _source(context)
        if source is None:
            resolution = f"It is installed with the package {settings.appliance_package}."
            yield Finding("appliance.file.from_package", "an appliance on the host", "none yet", resolution, _SOURCE)
            return
        kind = appliance_file.kind(source.path)
        if kind == "qcow2":
            appliance.reachable(source.path)
    except HostedEngineError as error:
        name = {
            appliance_file.APPLIANCE_MISSING.id: "missing",
            appliance_file.APPLIANCE_UNKNOWN.id: "unknown_format",
        }.get(error.problem.id, "unreadable")
        expected = error.expected or "a file that QEMU's account can read"
        yield Finding(f"appliance.file.{name}", expected, error.observed, error.advice, _SOURCE)
    else:
        yield f"{source.path} ({'OVA' if kind != 'qcow2' else kind}, {sizes.human(os.path.getsize(source.path))})"


@check("appliance.checksum", block=(".wrong", ".invalid"), when=lambda context: _path(context) != "")
def checksum(context: Context) -> Result:
    """The appliance has the checksum that the settings or its package give."""
    try:
        source = _source(context)
    except HostedEngineError as error:
        if error.problem is appliance_file.APPLIANCE_UNKNOWN:
            yield Finding(
                "appliance.checksum.invalid", error.expected, error.observed, error.advice, "he_appliance_checksum"
            )
        return
    if source is None or not source.checksum:
        yield "no checksum is given"
        return
    algorithm, _colon, wanted = source.checksum.partition(":")
    with open(source.path, "rb") as stream:
        found = ova.HashingReader(stream, [algorithm]).digests()[algorithm]
    if found != wanted:
        observed = f"{algorithm} {found} of {source.path}"
        yield Finding("appliance.checksum.wrong", f"{algorithm} {wanted}", observed, _AGAIN, "he_appliance_checksum")
    else:
        yield f"{algorithm} {found}"


@check("appliance.image", block=(".damaged", ".unusable", ".no_space"), when=lambda context: _path(context) != "")
def image(context: Context) -> Result:
    """The appliance holds a whole disk image, and there is room to unpack it."""
    seen = _seen(context)
    if seen is None:
        return
    if seen.problem:
        name = "damaged" if seen.format == "" else "unusable"
        yield Finding(f"appliance.image.{name}", "one whole qcow2 or raw image", seen.problem, _AGAIN, _SOURCE)
        return
    yield f"{seen.format}, {sizes.human(seen.virtual_size)}"
    if seen.kind != "qcow2" and not seen.image:
        folder = context.settings.appliance_cache or appliance.CACHE
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        try:
            ova.check_space(folder, seen.packed_size)
        except HostedEngineError as error:
            yield Finding(
                "appliance.image.no_space", error.expected, error.observed, error.advice, "he_appliance_cache"
            )


@check("appliance.sound", block=("appliance.sound",), when=lambda context: _path(context) != "")
def sound(context: Context) -> Result:
    """qemu-img finds no fault in the image."""
    seen = _seen(context)
    if seen is None or seen.problem or seen.format != "qcow2" or not seen.image:
        yield "it is checked when it is unpacked"
        return
    done = run(["qemu-img", "check", "-q", "-f", "qcow2", seen.image], timeout=CHECK_SECONDS, check=False)
    # 3 means that some clusters are unused but not given back, which does no harm.
    if done.rc not in (0, 3):
        words = (done.stderr or done.stdout).strip() or f"qemu-img check ended with {done.rc}"
        yield Finding("appliance.sound", f"{seen.image} without faults", words[-500:], _AGAIN, _SOURCE)
    else:
        yield "no fault"


@check("vm.disk", block=(".too_small",), when=lambda context: _path(context) != "")
def disk(context: Context) -> Result:
    """The engine VM's disk is at least as large as the appliance's."""
    seen, wanted = _seen(context), context.settings.disk_size
    if seen is None or seen.problem or not wanted:
        return
    if wanted < seen.virtual_size:
        least = -(-seen.virtual_size // sizes.GIB)
        expected = f"at least {sizes.human(seen.virtual_size)}, the size of the appliance's disk"
        resolution = f"Set he_disk_size_GB to {least} or more."
        yield Finding("vm.disk.too_small", expected, sizes.human(wanted), resolution, "he_disk_size_GB")
    else:
        yield f"{sizes.human(wanted)}, the appliance has {sizes.human(seen.virtual_size)}"


@check("appliance.firmware", block=(".none", ".missing"), warn=(".differs",), when=lambda context: _path(context) != "")
def firmware(context: Context) -> Result:
    """The image boots with the firmware that the engine VM gets, and the host has it."""
    seen, wanted = _seen(context), context.settings.firmware
    if seen is None or seen.problem or not seen.firmware:
        yield "it is looked up when the appliance is unpacked"
        return
    if seen.firmware == "none":
        yield Finding("appliance.firmware.none", "an image that boots", "no boot loader in it", _AGAIN, _SOURCE)
        return
    if wanted not in ("auto", seen.firmware):
        resolution = "Set he_firmware to auto."
        yield Finding("appliance.firmware.differs", f"an image for {wanted}", seen.firmware, resolution, "he_firmware")
    used = seen.firmware if wanted == "auto" else wanted
    if used == disk_image.UEFI and not any(os.path.isdir(folder) for folder in _UEFI):
        resolution = "Install edk2-ovmf (or ovmf)."
        yield Finding("appliance.firmware.missing", "UEFI firmware for guests on the host", "none", resolution)
    else:
        yield used


def _path(context: Context) -> str:
    """Return the appliance's file, nothing when there is none."""
    with contextlib.suppress(HostedEngineError):
        source = appliance_file.find(context.settings.appliance)
        return source.path
    return ""


def _source(context: Context) -> Optional[appliance_file.Source]:
    """Return the appliance, or None when its package is still to be installed."""
    settings = context.settings
    try:
        return appliance_file.find(settings.appliance, settings.appliance_checksum)
    except HostedEngineError as error:
        to_install = settings.appliance_package and not settings.appliance and not settings.offline
        if error.problem is appliance_file.APPLIANCE_MISSING and to_install:
            return None
        raise


def _seen(context: Context) -> Optional[Seen]:
    """Look into the appliance, without unpacking more of it than the begin of its image."""
    path = _path(context)
    known = appliance.known(path, context.settings.appliance_cache or appliance.CACHE)
    try:
        kind = appliance_file.kind(path)
    except HostedEngineError:
        return None  # another check tells that
    if known is not None:
        size = int(known["virtual_size"])
        return Seen(kind, known["format"], size, size, known["image"], firmware=known["firmware"])
    try:
        if kind != "qcow2":
            return _in_ova(path, kind)
        with open(path, "rb") as stream:
            return _qcow2(stream, kind, os.path.getsize(path), path)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        return Seen(kind, "", 0, 0, problem=f"{path}: {error}")


def _qcow2(stream: IO[bytes], kind: str, size: int, path: str) -> Seen:
    start = stream.read(qcow2.HEADER_SIZE)
    found = qcow2.header(start)
    problem = found.incomplete or found.broken or ("it is encrypted" if found.encrypted else "")
    if problem or not path:
        return Seen(kind, "qcow2", found.virtual_size, size, path, problem)
    stream.seek(0)
    return Seen(kind, "qcow2", found.virtual_size, size, path, firmware=_firmware(qcow2.guest_start(stream, _START)))


def _firmware(start: Optional[bytes]) -> str:
    if start is None:
        return ""
    try:
        return disk_image.firmware(start)
    except HostedEngineError:
        return "none"


def _in_ova(path: str, kind: str) -> Seen:
    """Look at the begin of the largest image of an OVA, which is the only one in an appliance."""
    if kind == "gzip" and not _has_an_end(path):
        raise EOFError("its end is missing")
    with open(path, "rb") as stream, contextlib.ExitStack() as stack:
        plain = stack.enter_context(gzip.GzipFile(fileobj=stream)) if kind == "gzip" else stream
        tar = stack.enter_context(tarfile.open(fileobj=plain, mode="r|"))
        for member in tar:
            name = member.name[2:] if member.name.startswith("./") else member.name
            if not member.isfile() or not name.startswith("images/") or name.endswith(".meta"):
                continue
            content = tar.extractfile(member)
            start = content.read(_START) if content is not None else b""
            if len(start) < min(_START, member.size):
                raise EOFError("it ends in the middle of the image")
            if kind == "tar" and member.offset_data + member.size > os.path.getsize(path):
                raise EOFError("it ends in the middle of the image")
            if start.startswith(qcow2.MAGIC):
                found = qcow2.header(start)
                return Seen(kind, "qcow2", found.virtual_size, member.size, problem=found.incomplete or found.broken)
            return Seen(kind, "raw", member.size, member.size, firmware=_firmware(start))
    raise ValueError("it holds no disk image below images/")


def _has_an_end(path: str) -> bool:
    """Return whether a compressed archive ends as one does: with the size of what is in it, a number of whole blocks.

    It is not unpacked for that; of archives that were cut off one in 512 is not noticed.
    """
    with open(path, "rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return int.from_bytes(stream.read(4), "little") % tarfile.BLOCKSIZE == 0
