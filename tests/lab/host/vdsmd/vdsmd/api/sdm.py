# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of the SDM: storage jobs that any host can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors, tasks
from ..storage.volumes import Volume
from ..verbs import verb
from . import volumes as volume_verbs

if TYPE_CHECKING:
    from ..host import Host


def _endpoint(host: Host, spec: dict[str, Any]) -> Volume:
    return volume_verbs.load(host, spec["sd_id"], spec["img_id"], spec["vol_id"])


@verb("SDM.copy_data")
def sdm_copy(
    host: Host,
    job_id: str,
    source: dict[str, Any],
    destination: dict[str, Any],
    copy_bitmaps: Any = False,
    legal: Any = True,
) -> None:
    def work() -> None:
        target = _endpoint(host, destination)
        volume_verbs.copy(_endpoint(host, source), target)
        if legal is not False:
            target.meta["legality"] = "LEGAL"
        target.meta["generation"] += 1
        target.save()

    tasks.job(host, job_id, "Copying data", work)


@verb("SDM.update_volume")
def sdm_update(host: Host, job_id: str, vol_info: dict[str, Any], vol_attr: dict[str, Any]) -> None:
    def work() -> None:
        volume = _endpoint(host, vol_info)
        for key in ("legality", "description"):
            if key in vol_attr:
                volume.meta[key] = vol_attr[key]
        volume.meta["generation"] = int(vol_attr.get("generation", volume.meta["generation"])) + 1
        volume.save()

    tasks.job(host, job_id, "Updating volume", work)


@verb("SDM.create_volume")
def sdm_create(host: Host, job_id: str, vol_info: dict[str, Any]) -> None:
    v = vol_info

    def work() -> None:
        volume_verbs.create(
            host,
            v["sd_id"],
            v["img_id"],
            v["vol_id"],
            size=int(v["virtual_size"]),
            fmt=str(v["vol_format"]).upper(),
            prealloc="SPARSE",
            disktype=v.get("disk_type") or "DATA",
            description=v.get("description") or "",
            parent=(v.get("parent") or {}).get("vol_id"),
        )

    tasks.job(host, job_id, "Creating volume", work)


@verb(
    "SDM.sparsify_volume",
    "SDM.amend_volume",
    "SDM.add_bitmap",
    "SDM.remove_bitmap",
    "SDM.clear_bitmaps",
    "SDM.merge",
    "SDM.move_domain_device",
    "SDM.reduce_domain",
    "SDM.wipeVolume",
    "SDM.isolateVolume",
)
def sdm_other(host: Host, job_id: str | None = None, **params: Any) -> None:
    raise errors.error("MethodNotImplemented", "this storage job")
