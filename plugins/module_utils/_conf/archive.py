# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration archive at the begin of its volume: a tar of exactly 20480 bytes (host contract 2.4)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

SIZE = 20480
MEMBERS = ("vm.conf", "broker.conf", "version", "fhanswers.conf", "hosted-engine.conf")

TOO_LARGE = declare(
    "conf_archive.too_large",
    "The configuration does not fit into its archive on shared storage",
    "Shorten the mail recipients or mount options; the HA services read no more than 20480 bytes.",
)
DAMAGED = declare(
    "conf_archive.damaged",
    "The configuration archive on shared storage is damaged",
    "Check the storage; running the playbook again writes the archive anew.",
)


def build(members: Mapping[str, str]) -> bytes:
    """Return the archive.

    Args:
        members: the text of each of C(MEMBERS); they belong to vdsm:kvm and carry no time, so that equal content
            gives equal bytes.

    Raises:
        HostedEngineError: C(conf_archive.too_large).
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in MEMBERS:
            data = members[name].encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o640
            entry.uid = entry.gid = 36
            entry.uname, entry.gname = "vdsm", "kvm"
            archive.addfile(entry, io.BytesIO(data))
        # An end mark of two blocks must fit too; tarfile then fills up to its own record of 10240 bytes.
        used = archive.offset + 2 * tarfile.BLOCKSIZE
    if used > SIZE:
        raise HostedEngineError(TOO_LARGE, expected=f"at most {SIZE} bytes", observed=f"{used} bytes")
    return stream.getvalue()[:SIZE].ljust(SIZE, b"\0")


def read(data: bytes) -> dict[str, str]:
    """Return the members of an archive.

    Raises:
        HostedEngineError: C(conf_archive.damaged) if it is no archive or a member is missing.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if content is not None:
                    found[entry.name] = content.read().decode()
    except (tarfile.TarError, UnicodeDecodeError, EOFError) as error:
        raise HostedEngineError(DAMAGED, observed=str(error) or type(error).__name__) from error
    missing = [name for name in MEMBERS if name not in found]
    if missing:
        raise HostedEngineError(DAMAGED, expected=f"members {', '.join(MEMBERS)}", observed=f"no {', '.join(missing)}")
    return found
