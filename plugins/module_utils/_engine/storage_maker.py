# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the hosted engine's storage domain: create, check, attach, and wait until the data centre runs on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import sizes, storage
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes, StorageEvidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage import WantedDomain
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.waits import when_free
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

NOT_EMPTY = declare(
    "storage.not_empty",
    "The path already holds a storage domain",
    "Choose an empty path. If the old domain is worth nothing any more, remove its directory on the server. Nothing on"
    " the storage was changed.",
)
TOO_SMALL = declare(
    "storage.too_small",
    "The storage is too small for the hosted engine",
    "Give the hosted engine larger storage, or ask for a smaller disk (he_disk_size_GB).",
)

KIND = "storage_domain"


class DomainMaker:
    """The storage domain of one deployment.

    Args:
        session: session with the engine.
        notes: the journal.
        wanted: the domain to make.
        host: C(id) and C(data_center_id) of the host that is up, as C(engine_host) returned them.
        probe: tells which domains are on the storage before the engine is let at it.
        disk_size: size of the engine VM's disk that is asked for, in bytes.
        appliance_size: virtual size of the appliance's disk, in bytes.
        seconds: deadline of each part.
    """

    def __init__(
        self,
        session: Session,
        notes: Notes,
        wanted: WantedDomain,
        host: dict[str, Any],
        probe: Callable[[WantedDomain], list[StorageEvidence]],
        disk_size: int,
        appliance_size: int,
        seconds: float,
    ) -> None:
        self._session = session
        self._notes = notes
        self._wanted = wanted
        self._host = host
        self._probe = probe
        self._sizes = (disk_size, appliance_size)
        self._seconds = seconds

    def ensure(self) -> tuple[dict[str, Any], bool]:
        """Bring the domain to C(active) and return its facts and whether anything was changed.

        Raises:
            HostedEngineError: C(storage.*), with the engine's own reason.
        """
        domain = storage.find(self._session, self._wanted)
        changed = domain is None
        if domain is None:
            self._check_empty()
            domain = self._create()
        attached = self._attached(domain.id) if not changed else None
        if attached is None:
            domain = self._read(domain.id)
            self._check_space(domain)
            self._attach(domain)
            changed = True
        attached = self._wait_active(domain.id)
        self._wait_data_center()
        self._wait_spm()
        return self._facts(attached), changed

    def _create(self) -> Any:
        wanted = self._wanted
        with self._notes.making(KIND, wanted.name, address=wanted.address, path=wanted.path) as entry:
            try:
                with self._session.step(f"create storage domain {wanted.name}", "storage", seconds=self._seconds):
                    domain = self._session.system.storage_domains_service().add(wanted.entity())
            except HostedEngineError as error:
                raise storage.explain(error, wanted) from error
            entry["id"] = domain.id
        return domain

    def _read(self, domain_id: str) -> Any:
        """Read the domain; the answer of its creation says C(unknown), the next one C(unattached)."""
        with self._session.step("read the storage domain"):
            return self._session.system.storage_domains_service().storage_domain_service(domain_id).get()

    def _attached(self, domain_id: str) -> Optional[Any]:
        """Return the domain as the data centre has it, or None; only there its state is told (measured 5)."""
        with self._session.step("read the data centre's storage domains"):
            found = self._data_center().storage_domains_service().list()
        return next((domain for domain in found if domain.id == domain_id), None)

    def _check_empty(self) -> None:
        """Refuse storage with a domain on it: the engine would import it, and take it from its data centre.

        What an attempt of ours has left behind before anything was put into it does no harm.
        """
        for found in self._probe(self._wanted):
            signs = [f"it belongs to data center {pool}" for pool in found.pools]
            signs += [f"it holds {found.images} disks"] if found.images else []
            signs += [f"it was made as {found.name}"] if found.name not in ("", self._wanted.name) else []
            if signs:
                raise HostedEngineError(
                    NOT_EMPTY,
                    expected=f"an empty path {self._wanted.where}",
                    observed=f"storage domain {found.id}: {'; '.join(signs)}",
                    evidence={"domain": found.id},
                )

    def _check_space(self, domain: Any) -> None:
        needed = sizes.required_space(*self._sizes, critical_space=domain.critical_space_action_blocker)
        available = int(domain.available or 0)
        if available >= needed:
            return
        ours = any(entry["name"] == self._wanted.name for entry in self._notes.made(KIND))
        if ours:
            self._remove(domain.id)
        raise HostedEngineError(
            TOO_SMALL,
            expected=f"at least {sizes.human(needed)} available at {self._wanted.where}",
            observed=f"{sizes.human(available)}" + (", the new domain was removed again" if ours else ""),
            evidence={"required": needed, "available": available},
        )

    def _remove(self, domain_id: str) -> None:
        """Remove the unattached domain with its format; C(destroy) would leave it for the next run to import."""
        with self._session.step("remove the storage domain again", seconds=self._seconds):
            service = self._session.system.storage_domains_service().storage_domain_service(domain_id)
            service.remove(host=self._wanted.host, format=True)
        self._notes.gone(KIND, self._wanted.name)

    def _attach(self, domain: Any) -> None:
        service, wish = self._data_center().storage_domains_service(), types.StorageDomain(id=domain.id)
        doing = f"attach storage domain {domain.name}"
        try:
            when_free(self._session, doing, "attach", lambda: service.add(wish), limit=self._seconds)
        except HostedEngineError as error:
            raise storage.explain(error, self._wanted) from error

    def _wait_active(self, domain_id: str) -> Any:
        service = self._data_center().storage_domains_service().storage_domain_service(domain_id)
        asked = False

        def look() -> Look[Any]:
            nonlocal asked
            with self._session.step("read the state of the storage domain"):
                domain = service.get()
                status = str(domain.status)
                if status == "maintenance" and not asked:
                    asked = True
                    service.activate()
            return ready(domain) if status == "active" else pending(f"it is {status}")

        return self._wait(look, f"storage domain {self._wanted.name} to be active")

    def _wait_data_center(self) -> None:
        def look() -> Look[bool]:
            with self._session.step("read the data centre"):
                status = str(self._data_center().get().status)
            return ready(True) if status == "up" else pending(f"it is {status}")

        self._wait(look, "the data centre to be up")

    def _wait_spm(self) -> None:
        def look() -> Look[bool]:
            with self._session.step("read the host"):
                host = self._session.system.hosts_service().host_service(self._host["id"]).get()
            role = str(host.spm.status) if host.spm else "none"
            return ready(True) if role == "spm" else pending(f"host {host.name} is {host.status}, its role is {role}")

        self._wait(look, "the host to be the storage pool manager")

    def _wait(self, look: Any, what: str) -> Any:
        return wait_for(look, what, self._seconds, storage.NOT_ACTIVE, self._session.clock)

    def _data_center(self) -> Any:
        return self._session.system.data_centers_service().data_center_service(self._host["data_center_id"])

    def _facts(self, domain: Any) -> dict[str, Any]:
        with self._session.step("read the connections of the storage domain"):
            service = self._session.system.storage_domains_service().storage_domain_service(domain.id)
            connections = list(service.storage_connections_service().list())
        return {
            "id": domain.id,
            "name": self._wanted.name,
            "type": self._wanted.type,
            "address": self._wanted.address,
            "path": self._wanted.path,
            "data_center_id": self._host["data_center_id"],
            "available": int(domain.available or 0),
            "connection_id": connections[0].id if connections else "",
        }
