# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to storage servers: iSCSI sessions of the model, and file systems, modelled or really mounted."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from . import files

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")

#: Versions as the engine names them and as mount does.
_NFS_VERSIONS = {"v3": "3", "v4": "4", "v4_0": "4.0", "v4_1": "4.1", "v4_2": "4.2"}
#: A mount that takes longer has failed, in seconds.
MOUNT_TIMEOUT = 60


class Connections:
    """The model: what may be mounted is told by the configuration, and a directory below the root stands for it."""

    real = False

    def __init__(self, host: Host, saved: dict[str, Any]) -> None:
        self._host = host
        self.mounts: dict[str, str] = dict(saved.get("mounts", {}))  # remote path -> type
        self.sessions: set[str] = set(saved.get("sessions", []))  # iqn
        # After a boot the engine and the HA broker connect the same server at once.
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # by remote path

    def persistent(self) -> dict[str, Any]:
        """What survives a restart."""
        return {"mounts": self.mounts, "sessions": sorted(self.sessions)}

    def mounted(self) -> dict[str, str]:
        """Remote paths that are connected now, with their kind."""
        return dict(self.mounts)

    def connect(self, kind: str, con: dict[str, Any]) -> int:
        """Connect one server; returns VDSM's status, 0 for success."""
        if kind == "ISCSI":
            return self._login(con)
        if kind == "FCP":
            return 0
        remote = con.get("connection", "").rstrip("/")
        with self._busy[remote]:
            status = self._mount(kind, remote, con)
            if status == 0:
                self.mounts[remote] = kind
        return status

    def disconnect(self, kind: str, con: dict[str, Any]) -> int:
        """Disconnect one server; what was not connected is no error."""
        if kind == "ISCSI":
            self.sessions.discard(con.get("iqn", ""))
            return 0
        remote = con.get("connection", "").rstrip("/")
        with self._busy[remote]:
            if remote in self.mounts:
                status = self._unmount(self.mounts[remote], remote)
                if status:
                    return status
                del self.mounts[remote]
        return 0

    def _login(self, con: dict[str, Any]) -> int:
        target = self._host.fabric.find_target(con.get("connection"), con.get("port"), con.get("iqn"))
        if target is None:
            return errors.code("iSCSILoginError")
        wanted = target.get("user"), target.get("password")
        if target.get("user") and (con.get("user"), con.get("password")) != wanted:
            return errors.code("iSCSILoginAuthError")
        self.sessions.add(target["iqn"])
        return 0

    def _mount(self, kind: str, remote: str, con: dict[str, Any]) -> int:
        exports = self._host.fabric.exports
        export: dict[str, Any] = next((e for e in exports or () if e["path"].rstrip("/") == remote), {})
        if exports is not None and (not export or self._host.address in export.get("denied", ())):
            return errors.code("MountError")
        if export.get("read_only"):
            return errors.code("StorageServerAccessPermissionError")
        point = self._host.fabric.layout.mount_point(remote, kind)
        if export.get("directory"):
            files.link(Path(export["directory"]), point)
        elif kind == "LOCALFS" and Path(remote).is_dir():
            files.link(Path(remote), point)
        else:
            files.directory(point)
        return 0

    def _unmount(self, kind: str, remote: str) -> int:
        return 0


class RealConnections(Connections):
    """A host's: `mount` and `umount` as VDSM runs them, and its check that user vdsm may work there."""

    real = True

    def mounted(self) -> dict[str, str]:
        """What this daemon has mounted and the kernel still shows."""
        layout = self._host.fabric.layout
        return {
            remote: kind
            for remote, kind in self.mounts.items()
            if layout.mount_point(remote, kind).is_symlink() or layout.mount_point(remote, kind).is_mount()
        }

    def _mount(self, kind: str, remote: str, con: dict[str, Any]) -> int:
        point = self._host.fabric.layout.mount_point(remote, kind)
        if kind == "LOCALFS":
            if not Path(remote).is_dir():
                return errors.code("MountError")
            files.link(Path(remote), point)
        elif not point.is_mount():
            files.directory(point)
            status = self._run(["mount", "-t", *mount_arguments(kind, con), remote, str(point)])
            if status:
                point.rmdir()
                return status
        if not vdsm_may_use(point):
            log.warning("%s: user vdsm (36:36) may not read, write and search %s", remote, point)
            self._unmount(kind, remote)
            return errors.code("StorageServerAccessPermissionError")
        return 0

    def _unmount(self, kind: str, remote: str) -> int:
        point = self._host.fabric.layout.mount_point(remote, kind)
        if point.is_symlink():
            point.unlink()
            return 0
        if point.is_mount():
            status = self._run(["umount", str(point)])
            if status:
                return status
        if point.is_dir():
            point.rmdir()
        return 0

    @staticmethod
    def _run(command: list[str]) -> int:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            log.warning("%s: no end after %d s", " ".join(command), MOUNT_TIMEOUT)
            return errors.code("MountError")
        if done.returncode:
            log.warning("%s: rc=%d %s", " ".join(command), done.returncode, done.stderr.strip())
            return errors.code("MountError")
        return 0


def mount_arguments(kind: str, con: dict[str, Any]) -> list[str]:
    """File system type and options of `mount -t`, as VDSM composes them (VDSM `storage/storageServer.py`)."""
    extra = [con["mnt_options"]] if con.get("mnt_options") else []
    if kind != "NFS":
        vfs = {"GLUSTERFS": "glusterfs"}.get(kind, con.get("vfs_type") or "auto")
        return [vfs, *(["-o", ",".join(extra)] if extra else [])]
    options = ["soft", "nosharecache", f"timeo={con.get('timeout') or 100}", f"retrans={con.get('retrans') or 3}"]
    version = str(con.get("protocol_version") or "auto").lower()
    if version in _NFS_VERSIONS:
        options.append(f"vers={_NFS_VERSIONS[version]}")
    return ["nfs", "-o", ",".join([*options, *extra])]


def vdsm_may_use(point: Path) -> bool:
    """Whether user 36:36 can read, write and search the directory."""
    tests = " && ".join(f'test -{flag} "$1"' for flag in "rwx")
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", tests, "sh", str(point)],
            user=files.VDSM_UID,
            group=files.VDSM_GID,
            extra_groups=[],
            timeout=MOUNT_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
