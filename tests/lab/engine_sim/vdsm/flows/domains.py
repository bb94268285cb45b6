# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage domains, and the storage pool that a data center is to its hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..client import HostClient
from . import BLANK, tasks
from .connections import STORAGE_TYPES, connect

#: Numbers of domain classes.
DATA, ISO, EXPORT = 1, 2, 3
#: Most hosts of a pool, the engine's MaxNumberOfHostsInStoragePool; the block size 512 gives vdsm room for 2000.
MAX_HOSTS = 250
#: sanlock's times as the engine sends them: renewal, lease, I/O (seconds), retries.
_LEASE = {"lockRenewalIntervalSec": 5, "leaseTimeSec": 60, "ioOpTimeoutSec": 10, "leaseRetries": 3}

#: Seconds that becoming SPM may take.
SPM_TIMEOUT = 120.0


# -- one domain, before any data center


def find(host: HostClient, path: str, domain_class: int = DATA) -> list[str]:
    """Ids of the domains that a mounted path holds already."""
    found: list[str] = host.call(
        "Host.getStorageDomains",
        {"storagepoolID": BLANK, "domainClass": domain_class, "storageType": "", "remotePath": path},
    )
    return found


def create(
    host: HostClient,
    domain_id: str,
    name: str,
    storage_type: str,
    where: str,
    version: str = "5",
    domain_class: int = DATA,
) -> dict[str, int]:
    """Make a domain on a connected path (or volume group id) and return its `size`: {"total", "free"} bytes."""
    host.call(
        "StorageDomain.create",
        {
            "storagedomainID": domain_id,
            "domainType": STORAGE_TYPES[storage_type],
            "typeArgs": where,
            "name": name,
            "domainClass": domain_class,
            "version": version,
            "blockSize": 512,
            "maxHosts": MAX_HOSTS,
        },
    )
    return size(host, domain_id)


def create_volume_group(host: HostClient, domain_id: str, devices: Sequence[str], force: bool = False) -> str:
    """The volume group of a block domain; returns its id for `create`."""
    group: str = host.call("LVMVolumeGroup.create", {"name": domain_id, "devlist": list(devices), "force": force})
    host.call("LVMVolumeGroup.getInfo", {"lvmvolumegroupID": group})
    return group


def size(host: HostClient, domain_id: str) -> dict[str, int]:
    """{"total", "free"} in bytes."""
    stats = host.call("StorageDomain.getStats", {"storagedomainID": domain_id})
    return {"total": int(stats["disktotal"]), "free": int(stats["diskfree"])}


def info(host: HostClient, domain_id: str) -> dict[str, Any]:
    """StorageDomain.getInfo: name, version, pool, role, remotePath or vguuid."""
    found: dict[str, Any] = host.call("StorageDomain.getInfo", {"storagedomainID": domain_id})
    return found


def images(host: HostClient, domain_id: str) -> list[str]:
    """Ids of the images on a domain."""
    found: list[str] = host.call("StorageDomain.getImages", {"storagedomainID": domain_id})
    return found


def format_domain(host: HostClient, domain_id: str) -> None:
    """Destroy a detached domain and all that is on it."""
    host.call("StorageDomain.format", {"storagedomainID": domain_id, "autoDetach": False})


def forget(host: HostClient, domain_id: str, pool_id: str) -> None:
    """Detach by force, without an SPM: what an engine does to import a domain that another one owned."""
    host.call("StorageDomain.detach", {"storagedomainID": domain_id, "storagepoolID": pool_id, "force": True})


# -- the pool


def connect_pool(
    host: HostClient, pool_id: str, host_id: int, master_id: str, master_version: int, statuses: Mapping[str, str]
) -> None:
    """Connect a host to the pool under its SPM id; `statuses`: {domain id: "active" | "attached"}."""
    host.call(
        "StoragePool.connect",
        {
            "storagepoolID": pool_id,
            "hostID": host_id,
            "scsiKey": pool_id,
            "masterSdUUID": master_id,
            "masterVersion": master_version,
            "domainDict": dict(statuses),
        },
    )


def disconnect_pool(host: HostClient, pool_id: str, host_id: int) -> None:
    """The host leaves the pool (and is no SPM any more)."""
    host.call("StoragePool.disconnect", {"storagepoolID": pool_id, "hostID": host_id, "scsiKey": pool_id})


def connect_host(
    host: HostClient,
    storage: Mapping[str, list[dict[str, str]]],
    pool_id: str,
    host_id: int,
    master_id: str,
    master_version: int,
    statuses: Mapping[str, str],
) -> dict[str, Any]:
    """Storage of a host that joins a data center that has some: all servers, then the pool, then a look.

    `storage`: {storage type: [connection]}. Returns what Host.getStats says of the domains, {id: {"valid", ...}}.
    """
    for storage_type, connections in storage.items():
        connect(host, storage_type, connections, pool_id)
    connect_pool(host, pool_id, host_id, master_id, master_version, statuses)
    stats: dict[str, Any] = host.call("Host.getStats")
    domains: dict[str, Any] = stats.get("storageDomains", {})
    return domains


def spm_status(host: HostClient, pool_id: str) -> dict[str, Any]:
    """{"spmStatus": "SPM" | "Contend" | "Free", "spmId", "spmLver"}."""
    found: dict[str, Any] = host.call("StoragePool.getSpmStatus", {"storagepoolID": pool_id})
    return found


def start_spm(host: HostClient, pool_id: str, version: str = "5", timeout: float = SPM_TIMEOUT) -> dict[str, Any]:
    """Make a connected host the SPM, unless it is; returns `spm_status` after. Raises TaskFailed, TaskTimeout."""
    before = spm_status(host, pool_id)
    if before["spmStatus"] == "SPM":
        return before
    task = host.call(
        "StoragePool.spmStart",
        {
            "storagepoolID": pool_id,
            "prevID": int(before["spmId"]),
            "prevLver": str(before["spmLver"]),
            "enableScsiFencing": "false",
            "maxHostID": MAX_HOSTS,
            "domVersion": version,
        },
    )
    tasks.wait_one(host, task, timeout)
    return spm_status(host, pool_id)


def stop_spm(host: HostClient, pool_id: str) -> None:
    """The host gives the SPM role back; vdsm refuses while tasks are not cleared."""
    host.call("StoragePool.spmStop", {"storagepoolID": pool_id})


def pool_info(spm: HostClient, pool_id: str) -> dict[str, Any]:
    """StoragePool.getInfo: {"info": {...}, "dominfo": {domain id: {"status", "disktotal", "diskfree", ...}}}."""
    found: dict[str, Any] = spm.call("StoragePool.getInfo", {"storagepoolID": pool_id})
    return found


# -- domains of a pool


def attach_first(
    host: HostClient, pool_id: str, pool_name: str, domain_id: str, host_id: int, version: str = "5"
) -> dict[str, Any]:
    """The first domain makes the pool: create, connect, SPM, activate. Returns `pool_info` (domain "Active")."""
    host.call(
        "StoragePool.create",
        {
            "storagepoolID": pool_id,
            "name": pool_name,
            "masterSdUUID": domain_id,
            "masterVersion": 1,
            "domainList": [domain_id],
            **_LEASE,
        },
    )
    connect_pool(host, pool_id, host_id, domain_id, 1, {domain_id: "active"})
    start_spm(host, pool_id, version)
    activate(host, pool_id, domain_id)
    return pool_info(host, pool_id)


def attach(spm: HostClient, pool_id: str, domain_id: str) -> None:
    """A further domain joins the pool; it is not active yet."""
    spm.call("StorageDomain.attach", {"storagedomainID": domain_id, "storagepoolID": pool_id})


def activate(spm: HostClient, pool_id: str, domain_id: str) -> None:
    """Attached to active."""
    spm.call("StorageDomain.activate", {"storagedomainID": domain_id, "storagepoolID": pool_id})


def attach_further(
    spm: HostClient, others: Sequence[HostClient], pool_id: str, domain_id: str, master_id: str, master_version: int = 1
) -> dict[str, Any]:
    """Attach and activate; the other hosts (connected to its server before) look again. Returns `pool_info`."""
    attach(spm, pool_id, domain_id)
    activate(spm, pool_id, domain_id)
    for host in others:
        refresh_pool(host, pool_id, master_id, master_version)
    return pool_info(spm, pool_id)


def refresh_pool(host: HostClient, pool_id: str, master_id: str, master_version: int) -> None:
    """A host looks anew which domains its pool has."""
    host.call(
        "StoragePool.refresh", {"storagepoolID": pool_id, "masterSdUUID": master_id, "masterVersion": master_version}
    )


def deactivate(spm: HostClient, pool_id: str, domain_id: str, new_master: str = BLANK, master_version: int = 0) -> None:
    """Active to attached ("maintenance"). A master needs a successor and its version."""
    spm.call(
        "StorageDomain.deactivate",
        {
            "storagedomainID": domain_id,
            "storagepoolID": pool_id,
            "masterSdUUID": new_master,
            "masterVersion": master_version,
        },
    )


def deactivate_last(
    spm: HostClient, others: Mapping[HostClient, int], pool_id: str, domain_id: str, host_id: int
) -> None:
    """The last domain goes to maintenance: the pool ends on every host. `others`: {host: its SPM id}."""
    deactivate(spm, pool_id, domain_id)
    for host, other_id in others.items():
        disconnect_pool(host, pool_id, other_id)
    stop_spm(spm, pool_id)
    disconnect_pool(spm, pool_id, host_id)


def detach(spm: HostClient, pool_id: str, domain_id: str, master_id: str = BLANK, master_version: int = 0) -> None:
    """A domain in maintenance leaves a pool that has others."""
    spm.call(
        "StorageDomain.detach",
        {
            "storagedomainID": domain_id,
            "storagepoolID": pool_id,
            "masterSdUUID": master_id,
            "masterVersion": master_version,
        },
    )


def detach_last(host: HostClient, pool_id: str, domain_id: str, host_id: int) -> None:
    """The last domain leaves: the host takes the pool up once more and destroys it."""
    connect_pool(host, pool_id, host_id, domain_id, 1, {domain_id: "attached"})
    start_spm(host, pool_id)
    host.call("StoragePool.destroy", {"storagepoolID": pool_id, "hostID": host_id, "scsiKey": pool_id})
