# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors, tasks
from ..storage import domains, files, volumes
from ..storage.domains import Domain
from ..storage.files import BLANK
from ..storage.volumes import Volume
from ..verbs import verb
from . import volumes as volume_verbs

if TYPE_CHECKING:
    from ..host import Host


def prepare(host: Host, pool_id: str, sd_id: str, image: str, vol_id: str | None) -> str:
    """Link the image below /run/vdsm/storage and return the path that a client may open.

    Of a connected pool that is the path in the domain, with the blank pool the one below /run (fixture
    image-prepare-layers.json). Raises VolumeDoesNotExist, ImagePathError, StoragePoolUnknown.
    """
    domain = domains.find(host, sd_id)
    if pool_id not in ("", BLANK) and pool_id not in host.pools:
        raise errors.error("StoragePoolUnknown", repr((pool_id,)))
    volume = volumes.load(domain, image, vol_id) if vol_id else volumes.leaf(domain, image)
    if volume is None:
        raise errors.error("ImagePathError", image)
    run = host.fabric.layout.run(sd_id, image)
    files.link(volume.path.parent, run)
    return str(run / volume.id if pool_id in ("", BLANK) else volume.path)


@verb("Image.prepare")
def img_prepare(
    host: Host,
    storagepoolID: str,
    storagedomainID: str,
    imageID: str,
    volumeID: str | None = None,
    allowIllegal: Any = False,
) -> dict[str, str]:
    return {"path": prepare(host, storagepoolID, storagedomainID, imageID, volumeID)}


@verb("Image.teardown")
def img_teardown(
    host: Host, storagepoolID: str, storagedomainID: str, imageID: str, leafVolID: Any = None, volumeID: Any = None
) -> None:
    domains.find(host, storagedomainID)
    run = host.fabric.layout.run(storagedomainID, imageID)
    if run.is_symlink():
        run.unlink()


@verb("Image.delete")
def img_delete(
    host: Host,
    imageID: str,
    storagepoolID: str,
    storagedomainID: str,
    postZero: Any = False,
    force: Any = False,
    discard: Any = False,
) -> str:
    found = volumes.image_volumes(domains.find(host, storagedomainID), imageID)
    if not found:
        raise errors.error("ImageDoesNotExistInSD", f"{imageID} {storagedomainID}")
    for volume in found:
        volume.remove()
    return tasks.start(host, "deleteImage")


@verb("Image.deleteVolumes")
def img_delete_volumes(
    host: Host,
    imageID: str,
    storagepoolID: str,
    storagedomainID: str,
    volumeList: list[str],
    postZero: Any = False,
    force: Any = False,
    discard: Any = False,
) -> str:
    for vol_id in volumeList:
        volume_verbs.load(host, storagedomainID, imageID, vol_id).remove()
    return tasks.start(host, "deleteVolume")


@verb("Image.reconcileVolumeChain")
def img_reconcile(host: Host, storagepoolID: str, storagedomainID: str, imageID: str, leafVolID: str) -> list[str]:
    return [volume.id for volume in volumes.image_volumes(domains.find(host, storagedomainID), imageID)]


def _clone(host: Host, source: Domain, image: str, target: str) -> list[tuple[Volume, Volume]]:
    """The same volumes, empty, on another domain."""
    pairs = []
    for volume in volumes.image_volumes(source, image):
        meta = volume.meta
        pairs.append(
            (
                volume,
                volume_verbs.create(
                    host,
                    target,
                    image,
                    volume.id,
                    size=meta["capacity"],
                    fmt=meta["format"],
                    prealloc=meta["type"],
                    disktype=meta["disktype"],
                    description=meta["description"],
                    parent=meta["parent"],
                    sequence=meta["sequence"],
                ),
            )
        )
    return pairs


@verb("Image.cloneStructure")
def img_clone_structure(host: Host, imageID: str, storagepoolID: str, storagedomainID: str, dstSdUUID: str) -> str:
    _clone(host, domains.find(host, storagedomainID), imageID, dstSdUUID)
    return tasks.start(host, "cloneImageStructure")


@verb("Image.syncData")
def img_sync(host: Host, imageID: str, storagepoolID: str, storagedomainID: str, dstSdUUID: str, syncType: Any) -> str:
    found = volumes.image_volumes(domains.find(host, storagedomainID), imageID)
    pairs = [(volume, volume_verbs.load(host, dstSdUUID, imageID, volume.id)) for volume in found]

    def work() -> None:
        for source, target in pairs:
            volume_verbs.copy(source, target)

    return tasks.start(host, "syncImageData", work=work)


@verb("Image.move")
def img_move(
    host: Host,
    imageID: str,
    storagepoolID: str,
    storagedomainID: str,
    dstSdUUID: str,
    operation: Any,
    postZero: Any = False,
    force: Any = False,
    discard: Any = False,
) -> str:
    pairs = _clone(host, domains.find(host, storagedomainID), imageID, dstSdUUID)

    def work() -> None:
        for source, target in pairs:
            volume_verbs.copy(source, target)
            if int(operation) == 2:  # move, not copy
                source.remove()

    return tasks.start(host, "moveImage", work=work)


@verb("Image.download", "Image.upload")
def img_transfer(
    host: Host, methodArgs: Any, storagepoolID: str, storagedomainID: str, imageID: str, volumeID: str
) -> str:
    volume_verbs.load(host, storagedomainID, imageID, volumeID)
    raise errors.error("MethodNotImplemented", "transfers by URL need the image daemon")
