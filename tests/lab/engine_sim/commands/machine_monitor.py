# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts report about machines: states, machines that nobody here made, machines that are gone."""

from __future__ import annotations

import json
import logging
from typing import Any

from lxml import etree

from ..call import Call
from ..clock import Clock
from ..store import Row
from ..vdsm import HostClient
from ..vdsm.flows import machines as flows
from .status import ORIGIN, RUNNING, VDSM_VM, VM

log = logging.getLogger("engine.machines")
BLANK = "00000000-0000-0000-0000-000000000000"


def take_in(call: Call, host: Row, client: HostClient, machines: dict[str, dict[str, Any]], unknown: bool) -> None:
    """One look at the machines of a host; `unknown` ones are imported only at some of the looks."""
    for vm_id, stats in machines.items():
        known = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", vm_id)
        if known is None:
            if unknown and stats["status"] != "Down":
                _import(call, host, client, vm_id)
            continue
        if stats["status"] == "Down":
            _went_down(call, host, client, known, stats)
        elif stats["status"] == "Migration Destination" and known["run_on_vds"] not in (None, host["vds_id"]):
            continue
        else:
            _seen(call, host, known, stats)
    for known in call.db.rows("SELECT * FROM vms WHERE run_on_vds = ?", host["vds_id"]):
        if known["vm_guid"] not in machines and known["status"] in RUNNING and not _just_started(call, known):
            _gone(call, known)


def _just_started(call: Call, known: Row) -> bool:
    """A machine that VM.create was sent for a moment ago may not be in the list that was asked for before."""
    return Clock.now() - (known["last_start_time"] or 0) < call.engine.clock.real(2.0)


def _seen(call: Call, host: Row, known: Row, stats: dict[str, Any]) -> None:
    status = VM[VDSM_VM.get(stats["status"], "unknown")]
    display: dict[str, Any] = next(iter(stats.get("displayInfo") or []), {})
    call.db.update(
        "vm_dynamic",
        {"vm_guid": known["vm_guid"]},
        {
            "status": status,
            "run_on_vds": host["vds_id"],
            "vm_ip": stats.get("guestIPs") or None,
            "guest_fqdn": stats.get("guestFQDN") or None,
            "display_ip": display.get("ipAddress"),
            "display_port": display.get("port"),
            "display_type": display.get("type"),
            "statistics": json.dumps(
                {key: stats.get(key) for key in ("memUsage", "cpuUser", "cpuSys", "elapsedTime", "memoryStats")}
            ),
        },
    )
    if status == VM["up"] and known["status"] != VM["up"] and known["start_correlation"]:
        about = {
            "vm": known,
            "host": host,
            "data_center": _pool(call, host),
            "template": {"vm_guid": BLANK, "vm_name": "Blank"},
            "cluster": {"cluster_id": host["cluster_id"], "name": host["cluster_name"]},
        }
        admin = call.engine.admin or call.user
        call.engine.events.add("USER_RUN_VM", known["start_correlation"], user=admin, **about)
        call.db.update("vm_dynamic", {"vm_guid": known["vm_guid"]}, {"start_correlation": None})


def _pool(call: Call, host: Row) -> Row | None:
    return call.db.row("SELECT * FROM storage_pool WHERE id = ?", host["storage_pool_id"])


def _went_down(call: Call, host: Row, client: HostClient, known: Row, stats: dict[str, Any]) -> None:
    flows.forget_stopped(client, known["vm_guid"])
    if known["run_on_vds"] not in (None, host["vds_id"]):
        return
    if known["status"] == VM["saving_state"]:
        _set_down(call, known, VM["suspended"])
        return
    _set_down(call, known)
    call.event("VM_DOWN" if not stats.get("exitCode") else "VM_DOWN_ERROR", vm=known, message=stats.get("exitMessage"))


def _gone(call: Call, known: Row) -> None:
    if known["status"] == VM["saving_state"]:
        _set_down(call, known, VM["suspended"])
        return
    _set_down(call, known)
    call.event("VM_DOWN", vm=known, message="")


def _set_down(call: Call, known: Row, status: int = VM["down"]) -> None:
    call.db.update(
        "vm_dynamic",
        {"vm_guid": known["vm_guid"]},
        {
            "status": status,
            "run_on_vds": None,
            "last_stop_time": Clock.now(),
            "display_ip": None,
            "display_port": None,
            "vm_ip": None,
            "guest_fqdn": None,
            "statistics": None,
            "start_correlation": None,
            "run_once": 0,
            "stop_reason": "",
        },
    )


def _import(call: Call, host: Row, client: HostClient, vm_id: str) -> None:
    """A machine that somebody started beside the engine becomes `external-NAME` (engine contract 10)."""
    cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", host["cluster_id"])
    if cluster is None or cluster["architecture"] in (None, "undefined"):
        return
    xml = flows.domain_xmls(client, [vm_id]).get(vm_id)
    if xml is None:
        return
    from .vm import add_external

    root = etree.fromstring(xml.encode())
    memory = root.find("memory")
    unit = {"KiB": 1, "k": 1, "MiB": 1024, "GiB": 1024**2}.get(
        (memory.get("unit") if memory is not None else None) or "KiB", 1
    )
    kib = int(memory.text or 0) * unit if memory is not None else 1024**2
    topology = root.find("cpu/topology")
    vcpus = int(root.findtext("vcpu") or 1)
    sockets, cores, threads = vcpus, 1, 1
    if topology is not None:
        sockets, cores, threads = (int(topology.get(key) or 1) for key in ("sockets", "cores", "threads"))
    add_external(call, host, vm_id, f"external-{root.findtext('name')}", kib // 1024, (sockets, cores, threads))


def migrate_away(call: Call, host: Row, client: HostClient, machine: Row) -> None:
    """Sends a machine to another host of the cluster; the engine's own only to one with a score, the best first."""
    least = 1 if machine["origin"] == ORIGIN["managed_hosted_engine"] else 0
    target = call.db.row(
        "SELECT * FROM vds WHERE cluster_id = ? AND vds_id != ? AND status = 3 AND COALESCE(ha_score, 0) >= ?"
        " ORDER BY COALESCE(ha_score, 0) DESC, vds_name",
        host["cluster_id"],
        host["vds_id"],
        least,
    )
    if target is None:
        return
    client.call(
        "VM.migrate",
        {
            "vmID": machine["vm_guid"],
            "params": {
                "src": host["host_name"],
                "dst": f"{target['host_name']}:{target['port']}",
                "method": "online",
                "vmId": machine["vm_guid"],
            },
        },
    )
