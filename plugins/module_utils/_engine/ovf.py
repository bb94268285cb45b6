# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until both OVF stores hold the engine VM: only what is on the storage survives the bootstrap engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import disks, faults
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StoreReader, StoreVolume
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

STORES_STALE = declare(
    "engine.ovf_stores_stale",
    "The engine did not write the engine VM to the OVF stores in time",
    "Look for OVF in /var/log/ovirt-engine/engine.log on the engine's machine; run the same playbook again.",
    retryable=True,
)

STORES = 2
# The engine begins at once and needs 4 to 5 s (measured 9); when nothing comes of it, it is asked again.
NUDGE_SECONDS = 20

_ORIGIN = re.compile(r"<Origin>6</Origin>", re.IGNORECASE)


def holds(reader: StoreReader, store: StoreVolume, vm_id: str) -> bool:
    """Return whether a store holds the VM as a hosted engine, and vdsm has noted that it is current.

    An OVF of the same VM may be there from before its origin was set; without the origin it would not start.
    """
    return bool(_ORIGIN.search(reader.ovf(store, vm_id))) and reader.is_updated(store)


def all_hold(reader: StoreReader, stores: Sequence[StoreVolume], vm_id: str) -> bool:
    """Return whether the stores are complete and each holds the VM."""
    return len(stores) >= STORES and all(holds(reader, store, vm_id) for store in stores)


def volumes(data_center_id: str, storage_id: str, entities: Sequence[Any]) -> list[StoreVolume]:
    """Return the OVF stores among the disks of a domain that can be read; all other disks are left out."""
    return [
        StoreVolume(data_center_id, storage_id, entity.id, entity.image_id)
        for entity in entities
        if str(entity.content_type) == "ovf_store" and str(entity.status) == "ok"
    ]


class StoreWait:
    """The wait for the stores of one domain.

    Args:
        session: session with the engine.
        reader: reads the stores on the host.
        data_center_id: data centre of the domain.
        storage_id: the domain.
        vm_id: the engine VM.
    """

    def __init__(self, session: Session, reader: StoreReader, data_center_id: str, storage_id: str, vm_id: str) -> None:
        self._session = session
        self._reader = reader
        self._place = (data_center_id, storage_id)
        self._vm_id = vm_id
        self._nudged = session.clock.now()
        self._stores: list[StoreVolume] = []
        self._current: set[str] = set()

    def wait(self, seconds: float) -> list[StoreVolume]:
        """Wait until the engine has both stores ready and both hold the VM, and return them.

        Raises:
            HostedEngineError: C(engine.ovf_stores_stale) at the deadline.
        """
        what = "both OVF stores to hold the engine VM"
        return wait_for(self._look, what, seconds, STORES_STALE, self._session.clock)

    def _look(self) -> Look[list[StoreVolume]]:
        if len(self._stores) < STORES:
            self._stores = volumes(*self._place, disks.read(self._session, self._place[1]))
        if len(self._stores) < STORES:
            self._nudge()
            return pending(f"{len(self._stores)} of {STORES} OVF stores are ready in the engine")
        for store in self._stores:
            if store.disk_id not in self._current and holds(self._reader, store, self._vm_id):
                self._current.add(store.disk_id)
        if len(self._current) == len(self._stores):
            return ready(self._stores)
        self._nudge()
        return pending(f"{len(self._current)} of {len(self._stores)} OVF stores hold the engine VM")

    def _nudge(self) -> None:
        """Ask the engine to write its stores when it does not by itself; 409 means that it is at it (measured 5)."""
        if self._session.clock.now() - self._nudged < NUDGE_SECONDS:
            return
        self._nudged = self._session.clock.now()
        refused = self._ask()
        if refused is not None and not faults.busy(refused):
            raise refused

    def _ask(self) -> Optional[HostedEngineError]:
        service = self._session.system.storage_domains_service().storage_domain_service(self._place[1])
        try:
            with self._session.step("have the OVF stores written", "ovf-stores"):
                service.update_ovf_store()
        except HostedEngineError as error:
            return error
        return None
