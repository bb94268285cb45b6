# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The broker's way to its two volumes (host contract 7, start-up; golden order of the calls)."""

import logging
import os
from dataclasses import dataclass

from ..env import config_constants as const
from ..env import constants
from ..env.config import Config
from ..lib import image, storage_server, vdsm_api

_log = logging.getLogger(__name__)

DEFAULT_SECTOR = 512


@dataclass(frozen=True)
class Volumes:
    """Paths of he_metadata and he_sanlock, and the domain's sector size in bytes."""

    metadata: str
    lockspace: str
    sector_size: int


def prepare(vdsm: vdsm_api.Vdsm, config: Config) -> Volumes:
    """Connect the storage, prepare both images and make the links.

    Raises ValueError for missing ids, RuntimeError for an unknown or refused storage,
    DuplicateStorageConnectionException, VdsmError, OSError.
    """
    metadata_ids = config.required(const.METADATA_IMAGE_UUID), config.required(const.METADATA_VOLUME_UUID)
    lockspace_ids = config.required(const.LOCKSPACE_IMAGE_UUID), config.required(const.LOCKSPACE_VOLUME_UUID)
    storage_server.validate_pre_connected_path(vdsm, config)
    storage_server.connect_storage_server(vdsm, config)
    directory = storage_server.domain_path(config)
    domain = config.required(const.SD_UUID)
    info = vdsm.call("StorageDomain.getInfo", {"storagedomainID": domain})
    sector_size = int(info.get("block_size") or DEFAULT_SECTOR)
    volumes = Volumes(
        image.prepare(vdsm, domain, *metadata_ids), image.prepare(vdsm, domain, *lockspace_ids), sector_size
    )
    if directory is not None:
        _link(directory, constants.METADATA_EXTENSION, volumes.metadata)
        _link(directory, constants.LOCKSPACE_EXTENSION, volumes.lockspace)
    return volumes


def _link(directory: str, extension: str, target: str) -> None:
    """Make the link of older clients below the domain anew."""
    folder = os.path.join(directory, constants.HA_LINK_DIR)
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, constants.LOCKSPACE_NAME + extension)
    if os.path.islink(link) and os.readlink(link) == target:
        return
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(target, link)
    _log.info("Linked %s to %s", link, target)
