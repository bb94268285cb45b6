# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy the bootstrap VM's disk onto its volume on shared storage."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import progress, qcow2
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.identity import (
    VDSM_GROUP,
    VDSM_USER,
    acting_as,
    owner_ids,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed, failed

# What is being done, and how far it is in percent.
Tell = Callable[[str, float], None]

FILE_STORAGE = ("nfs", "glusterfs")

TARGET_TOO_SMALL = declare(
    "disk_copy.target_too_small",
    "The volume on shared storage is smaller than the disk of the bootstrap VM",
    "Set he_disk_size_GB to at least the appliance's virtual size and deploy again.",
)
SOURCE_UNKNOWN = declare(
    "disk_copy.source_unknown",
    "The disk of the bootstrap VM is not the image that this collection has made",
    "Run playbooks/cleanup.yml and deploy again; the disk is made anew.",
)
COPY_DIFFERS = declare(
    "disk_copy.differs",
    "The copy on shared storage differs from the disk of the bootstrap VM",
    "Check the storage (cables, server log); running the same playbook again copies anew.",
    retryable=True,
)


@dataclass(frozen=True)
class Copied:
    """A finished, verified copy: bytes that are really allocated on the target, virtual size, seconds."""

    allocated: int
    virtual_size: int
    seconds: float


def _nobody(_what: str, _percent: float) -> None:
    """Take no notice."""


def copy_disk(source: str, target: str, storage_type: str, timeout: float, tell: Tell = _nobody) -> Copied:
    """Copy a qcow2 image with its backing chain to a raw volume as vdsm, and compare the two.

    A new volume on file storage reads as zeros, so only data is written there; a block volume may hold old data and
    is written whole (performance figures of the project, section 3).

    Args:
        source: qcow2 image on this host; nothing may write to it.
        target: path of the prepared volume.
        storage_type: C(nfs), C(glusterfs), C(iscsi) or C(fc).
        timeout: seconds for the copy and, again, for the comparison.
        tell: is called now and then, with C(copy) or C(compare) and how far that is, in percent.

    Raises:
        HostedEngineError: C(disk_copy.target_too_small), C(disk_copy.differs), or what a command failed with.
    """
    begun = time.monotonic()
    _let_vdsm_read(source)
    virtual_size = _virtual_size(source)
    with acting_as():
        status = os.stat(target)
        room = _size(target)
    if room < virtual_size:
        raise HostedEngineError(TARGET_TOO_SMALL, expected=f"{virtual_size} bytes", observed=f"{room} bytes")
    knobs = ["-t", "none", "-T", "none", "-W", "-m", "16"]
    if storage_type in FILE_STORAGE and status.st_blocks == 0:
        knobs.append("--target-is-zero")
    words = ["qemu-img", "convert", "-p", "-n", "-f", "qcow2", "-O", "raw", *knobs, source, target]
    done = _tell_while(words, source, timeout, functools.partial(tell, "copy"))
    if done.rc != 0:
        raise failed(done)
    _compare(source, target, timeout, functools.partial(tell, "compare"))
    with acting_as():
        allocated = os.stat(target).st_blocks * 512
    return Copied(allocated, virtual_size, round(time.monotonic() - begun, 1))


def _compare(source: str, target: str, timeout: float, tell: progress.Tell) -> None:
    words = ["qemu-img", "compare", "-p", "-T", "none", "-f", "qcow2", "-F", "raw", source, target]
    done = _tell_while(words, source, timeout, tell)
    if done.rc != 0:
        raise HostedEngineError(COPY_DIFFERS, observed=(done.stdout + done.stderr).strip()[-500:])


def _tell_while(words: list[str], source: str, timeout: float, tell: progress.Tell) -> Completed:
    """Run a command as vdsm and tell how far it is."""
    folder = os.path.dirname(source)
    return progress.run_told(words, folder, tell, timeout, VDSM_USER, VDSM_GROUP, owner_ids())


def _virtual_size(source: str) -> int:
    header = qcow2.read_header(source)
    if header is None:
        raise HostedEngineError(SOURCE_UNKNOWN, expected="a qcow2 image", observed=source)
    return header.virtual_size


def _size(target: str) -> int:
    """Return the size of a file or block device in bytes."""
    handle = os.open(target, os.O_RDONLY)
    try:
        return os.lseek(handle, 0, os.SEEK_END)
    finally:
        os.close(handle)


def _let_vdsm_read(source: str) -> None:
    _uid, gid = owner_ids()
    os.chown(os.path.dirname(source), -1, gid)
    os.chmod(os.path.dirname(source), 0o750)
    os.chown(source, -1, gid)
    os.chmod(source, 0o640)
