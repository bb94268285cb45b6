# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A storage domain in a data center: attach, activate, maintenance, detach."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..call import Call, refuse
from ..doc import Doc
from ..errors import ApiError, ReferenceNotFound, Refused
from ..store import Row
from ..vdsm import HostUnreachable, VdsmError
from ..vdsm.flows import connections as connection_flows
from ..vdsm.flows import domains as flows
from ..vdsm.flows.tasks import TaskFailed, TaskTimeout
from . import capabilities, connection
from .domain_remove import forget_disks
from .status import DATA_CENTER, DOMAIN, ORIGIN, RUNNING, name_of
from .storage import (
    INACCESSIBLE,
    connections_used,
    elect_spm,
    set_domain_status,
    spm_of,
    up_hosts,
    words,
)

if TYPE_CHECKING:
    from ..resources.base import Sub

log = logging.getLogger("engine.storage")


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
    parameters = [connection.parameters(entry) for entry in connections_used(call, domain)]
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
    set_domain_status(call, domain["id"], "active")
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
            parameters = [connection.parameters(entry) for entry in connections_used(call, row)]
            for host in hosts:
                if parameters:
                    connection_flows.connect(
                        call.engine.hosts.client(host), row["storage_type"], parameters, pool["id"]
                    )
            if pool["status"] == DATA_CENTER["maintenance"]:
                set_domain_status(call, row["id"], "active")
                elect_spm(call, pool["id"])
            _, client = spm_of(call, pool["id"], "activate Storage")
            flows.activate(client, pool["id"], row["id"])
        except (VdsmError, HostUnreachable, RuntimeError, TimeoutError) as error:
            set_domain_status(call, row["id"], "inactive")
            raise Refused(words(error), status=400) from None
        set_domain_status(call, row["id"], "active")
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
        raise refuse(
            what,
            'VMs in a state other than "Down" were detected.\n-Please ensure all VMs associated with this Storage '
            "Domain are stopped and in the Down state first.",
        )
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
    set_domain_status(call, row["id"], "locked")
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
        set_domain_status(call, row["id"], "preparing_for_maintenance")
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
            # The engine counts the master's version up, the storage does not learn of it: detaching fails (measured).
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
        set_domain_status(call, row["id"], "maintenance")
        call.event("DOMAIN_MAINTENANCE", domain=row, data_center=pool)
    except (VdsmError, HostUnreachable, RuntimeError, TimeoutError, ApiError) as error:
        log.warning("maintenance of domain %s: %s", row["storage_name"], error)
        set_domain_status(call, row["id"], "active")
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
        raise refuse("${action} Storage", f"The relevant Storage Domain's status is {status}.")
    # The engine leaves this mark in its text when it refuses a second run.
    call.engine.acquire("${action} Storage", f"ovf-{row['id']}")
    call.engine.spawn(ovf.run_update, call, row["id"], True)
