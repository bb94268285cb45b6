# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look into a storage domain from the host, before anybody attaches it."""

from __future__ import annotations

import os
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StorageEvidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import vdsm
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ovf_store import as_reader

MOUNTS = "/rhev/data-center/mnt"


def look_into(domain_id: str, mounts: str = MOUNTS) -> Optional[StorageEvidence]:
    """Return what vdsm and the mounted file system tell about a domain, or None when vdsm does not know it.

    A blank name or an empty list is what vdsm says of a domain that was made a moment ago.
    """
    try:
        info: dict[str, Any] = vdsm.call("StorageDomain", "getInfo", {"storagedomainID": domain_id})
    except HostedEngineError as error:
        if error.problem is not vdsm.VDSM_REFUSED:
            raise
        return None
    return StorageEvidence(
        name=info.get("name") or "",
        pools=tuple(info.get("pool") or ()),
        images=count_images(domain_id, info, mounts),
    )


def count_images(domain_id: str, info: dict[str, Any], mounts: str = MOUNTS) -> Optional[int]:
    """Return the number of disks of a domain on files, or None where its directory cannot be seen."""
    remote = (info.get("remotePath") or "").replace("_", "__").replace("/", "_")
    kind = "glusterSD" if info.get("type") == "GLUSTERFS" else ""
    folder = os.path.join(mounts, kind, remote, domain_id, "images")
    try:
        with as_reader():
            return len([name for name in os.listdir(folder) if not name.startswith("_remove_me")])
    except OSError:
        return None
