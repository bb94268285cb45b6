# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hangs below a host besides its network: statistics, devices, LUNs, the SPM role."""

from __future__ import annotations

import fnmatch
import json
import uuid
from typing import Any

from ..call import Call, refuse
from ..doc import Doc
from ..errors import ApiError, Refused
from ..store import Row
from ..vdsm import HostUnreachable, VdsmError
from ..vdsm.flows import connections as flows
from .status import DATA_CENTER, HOST

NAMESPACE = uuid.UUID("5f2a6d1e-9c4b-4a37-8f11-0d6d0e3c2b10")


def object_id(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def known_host(call: Call, host_id: str) -> None:
    if call.db.row("SELECT 1 FROM vds_static WHERE vds_id = ?", host_id) is None:
        raise ApiError(404, "Entity not found: Host")


def host_row(call: Call, host_id: str | None) -> Row | None:
    return call.db.row("SELECT * FROM vds WHERE vds_id = ?", host_id)


# -- statistics

STATISTICS = (
    ("memory.total", "Total memory", "integer", "bytes"),
    ("memory.used", "Used memory", "integer", "bytes"),
    ("memory.free", "Free memory", "integer", "bytes"),
    (
        "memory.shared",
        "The amount of memory, in bytes, shared among Virtual-Machines on this Host by Kernel Same-page Merging (KSM)",
        "integer",
        "bytes",
    ),
    ("swap.total", "Total swap", "integer", "bytes"),
    ("swap.free", "Free swap", "integer", "bytes"),
    ("swap.used", "Used swap", "integer", "bytes"),
    ("ksm.cpu.current", "KSM CPU usage", "decimal", "percent"),
    ("cpu.current.user", "User CPU usage", "decimal", "percent"),
    ("cpu.current.system", "System CPU usage", "decimal", "percent"),
    ("cpu.current.idle", "Idle CPU usage", "decimal", "percent"),
    ("cpu.load.avg.5m", "CPU 5 minute load average", "decimal", "percent"),
    ("boot.time", "Boot time of the machine", "integer", "none"),
    ("hugepages.2048.free", "Amount of free huge pages of the given size", "integer", "none"),
    ("hugepages.2048.total", "Amount of total huge pages of the given size", "integer", "none"),
)


def statistic(owner: str, name: str, description: str, kind: str, unit: str, datum: Any) -> Row:
    return {
        "id": object_id("statistic", name),
        "owner": owner,
        "name": name,
        "description": description,
        "kind": "gauge",
        "type": kind,
        "unit": unit,
        "datum": datum,
    }


def statistic_rows(call: Call, parent: str | None) -> list[Row]:
    host = host_row(call, parent)
    if host is None:
        return []
    mib, total = 2**20, (host["physical_mem_mb"] or 0) * 2**20
    used = total * (host["usage_mem_percent"] or 0) // 100
    data = {
        "memory.total": total,
        "memory.used": used,
        "memory.free": total - used,
        "memory.shared": (host["mem_shared"] or 0) * mib,
        "swap.total": (host["swap_total"] or 0) * mib,
        "swap.free": (host["swap_free"] or 0) * mib,
        "swap.used": ((host["swap_total"] or 0) - (host["swap_free"] or 0)) * mib,
        "ksm.cpu.current": host["ksm_cpu_percent"] or 0,
        "cpu.current.user": host["cpu_user"] or 0,
        "cpu.current.system": host["cpu_sys"] or 0,
        "cpu.current.idle": host["cpu_idle"] or 0,
        "cpu.load.avg.5m": host["cpu_load"] or 0,
        "boot.time": host["boot_time"] or 0,
    }
    return [statistic(host["vds_id"], *entry, data.get(entry[0], 0)) for entry in STATISTICS]


# -- devices and NUMA


def device_rows(call: Call, parent: str | None) -> list[Row]:
    host = host_row(call, parent)
    if host is None:
        return []
    rows = []
    for name, found in json.loads(host["capabilities"] or "{}").get("devices", {}).items():
        params = found.get("params", {})
        above = params.get("parent", "computer")
        rows.append(
            {
                "id": name.encode().hex(),
                "vds_id": host["vds_id"],
                "name": name,
                "capability": params.get("capability"),
                "driver": params.get("driver"),
                "host": {"@href": f"/ovirt-engine/api/hosts/{host['vds_id']}", "@id": host["vds_id"]},
                "product": {"@id": params.get("product_id"), "name": params.get("product")}
                if params.get("product")
                else None,
                "vendor": {"@id": params.get("vendor_id"), "name": params.get("vendor")}
                if params.get("vendor")
                else None,
                "parent_device": {
                    "@href": f"/ovirt-engine/api/hosts/{host['vds_id']}/devices/{above.encode().hex()}",
                    "@id": above.encode().hex(),
                    "name": above,
                },
            }
        )
    return rows


def numa_rows(call: Call, parent: str | None) -> list[Row]:
    host = host_row(call, parent)
    if host is None:
        return []
    caps = json.loads(host["capabilities"] or "{}")
    return [
        {
            "id": object_id(host["vds_id"], "numa", index),
            "vds_id": host["vds_id"],
            "index": int(index),
            "cpu": {"cores": {"core": [{"index": cpu} for cpu in node.get("cpus", [])]}},
            "memory": int(node.get("totalMemory", 0)),
            "node_distance": " ".join(str(d) for d in caps.get("numaNodeDistance", {}).get(index, [])),
            "host": {"@href": f"/ovirt-engine/api/hosts/{host['vds_id']}", "@id": host["vds_id"]},
        }
        for index, node in caps.get("numaNodes", {}).items()
    ]


# -- LUNs


def unit_document(device: dict[str, Any], status: bool = True) -> Doc:
    """A logical unit as the engine shows it; sizes are whole GiB."""
    path: dict[str, Any] = next(iter(device.get("pathlist") or []), {})
    paths = device.get("pathstatus") or []
    size = int(device.get("capacity") or device.get("devcapacity") or 0)
    portal = f"{path.get('connection')}:{path.get('port')},{path.get('portal', path.get('tpgt', 1))}" if path else None
    return {
        "@id": device["GUID"],
        "active_paths": sum(p.get("state") == "active" for p in paths),
        "address": path.get("connection"),
        "discard_max_size": int(device.get("discard_max_bytes") or 0),
        "discard_zeroes_data": False,
        "lun_mapping": int(paths[0].get("lun", 0)) if paths else 0,
        "paths": len(paths),
        "port": int(path["port"]) if path.get("port") else None,
        "portal": portal,
        "product_id": device.get("productID"),
        "serial": device.get("serial"),
        "size": size // 2**30 * 2**30,
        "target": path.get("iqn"),
        "vendor_id": device.get("vendorID"),
        "volume_group_id": device.get("vgUUID") or None,
        "status": device.get("status") if status else None,
    }


#: The volume group of a unit that a fault calls used.
FOREIGN_GROUP = "FoReig-nVol-Grou-p000-0000-0000-000000"


def storage_rows(call: Call, parent: str | None) -> list[Row]:
    host = host_row(call, parent)
    if host is None or host["status"] != HOST["up"]:
        return []
    client, status, rows = call.engine.hosts.client(host), call.flag("report_status", True), []
    fault = call.engine.faults.strike("lun.used")
    for device in client.call("Host.getDeviceList", {"storageType": 0, "guids": [], "checkStatus": status}):
        kind = "fcp" if str(device.get("devtype", "")).upper() in ("FCP", "FC") else "iscsi"
        unit = unit_document(device, status)
        if fault and fnmatch.fnmatchcase(device["GUID"], fault.lun):
            unit.update(status="used" if status else None, volume_group_id=FOREIGN_GROUP)
        rows.append({"id": device["GUID"], "vds_id": host["vds_id"], "type": kind, "unit": unit})
    return rows


def _iscsi(call: Call) -> Doc:
    details = call.doc.get("iscsi") or {}
    return details if isinstance(details, dict) else {}


def discover_iscsi(call: Call, row: Row) -> Doc:
    details = _iscsi(call)
    port = int(details.get("port") or 3260)
    try:
        found = flows.discover_targets(
            call.engine.hosts.client(row),
            details["address"],
            port,
            details.get("username") or "",
            details.get("password") or "",
        )
    except VdsmError as error:
        call.event("VDS_BROKER_COMMAND_FAILURE", host=row, command="DiscoverSendTargetsVDS", message=error.message)
        raise ApiError(400, "Failed discovery of iSCSI targets") from None
    except HostUnreachable:
        raise ApiError(400, "Failed discovery of iSCSI targets") from None
    return {
        "discovered_targets": {
            "iscsi_details": [
                {
                    "address": t["address"],
                    "port": t["port"],
                    "portal": f"{t['address']}:{t['port']},{t['portal']}",
                    "target": t["target"],
                }
                for t in found
            ]
        },
        "iscsi_targets": {"iscsi_target": [t["target"] for t in found]},
    }


def login_iscsi(call: Call, row: Row) -> None:
    details = _iscsi(call)
    connection = flows.iscsi(
        details["address"],
        details["target"],
        str(uuid.uuid4()),
        int(details.get("port") or 3260),
        user=details.get("username") or "",
        password=details.get("password") or "",
    )
    try:
        flows.connect(call.engine.hosts.client(row), "iscsi", [connection])
    except flows.ConnectionFailed:
        raise Refused("failed to login to iscsi node", status=400) from None
    except (VdsmError, HostUnreachable) as error:
        raise Refused(str(error), status=400) from None


def force_select_spm(call: Call, row: Row) -> None:
    from .storage import move_spm

    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    if pool is None or pool["status"] == DATA_CENTER["uninitialized"]:
        raise refuse("force select SPM", "Unknown Data Center status.")
    if row["spm_status"] == "spm":
        raise refuse("force select SPM", f"The Host {row['vds_name']} is already SPM or contending.")
    move_spm(call, pool["id"], row)
