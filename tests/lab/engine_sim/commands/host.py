# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands on hosts: add, change, remove, maintenance, activation, installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..call import Call, new_id, refuse
from ..doc import Doc
from ..errors import InvalidValue, Refused
from ..store import Row
from . import deploy, monitor, operations
from .status import HOST as STATUS
from .status import ORIGIN, RUNNING

if TYPE_CHECKING:
    from ..resources.base import Sub

MAX_ID = 250
EMPTY_PASSWORD = "Cannot install Host with empty password."
SSH_FAILED = (
    "Connecting to host via SSH has failed, verify that the host is reachable (IP address, routable address etc.) You "
    "may refer to the engine.log file for further details."
)
SSH_REFUSED = (
    "SSH authentication failed, verify authentication parameters are correct (Username/Password, public-key etc.) You "
    "may refer to the engine.log file for further details."
)
NOT_MANAGED = (
    "You are using an unmanaged hosted engine VM. Please add the first storage domain in order to start the hosted "
    "engine import process."
)
OTHER_DATA_CENTER = (
    "You are using host from data center other than hosted engine VM runs on. In order to start the hosted engine "
    "import process, please select host from the same data center or move the host there first."
)
#: States in which a host may be removed.
REMOVABLE = ("maintenance", "install_failed", "non_responsive", "down", "pending_approval", "error", "non_operational")


def get(call: Call, host_id: str) -> Row:
    found = call.db.row("SELECT * FROM vds WHERE vds_id = ?", host_id)
    assert found is not None, host_id
    return found


def set_status(call: Call, host_id: str, status: str, detail: str | None = None) -> None:
    call.db.update("vds_dynamic", {"vds_id": host_id}, {"status": STATUS[status], "non_operational_reason": detail})


def free_id(call: Call, pool: str) -> int:
    """The lowest SPM id that no host of the data center has."""
    taken = {
        row["vds_spm_id"]
        for row in call.db.rows("SELECT vds_spm_id FROM vds_spm_id_map WHERE storage_pool_id = ?", pool)
    }
    return next(number for number in range(1, MAX_ID + 1) if number not in taken)


def _check_hosted_engine(call: Call, columns: Row) -> None:
    machine = call.db.row(
        "SELECT cluster.storage_pool_id FROM vm_static JOIN cluster USING (cluster_id) WHERE origin = ?",
        ORIGIN["managed_hosted_engine"],
    )
    if machine is None:
        raise refuse("add Host", NOT_MANAGED)
    pool = call.db.value("SELECT storage_pool_id FROM cluster WHERE cluster_id = ?", columns["cluster_id"])
    if pool != machine["storage_pool_id"]:
        raise refuse("add Host", OTHER_DATA_CENTER)


def credentials(doc: Doc) -> tuple[str, str]:
    """User and password of a request; the password is empty for the engine's own key. Refuses an empty password."""
    ssh = doc.get("ssh") or {}
    user = (ssh.get("user") or {}).get("user_name") or "root"
    if ssh.get("authentication_method") == "publickey":
        return user, ""
    password = doc.get("root_password") or (ssh.get("user") or {}).get("password") or ""
    if not password:
        raise Refused(EMPTY_PASSWORD, status=400)
    return user, password


def add(call: Call, sub: Sub) -> str:
    """POST hosts: synchronous up to ssh, then installation or first contact go on by themselves."""
    resource = sub.resource
    columns = resource.take(call, call.doc, "a")
    if columns.get("cluster_id") is None:
        columns["cluster_id"] = call.db.value("SELECT cluster_id FROM cluster WHERE name = 'Default'")
    operations.validate(resource, call, columns, None)
    operations.check_unique(resource, call, columns, None)
    if call.db.row("SELECT 1 FROM cluster WHERE cluster_id = ?", columns["cluster_id"]) is None:
        raise refuse("add Host", "Cluster ID is not valid.", status=400)
    if call.flag("deploy_hosted_engine"):
        _check_hosted_engine(call, columns)
    user, password = credentials(call.doc)
    install = call.engine.config.install_vds
    deploy.refuse_on_order(call, "add Host")
    if install:
        columns["vds_unique_id"] = deploy.check(call, columns, user, password)
        if columns["vds_unique_id"] and call.db.row(
            "SELECT 1 FROM vds_static WHERE vds_unique_id = ?", columns["vds_unique_id"]
        ):
            raise refuse("add Host", "Host with the same UUID already exists.")
    activate = call.flag("activate", True)
    hosted_engine = call.flag("deploy_hosted_engine")
    with call.db.transaction():
        operations.check_unique(resource, call, columns, None)
        columns.update(
            status=STATUS["installing" if install else "unassigned"],
            ssh_username=user,
            hosted_engine_deploy=int(hosted_engine),
        )
        host_id = operations.insert(resource, call, columns)
        pool = call.db.value("SELECT storage_pool_id FROM cluster WHERE cluster_id = ?", columns["cluster_id"])
        if pool:
            call.db.insert(
                "vds_spm_id_map", {"storage_pool_id": pool, "vds_id": host_id, "vds_spm_id": free_id(call, pool)}
            )
        host = get(call, host_id)
        call.engine.events.add("VDS_ALERT_FENCE_NOT_CONFIGURED", host=host)
        call.event("USER_ADD_VDS", host=host, cluster={"cluster_id": host["cluster_id"], "name": host["cluster_name"]})
    if install:
        order = deploy.Order(
            password=password,
            user=user,
            activate=activate,
            reboot=call.flag("reboot", True),
            hosted_engine=hosted_engine,
        )
        call.engine.spawn(deploy.install, call, host_id, order)
    else:
        monitor.watch(call.engine, host_id)
    return host_id


def update(call: Call, row: Row) -> None:
    from ..resources.host import HOST

    columns = HOST.take(call, call.doc, "u")
    moves = columns.get("cluster_id") not in (None, row["cluster_id"]) or columns.get("host_name") not in (
        None,
        row["host_name"],
    )
    if moves and row["status"] not in (STATUS["maintenance"], STATUS["install_failed"], STATUS["pending_approval"]):
        raise Refused(
            "Cannot edit Host. Host parameters cannot be modified while Host is operational.\n"
            "Please switch Host to Maintenance mode first."
        )
    agents = call.db.value("SELECT count(*) FROM fence_agents WHERE vds_id = ?", row["vds_id"])
    if columns.get("pm_enabled") and not agents:
        raise refuse("edit Host", "Power Management is enabled for Host but no Agent type selected.", status=400)
    operations.update(call, HOST, row)
    if columns.get("cluster_id") not in (None, row["cluster_id"]):
        _move(call, row, columns["cluster_id"])
    call.event("USER_UPDATE_VDS", host=get(call, row["vds_id"]))


def _move(call: Call, row: Row, cluster: str) -> None:
    """Another data center gives another SPM id."""
    pool = call.db.value("SELECT storage_pool_id FROM cluster WHERE cluster_id = ?", cluster)
    if pool != row["storage_pool_id"]:
        call.db.delete("vds_spm_id_map", vds_id=row["vds_id"])
        if pool:
            call.db.insert(
                "vds_spm_id_map", {"storage_pool_id": pool, "vds_id": row["vds_id"], "vds_spm_id": free_id(call, pool)}
            )


def remove(call: Call, row: Row) -> None:
    if row["status"] not in [STATUS[name] for name in REMOVABLE]:
        raise refuse("remove Host", "Host is operational. Please switch Host to Maintenance mode first.")
    if call.db.row("SELECT 1 FROM vm_dynamic WHERE run_on_vds = ?", row["vds_id"]):
        raise refuse("remove Host", "One or more VMs are still running on this Host.")
    from ..resources.assigned import forget

    with call.engine.exclusive("remove Host", row["vds_id"]):
        monitor.forget(call.engine, row["vds_id"])
        call.event("VDS_ANSIBLE_REMOVE_STARTED", host=row)
        deploy.clean_up(call, row)
        with call.db.transaction():
            for table in ("vds_static", "vds_dynamic", "vds_statistics", "vds_spm_id_map", "fence_agents"):
                call.db.delete(table, vds_id=row["vds_id"])
            call.db.delete("permissions", object_id=row["vds_id"])
            forget(call, "vds_id", row["vds_id"])
            call.event("USER_REMOVE_VDS", host=row)
        call.engine.hosts.drop(row["vds_id"])


# -- activation and maintenance


def activate(call: Call, row: Row) -> None:
    if row["status"] == STATUS["up"]:
        raise refuse("activate Host", "Host in Up status.")
    if row["status"] in [STATUS[name] for name in ("unassigned", "installing", "connecting", "initializing")]:
        raise refuse("activate Host", "Related operation is currently in progress. Please try again later.")
    set_status(call, row["vds_id"], "unassigned")
    call.db.update("vds_dynamic", {"vds_id": row["vds_id"]}, {"maintenance_reason": None})
    call.event("VDS_ACTIVATE", host=row)
    monitor.watch(call.engine, row["vds_id"], activating=True)


def _others(call: Call, row: Row) -> list[Row]:
    return call.db.rows(
        "SELECT * FROM vds WHERE cluster_id = ? AND vds_id != ? AND status = ?",
        row["cluster_id"],
        row["vds_id"],
        STATUS["up"],
    )


def deactivate(call: Call, row: Row) -> None:
    """To maintenance: HA first, then the machines leave, then storage."""
    status = row["status"]
    if status in (STATUS["maintenance"], STATUS["preparing_for_maintenance"]):
        word = (
            "already in Maintenance mode"
            if status == STATUS["maintenance"]
            else "already preparing for Maintenance mode"
        )
        raise refuse("switch Host to Maintenance mode", f"Host is {word}.")
    marks = ",".join("?" * len(RUNNING))
    machines = call.db.rows(f"SELECT * FROM vms WHERE run_on_vds = ? AND status IN ({marks})", row["vds_id"], *RUNNING)
    others = _others(call, row)
    if any(machine["origin"] == ORIGIN["managed_hosted_engine"] for machine in machines):
        if not any(other["ha_score"] > 0 for other in others):
            raise Refused(
                "Cannot switch the Host(s) to Maintenance mode.\nNone of the hosts capable of running the engine VM "
                "has score more than 0 and is in Up state."
            )
    elif machines and not others:
        raise Refused(
            f"The following Hosts have running VMs and cannot be switched to maintenance mode: {row['vds_name']}.\n"
            f"Please ensure that the following Clusters have at least one Host in UP state: {row['cluster_name']}."
        )
    reason = call.doc.get("reason")
    set_status(call, row["vds_id"], "preparing_for_maintenance")
    call.db.update("vds_dynamic", {"vds_id": row["vds_id"]}, {"maintenance_reason": reason})
    if reason:
        call.event("USER_VDS_MAINTENANCE", host=row, reason=reason)
    else:
        call.event("USER_VDS_MAINTENANCE_WITHOUT_REASON", host=row)
    call.engine.spawn(monitor.go_to_maintenance, call, row["vds_id"])


# -- installation


def install(call: Call, row: Row) -> None:
    """Reinstall. Parameters are in the body here; `activate` is false unless it says so (engine contract 11)."""
    allowed = [STATUS[name] for name in ("maintenance", "install_failed", "non_operational", "error")]
    if row["status"] not in allowed:
        raise refuse("install Host", "Please move Host to Maintenance mode first.")
    if call.doc.get("deploy_hosted_engine") and call.doc.get("undeploy_hosted_engine"):
        raise refuse("install Host", "Hosted engine deploy and undeploy exclude each other.", status=400)
    if call.doc.get("deploy_hosted_engine"):
        _check_hosted_engine(call, row)
    user, password = credentials(call.doc)
    deploy.check(call, row, user, password, "install Host")
    order = deploy.Order(
        password=password,
        user=user,
        activate=bool(call.doc.get("activate")),
        reboot=bool(call.doc.get("reboot", True)),
        hosted_engine=bool(call.doc.get("deploy_hosted_engine")),
        undeploy=bool(call.doc.get("undeploy_hosted_engine")),
    )
    set_status(call, row["vds_id"], "installing")
    call.engine.spawn(deploy.install, call, row["vds_id"], order)


def approve(call: Call, row: Row) -> None:
    if row["status"] not in (STATUS["pending_approval"], STATUS["install_failed"]):
        raise refuse(
            "approve RHVH Host",
            '\n-Host must be in "Pending Approval" or "Install Failed" status in order to be approved.'.lstrip(),
        )
    user, password = credentials({"ssh": {"authentication_method": "publickey"}, **call.doc})
    deploy.check(call, row, user, password, "approve Host")
    set_status(call, row["vds_id"], "installing")
    call.engine.spawn(
        deploy.install,
        call,
        row["vds_id"],
        deploy.Order(
            password=password,
            user=user,
            activate=bool(call.doc.get("activate", True)),
            reboot=bool(call.doc.get("reboot", True)),
        ),
    )


FENCE_TYPES = ("manual", "restart", "start", "stop", "status")


def fence(call: Call, row: Row) -> Doc | None:
    kind = str(call.doc["fence_type"])
    if kind.lower() not in FENCE_TYPES:
        raise InvalidValue(
            f"{kind.upper()} is not a member of FenceType. Possible values for FenceType are: {', '.join(FENCE_TYPES)}"
        )
    if kind == "manual":
        allowed = [STATUS[name] for name in ("non_operational", "maintenance", "connecting", "non_responsive")]
        if row["status"] not in allowed:
            raise refuse(
                "confirm 'Host has been rebooted' Host",
                'Valid Host statuses are "Non operational", "Maintenance" or "Connecting".',
            )
        monitor.machines_lost(call, row)
        return None
    if kind == "status":
        return {"fault": {"reason": f"Invalid fence agents defined for host '{row['vds_name']}'."}}
    raise Refused("Cannot fence Host, Host fence is disabled.")


def upgrade(call: Call, row: Row) -> None:
    """Hosts of the lab never have updates waiting."""
    if row["status"] not in [STATUS[name] for name in ("up", "maintenance", "non_operational")]:
        raise refuse("upgrade Host", "Valid Host statuses for upgrade are Up, Maintenance or Non-Operational.")
    raise refuse("upgrade Host", "There are no available updates for the host.")


def enroll_certificate(call: Call, row: Row) -> None:
    if row["status"] != STATUS["maintenance"]:
        raise refuse("enroll certificate Host", "Please switch Host to Maintenance mode first.")
    raise refuse("enroll certificate Host", "The engine simulator does not carry out this action.", status=400)


__all__ = [
    "STATUS",
    "activate",
    "add",
    "approve",
    "deactivate",
    "enroll_certificate",
    "fence",
    "get",
    "install",
    "new_id",
    "remove",
    "set_status",
    "update",
    "upgrade",
]
