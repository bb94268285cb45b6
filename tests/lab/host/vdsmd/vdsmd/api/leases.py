# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of external leases (of virtual machines), whose index lies in the domain's xleases file.

Slots are where VDSM has them. The index is a text of our own, because its bytes are not known: one record of 64 bytes
per slot, "<uuid> used" or zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors, tasks
from ..storage import domains, files, sanlock
from ..storage.domains import XLEASES_BASE, XLEASES_INDEX, Domain
from ..storage.files import MIB
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host

RECORD = 64
#: The first lease lies behind lockspace and index.
FIRST_LEASE = 3 * MIB


def _index(domain: Domain) -> list[str]:
    with open(domain.path / "dom_md" / "xleases", "rb") as file:
        file.seek(XLEASES_BASE)
        data = file.read(XLEASES_INDEX)
    return [data[at : at + 36].rstrip(b"\0").decode("ascii") for at in range(0, len(data), RECORD)]


def _write(domain: Domain, slot: int, lease_id: str) -> None:
    record = f"{lease_id} used\n" if lease_id else ""
    with open(domain.path / "dom_md" / "xleases", "r+b") as file:
        file.seek(XLEASES_BASE + slot * RECORD)
        file.write(record.encode("ascii").ljust(RECORD, b"\0"))


@verb("Lease.create")
def lease_create(host: Host, lease: dict[str, str], metadata: Any = None) -> str:
    domain = domains.find(host, lease["sd_id"])
    index = _index(domain)
    if lease["lease_id"] not in index:
        slot = index.index("")
        path = domain.path / "dom_md" / "xleases"
        files.sparse(path, max(files.length(path), FIRST_LEASE + (slot + 1) * MIB))
        sanlock.init_resource(domain.id, lease["lease_id"], path, FIRST_LEASE + slot * MIB)
        _write(domain, slot, lease["lease_id"])
    return tasks.start(host, "addLease")


@verb("Lease.delete")
def lease_delete(host: Host, lease: dict[str, str]) -> str:
    domain = domains.find(host, lease["sd_id"])
    index = _index(domain)
    if lease["lease_id"] in index:
        _write(domain, index.index(lease["lease_id"]), "")
    return tasks.start(host, "removeLease")


@verb("Lease.info")
def lease_info(host: Host, lease: dict[str, str]) -> dict[str, Any]:
    domain = domains.find(host, lease["sd_id"])
    index = _index(domain)
    if lease["lease_id"] not in index:
        raise errors.error("NoSuchLease", lease["lease_id"])
    return {
        "sd_id": lease["sd_id"],
        "lease_id": lease["lease_id"],
        "offset": FIRST_LEASE + index.index(lease["lease_id"]) * MIB,
        "path": str(domain.path / "dom_md" / "xleases"),
    }


@verb("Lease.status")
def lease_status(host: Host, lease: dict[str, str]) -> dict[str, Any]:
    lease_info(host, lease)
    return {"owners": [], "version": None, "metadata": None}


@verb("Lease.fence", "Lease.rebuild_leases")
def lease_fence(host: Host, **params: Any) -> None:
    raise errors.error("MethodNotImplemented", "leases have no owners here")
