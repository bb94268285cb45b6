# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration archive: a tar of exactly 20480 bytes at the start of its volume (host contract 2.4)."""

import hashlib
import logging
import os
import pwd
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO

from ..env import constants

_log = logging.getLogger(__name__)

_VDSM_USER = "vdsm"


def _as_vdsm() -> list[str]:
    """Return the words that make a command run as vdsm, none if it does already or the user does not exist."""
    try:
        uid = pwd.getpwnam(_VDSM_USER).pw_uid
    except KeyError:
        return []
    return [] if os.geteuid() == uid else ["sudo", "-u", _VDSM_USER]


def _dd_pipe_tar(volume: str, tar_arguments: list[str]) -> tuple[int, bytes]:
    """Run ``dd if=VOLUME bs=4k | tar ARGUMENTS -`` and return the exit code and the output of tar."""
    with subprocess.Popen(
        [*_as_vdsm(), "dd", f"if={volume}", "bs=4k"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as reader:
        done = subprocess.run(["tar", *tar_arguments], stdin=reader.stdout, capture_output=True, check=False)
        if reader.stdout is not None:
            reader.stdout.close()
    if done.returncode:
        _log.debug("tar %s: %s", tar_arguments, done.stderr.decode(errors="replace"))
    return done.returncode, done.stdout


def validate_conf_image(volume: str) -> bool:
    """Tell whether the archive lists its five members; a listed name only has to contain the member's (known fault)."""
    code, listing = _dd_pipe_tar(volume, ["-tvf", "-"])
    if code:
        return False
    text = listing.decode(errors="replace")
    for member in constants.CONF_ARCHIVE_MEMBERS:
        if member not in text:
            _log.error("'%s' is not stored in the HE configuration image", member)
            return False
    return True


def extract_conf_file(volume: str, member: str) -> str | None:
    """Return the text of a member, None if tar does not find it.

    A member stored twice comes as both copies joined. Raises UnicodeDecodeError for bytes that are not UTF-8.
    """
    code, content = _dd_pipe_tar(volume, ["-xOf", "-", member])
    return None if code else content.decode()


def build_archive(members: Mapping[str, str]) -> bytes:
    """Return the archive with its members in the order of the HA writer.

    Raises RuntimeError if it is not exactly 20480 bytes long.
    """
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in constants.CONF_ARCHIVE_MEMBERS:
            content = members[name].encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
    data = stream.getvalue()
    end_blocks = 2 * tarfile.BLOCKSIZE
    used = sum(512 + -(-len(members[name].encode()) // 512) * 512 for name in constants.CONF_ARCHIVE_MEMBERS)
    expected = constants.CONF_ARCHIVE_BYTES
    if used + end_blocks <= expected:
        return data[: used + end_blocks].ljust(expected, b"\0")
    raise RuntimeError(f"Archive size doens't match expected size: actual {len(data)} - expected {expected}")


def _digest(volume: str) -> str:
    code = hashlib.md5(usedforsecurity=False)
    with open(volume, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            code.update(block)
    return code.hexdigest()


def write_archive(volume: str, data: bytes, digest_before: str | None = None) -> None:
    """Write the archive to the start of the volume, as vdsm.

    Raises RuntimeError if the volume is no longer the one of ``digest_before`` (MD5 of the whole volume).
    """
    if digest_before is not None and _digest(volume) != digest_before:
        raise RuntimeError("Configuration volume was changed by someone else")
    with tempfile.NamedTemporaryFile(prefix="he-conf-") as source:
        source.write(data)
        source.flush()
        os.chmod(source.name, 0o644)
        subprocess.run(
            [*_as_vdsm(), "dd", f"if={source.name}", f"of={volume}", "bs=4k", "conv=notrunc", "status=none"], check=True
        )


def create_heconfimage(members: Mapping[str, str], volume: str) -> None:
    """Write a new archive from the texts of its five members."""
    write_archive(volume, build_archive(members))


def add_file_to_conf_archive(volume: str, member: str, content: str) -> None:
    """Replace one member, keeping the others.

    The text of ``version`` loses its final newline, as with every rewrite by HA. Raises RuntimeError if the archive is
    not valid, does not fit, or was changed meanwhile.
    """
    digest = _digest(volume)
    if not validate_conf_image(volume):
        raise RuntimeError("The configuration archive is not valid")
    members: dict[str, str] = {}
    for name in constants.CONF_ARCHIVE_MEMBERS:
        text = extract_conf_file(volume, name)
        if text is None:
            raise RuntimeError(f"'{name}' cannot be read from the configuration archive")
        members[name] = text
    members["version"] = members["version"].rstrip("\n")
    members[member] = content
    write_archive(volume, build_archive(members), digest_before=digest)
