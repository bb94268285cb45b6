# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage domains: create, import, attach, activate, maintenance, detach, remove; the SPM of a data center."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from ..call import Call, new_id, refuse
from ..doc import Doc
from ..errors import ApiError, Incomplete, ReferenceNotFound, Refused
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import connections as connection_flows
from ..vdsm.flows import domains as flows
from ..vdsm.flows.tasks import TaskFailed, TaskTimeout
from . import capabilities, connection, operations
from .status import DATA_CENTER, DOMAIN, ORIGIN, RUNNING, name_of
from .status import HOST as STATUS

if TYPE_CHECKING:
    from ..resources.base import Sub

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


def _set_status(call: Call, domain: str, status: str) -> None:
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
        for entry in _connections(call, row):
            found.setdefault(row["storage_type"], []).append(connection.parameters(entry))
    return found


def _connections(call: Call, domain: Row) -> list[Row]:
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


# -- create


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


def _check_name(call: Call, name: str, key: str | None = None, what: str = "add Storage") -> None:
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
        _check_name(call, columns["storage_name"])
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


def _store(call: Call, columns: Row, size: dict[str, int], host: Row) -> None:
    from ..resources.storage import STORAGE_DOMAIN

    _check_name(call, columns["storage_name"])
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
    _check_name(call, columns["storage_name"])
    key = str(uuid.uuid4())
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


def update(call: Call, row: Row) -> None:
    from ..resources.storage import STORAGE_DOMAIN

    if call.doc.get("name"):
        _check_name(call, call.doc["name"], row["id"], "edit Storage")
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
        entries = _connections(call, row)
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


# -- attach


def attach(call: Call, sub: Sub) -> str:
    """POST datacenters/ID/storagedomains: blocks until the domain is active (measured 1)."""
    pool_id, wanted = call.parents[-1], call.doc
    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", pool_id)
    if pool is None:
        raise refuse("attach Storage", "Data Center doesn't exist.", status=400)
    if wanted.get("@id"):
        domain = call.db.row("SELECT * FROM storage_domains_map WHERE id = ?", wanted["@id"])
        if domain is None:
            raise refuse("attach Storage", "Storage Domain doesn't exist.", status=400)
    else:
        domain = call.db.row("SELECT * FROM storage_domains_map WHERE storage_name = ?", wanted["name"])
        if domain is None:
            raise ReferenceNotFound(f"Storage: name={wanted['name']}")
    if domain["storage_pool_id"] is not None:
        raise refuse("attach Storage", INACCESSIBLE)
    hosts = up_hosts(call, pool_id)
    if not hosts:
        raise refuse("attach Storage", "There is no active Host in the Data Center.")
    with call.engine.exclusive("attach Storage", pool_id, domain["id"]):
        try:
            _attach(call, pool, domain, hosts)
        except (VdsmError, HostUnreachable, TaskFailed, TaskTimeout, connection_flows.ConnectionFailed) as error:
            call.db.delete("storage_pool_iso_map", storage_id=domain["id"])
            raise Refused(words(error), status=400) from None
    return str(domain["id"])


def _attach(call: Call, pool: Row, domain: Row, hosts: list[Row]) -> None:
    clients = [call.engine.hosts.client(host) for host in hosts]
    parameters = [connection.parameters(entry) for entry in _connections(call, domain)]
    first = pool["status"] in (DATA_CENTER["uninitialized"],)
    call.db.insert(
        "storage_pool_iso_map", {"storage_id": domain["id"], "storage_pool_id": pool["id"], "status": DOMAIN["locked"]}
    )
    for client in clients:
        if parameters:
            connection_flows.connect(client, domain["storage_type"], parameters, pool["id"])
    host, client = hosts[0], clients[0]
    about: dict[str, Any] = {
        "data_center": pool,
        "domain": domain,
        "host": host,
        "cluster": {"cluster_id": host["cluster_id"], "name": host["cluster_name"]},
    }
    if first:
        call.event("DATA_CENTER_INITIALIZING", data_center=pool)
        info = flows.attach_first(client, pool["id"], pool["name"], domain["id"], host["vds_spm_id"])
        call.db.update(
            "storage_pool",
            {"id": pool["id"]},
            {
                "status": DATA_CENTER["up"],
                "spm_vds_id": host["vds_id"],
                "master_domain_id": domain["id"],
                "master_domain_version": 1,
                "storage_pool_format_type": domain["storage_domain_format_type"] or "v5",
            },
        )
        for other, other_client in list(zip(hosts, clients))[1:]:
            flows.connect_pool(other_client, pool["id"], other["vds_spm_id"], domain["id"], 1, {domain["id"]: "active"})
        call.event("SYSTEM_STORAGE_POOL_START", host=host["host_name"], address=host["host_name"], data_center=pool)
    else:
        info = flows.attach_further(
            client, clients[1:], pool["id"], domain["id"], pool["master_domain_id"], pool["master_domain_version"] or 1
        )
    _set_status(call, domain["id"], "active")
    stats = info["dominfo"].get(domain["id"], {})
    if "disktotal" in stats:
        capabilities.save_sizes(call, domain["id"], int(stats["disktotal"]), int(stats["diskfree"]))
    call.event("USER_ACTIVATED_DOMAIN", **about)
    call.event("DOMAINS_ATTACHED", data_center=pool)
    call.event("USER_ATTACH_DOMAIN", **about)


def is_attached(call: Call, row: Row) -> Doc:
    return {"is_attached": row["storage_pool_id"] is not None}


# -- activate, maintenance, detach


def activate(call: Call, row: Row) -> None:
    if row["status"] not in (DOMAIN["maintenance"], DOMAIN["inactive"], DOMAIN["unknown"]):
        raise refuse("activate Storage", f"The relevant Storage Domain's status is {name_of(DOMAIN, row['status'])}.")
    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    assert pool is not None
    hosts = up_hosts(call, pool["id"])
    if not hosts:
        raise refuse("activate Storage", "There is no active Host in the Data Center.")
    with call.engine.exclusive("activate Storage", row["id"]):
        try:
            parameters = [connection.parameters(entry) for entry in _connections(call, row)]
            for host in hosts:
                if parameters:
                    connection_flows.connect(
                        call.engine.hosts.client(host), row["storage_type"], parameters, pool["id"]
                    )
            if pool["status"] == DATA_CENTER["maintenance"]:
                _set_status(call, row["id"], "active")
                elect_spm(call, pool["id"])
            _, client = spm_of(call, pool["id"], "activate Storage")
            flows.activate(client, pool["id"], row["id"])
        except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
            _set_status(call, row["id"], "inactive")
            raise Refused(words(error), status=400) from None
        _set_status(call, row["id"], "active")
    call.event("USER_ACTIVATED_DOMAIN", domain=row, data_center=pool)


def holds_engine(call: Call, domain: str) -> bool:
    """Whether the machine that runs the engine has a disk here."""
    return (
        call.db.row(
            "SELECT 1 FROM disk_vm_element JOIN disks_map USING (disk_id) JOIN vm_static ON vm_guid = vm_id WHERE "
            "storage_domain_id = ? AND origin IN (?, ?)",
            domain,
            ORIGIN["hosted_engine"],
            ORIGIN["managed_hosted_engine"],
        )
        is not None
    )


def deactivate(call: Call, row: Row) -> None:
    what = "deactivate Storage"
    if holds_engine(call, row["id"]):
        raise refuse(what, "The storage selected contains the self hosted engine.")
    if row["status"] != DOMAIN["active"]:
        raise refuse(what, f"The relevant Storage Domain's status is {name_of(DOMAIN, row['status'])}.")
    marks = ",".join("?" * len(RUNNING))
    if call.db.row(
        "SELECT 1 FROM disk_vm_element JOIN disks_map USING (disk_id) JOIN vm_dynamic ON vm_guid = vm_id WHERE "
        f"storage_domain_id = ? AND status IN ({marks})",
        row["id"],
        *RUNNING,
    ):
        raise refuse(what, "One or more VMs are running on this Storage Domain.")
    others = call.db.row(
        "SELECT 1 FROM storage_pool_iso_map WHERE storage_pool_id = ? AND storage_id != ? AND status = ?",
        row["storage_pool_id"],
        row["id"],
        DOMAIN["active"],
    )
    if (
        row["is_master"]
        and others is None
        and call.db.row(
            "SELECT 1 FROM storage_pool_iso_map WHERE storage_pool_id = ? AND storage_id != ? AND status NOT IN (?, ?)",
            row["storage_pool_id"],
            row["id"],
            DOMAIN["maintenance"],
            DOMAIN["active"],
        )
    ):
        raise refuse(what, "Other Storage Domains of the Data Center are not in Maintenance.")
    call.engine.acquire(what, row["id"])
    _set_status(call, row["id"], "locked")
    call.engine.spawn(_to_maintenance, call, row)


def _to_maintenance(call: Call, row: Row) -> None:
    from . import ovf

    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    assert pool is not None
    clock = call.engine.clock
    try:
        clock.sleep(2)
        host, client = spm_of(call, pool["id"], "deactivate Storage")
        if call.engine.faults.strike("ovf.update") is None:
            ovf.update_domain(call, row["id"])
        _set_status(call, row["id"], "preparing_for_maintenance")
        call.event("USER_DEACTIVATE_DOMAIN", domain=row, data_center=pool)
        clock.sleep(3)
        successor = call.db.value(
            "SELECT storage_id FROM storage_pool_iso_map WHERE storage_pool_id = ? AND storage_id != ? AND status = ?",
            pool["id"],
            row["id"],
            DOMAIN["active"],
        )
        if row["is_master"] and successor is None:
            others = {
                call.engine.hosts.client(other): other["vds_spm_id"]
                for other in up_hosts(call, pool["id"])
                if other["vds_id"] != host["vds_id"]
            }
            flows.deactivate_last(client, others, pool["id"], row["id"], host["vds_spm_id"])
            # The engine counts the master's version up here; the storage does not learn of it (measured: detaching
            # fails).
            call.db.update(
                "storage_pool",
                {"id": pool["id"]},
                {
                    "status": DATA_CENTER["maintenance"],
                    "spm_vds_id": None,
                    "master_domain_version": (pool["master_domain_version"] or 1) + 1,
                },
            )
        elif row["is_master"]:
            version = (pool["master_domain_version"] or 1) + 1
            flows.deactivate(client, pool["id"], row["id"], successor, version)
            call.db.update(
                "storage_pool", {"id": pool["id"]}, {"master_domain_id": successor, "master_domain_version": version}
            )
        else:
            flows.deactivate(client, pool["id"], row["id"])
        _set_status(call, row["id"], "maintenance")
        call.event("DOMAIN_MAINTENANCE", domain=row, data_center=pool)
    except (VdsmError, HostUnreachable, RuntimeError, TimeoutError, ApiError) as error:
        log.warning("maintenance of domain %s: %s", row["storage_name"], error)
        _set_status(call, row["id"], "active")
    finally:
        call.engine.release(row["id"])


def detach(call: Call, row: Row) -> None:
    if row["status"] != DOMAIN["maintenance"]:
        raise refuse("detach Storage", f"The relevant Storage Domain's status is {name_of(DOMAIN, row['status'])}.")
    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    assert pool is not None
    hosts = up_hosts(call, pool["id"])
    if not hosts:
        raise refuse("detach Storage", "There is no active Host in the Data Center.")
    last = call.db.value("SELECT count(*) FROM storage_pool_iso_map WHERE storage_pool_id = ?", pool["id"]) == 1
    with call.engine.exclusive("detach Storage", row["id"]):
        try:
            client = call.engine.hosts.client(hosts[0])
            if last:
                version = pool["master_domain_version"] or 1
                flows.connect_pool(
                    client, pool["id"], hosts[0]["vds_spm_id"], row["id"], version, {row["id"]: "attached"}
                )
                flows.detach_last(client, pool["id"], row["id"], hosts[0]["vds_spm_id"])
            else:
                _, client = spm_of(call, pool["id"], "detach Storage")
                flows.detach(client, pool["id"], row["id"])
        except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
            raise Refused(words(error), status=400) from None
        with call.db.transaction():
            forget_disks(call, row["id"])
            call.db.delete("storage_pool_iso_map", storage_id=row["id"])
            if last:
                call.db.update(
                    "storage_pool",
                    {"id": pool["id"]},
                    {
                        "status": DATA_CENTER["uninitialized"],
                        "spm_vds_id": None,
                        "master_domain_id": None,
                        "master_domain_version": 0,
                    },
                )
    call.event("USER_DETACH_DOMAIN", domain=row, data_center=pool)


def update_ovf_store(call: Call, row: Row) -> None:
    from . import ovf

    if row["status"] != DOMAIN["active"]:
        status = name_of(DOMAIN, row["status"]) if row["status"] is not None else "Unattached"
        raise refuse("update OVFs of Storage", f"The relevant Storage Domain's status is {status}.")
    # The engine leaves this mark in its text when it refuses a second run.
    call.engine.acquire("${action} Storage", f"ovf-{row['id']}")
    call.engine.spawn(ovf.run_update, call, row["id"], True)


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
