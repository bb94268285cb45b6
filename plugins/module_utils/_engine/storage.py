# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage domains of the engine: what is wanted, what is there, and the words for what it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, Problem, declare

NAME_TAKEN = declare(
    "storage.name_taken",
    "The engine already has a storage domain of this name elsewhere",
    "Choose another he_storage_domain_name, or rename or remove the old domain in the engine.",
)
PATH_TAKEN = declare(
    "storage.path_taken",
    "The engine already uses this path for another storage domain",
    "Give the hosted engine an empty path of its own.",
)
NOT_MOUNTED = declare(
    "storage.not_mounted",
    "The host could not mount the storage",
    "Check server, path and export rules; the exported directory must belong to 36:36 (vdsm:kvm) with mode 0755, and"
    " he_nfs_version must be one that the server speaks. Try it on the host: mount -t nfs SERVER:PATH /mnt.",
)
REFUSED = declare(
    "storage.refused",
    "The engine refused the storage domain",
    "Remove the reason that the engine gives and run the same playbook again.",
)
NOT_ACTIVE = declare(
    "storage.not_active",
    "The storage domain did not become active in time",
    "Look at the engine's events and at /var/log/vdsm/vdsm.log on the host, then run the same playbook again.",
    retryable=True,
)

# What the engine says (a pattern), whose problem it is, and what to do (engine contract 7.5, measured 5).
_REFUSALS: tuple[tuple[str, Problem, str], ...] = (
    ("trying to mount target", NOT_MOUNTED, ""),
    ("Mount path is illegal", REFUSED, "Write the path as the server exports it, beginning with a slash."),
    (r"Storage connection \S+ already exists", PATH_TAKEN, ""),
    ("Storage Domain name is already in use", NAME_TAKEN, ""),
    (
        "permission",
        NOT_MOUNTED,
        "The exported directory must belong to 36:36 (vdsm:kvm) and be writable for it: chown 36:36, chmod 0755.",
    ),
    ("isn't in the right state", REFUSED, "Wait until the host is up in the engine and run the same playbook again."),
)


@dataclass(frozen=True)
class WantedDomain:
    """The storage domain that a deployment asks for.

    Attributes:
        name: name in the engine.
        type: C(nfs) or C(glusterfs).
        address: the server.
        path: exported path, or volume of Gluster.
        mount_options: further options of the mount.
        nfs_version: C(auto), C(v3), C(v4), C(v4_0), C(v4_1) or C(v4_2).
        host: name of the host that makes it.
    """

    name: str
    type: str
    address: str
    path: str
    host: str
    mount_options: str = ""
    nfs_version: str = "auto"

    @property
    def where(self) -> str:
        """Return the place in words."""
        return f"{self.address}:{self.path}"

    def is_at(self, storage: Optional[Any]) -> bool:
        """Return whether a domain's storage is the wanted place."""
        if storage is None or str(storage.type) != self.type:
            return False
        return (storage.address, _path(storage.path)) == (self.address, _path(self.path))

    def entity(self) -> Any:
        """Return the domain as the SDK sends it."""
        return types.StorageDomain(
            name=self.name,
            type=types.StorageDomainType.DATA,
            host=types.Host(name=self.host),
            storage=_BUILDERS[self.type](self),
            storage_format=types.StorageFormat.V5,
        )


def _nfs(wanted: WantedDomain) -> Any:
    return types.HostStorage(
        type=types.StorageType.NFS,
        address=wanted.address,
        path=_path(wanted.path),
        nfs_version=types.NfsVersion(wanted.nfs_version),
        mount_options=wanted.mount_options or None,
    )


def _gluster(wanted: WantedDomain) -> Any:
    return types.HostStorage(
        type=types.StorageType.GLUSTERFS,
        address=wanted.address,
        path=wanted.path,
        vfs_type="glusterfs",
        mount_options=wanted.mount_options or None,
    )


_BUILDERS: dict[str, Callable[[WantedDomain], Any]] = {"nfs": _nfs, "glusterfs": _gluster}
TYPES = tuple(_BUILDERS)


def find(session: Session, wanted: WantedDomain) -> Optional[Any]:
    """Return the engine's domain of this name at this place, or None.

    Raises:
        HostedEngineError: C(storage.name_taken) or C(storage.path_taken) when only one of the two is met.
    """
    with session.step("read the storage domains"):
        domains = list(session.system.storage_domains_service().list())
    for domain in domains:
        here = wanted.is_at(domain.storage)
        if domain.name == wanted.name and not here:
            place = domain.storage
            raise HostedEngineError(
                NAME_TAKEN,
                expected=f"{wanted.name} at {wanted.where}",
                observed=f"it is at {place.address or '?'}:{place.path or '?'}" if place else "it is elsewhere",
            )
        if here and domain.name != wanted.name:
            raise HostedEngineError(PATH_TAKEN, observed=f"{wanted.where} is storage domain {domain.name}")
    return next((domain for domain in domains if domain.name == wanted.name), None)


def explain(error: HostedEngineError, wanted: WantedDomain) -> HostedEngineError:
    """Return the refusal of a domain as the problem that it is, with the advice that belongs to it."""
    if error.evidence.get("kind") not in (faults.CONFLICT, faults.INVALID, faults.INTERNAL):
        return error
    problem, advice = next(
        ((problem, advice) for text, problem, advice in _REFUSALS if re.search(text, error.observed, re.IGNORECASE)),
        (REFUSED, ""),
    )
    expected = f"{wanted.type} storage {wanted.where} to become storage domain {wanted.name}"
    return HostedEngineError(
        problem, expected=expected, observed=error.observed, advice=advice, evidence=error.evidence
    )


def _path(text: Optional[str]) -> str:
    """Return a path without the slash at its end."""
    text = text or ""
    return text.rstrip("/") or text
