# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A storage domain as its directory tells it."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import error
from . import files, metadata, sanlock
from .files import BLANK, MIB

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")

TYPES = {0: "UNKNOWN", 1: "NFS", 2: "FCP", 3: "ISCSI", 4: "LOCALFS", 5: "CIFS", 6: "POSIXFS", 7: "GLUSTERFS"}
BLOCK_TYPES = ("FCP", "ISCSI")
CLASSES = {1: "Data", 2: "Iso", 3: "Backup"}
#: Index of external leases behind the first MiB of xleases (fixture tree.new-domain.json).
XLEASES_BASE, XLEASES_INDEX = MIB, 253952


def domain_type(value: Any) -> str:
    """The engine sends numbers, the API document names; an empty text means any ("UNKNOWN")."""
    text = str(value or 0)
    return TYPES[int(text)] if text.isdigit() else text.upper()


def domain_class(value: Any) -> str | None:
    """As `domain_type`; None means any."""
    text = str(value if value is not None else 0)
    return CLASSES.get(int(text)) if text.isdigit() else text.capitalize()


class Domain:
    """One domain: its directory and the fields of its metadata, which `save` writes back."""

    def __init__(self, path: Path, fields: dict[str, str]) -> None:
        self.path = path
        self.fields = fields

    @classmethod
    def load(cls, path: Path) -> Domain:
        """Read a domain's directory. Raises VdsmError (seal) or OSError."""
        return cls(path, metadata.parse_domain((path / "dom_md" / "metadata").read_bytes()))

    @classmethod
    def create(cls, path: Path, fields: dict[str, str], io_timeout: int | None) -> Domain:
        """Lay out a new domain with its sanlock areas, as VDSM's version 5."""
        domain = cls(path, fields)
        md = path / "dom_md"
        files.directory(path / "images")
        files.directory(md)
        domain.save()
        files.sparse(md / "leases", 2 * MIB)
        files.sparse(md / "ids", MIB)
        files.allocate(md / "ids", MIB)
        for name in ("inbox", "outbox"):
            files.sparse(md / name, 16 * MIB)
        files.sparse(md / "xleases", XLEASES_BASE)
        with open(md / "xleases", "r+b") as index:
            index.seek(XLEASES_BASE)
            index.write(b"\0" * XLEASES_INDEX)
        if sanlock.init_lockspace(domain.id, md / "ids", io_timeout):
            sanlock.init_resource(domain.id, sanlock.SPM_RESOURCE, md / "leases", sanlock.SPM_OFFSET)
        else:
            log.warning("domain %s: no sanlock on this machine, ids and leases stay empty", domain.id)
        return domain

    def save(self) -> None:
        """Write the metadata."""
        files.replace(self.path / "dom_md" / "metadata", metadata.domain_text(self.fields))

    @property
    def id(self) -> str:
        """Its UUID."""
        return self.fields["SDUUID"]

    @property
    def type(self) -> str:
        """NFS, ISCSI, ..."""
        return self.fields["TYPE"]

    @property
    def is_block(self) -> bool:
        """Whether its volumes would be logical volumes."""
        return self.type in BLOCK_TYPES

    @property
    def remote(self) -> str:
        """Remote path of a file domain, volume group of a block domain."""
        return self.fields.get("REMOTE_PATH", "")

    @property
    def pools(self) -> list[str]:
        """Pools it is attached to: none or one."""
        return [pool for pool in self.fields.get("POOL_UUID", "").split(",") if pool]

    @pools.setter
    def pools(self, pools: list[str]) -> None:
        self.fields["POOL_UUID"] = ",".join(pools)

    @property
    def is_master(self) -> bool:
        """Whether the pool's description lives in its metadata."""
        return self.fields.get("ROLE") == "Master"

    @property
    def ids(self) -> Path:
        """File of the domain's lockspace."""
        return self.path / "dom_md" / "ids"

    def images(self) -> list[str]:
        """Ids of the images."""
        folder = self.path / "images"
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []

    def info(self) -> dict[str, Any]:
        """Answer of StorageDomain.getInfo."""
        info: dict[str, Any] = {
            "uuid": self.id,
            "type": self.type,
            "class": self.fields["CLASS"],
            "name": self.fields["DESCRIPTION"],
            "role": self.fields["ROLE"],
            "pool": self.pools,
            "version": self.fields["VERSION"],
            "block_size": int(self.fields["BLOCK_SIZE"]),
            "alignment": int(self.fields["ALIGNMENT"]),
        }
        if self.is_master and "MASTER_VERSION" in self.fields:
            info.update(
                master_ver=self.fields["MASTER_VERSION"],
                lver=self.fields.get("POOL_SPM_LVER", "-1"),
                spm_id=self.fields.get("POOL_SPM_ID", "-1"),
            )
        if self.is_block:
            first = self.fields.get("FIRST_DEVICE", "")
            info.update(vguuid=self.fields.get("VGUUID", ""), state="OK", metadataDevice=first, vgMetadataDevice=first)
        else:
            info["remotePath"] = self.remote
        return info


def new_fields(sd_id: str, kind: str, name: str, clazz: str, version: str, remote: str, block: int) -> dict[str, str]:
    """Metadata of a domain that is in no pool yet (fixture dom_md.metadata.new)."""
    return {
        "ALIGNMENT": str(MIB),
        "BLOCK_SIZE": str(block),
        "CLASS": clazz,
        "DESCRIPTION": name,
        "IOOPTIMEOUTSEC": "10",
        "LEASERETRIES": "3",
        "LEASETIMESEC": "60",
        "LOCKPOLICY": "",
        "LOCKRENEWALINTERVALSEC": "5",
        "POOL_UUID": "",
        "REMOTE_PATH": remote,
        "ROLE": "Regular",
        "SDUUID": sd_id,
        "TYPE": kind,
        "VERSION": version,
    }


def visible(host: Host) -> Iterator[Domain]:
    """Every domain that this host can see now: below its mounts, or on the LUNs of its sessions."""
    for path in _directories(host):
        try:
            yield Domain.load(path)
        except FileNotFoundError:
            continue  # deleted meanwhile
        except OSError as problem:
            log.warning("domain at %s: %s", path, problem)


def _directories(host: Host) -> Iterator[Path]:
    for remote, kind in sorted(host.connections.mounted().items()):
        point = host.fabric.layout.mount_point(remote, kind)
        yield from sorted(path.parent.parent for path in point.glob("*-*-*-*-*/dom_md/metadata"))
    for group in host.fabric.vgs.values():
        path = host.fabric.layout.block_domain(group["name"])
        if host.sees_block(group) and (path / "dom_md" / "metadata").exists():
            yield path


def find(host: Host, sd_id: str) -> Domain:
    """The domain. Raises StorageDomainDoesNotExist when this host does not see it."""
    for path in _directories(host):
        if path.name == sd_id:
            return Domain.load(path)
    raise error("StorageDomainDoesNotExist", repr((sd_id,)))


def usage(host: Host, domain: Domain) -> tuple[int, int]:
    """Bytes in all and free bytes. Of real mounts the file system tells, of a model's what the volumes take."""
    if host.connections.real and not domain.is_block:
        told = os.statvfs(domain.path)
        return told.f_frsize * told.f_blocks, told.f_frsize * told.f_bavail
    if domain.is_block:
        group = host.fabric.vgs[domain.fields["VGUUID"]]
        total, used = sum(host.fabric.lun(guid)["size"] for guid in group["luns"]), 4 * files.GIB
    else:
        total, used = host.fabric.export_size(domain.remote), 0
    from .volumes import volumes

    used += sum(volume.true_size() for volume in volumes(domain))
    return total, max(0, total - used)


def is_id(text: str) -> bool:
    """Whether the text is a UUID and not the blank one."""
    try:
        return str(uuid.UUID(text)) == text.lower() and text != BLANK
    except ValueError:
        return False
