# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of storage domains."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from .. import errors
from ..fabric import new_id
from ..storage import domains, pools, volumes
from ..storage.domains import BLOCK_TYPES, Domain
from ..storage.files import BLANK
from ..verbs import truth, verb

if TYPE_CHECKING:
    from ..host import Host


@verb("StorageDomain.create")
def sd_create(
    host: Host,
    storagedomainID: str,
    domainType: Any,
    typeArgs: str,
    name: str,
    domainClass: Any = 1,
    version: Any = "5",
    blockSize: Any = 512,
    maxHosts: Any = 250,
) -> None:
    kind = domains.domain_type(domainType)
    if any(domain.id == storagedomainID for domain in domains.visible(host)):
        raise errors.error("StorageDomainAlreadyExists", storagedomainID)
    clazz = domains.domain_class(domainClass) or "Data"
    remote = typeArgs.rstrip("/")
    fields = domains.new_fields(storagedomainID, kind, name, clazz, str(version), remote, int(blockSize or 512) or 512)
    if kind in BLOCK_TYPES:
        group = host.fabric.vgs.get(typeArgs)
        if group is None:
            raise errors.error("VolumeGroupDoesNotExist", f"vg_uuid: {typeArgs}")
        group["name"] = storagedomainID
        fields.update(REMOTE_PATH="", VGUUID=typeArgs, FIRST_DEVICE=group["luns"][0])
        path = host.fabric.layout.block_domain(storagedomainID)
    elif remote not in host.connections.mounted():
        raise errors.error("StorageDomainFSNotMounted", typeArgs)
    else:
        path = host.fabric.layout.mount_point(remote, kind) / storagedomainID
    Domain.create(path, fields, host.sanlock_io_timeout)


@verb("StorageDomain.getInfo")
def sd_get_info(host: Host, storagedomainID: str) -> dict[str, Any]:
    return domains.find(host, storagedomainID).info()


@verb("StorageDomain.getStats")
def sd_get_stats(host: Host, storagedomainID: str) -> dict[str, Any]:
    total, free = domains.usage(host, domains.find(host, storagedomainID))
    return {
        "disktotal": str(total),
        "diskfree": str(free),
        "mdasize": 0,
        "mdafree": 0,
        "mdavalid": True,
        "mdathreshold": True,
    }


@verb("Host.getStorageDomains")
def get_storage_domains(
    host: Host,
    storagepoolID: str | None = None,
    domainClass: Any = None,
    storageType: Any = None,
    remotePath: str | None = None,
) -> list[str]:
    kind, wanted = domains.domain_type(storageType), domains.domain_class(domainClass)
    return [
        domain.id
        for domain in domains.visible(host)
        if kind in ("UNKNOWN", domain.type)
        and (not remotePath or domain.remote == remotePath.rstrip("/"))
        and wanted in (None, domain.fields["CLASS"])
        and (storagepoolID in (None, "", BLANK) or storagepoolID in domain.pools)
    ]


@verb("StorageDomain.validate")
def sd_validate(host: Host, storagedomainID: str) -> None:
    domains.find(host, storagedomainID)


@verb("StorageDomain.attach")
def sd_attach(host: Host, storagedomainID: str, storagepoolID: str) -> None:
    pool, domain = pools.find_as_spm(host, storagepoolID), domains.find(host, storagedomainID)
    if domain.pools and storagepoolID not in domain.pools:
        raise errors.error("StorageDomainAlreadyAttached", f"domain={storagedomainID}, pool={domain.pools[0]}")
    if domain.id != pool.master.id:
        domain.pools = [storagepoolID]
        domain.fields["ROLE"] = "Regular"
        domain.save()
    if storagedomainID not in pool.members:
        pool.set_member(storagedomainID, "Attached")


def _member(pool: pools.Pool, sd_id: str) -> None:
    if sd_id not in pool.members:
        raise errors.error("StorageDomainNotInPool", f"domain={sd_id}, pool={pool.id}")


@verb("StorageDomain.activate", unlocked=True)
def sd_activate(host: Host, storagedomainID: str, storagepoolID: str) -> None:
    with host.lock:
        pool = pools.find_as_spm(host, storagepoolID)
        domains.find(host, storagedomainID)
        _member(pool, storagedomainID)
        pool.set_member(storagedomainID, "Active")
        pools.link(host, pool)
    host.monitor.follow_pools()


@verb("StorageDomain.deactivate")
def sd_deactivate(
    host: Host, storagedomainID: str, storagepoolID: str, masterSdUUID: str = BLANK, masterVersion: Any = 0
) -> None:
    pool = pools.find_as_spm(host, storagepoolID)
    _member(pool, storagedomainID)
    if masterSdUUID not in (BLANK, storagedomainID, None, "") and pool.master.id == storagedomainID:
        pool.move_master(domains.find(host, masterSdUUID), int(masterVersion))
    pool.set_member(storagedomainID, "Attached")


@verb("StorageDomain.detach")
def sd_detach(
    host: Host,
    storagedomainID: str,
    storagepoolID: str,
    masterSdUUID: str | None = None,
    masterVersion: Any = None,
    force: Any = False,
) -> None:
    domain = domains.find(host, storagedomainID)
    if not truth(force):
        pool = pools.find_as_spm(host, storagepoolID)
        if pool.master.id == storagedomainID and len(pool.members) > 1:
            raise errors.error("CannotDetachMasterStorageDomain", storagedomainID)
        pool.set_member(storagedomainID, None)
        domain = domains.find(host, storagedomainID)
    domain.pools = []
    domain.fields["ROLE"] = "Regular"
    domain.save()


@verb("StorageDomain.format")
def sd_format(host: Host, storagedomainID: str, autoDetach: Any = False) -> None:
    domain = domains.find(host, storagedomainID)
    if domain.pools:
        if domain.pools[0] in host.pools:
            raise errors.error("CannotFormatStorageDomainInConnectedPool", storagedomainID)
        if not truth(autoDetach):
            raise errors.error("CannotFormatAttachedStorageDomain", storagedomainID)
    host.monitor.stop(storagedomainID)
    shutil.rmtree(domain.path)
    if domain.is_block:
        host.fabric.vgs.pop(domain.fields["VGUUID"], None)


@verb("StorageDomain.setDescription")
def sd_set_description(host: Host, storagedomainID: str, description: str) -> None:
    domain = domains.find(host, storagedomainID)
    domain.fields["DESCRIPTION"] = description
    domain.save()


@verb("StorageDomain.extend")
def sd_extend(host: Host, storagedomainID: str, storagepoolID: str, devlist: list[str], force: Any = False) -> None:
    group = host.fabric.vgs[domains.find(host, storagedomainID).fields["VGUUID"]]
    for guid in devlist:
        if not host.fabric.has_lun(guid) or host.fabric.vg_of(guid):
            raise errors.error("VolumeGroupCreateError", guid)
        group["luns"].append(guid)
        group["pvs"][guid] = new_id()


@verb("StorageDomain.resizePV")
def sd_resize_pv(host: Host, storagedomainID: str, storagepoolID: str, guid: str) -> str:
    return str(host.fabric.lun(guid)["size"])


@verb("StorageDomain.getImages")
def sd_get_images(host: Host, storagedomainID: str) -> list[str]:
    domain = domains.find(host, storagedomainID)
    # fails on a domain that is in no pool, which is why the HA services look at the mount instead (BZ 1274622)
    if not domain.pools:
        raise errors.error("StorageDomainNotInPool", f"domain={storagedomainID}")
    return domain.images()


@verb("StorageDomain.getVolumes", "Image.getVolumes")
def sd_get_volumes(
    host: Host, storagedomainID: str, storagepoolID: str | None = None, imageID: str | None = None
) -> list[str]:
    domain = domains.find(host, storagedomainID)
    return [volume.id for volume in volumes.volumes(domain) if imageID in (None, BLANK, volume.image)]


@verb("StorageDomain.getFileStats")
def sd_get_file_stats(host: Host, storagedomainID: str, pattern: str = "*", caseSensitive: Any = False) -> Any:
    domains.find(host, storagedomainID)
    return {}


@verb("StorageDomain.dump")
def sd_dump(host: Host, sd_id: str, full: Any = False) -> dict[str, Any]:
    domain = domains.find(host, sd_id)
    return {"metadata": domain.info(), "volumes": {v.id: v.info() for v in volumes.volumes(domain)}}


@verb("Host.startMonitoringDomain", unlocked=True)
def start_monitoring(host: Host, sdUUID: str, hostID: Any) -> None:
    host.monitor.start(sdUUID, int(hostID))


@verb("Host.stopMonitoringDomain", unlocked=True)
def stop_monitoring(host: Host, sdUUID: str) -> None:
    host.monitor.stop(sdUUID)


@verb("Host.getStorageRepoStats")
def get_storage_repo_stats(host: Host, domains: Any = ()) -> dict[str, Any]:
    wanted = domains.split(",") if isinstance(domains, str) else list(domains)
    return {sd: told for sd, told in host.monitor.stats().items() if not wanted or sd in wanted}
