# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage of a data center as its hosts see it: connections, states, and who is its SPM."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..call import Call, refuse
from ..doc import Doc
from ..errors import ReferenceNotFound
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import domains as flows
from . import connection
from .status import DATA_CENTER, DOMAIN
from .status import HOST as STATUS

if TYPE_CHECKING:
    pass


log = logging.getLogger("engine.storage")
INACCESSIBLE = (
    "The relevant Storage Domain is inaccessible.\n-Please handle Storage Domain issues and retry the operation."
)
NAME_USED = "The Storage Domain name is already in use."
#: The engine's own words for codes of vdsm.
WORDS = {
    324: "Wrong Master domain or its version",
    477: "Problem while trying to mount target",
    351: "Error creating a storage domain",
    502: "Cannot create Volume Group",
}


def words(error: Exception) -> str:
    """What the engine says when a verb failed."""
    return WORDS.get(error.code, error.message) if isinstance(error, VdsmError) else str(error)


def get(call: Call, domain: str) -> Row:
    found = call.db.row("SELECT * FROM storage_domains_map WHERE id = ?", domain)
    assert found is not None, domain
    return found


def set_domain_status(call: Call, domain: str, status: str) -> None:
    """The state of a domain in its data center."""
    call.db.update("storage_pool_iso_map", {"storage_id": domain}, {"status": DOMAIN[status]})


def find_host(call: Call, wanted: Doc) -> Row:
    """The host that a request names, which must be up."""
    by, value = ("vds_id", wanted.get("@id")) if wanted.get("@id") else ("vds_name", wanted.get("name"))
    found = call.db.row(f"SELECT * FROM vds WHERE {by} = ?", value)
    if found is None:
        raise ReferenceNotFound(f"Hosts: {'id' if by == 'vds_id' else 'name'}={value}")
    if found["status"] != STATUS["up"]:
        raise refuse("add Storage", "Host is not in Up status.")
    return found


def up_hosts(call: Call, pool: str) -> list[Row]:
    """Hosts of a data center that work, the SPM first."""
    return call.db.rows(
        "SELECT * FROM vds WHERE storage_pool_id = ? AND status = ? ORDER BY spm_status = 'spm' DESC, "
        "vds_spm_priority DESC, vds_spm_id",
        pool,
        STATUS["up"],
    )


def spm_of(call: Call, pool: str, what: str) -> tuple[Row, HostClient]:
    """The SPM and its client. Refuses when there is none."""
    host = call.db.row("SELECT vds.* FROM vds JOIN storage_pool ON spm_vds_id = vds_id WHERE storage_pool.id = ?", pool)
    if host is None or host["status"] != STATUS["up"]:
        raise refuse(what, "There is no active Host in the Data Center.")
    return host, call.engine.hosts.client(host)


def domain_states(call: Call, pool: str) -> dict[str, str]:
    """Domains of a pool as StoragePool.connect takes them."""
    rows = call.db.rows("SELECT storage_id, status FROM storage_pool_iso_map WHERE storage_pool_id = ?", pool)
    return {
        row["storage_id"]: "active" if row["status"] in (DOMAIN["active"], DOMAIN["inactive"]) else "attached"
        for row in rows
    }


def connections_of(call: Call, pool: str) -> dict[str, list[dict[str, str]]]:
    """All connections of a pool's domains, by storage type."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in call.db.rows("SELECT * FROM storage_domains_map WHERE storage_pool_id = ?", pool):
        for entry in connections_used(call, row):
            found.setdefault(row["storage_type"], []).append(connection.parameters(entry))
    return found


def connections_used(call: Call, domain: Row) -> list[Row]:
    """The connections that a domain hangs on."""
    if domain["storage_type"] in ("iscsi", "fcp"):
        import json

        rows = []
        for unit in call.db.rows("SELECT document FROM luns WHERE storage_domain_id = ?", domain["id"]):
            doc = json.loads(unit["document"])
            rows += call.db.rows(
                "SELECT * FROM storage_server_connections WHERE storage_type = 'iscsi' AND iqn = ?", doc.get("target")
            )
        return rows
    return call.db.rows("SELECT * FROM storage_server_connections WHERE id = ?", domain["storage"])


# -- SPM


def elect_spm(call: Call, pool_id: str) -> None:
    """Makes the best host that is up the SPM. Leaves the data center `problematic` when none can be."""
    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", pool_id)
    states = domain_states(call, pool_id)
    if pool is None or not states or not pool["master_domain_id"]:
        return
    for host in up_hosts(call, pool_id):
        client = call.engine.hosts.client(host)
        try:
            version = int(
                flows.info(client, pool["master_domain_id"]).get("master_ver") or pool["master_domain_version"] or 1
            )
            flows.connect_host(
                client,
                connections_of(call, pool_id),
                pool_id,
                host["vds_spm_id"],
                pool["master_domain_id"],
                version,
                states,
            )
            flows.start_spm(client, pool_id)
        except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
            log.warning("%s cannot become SPM: %s", host["vds_name"], error)
            continue
        call.db.update(
            "storage_pool",
            {"id": pool_id},
            {"status": DATA_CENTER["up"], "spm_vds_id": host["vds_id"], "master_domain_version": version},
        )
        call.event("SYSTEM_STORAGE_POOL_START", host=host["host_name"], address=host["host_name"], data_center=pool)
        return
    if pool["status"] == DATA_CENTER["up"]:
        call.db.update("storage_pool", {"id": pool_id}, {"status": DATA_CENTER["problematic"], "spm_vds_id": None})


def move_spm(call: Call, pool_id: str, target: Row) -> None:
    host, client = spm_of(call, pool_id, "force select SPM")
    flows.stop_spm(client, pool_id)
    flows.start_spm(call.engine.hosts.client(target), pool_id)
    call.db.update("storage_pool", {"id": pool_id}, {"spm_vds_id": target["vds_id"]})
    log.info("SPM of %s moved from %s to %s", pool_id, host["vds_name"], target["vds_name"])


def leave_pool(call: Call, host: Row, client: HostClient) -> None:
    """A host on its way to maintenance hands over the SPM and leaves the pool."""
    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", host["storage_pool_id"])
    if pool is None or pool["status"] in (DATA_CENTER["uninitialized"], DATA_CENTER["maintenance"]):
        return
    if pool["spm_vds_id"] == host["vds_id"]:
        flows.stop_spm(client, pool["id"])
        call.db.update(
            "storage_pool", {"id": pool["id"]}, {"spm_vds_id": None, "status": DATA_CENTER["not_operational"]}
        )
    flows.disconnect_pool(client, pool["id"], host["vds_spm_id"])
    if pool["spm_vds_id"] == host["vds_id"]:
        elect_spm(call, pool["id"])
