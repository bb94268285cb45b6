# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors, tasks
from ..storage import domains, files, pools, qcow2, volumes
from ..storage.files import BLANK, MIB
from ..storage.volumes import Volume
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


def load(host: Host, sd_id: str, image: str, vol_id: str) -> Volume:
    """The volume, on a domain that this host sees."""
    return volumes.load(domains.find(host, sd_id), image, vol_id)


def create(host: Host, sd_id: str, image: str, vol_id: str, **attributes: Any) -> Volume:
    """A new volume; a model's preallocated ones are sparse."""
    content: dict[str, Any] = {
        "allocate": bool(host.config.get("preallocate", host.connections.real)),
        "old_content": int(host.config.get("old_content_mib", 0)) * MIB,
    }
    return volumes.create(domains.find(host, sd_id), image, vol_id, **content, **attributes)


def copy(source: Volume, target: Volume) -> None:
    """Contents of one volume into another."""
    qcow2.copy(source.path, source.qemu_format, target.path, target.qemu_format, int(target.meta["capacity"]))


@verb("Volume.create")
def vol_create(
    host: Host,
    volumeID: str,
    storagepoolID: str,
    storagedomainID: str,
    imageID: str,
    size: Any,
    volFormat: Any,
    preallocate: Any,
    diskType: str,
    desc: str,
    srcImgUUID: str = BLANK,
    srcVolUUID: str = BLANK,
    sequence: Any = 0,
    initialSize: Any = None,
    addBitmaps: Any = False,
    legal: Any = True,
    bitmap: Any = None,
) -> str:
    pools.find_as_spm(host, storagepoolID)
    if int(size) < 0:
        raise errors.error("InvalidParameter", f"size={size}")
    source = srcImgUUID if srcImgUUID not in (None, "", BLANK) else imageID
    try:
        create(
            host,
            storagedomainID,
            imageID,
            volumeID,
            size=int(size),
            fmt=volumes.volume_format(volFormat),
            prealloc=volumes.preallocation(preallocate),
            disktype=diskType,
            description=desc or "",
            parent=srcVolUUID,
            parent_image=source,
            sequence=int(sequence or 0),
            legal=legal is not False,
        )
    except OSError as problem:
        raise errors.VdsmError(205, f"Error creating a new volume: {(problem.strerror,)}") from problem
    return tasks.start(host, "createVolume", {"uuid": volumeID})


@verb("Volume.getInfo")
def vol_get_info(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str) -> dict[str, Any]:
    return load(host, storagedomainID, imageID, volumeID).info()


@verb("Volume.getSize")
def vol_get_size(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str) -> dict[str, Any]:
    info = load(host, storagedomainID, imageID, volumeID).info()
    return {"truesize": info["truesize"], "apparentsize": info["apparentsize"]}


@verb("Volume.getPath")
def vol_get_path(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str) -> str:
    return str(load(host, storagedomainID, imageID, volumeID).path)


@verb("Volume.getQemuImageInfo")
def vol_qemu_info(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str) -> dict[str, Any]:
    volume = load(host, storagedomainID, imageID, volumeID)
    info: dict[str, Any] = {"virtualsize": volume.meta["capacity"], "format": volume.qemu_format}
    if volume.qemu_format == "qcow2":
        info.update(clustersize=65536, compat="1.1")
        if volume.meta["parent"] != BLANK:
            info["backingfile"] = volume.meta["parent"]
    return info


@verb("Volume.measure")
def vol_measure(
    host: Host,
    volumeID: str,
    storagepoolID: str,
    storagedomainID: str,
    imageID: str,
    dstVolFormat: Any = 5,
    backing_chain: Any = True,
    **more: Any,
) -> dict[str, Any]:
    volume = load(host, storagedomainID, imageID, volumeID)
    capacity = int(volume.meta["capacity"])
    cow = volumes.volume_format(dstVolFormat) == "COW"
    return {"required": max(MIB, volume.true_size()) if cow else capacity, "fully-allocated": capacity}


@verb("Volume.setDescription")
def vol_set_description(
    host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str, description: str
) -> None:
    load(host, storagedomainID, imageID, volumeID).describe(description)


@verb("Volume.setLegality")
def vol_set_legality(
    host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str, legality: str
) -> None:
    volume = load(host, storagedomainID, imageID, volumeID)
    volume.meta["legality"] = legality
    volume.save()


@verb("Volume.refresh", "Volume.updateSize", "Volume.verify_untrusted")
def vol_refresh(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str, **more: Any) -> None:
    load(host, storagedomainID, imageID, volumeID)


@verb("Volume.extendSize")
def vol_extend(host: Host, volumeID: str, storagepoolID: str, storagedomainID: str, imageID: str, newSize: Any) -> str:
    volume = load(host, storagedomainID, imageID, volumeID)
    volume.meta["capacity"] = int(newSize)
    if volume.qemu_format == "raw":
        files.sparse(volume.path, int(newSize))
    volume.save()
    return tasks.start(host, "extendVolumeSize")


@verb("Volume.delete")
def vol_delete(
    host: Host,
    volumeID: str,
    storagepoolID: str,
    storagedomainID: str,
    imageID: str,
    postZero: Any = False,
    force: Any = False,
    discard: Any = False,
) -> str:
    load(host, storagedomainID, imageID, volumeID).remove()
    return tasks.start(host, "deleteVolume")


@verb("Volume.copy")
def vol_copy(
    host: Host,
    volumeID: str,
    storagepoolID: str,
    storagedomainID: str,
    imageID: str,
    dstSdUUID: str,
    dstImgUUID: str,
    dstVolUUID: str,
    desc: str = "",
    volType: Any = 8,
    volFormat: Any = 3,
    preallocate: Any = 2,
    postZero: Any = False,
    force: Any = False,
    discard: Any = False,
) -> str:
    source = load(host, storagedomainID, imageID, volumeID)
    target = create(
        host,
        dstSdUUID,
        dstImgUUID,
        dstVolUUID,
        size=source.meta["capacity"],
        fmt=volumes.volume_format(volFormat, source.meta["format"]),
        prealloc=volumes.preallocation(preallocate),
        disktype=source.meta["disktype"],
        description=desc,
    )
    return tasks.start(host, "copyImage", {"uuid": dstVolUUID}, work=lambda: copy(source, target))
