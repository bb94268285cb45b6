# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New storage domains: created, or imported when the path holds one already (engine contract 7.5)."""

from __future__ import annotations

import fnmatch
import logging
import uuid
from typing import TYPE_CHECKING

from ..call import Call, new_id, refuse
from ..doc import Doc
from ..errors import ApiError, Incomplete, Refused
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import connections as connection_flows
from ..vdsm.flows import domains as flows
from . import capabilities, connection, operations
from .storage import (
    NAME_USED,
    find_host,
    words,
)

if TYPE_CHECKING:
    from ..resources.base import Sub

log = logging.getLogger("engine.storage")


def add(call: Call, sub: Sub) -> str:
    """POST storagedomains: connect, then create or import what is there already (contract 7.5)."""
    doc, resource = call.doc, sub.resource
    if not doc.get("name"):
        raise Incomplete("StorageDomain", ["name"])
    storage = doc.get("storage") or {}
    if not storage.get("type"):
        raise Incomplete("HostStorage", ["type"])
    host = find_host(call, doc["host"])
    connection.require(storage, "HostStorage") if storage["type"] not in ("iscsi", "fcp") else None
    columns = resource.take(call, doc, "a")
    columns["storage_type"] = storage["type"]
    operations.validate(resource, call, columns, None)
    client = call.engine.hosts.client(host)
    if storage["type"] in ("iscsi", "fcp"):
        return _add_block(call, columns, storage, host, client)
    return _add_file(call, columns, storage, host, client)


def check_name(call: Call, name: str, key: str | None = None, what: str = "add Storage") -> None:
    if call.db.row("SELECT 1 FROM storage_domain_static WHERE storage_name = ? AND id IS NOT ?", name, key):
        raise refuse(what, NAME_USED)


def _add_file(call: Call, columns: Row, storage: Doc, host: Row, client: HostClient) -> str:
    link: Row = {
        "id": new_id(),
        "storage_type": storage["type"],
        "user_name": None,
        "password": None,
        "iqn": None,
        "port": None,
    }
    for name in ("address", "path", "mount_options", "nfs_retrans", "nfs_timeo", "nfs_version", "vfs_type"):
        link[name] = storage.get(name)
    link["connection"] = connection.mount_path(link)
    connection.check(call, link, None)
    parameters = connection.parameters(link)
    try:
        connection_flows.connect(client, storage["type"], [parameters])
    except (connection_flows.ConnectionFailed, VdsmError, HostUnreachable):
        for _ in range(2):
            call.event("MOUNT_FAILED", host=host, domain={"id": None, "storage_name": link["connection"]})
        raise Refused("Problem while trying to mount target", status=400) from None
    try:
        check_name(call, columns["storage_name"])
        if call.engine.faults.strike("storage.existing"):
            leave_a_domain(client, storage["type"], link["connection"])
        existing = flows.find(client, link["connection"])
        key = existing[0] if existing else str(uuid.uuid4())
        if existing and call.db.row("SELECT 1 FROM storage_domain_static WHERE id = ?", key):
            raise refuse("add Storage", "The Storage Domain already exists.")
        if existing:
            pools = flows.info(client, key).get("pool") or []
            if pools:
                flows.forget(client, key, pools[0])
            size = flows.size(client, key)
        else:
            size = flows.create(
                client,
                key,
                columns["storage_name"],
                storage["type"],
                link["connection"],
                (columns.get("storage_domain_format_type") or "v5").lstrip("v"),
            )
    except (VdsmError, HostUnreachable) as error:
        connection_flows.disconnect(client, storage["type"], [parameters])
        raise Refused(words(error), status=400) from None
    except ApiError:
        connection_flows.disconnect(client, storage["type"], [parameters])
        raise
    with call.db.transaction():
        call.db.insert("storage_server_connections", link)
        _store(call, {**columns, "id": key, "storage": link["id"]}, size, host)
    return key


def leave_a_domain(client: HostClient, kind: str, path: str) -> str:
    """Makes a domain that this engine knows nothing of, as an earlier deployment leaves one; its id."""
    key = str(uuid.uuid4())
    flows.create(client, key, "left_behind", kind, path, "5")
    return key


def _store(call: Call, columns: Row, size: dict[str, int], host: Row) -> None:
    from ..resources.storage import STORAGE_DOMAIN

    check_name(call, columns["storage_name"])
    key = operations.insert(STORAGE_DOMAIN, call, columns)
    capabilities.save_sizes(call, key, size["total"], size["free"])
    call.db.insert("disk_profiles", {"id": new_id(), "name": columns["storage_name"], "storage_domain_id": key})
    call.event("USER_ADD_DISK_PROFILE", profile=columns["storage_name"])
    call.event(
        "USER_ADD_DOMAIN",
        host=host,
        domain={"id": key, "storage_name": columns["storage_name"]},
        cluster={"cluster_id": host["cluster_id"], "name": host["cluster_name"]},
    )


def _add_block(call: Call, columns: Row, storage: Doc, host: Row, client: HostClient) -> str:
    import json

    from .host_parts import unit_document

    wanted = [
        unit
        for group in (
            storage.get("logical_units") or (storage.get("volume_group") or {}).get("logical_units") or {}
        ).values()
        for unit in group
    ]
    for unit in wanted:
        if unit.get("address") and not unit.get("target"):
            raise Incomplete("LogicalUnit", ["target"], "isConnectionAssumed")
    ids = [unit.get("@id") for unit in wanted if unit.get("@id")]
    if not ids:
        raise Refused("Volume Group (VGs) and Logical Volumes (LVs) are not specified.", status=400)
    used = call.db.rows(
        "SELECT lun_id, storage_name FROM luns JOIN storage_domain_static ON storage_domain_static.id = "
        f"storage_domain_id WHERE lun_id IN ({','.join('?' * len(ids))})",
        *ids,
    )
    if used:
        listed = ", ".join(f"{row['lun_id']} ({row['storage_name']})" for row in used)
        raise refuse("add Storage", f"The following LUNs are already part of existing storage domains: {listed}.")
    links = []
    for unit in wanted:
        if unit.get("address"):
            link = {
                "id": new_id(),
                "storage_type": "iscsi",
                "connection": unit["address"],
                "address": unit["address"],
                "iqn": unit["target"],
                "port": unit.get("port") or 3260,
                "user_name": unit.get("username"),
                "password": unit.get("password"),
            }
            links.append(link)
            try:
                connection_flows.connect(client, "iscsi", [connection.parameters({**link, "mount_options": None})])
            except connection_flows.ConnectionFailed:
                raise Refused("failed to login to iscsi node", status=400) from None
    check_name(call, columns["storage_name"])
    key = str(uuid.uuid4())
    fault = call.engine.faults.strike("lun.used")
    if fault and not storage.get("override_luns") and any(fnmatch.fnmatchcase(guid, fault.lun) for guid in ids):
        raise Refused("Cannot create Volume Group", status=400)
    try:
        devices = {device["GUID"]: device for device in connection_flows.devices(client, storage["type"], False)}
        if not set(ids) <= set(devices):
            raise Refused("Cannot create Volume Group", status=400)
        group = flows.create_volume_group(client, key, ids, bool(storage.get("override_luns")))
        size = flows.create(client, key, columns["storage_name"], storage["type"], group)
    except VdsmError:
        raise Refused("Cannot create Volume Group", status=400) from None
    with call.db.transaction():
        for guid in ids:
            unit = unit_document(devices[guid], False)
            if not links and unit.get("target"):
                links.append(
                    {
                        "id": new_id(),
                        "storage_type": "iscsi",
                        "connection": unit["address"],
                        "address": unit["address"],
                        "iqn": unit["target"],
                        "port": unit["port"],
                        "user_name": None,
                        "password": None,
                    }
                )
            unit.update(storage_domain_id=key, volume_group_id=group, active_paths=0, paths=0)
            call.db.insert(
                "luns",
                {"lun_id": guid, "volume_group_id": group, "storage_domain_id": key, "document": json.dumps(unit)},
            )
        for link in links:
            if not call.db.row(
                "SELECT 1 FROM storage_server_connections WHERE iqn = ? AND address = ?", link["iqn"], link["address"]
            ):
                call.db.insert("storage_server_connections", link)
        _store(call, {**columns, "id": key, "storage": group}, size, host)
    return key
