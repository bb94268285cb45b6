# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of storage connections and volume groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import errors
from ..fabric import new_id
from ..storage.domains import domain_type
from ..storage.files import BLANK, GIB
from ..verbs import truth, verb

if TYPE_CHECKING:
    from ..host import Host


def as_list(value: Any) -> list[Any]:
    """A list, which vdsm-client hands over as text ("[]") when it is typed on the command line."""
    return json.loads(value) if isinstance(value, str) else list(value)


@verb("StoragePool.connectStorageServer", unlocked=True)
def connect_storage_server(host: Host, storagepoolID: str, domainType: Any, connectionParams: Any) -> Any:
    kind = domain_type(domainType)
    return [
        {"id": con.get("id", BLANK), "status": host.connections.connect(kind, con)} for con in as_list(connectionParams)
    ]


@verb("StoragePool.disconnectStorageServer", unlocked=True)
def disconnect_storage_server(host: Host, storagepoolID: str, domainType: Any, connectionParams: Any) -> Any:
    kind = domain_type(domainType)
    return [
        {"id": con.get("id", BLANK), "status": host.connections.disconnect(kind, con)}
        for con in as_list(connectionParams)
    ]


def vg_info(host: Host, group: dict[str, Any]) -> dict[str, Any]:
    """Answer of LVMVolumeGroup.getInfo."""
    luns = [host.fabric.lun(guid) for guid in group["luns"]]
    size = sum(lun["size"] for lun in luns)
    return {
        "name": group["name"],
        "vgUUID": group["uuid"],
        "vgsize": str(size),
        "vgfree": str(size - 4 * GIB),
        "type": 3,
        "attr": {
            "permission": "w",
            "resizeable": "z",
            "exported": "-",
            "partial": "-",
            "allocation": "n",
            "clustered": "-",
        },
        "state": "OK",
        "pvlist": [{**host.fabric.lun_info(lun, True, None), "vgName": group["name"]} for lun in luns],
    }


@verb("LVMVolumeGroup.create")
def vg_create(host: Host, name: str, devlist: list[str], force: Any = False) -> str:
    for guid in devlist:
        taken = host.fabric.has_lun(guid) and (host.fabric.vg_of(guid) or host.fabric.lun(guid).get("used"))
        if not host.fabric.has_lun(guid) or (taken and not truth(force)):
            raise errors.error("VolumeGroupCreateError", f"device {guid}")
        old = host.fabric.vg_of(guid)
        if old:
            host.fabric.vgs.pop(old["uuid"])
    digits = new_id().replace("-", "")
    ends = (0, 6, 10, 14, 18, 22, 26, 32)  # LVM's way to write an id
    vg_id = "-".join(digits[start:end] for start, end in zip(ends, ends[1:]))
    host.fabric.vgs[vg_id] = {
        "uuid": vg_id,
        "name": name,
        "luns": list(devlist),
        "pvs": {guid: new_id() for guid in devlist},
    }
    return vg_id


@verb("LVMVolumeGroup.getInfo")
def vg_get_info(host: Host, lvmvolumegroupID: str) -> dict[str, Any]:
    if lvmvolumegroupID not in host.fabric.vgs:
        raise errors.error("VolumeGroupDoesNotExist", f"vg_uuid: {lvmvolumegroupID}")
    return vg_info(host, host.fabric.vgs[lvmvolumegroupID])


@verb("LVMVolumeGroup.remove")
def vg_remove(host: Host, lvmvolumegroupID: str) -> None:
    vg_get_info(host, lvmvolumegroupID)
    host.fabric.vgs.pop(lvmvolumegroupID)


@verb("Host.getLVMVolumeGroups")
def get_lvm_volume_groups(host: Host, storageType: Any = None) -> list[Any]:
    return [vg_info(host, group) for group in host.fabric.vgs.values()]
