# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changing, removing and forgetting storage domains."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..call import Call, refuse
from ..errors import ApiError, ReferenceNotFound, Refused
from ..store import Row
from ..vdsm import HostUnreachable, VdsmError
from ..vdsm.flows import connections as connection_flows
from ..vdsm.flows import domains as flows
from . import connection, operations
from .domain_add import check_name
from .status import DATA_CENTER, DOMAIN, name_of
from .storage import (
    INACCESSIBLE,
    connections_used,
    get,
    words,
)

if TYPE_CHECKING:
    pass

log = logging.getLogger("engine.storage")


def update(call: Call, row: Row) -> None:
    from ..resources.storage import STORAGE_DOMAIN

    if call.doc.get("name"):
        check_name(call, call.doc["name"], row["id"], "edit Storage")
    operations.update(call, STORAGE_DOMAIN, row)
    call.event("USER_UPDATE_DOMAIN", domain=get(call, row["id"]))


def remove(call: Call, row: Row) -> None:
    """DELETE: `destroy` forgets it, `format` empties the storage, neither leaves it to be imported again."""
    if call.flag("destroy"):
        if row["storage_pool_id"] and row["status"] in (
            DOMAIN["active"],
            DOMAIN["locked"],
            DOMAIN["preparing_for_maintenance"],
        ):
            raise refuse(
                "destroy Storage", f"The relevant Storage Domain's status is {name_of(DOMAIN, row['status'])}."
            )
        forget(call, row)
        return
    name = call.query.get("host")
    if not name:
        raise ApiError(400, None, "host parameter is missing")
    host = call.db.row("SELECT * FROM vds WHERE vds_name = ? OR vds_id = ?", name, name)
    if host is None:
        raise ReferenceNotFound(name)
    if row["storage_pool_id"]:
        raise refuse("remove Storage", INACCESSIBLE)
    client = call.engine.hosts.client(host)
    try:
        entries = connections_used(call, row)
        if call.flag("format"):
            if entries:
                connection_flows.connect(
                    client, row["storage_type"], [connection.parameters(entry) for entry in entries]
                )
            flows.format_domain(client, row["id"])
        if row["storage_type"] not in ("iscsi", "fcp"):
            connection_flows.disconnect(
                client, row["storage_type"], [connection.parameters(entry) for entry in entries]
            )
    except (VdsmError, HostUnreachable, RuntimeError) as error:
        raise Refused(words(error), status=400) from None
    forget(call, row)
    call.event("USER_REMOVE_DOMAIN", domain=row)


def forget(call: Call, row: Row) -> None:
    """Takes a domain and all that lies on it out of the database."""
    pool = row["storage_pool_id"]
    with call.db.transaction():
        forget_disks(call, row["id"])
        for table, column in (
            ("storage_domain_static", "id"),
            ("storage_domain_dynamic", "id"),
            ("disk_profiles", "storage_domain_id"),
            ("storage_pool_iso_map", "storage_id"),
            ("luns", "storage_domain_id"),
            ("permissions", "object_id"),
        ):
            call.db.delete(table, **{column: row["id"]})
        if row["storage_type"] not in ("iscsi", "fcp"):
            call.db.delete("storage_server_connections", id=row["storage"])
        if pool and not call.db.row("SELECT 1 FROM storage_pool_iso_map WHERE storage_pool_id = ?", pool):
            call.db.update(
                "storage_pool",
                {"id": pool},
                {
                    "status": DATA_CENTER["uninitialized"],
                    "spm_vds_id": None,
                    "master_domain_id": None,
                    "master_domain_version": 0,
                },
            )


def forget_disks(call: Call, domain: str) -> None:
    for disk in call.db.rows("SELECT disk_id, image_guid FROM disks_map WHERE storage_domain_id = ?", domain):
        for table, column in (("base_disks", "disk_id"), ("images", "image_group_id"), ("disk_vm_element", "disk_id")):
            call.db.delete(table, **{column: disk["disk_id"]})
        call.db.delete("image_storage_domain_map", image_id=disk["image_guid"])
    call.db.delete("storage_domains_ovf_info", storage_domain_id=domain)
