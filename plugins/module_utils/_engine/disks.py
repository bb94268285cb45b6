# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The four disks of a hosted engine: asked for together, with ids that a second run chooses again."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sizes import GIB, MIB, human
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

DISK_FAILED = declare(
    "engine.disk_failed",
    "The engine could not create a disk of the hosted engine",
    "Look at the engine's events and at /var/log/vdsm/vdsm.log on the host. The hosted engine's disks go only with"
    " their storage domain, so that a new attempt needs an empty path.",
)
DISK_DIFFERS = declare(
    "engine.disk_differs",
    "A disk of the hosted engine exists with another size",
    "Ask for the size that exists; a hosted engine's disk cannot be changed before the engine has moved.",
)
DISKS_LOCKED = declare(
    "engine.disks_locked",
    "The disks of the hosted engine were not created in time",
    "See whether the storage is slow; run the same playbook again, it goes on with the disks that exist.",
    retryable=True,
)

ENGINE_DISK = "he_virtio_disk"


@dataclass(frozen=True)
class Disk:
    """A disk as it shall be.

    The ids come from the storage domain's id, so that every run of the same deployment chooses the same ones.
    """

    name: str
    content_type: str
    description: str
    size: int
    sparse: bool
    storage_id: str

    @property
    def id(self) -> str:
        """Id of the disk; vdsm calls it image."""
        return self._derived("disk")

    @property
    def image_id(self) -> str:
        """C(image_id) of the disk; vdsm calls it volume."""
        return self._derived("volume")

    def _derived(self, what: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.storage_id), f"{what}/{self.name}"))

    def entity(self) -> Any:
        """Return the disk as the SDK sends it."""
        return types.Disk(
            id=self.id,
            image_id=self.image_id,
            name=self.name,
            description=self.description,
            content_type=types.DiskContentType(self.content_type),
            format=types.DiskFormat.RAW,
            provisioned_size=self.size,
            sparse=self.sparse,
            storage_domains=[types.StorageDomain(id=self.storage_id)],
        )


def wanted(storage_id: str, disk_size: int, on_files: bool = True) -> list[Disk]:
    """Return the four disks; engine and clean-up know them by these very names (engine contract 7.7)."""
    rows = (
        (ENGINE_DISK, "hosted_engine", "Hosted-Engine disk", disk_size, on_files),
        ("he_sanlock", "hosted_engine_sanlock", "Hosted-Engine sanlock disk", GIB, False),
        (
            "HostedEngineConfigurationImage",
            "hosted_engine_configuration",
            "Hosted-Engine configuration disk",
            GIB,
            False,
        ),
        ("he_metadata", "hosted_engine_metadata", "Hosted-Engine metadata disk", 128 * MIB, False),
    )
    return [Disk(*row, storage_id) for row in rows]


def read(session: Session, storage_id: str) -> list[Any]:
    """Return all disks of a storage domain, in one exchange."""
    with session.step("read the disks of the storage domain"):
        service = session.system.storage_domains_service().storage_domain_service(storage_id)
        return list(service.disks_service().list())


def request(session: Session, notes: Notes, disks: list[Disk], existing: list[Any]) -> list[Disk]:
    """Ask for the disks that do not exist, all at once, and return them; nobody waits here.

    Raises:
        HostedEngineError: C(engine.disk_differs), or the engine's reason against a disk.
    """
    there = {entity.id: entity for entity in existing}
    for disk in disks:
        found = there.get(disk.id)
        if found is not None and int(found.provisioned_size or 0) != disk.size:
            raise HostedEngineError(
                DISK_DIFFERS,
                expected=f"{disk.name} of {human(disk.size)}",
                observed=human(int(found.provisioned_size or 0)),
            )
    missing = [disk for disk in disks if disk.id not in there]
    with contextlib.ExitStack() as making:
        for disk in missing:
            making.enter_context(notes.making("disk", disk.name, id=disk.id, storage_id=disk.storage_id))
        with session.step("create the disks of the hosted engine", "disks" if missing else ""):
            service = session.system.disks_service()
            for future in [service.add(disk.entity(), wait=False) for disk in missing]:
                future.wait()
    return missing


def wait(session: Session, disks: list[Disk], seconds: float) -> None:
    """Wait until all disks can be used.

    Raises:
        HostedEngineError: C(engine.disk_failed) when one is illegal or gone, C(engine.disks_locked) at the deadline.
    """
    storage_id = disks[0].storage_id

    def look() -> Look[bool]:
        states = {entity.id: str(entity.status) for entity in read(session, storage_id)}
        for disk in disks:
            if states.get(disk.id, "gone") in ("illegal", "gone"):
                raise HostedEngineError(
                    DISK_FAILED,
                    expected=f"disk {disk.name} to be created",
                    observed=f"it is {states.get(disk.id, 'gone')}",
                    evidence={"events": _events(session)},
                )
        waiting = [f"{disk.name} is {states[disk.id]}" for disk in disks if states[disk.id] != "ok"]
        return pending(", ".join(waiting)) if waiting else ready(True)

    wait_for(look, "the disks of the hosted engine to be created", seconds, DISKS_LOCKED, session.clock)


def facts(disks: list[Disk]) -> dict[str, dict[str, Any]]:
    """Return what later phases need of the disks, by name."""
    return {disk.name: {"id": disk.id, "image_id": disk.image_id, "size": disk.size} for disk in disks}


def _events(session: Session) -> list[str]:
    """Return what the engine has to say about disks lately: 2022 is the failure to add one."""
    with session.step("read the engine's events"):
        newest = session.system.events_service().list(max=30)
    return [event.description for event in newest if str(event.severity) in ("warning", "error", "alert")]
