# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A storage pool. Its description lives in the master domain's metadata, so all hosts that see that domain agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import error
from . import domains, files
from .domains import Domain

if TYPE_CHECKING:
    from ..host import Host

#: Nobody is SPM.
NO_SPM = -1


class Pool:
    """View of a pool through its master domain."""

    def __init__(self, master: Domain, pool_id: str) -> None:
        self.master = master
        self.id = pool_id

    @property
    def name(self) -> str:
        """Name of the data centre."""
        return self.master.fields.get("POOL_DESCRIPTION", "")

    @property
    def master_version(self) -> int:
        """Grows with each change of the master."""
        return int(self.master.fields.get("MASTER_VERSION", "0"))

    @property
    def spm_id(self) -> int:
        """Host id of the SPM or -1."""
        return int(self.master.fields.get("POOL_SPM_ID", NO_SPM))

    @property
    def spm_version(self) -> int:
        """Version of the SPM's lease; grows with each start."""
        return int(self.master.fields.get("POOL_SPM_LVER", NO_SPM))

    @property
    def members(self) -> dict[str, str]:
        """Domain id to Active or Attached."""
        text = self.master.fields.get("POOL_DOMAINS", "")
        return dict(entry.split(":", 1) for entry in text.split(",") if entry)

    @members.setter
    def members(self, members: dict[str, str]) -> None:
        self.master.fields["POOL_DOMAINS"] = ",".join(f"{sd}:{status}" for sd, status in members.items())

    def set_spm(self, host_id: int, version: int) -> None:
        """Write who is SPM."""
        self.master.fields.update(POOL_SPM_ID=str(host_id), POOL_SPM_LVER=str(version))
        self.master.save()

    def set_member(self, sd_id: str, status: str | None) -> None:
        """Write a domain's status in the pool; None takes it out."""
        members = self.members
        if status is None:
            members.pop(sd_id, None)
        else:
            members[sd_id] = status
        self.members = members
        self.master.save()

    def move_master(self, target: Domain, version: int) -> None:
        """Make another domain the master, with all that the old one knew."""
        if target.id != self.master.id:
            demoted = dict(self.master.fields)
            for key in ("MASTER_VERSION", "POOL_DESCRIPTION", "POOL_DOMAINS", "POOL_SPM_ID", "POOL_SPM_LVER"):
                if key in demoted:
                    target.fields[key] = demoted.pop(key)
            target.fields["ROLE"], demoted["ROLE"] = "Master", "Regular"
            target.fields["MASTER_VERSION"] = str(version)
            target.save()
            self.master.fields = demoted
            self.master.save()
            self.master = target
        else:
            self.master.fields["MASTER_VERSION"] = str(version)
            self.master.save()


def describe(master: Domain, pool_id: str, name: str, version: int, members: dict[str, str]) -> Pool:
    """Make a domain the master of a pool and write the pool's description."""
    master.pools = [pool_id]
    master.fields.update(ROLE="Master", MASTER_VERSION=str(version), POOL_DESCRIPTION=name)
    master.fields.setdefault("POOL_SPM_ID", str(NO_SPM))
    master.fields.setdefault("POOL_SPM_LVER", str(NO_SPM))
    pool = Pool(master, pool_id)
    pool.members = members
    master.save()
    return pool


def find(host: Host, pool_id: str, connected: bool = True) -> Pool:
    """The pool. Raises StoragePoolUnknown when this host is not connected, or StoragePoolMasterNotFound."""
    if connected and pool_id not in host.pools:
        raise error("StoragePoolUnknown", repr((pool_id,)))
    for domain in domains.visible(host):
        if domain.is_master and pool_id in domain.pools:
            return Pool(domain, pool_id)
    if connected:
        raise error("StoragePoolMasterNotFound", f"spUUID={pool_id}")
    raise error("StoragePoolUnknown", repr((pool_id,)))


def find_as_spm(host: Host, pool_id: str) -> Pool:
    """The pool, on its SPM only. Raises SpmStatusError elsewhere."""
    pool = find(host, pool_id)
    if not is_spm(host, pool):
        raise error("SpmStatusError", repr((pool_id,)))
    return pool


def is_spm(host: Host, pool: Pool) -> bool:
    """Whether this host is the SPM: the metadata names its host id."""
    return pool.spm_id != NO_SPM and pool.spm_id == host.pools.get(pool.id)


def link(host: Host, pool: Pool) -> None:
    """The links /rhev/data-center/POOL/{DOMAIN,mastersd} of the domains that are seen."""
    layout = host.fabric.layout
    seen = {domain.id: domain.path for domain in domains.visible(host)}
    for sd_id in pool.members:
        if sd_id in seen:
            files.link(seen[sd_id], layout.data_center(pool.id, sd_id))
    files.link(pool.master.path, layout.data_center(pool.id, "mastersd"))


def unlink(host: Host, pool_id: str) -> None:
    """Take the pool's links away."""
    folder = host.fabric.layout.data_center(pool_id)
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.is_symlink():
                entry.unlink()
        folder.rmdir()


def info(host: Host, pool: Pool) -> dict[str, Any]:
    """Answer of StoragePool.getInfo."""
    seen = {domain.id: domain for domain in domains.visible(host)}
    details: dict[str, Any] = {}
    for sd_id, status in pool.members.items():
        details[sd_id] = {"status": status, "alerts": [], "isoprefix": ""}
        if status == "Active" and sd_id in seen:
            total, free = domains.usage(host, seen[sd_id])
            version = int(seen[sd_id].fields["VERSION"])
            details[sd_id].update(disktotal=str(total), diskfree=str(free), version=version)
    return {
        "info": {
            "name": pool.name,
            "type": pool.master.type,
            "master_uuid": pool.master.id,
            "master_ver": pool.master_version,
            "lver": pool.spm_version,
            "spm_id": pool.spm_id,
            "version": pool.master.fields["VERSION"],
            "isoprefix": "",
            "pool_status": "connected",
            "domains": ",".join(f"{sd}:{status}" for sd, status in pool.members.items()),
        },
        "dominfo": details,
    }
