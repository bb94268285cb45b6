# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of storage pools and the SPM role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors, tasks
from ..errors import VdsmError
from ..storage import domains, pools, volumes
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


@verb("StoragePool.create")
def sp_create(
    host: Host,
    storagepoolID: str,
    name: str,
    masterSdUUID: str,
    masterVersion: Any,
    domainList: list[str],
    **lease: Any,
) -> None:
    chosen = [domains.find(host, sd_id) for sd_id in domainList]
    if any(storagepoolID in domain.pools for domain in domains.visible(host)):
        raise errors.error("StoragePoolAlreadyExists", storagepoolID)
    for domain in chosen:
        if domain.pools:
            raise errors.error("StorageDomainAlreadyAttached", f"domain={domain.id}, pool={domain.pools[0]}")
    members = {sd_id: "Active" if sd_id == masterSdUUID else "Attached" for sd_id in domainList}
    for domain in chosen:
        if domain.id == masterSdUUID:
            pools.describe(domain, storagepoolID, name, int(masterVersion), members)
        else:
            domain.pools = [storagepoolID]
            domain.save()


@verb("StoragePool.connect", unlocked=True)
def sp_connect(
    host: Host,
    storagepoolID: str,
    hostID: Any,
    scsiKey: Any = None,
    masterSdUUID: str | None = None,
    masterVersion: Any = None,
    domainDict: dict[str, str] | None = None,
) -> None:
    with host.lock:
        if masterSdUUID and not any(domain.id == masterSdUUID for domain in domains.visible(host)):
            raise errors.error("StoragePoolMasterNotFound", f"spUUID={storagepoolID}, msdUUID={masterSdUUID}")
        pool = pools.find(host, storagepoolID, connected=False)
        wrong_version = masterVersion is not None and int(masterVersion) != pool.master_version
        if masterSdUUID and (masterSdUUID != pool.master.id or wrong_version):
            raise errors.error("StoragePoolWrongMaster", f"spUUID={storagepoolID} msdUUID={masterSdUUID}")
        host.pools[storagepoolID] = int(hostID)
        members = pool.members
        for sd_id, status in (domainDict or {}).items():
            if sd_id in members and status.capitalize() in ("Active", "Attached"):
                members[sd_id] = status.capitalize()
        if members != pool.members:
            pool.members = members
            pool.master.save()
        pools.link(host, pool)
    host.monitor.follow_pools()


@verb("StoragePool.refresh")
def sp_refresh(host: Host, storagepoolID: str, masterSdUUID: Any = None, masterVersion: Any = None) -> None:
    pools.link(host, pools.find(host, storagepoolID))


@verb("StoragePool.disconnect", unlocked=True)
def sp_disconnect(host: Host, storagepoolID: str, hostID: Any = None, scsiKey: Any = None, remove: Any = False) -> None:
    with host.lock:
        if storagepoolID in host.pools:
            try:
                pool = pools.find(host, storagepoolID)
            except VdsmError:
                pool = None  # its storage is gone; the host leaves all the same
            if pool is not None and pools.is_spm(host, pool):
                pool.set_spm(pools.NO_SPM, pool.spm_version)
        host.pools.pop(storagepoolID, None)
        pools.unlink(host, storagepoolID)
    host.monitor.follow_pools()


@verb("StoragePool.getSpmStatus")
def sp_spm_status(host: Host, storagepoolID: str) -> dict[str, Any]:
    pool = pools.find(host, storagepoolID)
    return {
        "spmStatus": "SPM" if pools.is_spm(host, pool) else "Free",
        "spmLver": pool.spm_version,
        "spmId": pool.spm_id,
    }


@verb("StoragePool.spmStart")
def sp_spm_start(
    host: Host,
    storagepoolID: str,
    prevID: Any = -1,
    prevLver: Any = -1,
    enableScsiFencing: Any = False,
    maxHostID: Any = 250,
    domVersion: Any = -1,
    recoveryMode: Any = None,
) -> str:
    pool = pools.find(host, storagepoolID)
    pool.set_spm(host.pools[storagepoolID], pool.spm_version + 1)
    return tasks.start(host, "spmStart")


@verb("StoragePool.spmStop")
def sp_spm_stop(host: Host, storagepoolID: str) -> None:
    pool = pools.find(host, storagepoolID)
    pool.set_spm(pools.NO_SPM, pool.spm_version)


@verb("StoragePool.fence")
def sp_fence(host: Host, storagepoolID: str, lastOwner: Any = None, lastLver: Any = None) -> dict[str, Any]:
    sp_spm_stop(host, storagepoolID)
    return sp_spm_status(host, storagepoolID)


@verb("StoragePool.getInfo")
def sp_get_info(host: Host, storagepoolID: str) -> dict[str, Any]:
    return pools.info(host, pools.find(host, storagepoolID))


@verb("Host.getConnectedStoragePools")
def connected_pools(host: Host) -> list[str]:
    return list(host.pools)


@verb("StoragePool.reconstructMaster")
def sp_reconstruct(
    host: Host,
    storagepoolID: str,
    hostId: Any,
    name: str,
    masterSdUUID: str,
    masterVersion: Any,
    domainDict: dict[str, str],
    **lease: Any,
) -> None:
    for old in domains.visible(host):
        if old.is_master and storagepoolID in old.pools and old.id != masterSdUUID:
            old.fields["ROLE"] = "Regular"
            old.save()
    members = {sd_id: status.capitalize() for sd_id, status in domainDict.items()}
    pools.describe(domains.find(host, masterSdUUID), storagepoolID, name, int(masterVersion), members)
    for domain in domains.visible(host):
        if domain.id in members and domain.id != masterSdUUID:
            domain.pools = [storagepoolID]
            domain.save()


@verb("StoragePool.destroy")
def sp_destroy(host: Host, storagepoolID: str, hostID: Any = None, scsiKey: Any = None) -> None:
    for domain in domains.visible(host):
        if storagepoolID in domain.pools:
            domain.pools = []
            domain.fields["ROLE"] = "Regular"
            for key in ("MASTER_VERSION", "POOL_DESCRIPTION", "POOL_DOMAINS", "POOL_SPM_ID", "POOL_SPM_LVER"):
                domain.fields.pop(key, None)
            domain.save()
    for other in host.fabric.hosts:
        other.pools.pop(storagepoolID, None)
    pools.unlink(host, storagepoolID)


@verb("StoragePool.switchMaster")
def sp_switch_master(host: Host, storagepoolID: str, oldMasterUUID: str, newMasterUUID: str, masterVersion: Any) -> str:
    pool = pools.find_as_spm(host, storagepoolID)
    pool.move_master(domains.find(host, newMasterUUID), int(masterVersion))
    return tasks.start(host, "switchMaster")


@verb("StoragePool.upgrade")
def sp_upgrade(host: Host, storagepoolID: str, targetDomVersion: Any) -> dict[str, Any]:
    for sd_id in pools.find(host, storagepoolID).members:
        domain = domains.find(host, sd_id)
        domain.fields["VERSION"] = str(targetDomVersion)
        domain.save()
    return {"upgradeStatus": "started"}


@verb("StoragePool.updateVMs", "StoragePool.removeVM")
def sp_update_vms(host: Host, storagepoolID: str, **params: Any) -> None:
    # OVFs live in OVF_STORE volumes since domain version 3; the engine calls this for older ones only
    pools.find(host, storagepoolID)


@verb("StoragePool.getBackedUpVmsInfo")
def sp_backed_up(host: Host, storagepoolID: str, storagedomainID: Any = None, vmList: Any = ()) -> dict[str, Any]:
    pools.find(host, storagepoolID)
    return {}


@verb("StoragePool.getBackedUpVmsList")
def sp_backed_up_list(host: Host, storagepoolID: str, storagedomainID: Any = None) -> list[str]:
    pools.find(host, storagepoolID)
    return []


@verb("StoragePool.getDomainsContainingImage")
def sp_domains_containing(
    host: Host, storagepoolID: str, imageID: str, datadomain: Any = True, **params: Any
) -> list[str]:
    return sorted(d.id for d in domains.visible(host) if volumes.image_volumes(d, imageID))


@verb("StoragePool.prepareMerge", "StoragePool.finalizeMerge", "StoragePool.reduceVolume")
def sp_merge(host: Host, storagepoolID: str, **params: Any) -> str:
    pools.find_as_spm(host, storagepoolID)
    return tasks.start(host, "prepareMerge")
