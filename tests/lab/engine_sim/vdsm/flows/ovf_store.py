# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two OVF_STORE volumes of a storage domain (engine contract 9)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from ..client import HostClient
from . import disks, tasks

#: Size of an OVF_STORE volume in bytes, how many a domain has, and what they are called.
SIZE = 128 * 1024 * 1024
COUNT = 2
NAME = "OVF_STORE"


def store_description(domain_ids: Sequence[str], size: int | None = None, when: float | None = None) -> str:
    """The JSON that tells whether a store is current (fixture engine/ovf-store): without `size` it is not.

    `when`: seconds since the epoch, the time that info.json inside the store names too.
    """
    content: dict[str, Any] = {"Updated": size is not None}
    if size is not None:
        content["Size"] = size
    content["Last Updated"] = None if when is None else java_date(when)
    content["Storage Domains"] = [{"uuid": domain} for domain in domain_ids]
    content["Disk Description"] = NAME
    return json.dumps(content, separators=(",", ":"))


def java_date(when: float) -> str:
    """A time as Java prints it: `Wed Nov 25 02:10:52 UTC 2026`."""
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(when))


def create(spm: HostClient, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> dict[str, Any]:
    """Make one empty OVF_STORE and mark it as not current; returns its `volume_info`."""
    disks.create_volume(
        spm, pool_id, domain_id, image_id, volume_id, SIZE, content_type="ovf_store", text=disks.description(NAME, NAME)
    )
    disks.set_description(spm, pool_id, domain_id, image_id, volume_id, store_description([domain_id]))
    return disks.volume_info(spm, pool_id, domain_id, image_id, volume_id)


def update(
    spm: HostClient,
    pool_id: str,
    domain_id: str,
    image_id: str,
    volume_id: str,
    content: bytes,
    when: float,
    timeout: float = disks.TASK_TIMEOUT,
) -> dict[str, Any]:
    """Write a store (`ovf.store_tar`): marked as not current, uploaded, marked as current. Returns `volume_info`.

    Raises TaskFailed, TaskTimeout; the store then stays marked as not current.
    """
    ids = (pool_id, domain_id, image_id, volume_id)
    disks.set_description(spm, *ids, store_description([domain_id]))
    tasks.wait_all(spm, [spm.upload(*ids, content)], timeout)
    disks.set_description(spm, *ids, store_description([domain_id], len(content), when))
    return disks.volume_info(spm, *ids)
