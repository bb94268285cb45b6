# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try out shared storage as the account that will use it, and leave nothing there and nothing on the host.

Whatever is mounted is mounted in a process that has mounts of its own: no other process sees it, and it is gone when
the process has ended, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import secrets
import socket
from collections.abc import Iterator
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage import WantedDomain
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.child import become, own_mounts
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.storage_evidence import (
    domains_in,
    mount_command,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

# vdsm and kvm on every hypervisor (host contract 11.4).
VDSM_ID = 36
MOUNT_SECONDS = 7.0

# Where it is mounted, unseen by others; a folder that every system has.
_PLACE = "/mnt"
_NFS_PORT = 2049
_KNOCK_SECONDS = 3.0
_BLOCK = 4096
# vdsm's own trial leaves it behind; it means nothing.
_HARMLESS = ("__DIRECT_IO_TEST__", "lost+found")
_TRIAL = ".node0-trial-"

Evidence = dict[str, Any]


def try_nfs(wanted: WantedDomain) -> Evidence:
    """Return what the server and the export have answered; the caller is a child process.

    C(server): why the server cannot be reached. C(mount): what mount said when it failed. Else C(owner), C(mode),
    C(entries), C(domains), C(total) and C(free) bytes, C(version) of NFS, and C(trial), see C(try_folder).
    """
    unreachable = knock(wanted.address)
    if unreachable:
        return unreachable
    own_mounts()
    try:
        done = run(mount_command(wanted, _PLACE), timeout=MOUNT_SECONDS, check=False)
    except HostedEngineError as error:
        return {"mount": error.observed}
    if done.rc != 0:
        return {"mount": (done.stderr or done.stdout).strip() or f"mount ended with {done.rc}"}
    version = negotiated_version(_PLACE)
    become(VDSM_ID, VDSM_ID)
    return {"version": version, **look_at(_PLACE)}


def knock(server: str, port: int = _NFS_PORT, seconds: float = _KNOCK_SECONDS) -> Evidence:
    """Return C(server) and C(unknown) or C(silent) when a server has no address, or nothing at all answers there.

    A refused connection is an answer: NFS can be spoken on other ports.

    Args:
        server: name or address.
        port: where to knock.
        seconds: how long to wait for each address.
    """
    try:
        answers = socket.getaddrinfo(server, port, 0, socket.SOCK_STREAM)
    except OSError as error:
        return {"server": f"{server}: {error.strerror or error}", "unknown": True}
    why = ""
    for family, kind, protocol, _name, place in answers:
        with socket.socket(family, kind, protocol) as link:
            link.settimeout(seconds)
            try:
                link.connect(place)
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    return {}
                why = f"{place[0]} port {port}: {error.strerror or f'no answer within {seconds:g} s'}"
            else:
                return {}
    return {"server": why, "silent": True}


def negotiated_version(folder: str, mounts: str = "/proc/self/mounts") -> str:
    """Return the version of NFS that client and server agreed on, nothing when it is not NFS that is mounted there."""
    with open(mounts, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            words = line.split()
            if len(words) > 3 and words[1] == folder and words[2].startswith("nfs"):
                return next((word[5:] for word in words[3].split(",") if word.startswith("vers=")), "")
    return ""


def look_at(folder: str) -> Evidence:
    """Return what a folder holds and whether one can work in it, as whoever we are."""
    found: Evidence = {}
    try:
        status, room = os.stat(folder), os.statvfs(folder)
        found.update(owner=f"{status.st_uid}:{status.st_gid}", mode=f"{status.st_mode & 0o7777:04o}")
        found.update(total=room.f_blocks * room.f_frsize, free=room.f_bavail * room.f_frsize)
        names = sorted(os.listdir(folder))
        domains = domains_in(folder)
    except OSError as error:
        return {**found, "trial": _failure("read", error)}
    found["domains"] = [
        {"id": one.id, "name": one.name, "pools": list(one.pools), "images": one.images} for one in domains
    ]
    known = {*(one.id for one in domains), *_HARMLESS}
    found["entries"] = [name for name in names if name not in known and not name.startswith(_TRIAL)]
    found["trial"] = try_folder(folder)
    return found


def try_folder(folder: str) -> Evidence:
    """Do in a folder what vdsm and sanlock do: create, write past the cache, lock, rename, remove.

    Returns:
        Nothing when all of it works, else C(step), C(errno) (its name) and C(words) of what did not.
    """
    path = os.path.join(folder, f"{_TRIAL}{secrets.token_hex(4)}")
    renamed = f"{path}-renamed"
    step = "create"
    try:
        with _time_kept(folder), _removed(path, renamed):
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o660)
            try:
                step = "write"
                os.write(handle, bytes(_BLOCK))
                os.fsync(handle)
                step = "lock"
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.lockf(handle, fcntl.LOCK_UN)
            finally:
                os.close(handle)
            step = "direct_io"
            _write_past_the_cache(path)
            step = "rename"
            os.rename(path, renamed)
            step = "remove"
            os.unlink(renamed)
    except OSError as error:
        return _failure(step, error)
    return {}


def _write_past_the_cache(path: str) -> None:
    handle = os.open(path, os.O_RDWR | os.O_DIRECT)
    try:
        with mmap.mmap(-1, _BLOCK) as block:  # memory that is aligned, as O_DIRECT demands
            os.pwrite(handle, block, 0)
            os.preadv(handle, [block], 0)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _time_kept(folder: str) -> Iterator[None]:
    """Give a folder its time of change back, where we may: not even that is left of the trial."""
    status = os.stat(folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextlib.contextmanager
def _removed(*paths: str) -> Iterator[None]:
    try:
        yield
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _failure(step: str, error: OSError) -> Evidence:
    return {"step": step, "errno": errno.errorcode.get(error.errno or 0, ""), "words": error.strerror or str(error)}
