# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finding the OVF_STORE volumes of the domain and the engine VM's OVF in them (host contract 2.2, 11)."""

import glob
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..env import config_constants as const
from ..env import constants
from ..env.config import Config
from . import heconflib, image, storage_server, vdsm_api

_log = logging.getLogger(__name__)

_DESCRIPTION = "OVF_STORE"
_DATE = "%a %b %d %H:%M:%S %Z %Y"


@dataclass(frozen=True)
class OvfStore:
    """One OVF_STORE volume; ``updated`` is 0 where the engine has not written it yet."""

    image: str
    volume: str
    updated: float


def _when(description: dict[str, Any]) -> float:
    """Return the time of the last update in seconds, 0 for a store that was never written."""
    if description.get("Updated") is not True:
        return 0.0
    text = str(description.get("Last Updated", ""))
    try:
        return time.mktime(time.strptime(text, _DATE))
    except ValueError:
        _log.debug("Unknown date of an OVF_STORE: %r", text)
        return 1.0


def _images(vdsm: vdsm_api.Vdsm, config: Config) -> list[str]:
    """Return the ids of all images: from the tree of a file domain, as vdsm lists only what is attached to a pool."""
    if storage_server.is_file_domain(config):
        directory = storage_server.domain_path(config)
        if directory is None:
            return []
        return sorted(os.path.basename(path) for path in glob.glob(os.path.join(glob.escape(directory), "images", "*")))
    return sorted(vdsm.call("StorageDomain.getImages", {"storagedomainID": config.get(const.SD_UUID)}))


def _volumes(vdsm: vdsm_api.Vdsm, domain: str, image_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    where = {"storagepoolID": constants.BLANK_UUID, "storagedomainID": domain, "imageID": image_id}
    for volume in vdsm.call("StorageDomain.getVolumes", where):
        yield str(volume), vdsm.call("Volume.getInfo", {**where, "volumeID": volume})


def scan(vdsm: vdsm_api.Vdsm, config: Config) -> list[OvfStore]:
    """Return all OVF_STORE volumes, the one written last first; raises VdsmError."""
    domain = config.required(const.SD_UUID)
    found: list[OvfStore] = []
    for image_id in _images(vdsm, config):
        for volume, info in _volumes(vdsm, domain, image_id):
            try:
                description = json.loads(info.get("description", ""))
            except ValueError:
                continue
            if isinstance(description, dict) and description.get("Disk Description") == _DESCRIPTION:
                found.append(OvfStore(image_id, volume, _when(description)))
    _log.info("OVF_STORE volumes: %s", found)
    return sorted(found, key=lambda store: store.updated, reverse=True)


def extract(vdsm: vdsm_api.Vdsm, config: Config, store: OvfStore) -> str | None:
    """Return the OVF of the engine VM from a store, None if it is not in there; raises VdsmError."""
    path = image.prepare(vdsm, config.required(const.SD_UUID), store.image, store.volume)
    return heconflib.extract_conf_file(path, f"{config.required(const.HEVMID)}.ovf")
