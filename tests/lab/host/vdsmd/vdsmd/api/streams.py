# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volume contents by HTTP: OVF_STORE goes straight into its volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import errors, tasks
from ..storage import domains, volumes
from ..storage.volumes import Volume

if TYPE_CHECKING:
    from ..host import Host


def _volume(host: Host, headers: dict[str, str]) -> Volume:
    domain, image = domains.find(host, headers["storage-domain-id"]), headers["image-id"]
    if headers.get("volume-id"):
        return volumes.load(domain, image, headers["volume-id"])
    volume = volumes.leaf(domain, image)
    if volume is None:
        raise errors.error("VolumeDoesNotExist", repr((image,)))
    return volume


def write(host: Host, headers: dict[str, str], data: bytes) -> str:
    """Data over the start of the volume; returns the task's id."""
    with open(_volume(host, headers).path, "r+b") as file:
        file.write(data)
    return tasks.start(host, "downloadImageFromStream", after=0)


def read(host: Host, headers: dict[str, str], size: int) -> tuple[str, bytes]:
    """The first bytes, padded with zeros to `size`; with the task's id."""
    with open(_volume(host, headers).path, "rb") as file:
        data = file.read(size)
    return tasks.start(host, "uploadImageToStream", after=0), data.ljust(size, b"\0")
