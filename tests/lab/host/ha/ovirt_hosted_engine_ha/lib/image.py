# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of the hosted engine's storage domain as paths."""

import os
from typing import Any

from ..env import constants
from . import vdsm_api


def prepare(vdsm: vdsm_api.Vdsm, domain: str, image: str, volume: str) -> str:
    """Have vdsm prepare an image, without a pool, and return the path of the volume."""
    result = vdsm.call(
        "Image.prepare",
        {
            "storagepoolID": constants.BLANK_UUID,
            "storagedomainID": domain,
            "imageID": image,
            "volumeID": volume,
        },
    )
    return str(result["path"])


def run_path(domain: str, image: str, volume: str) -> str:
    """Return the path a prepared volume has."""
    return os.path.join(constants.RUN_STORAGE_DIR, domain, image, volume)


def get_volume_path(domain: str, image: str, volume: str) -> str:
    """Return the path of a volume, preparing its image if that has not been done since the host started.

    In the second case the answer of vdsm comes as it is and not as a path: the first use after a start of the host
    fails, the next one finds the link (known fault, host contract 2.4).
    """
    path = run_path(domain, image, volume)
    if os.path.exists(path):
        return path
    with vdsm_api.connect() as vdsm:
        answer: Any = vdsm.call(
            "Image.prepare",
            {
                "storagepoolID": constants.BLANK_UUID,
                "storagedomainID": domain,
                "imageID": image,
                "volumeID": volume,
            },
        )
    return str(answer)
