# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes and images: made and removed by tasks of the SPM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..client import HostClient
from . import BLANK, tasks

#: vdsm's disk type of each content type of the API (host contract 11.4).
CONTENT_TYPES = {
    "data": "DATA",
    "iso": "ISOF",
    "ovf_store": "OVFS",
    "memory_dump_volume": "MEMD",
    "memory_metadata_volume": "MEMM",
    "hosted_engine": "HEVD",
    "hosted_engine_sanlock": "HESD",
    "hosted_engine_metadata": "HEMD",
    "hosted_engine_configuration": "HECI",
}
#: vdsm's numbers.
FORMATS = {"cow": 4, "raw": 5}
_PREALLOCATED, _SPARSE = 1, 2

#: Seconds that a volume may take, besides what its preallocation takes.
TASK_TIMEOUT = 300.0


def description(alias: str, text: str = "") -> str:
    """The description of a disk's volume, as an engine writes it: JSON without spaces."""
    return json.dumps({"DiskAlias": alias, "DiskDescription": text}, separators=(",", ":"), ensure_ascii=False)


def start_volume(
    spm: HostClient,
    pool_id: str,
    domain_id: str,
    image_id: str,
    volume_id: str,
    size: int,
    content_type: str = "data",
    disk_format: str = "raw",
    sparse: bool = True,
    text: str = "",
    sequence: int = 1,
    initial_size: int | None = None,
) -> str:
    """Begin to make the first volume of an image; `size` in bytes. Returns the task's id for `tasks.wait_all`."""
    request: dict[str, Any] = {
        "volumeID": volume_id,
        "storagepoolID": pool_id,
        "storagedomainID": domain_id,
        "imageID": image_id,
        "size": str(size),
        "volFormat": FORMATS[disk_format],
        "preallocate": _SPARSE if sparse else _PREALLOCATED,
        "diskType": CONTENT_TYPES[content_type],
        "desc": text,
        "srcImgUUID": BLANK,
        "srcVolUUID": BLANK,
        "addBitmaps": False,
        "legal": True,
        "sequence": sequence,
    }
    if initial_size is not None:
        request["initialSize"] = str(initial_size)
    task: str = spm.call("Volume.create", request)
    return task


def create_volume(
    spm: HostClient,
    pool_id: str,
    domain_id: str,
    image_id: str,
    volume_id: str,
    size: int,
    timeout: float = TASK_TIMEOUT,
    **options: Any,
) -> dict[str, Any]:
    """`start_volume`, wait, clear; returns `volume_info`. Raises TaskFailed, TaskTimeout."""
    task = start_volume(spm, pool_id, domain_id, image_id, volume_id, size, **options)
    tasks.wait_all(spm, [task], timeout)
    return volume_info(spm, pool_id, domain_id, image_id, volume_id)


def volume_info(host: HostClient, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> dict[str, Any]:
    """Volume.getInfo: capacity, truesize, apparentsize (bytes as text), status, format, type, description."""
    found: dict[str, Any] = host.call("Volume.getInfo", _ids(pool_id, domain_id, image_id, volume_id))
    return found


def set_description(spm: HostClient, pool_id: str, domain_id: str, image_id: str, volume_id: str, text: str) -> None:
    """Replace a volume's description; vdsm keeps 210 characters."""
    spm.call("Volume.setDescription", {**_ids(pool_id, domain_id, image_id, volume_id), "description": text})


def extend(
    spm: HostClient,
    pool_id: str,
    domain_id: str,
    image_id: str,
    volume_id: str,
    size: int,
    timeout: float = TASK_TIMEOUT,
) -> None:
    """Grow a raw volume to `size` bytes."""
    task = spm.call("Volume.extendSize", {**_ids(pool_id, domain_id, image_id, volume_id), "newSize": str(size)})
    tasks.wait_all(spm, [task], timeout)


def delete_image(
    spm: HostClient, pool_id: str, domain_id: str, image_id: str, wipe: bool = False, timeout: float = TASK_TIMEOUT
) -> None:
    """Remove an image with all its volumes."""
    task = spm.call(
        "Image.delete",
        {
            "imageID": image_id,
            "storagepoolID": pool_id,
            "storagedomainID": domain_id,
            "postZero": "true" if wipe else "false",
            "discard": False,
            "force": "false",
        },
    )
    tasks.wait_all(spm, [task], timeout)


def volumes(host: HostClient, pool_id: str, domain_id: str, image_id: str) -> Sequence[str]:
    """Ids of the volumes of an image."""
    found: list[str] = host.call(
        "StorageDomain.getVolumes", {"storagedomainID": domain_id, "storagepoolID": pool_id, "imageID": image_id}
    )
    return found


def _ids(pool_id: str, domain_id: str, image_id: str, volume_id: str) -> dict[str, str]:
    return {"volumeID": volume_id, "storagepoolID": pool_id, "storagedomainID": domain_id, "imageID": image_id}
