# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look into shared storage before the engine does.

The engine imports a storage domain that it finds on a path, without asking, and takes it away from the data centre that
it belongs to. Therefore the path is mounted read-only and looked at first.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import storage
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StorageEvidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ovf_store import as_reader
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

MOUNT_SECONDS = 90

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_NFS_VERSIONS = {"v3": "3", "v4": "4", "v4_0": "4.0", "v4_1": "4.1", "v4_2": "4.2"}


def look_into(wanted: storage.WantedDomain) -> list[StorageEvidence]:
    """Return the storage domains that are on a path of NFS or Gluster.

    Raises:
        HostedEngineError: C(storage.not_mounted) with the words of mount, or when vdsm may not read the path.
    """
    with mounted(wanted) as folder:
        try:
            with as_reader():
                return domains_in(folder)
        except OSError as error:
            raise HostedEngineError(
                storage.NOT_MOUNTED,
                expected=f"{wanted.where} to be readable for vdsm (36:36)",
                observed=f"{error.strerror}: {error.filename}",
            ) from error


@contextlib.contextmanager
def mounted(wanted: storage.WantedDomain) -> Iterator[str]:
    """Mount the storage read-only at a folder of its own for as long as the block lasts."""
    folder = tempfile.mkdtemp(prefix="node0-storage-")
    try:
        done = run(mount_command(wanted, folder, read_only=True), timeout=MOUNT_SECONDS, check=False)
        if done.rc != 0:
            raise HostedEngineError(
                storage.NOT_MOUNTED,
                expected=f"{wanted.where} to be mounted",
                observed=(done.stderr or done.stdout).strip() or f"mount ended with {done.rc}",
            )
        try:
            yield folder
        finally:
            run(["umount", folder], timeout=MOUNT_SECONDS)
    finally:
        os.rmdir(folder)


def mount_command(wanted: storage.WantedDomain, folder: str, read_only: bool = False) -> list[str]:
    """Return the command that mounts the storage at a folder, with the options that were asked for."""
    options = ",".join(["ro" if read_only else "rw", "nosuid", "nodev", *_options(wanted)])
    return ["mount", "-t", wanted.type, "-o", options, f"{_host(wanted.address)}:{wanted.path}", folder]


def domains_in(folder: str) -> list[StorageEvidence]:
    """Return the storage domains below a folder, as vdsm lays them out (host contract 11.4)."""
    return [
        _evidence(os.path.join(folder, name), name)
        for name in sorted(os.listdir(folder))
        if _UUID.match(name) and os.path.isdir(os.path.join(folder, name, "dom_md"))
    ]


def _evidence(folder: str, domain_id: str) -> StorageEvidence:
    values = _metadata(os.path.join(folder, "dom_md", "metadata"))
    pools = tuple(pool for pool in values.get("POOL_UUID", "").split(",") if pool)
    return StorageEvidence(domain_id, values.get("DESCRIPTION", ""), pools, _count(os.path.join(folder, "images")))


def _metadata(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            lines = stream.read().replace("\0", "").splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _count(folder: str) -> int:
    """Return the number of disks; vdsm renames those that it is about to remove."""
    try:
        return len([name for name in os.listdir(folder) if _UUID.match(name)])
    except FileNotFoundError:
        return 0


def _options(wanted: storage.WantedDomain) -> list[str]:
    options = [word for word in wanted.mount_options.split(",") if word and word != "rw"]
    if wanted.type == "nfs":
        # Without them an unreachable server holds mount for minutes.
        options = ["soft", "retry=0", *options]
        if wanted.nfs_version in _NFS_VERSIONS:
            options.append(f"nfsvers={_NFS_VERSIONS[wanted.nfs_version]}")
    return options


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
