# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Begin to try the storage out, in a process that the checks of storage then wait for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage import WantedDomain
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import iscsi, storage_trial
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.child import Child
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import CHECKS
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings

# A little less than the checks have together, so that a storage that is silent is a finding of its own.
SECONDS = 10.0

Trial = Callable[[], dict[str, Any]]


def start(settings: Settings, secrets: Mapping[str, str], skip: Collection[str]) -> Callable[[], Mapping[str, Any]]:
    """Begin the trial that fits the type of storage, unless no check will ask for it.

    Args:
        settings: what the deployment is asked for.
        secrets: passwords by the setting's name.
        skip: ids of checks that are not run.

    Returns:
        A function that waits for what was found out; nothing for a type whose check asks for itself.
    """
    kind = settings.storage_type
    asked = [name for name in CHECKS if name.startswith(f"storage.{kind}") and name not in skip]
    trial = _trial(settings, secrets) if asked else None
    return Child(trial, SECONDS).result if trial else dict


def _trial(settings: Settings, secrets: Mapping[str, str]) -> Optional[Trial]:
    if settings.storage_type == "nfs" and settings.storage_address and settings.storage_path:
        wanted = WantedDomain(
            name="",
            type="nfs",
            address=settings.storage_address,
            path=settings.storage_path,
            host="",
            mount_options=settings.mount_options,
            nfs_version=settings.nfs_version,
        )
        return lambda: storage_trial.try_nfs(wanted)
    if settings.storage_type == "iscsi" and settings.iscsi_portals and iscsi.is_installed():
        portal = settings.iscsi_portals[0]
        access = iscsi.Access(
            str(portal["address"]),
            str(portal.get("port") or iscsi.PORT),
            settings.iscsi_discover_user,
            secrets.get("he_iscsi_discover_password", ""),
            settings.iscsi_user,
            secrets.get("he_iscsi_password", ""),
        )
        return lambda: iscsi.try_portal(access, settings.iscsi_target)
    return None
