# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read OVF stores on the host: a tar archive at the begin of a volume, and a note in the volume's description."""

from __future__ import annotations

import contextlib
import json
import tarfile
from collections.abc import Iterator
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StoreVolume
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import vdsm
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.identity import acting_as, owner_ids


class OvfStores:
    """The OVF stores of this host, by way of vdsm (host contract 11.2)."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    def ovf(self, store: StoreVolume, vm_id: str) -> str:
        """Return the OVF of a VM in a store, or an empty text when it is not in it (yet)."""
        path = self._paths.get(store.disk_id)
        if path is None:
            path = self._paths[store.disk_id] = vdsm.prepare(_volume(store))
        with as_reader():
            return read_member(path, f"{vm_id}.ovf")

    def is_updated(self, store: StoreVolume) -> bool:
        """Return whether the engine has noted in the volume's description that the store is current."""
        return said_updated(vdsm.volume_info(_volume(store)))


@contextlib.contextmanager
def as_reader() -> Iterator[None]:
    """Read what is inside as vdsm, whom the storage serves; where there is no such account, as who we are."""
    try:
        owner_ids()
    except KeyError:
        yield
        return
    with acting_as():
        yield


def read_member(path: str, name: str) -> str:
    """Return a member of the archive in a volume; a volume that holds no archive yet has no members."""
    try:
        with tarfile.open(path, "r:") as archive:
            member = archive.extractfile(name)
            return member.read().decode("utf-8") if member is not None else ""
    except (tarfile.ReadError, KeyError):
        return ""


def said_updated(info: dict[str, Any]) -> bool:
    """Return whether vdsm's answer about a volume says C(OK) and C("Updated":true)."""
    try:
        description = json.loads(info.get("description") or "{}")
    except ValueError:
        return False
    return info.get("status") == "OK" and isinstance(description, dict) and description.get("Updated") is True


def _volume(store: StoreVolume) -> vdsm.Volume:
    return vdsm.Volume(store.data_center_id, store.storage_id, store.disk_id, store.image_id)
