# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hangs below a host: NICs, attachments, statistics, devices, LUNs, and actions on them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..call import Call, refuse
from ..doc import Doc
from ..errors import ApiError, MissingParameter, Refused
from ..store import Row
from ..vdsm import HostUnreachable, VdsmError
from ..vdsm.flows import connections as flows
from .status import DATA_CENTER, HOST

NAMESPACE = uuid.UUID("5f2a6d1e-9c4b-4a37-8f11-0d6d0e3c2b10")


def _id(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def known_host(call: Call, host_id: str) -> None:
    if call.db.row("SELECT 1 FROM vds_static WHERE vds_id = ?", host_id) is None:
        raise ApiError(404, "Entity not found: Host")


def _host(call: Call, host_id: str | None) -> Row | None:
    return call.db.row("SELECT * FROM vds WHERE vds_id = ?", host_id)


def _networks(call: Call, host: Row) -> dict[str, Row]:
    return {
        row["vdsm_name"]: row
        for row in call.db.rows("SELECT * FROM cluster_networks WHERE cluster_id = ?", host["cluster_id"])
    }


# -- NICs and attachments, from what the host reported last


def _carriers(caps: dict[str, Any]) -> dict[str, str]:
    """Device to the network that sits on it."""
    carried = {}
    for name, network in caps.get("networks", {}).items():
        for device in network.get("ports") or [network.get("southbound") or network.get("iface")]:
            carried[device] = name
    return carried


def nic_rows(call: Call, parent: str | None) -> list[Row]:
    host = _host(call, parent)
    if host is None:
        return []
    caps, networks = json.loads(host["network_caps"] or "{}"), _networks(call, host)
    carried, rows = _carriers(caps), []
    for kind in ("nics", "bondings", "vlans"):
        for name, device in caps.get(kind, {}).items():
            network = caps["networks"].get(carried.get(name, ""), {})
            known = networks.get(carried.get(name, ""))
            address = network if network else device
            protocol = "dhcp" if address.get("dhcpv4") else "static" if address.get("addr") else "none"
            ip = None
            if address.get("addr"):
                ip = {
                    "address": address["addr"],
                    "netmask": address.get("netmask"),
                    "gateway": address.get("gateway") or None,
                    "version": "v4",
                }
            rows.append(
                {
                    "id": _id(host["vds_id"], name),
                    "vds_id": host["vds_id"],
                    "name": name,
                    "boot_protocol": protocol,
                    "bridged": bool(network.get("bridged")),
                    "ip": ip,
                    "mac": device.get("hwaddr"),
                    "mtu": device.get("mtu"),
                    "ipv6": {"gateway": network.get("ipv6gateway", "::"), "version": "v6"} if network else None,
                    "speed": int(device["speed"]) * 1000000 if device.get("speed") else None,
                    "status": "up",
                    "vlan": device.get("vlanid"),
                    "base": device.get("iface"),
                    "network_id": known["id"] if known else None,
                }
            )
    return rows


def attachment_rows(call: Call, parent: str | None) -> list[Row]:
    host = _host(call, parent)
    if host is None:
        return []
    caps, networks = json.loads(host["network_caps"] or "{}"), _networks(call, host)
    carried, rows = _carriers(caps), []
    for device, name in carried.items():
        if name not in networks:
            continue
        report, network = caps["networks"][name], networks[name]
        protocol = "dhcp" if report.get("dhcpv4") else "static" if report.get("addr") else "none"
        ip: Doc = {"version": "v4"}
        if protocol == "static":
            ip = {
                "address": report["addr"],
                "netmask": report.get("netmask"),
                "gateway": report.get("gateway") or None,
                **ip,
            }

        def same(label: str, value: Any) -> Doc:
            return {"name": label, "in_sync": True, "actual_value": value, "expected_value": value}

        rows.append(
            {
                "id": _id(host["vds_id"], "attachment", name),
                "vds_id": host["vds_id"],
                "network_id": network["id"],
                "nic_id": _id(host["vds_id"], device),
                "assignments": [
                    {"assignment_method": protocol, "ip": ip},
                    {"assignment_method": "none", "ip": {"version": "v6"}},
                ],
                "reported": [
                    same("mtu", report.get("mtu")),
                    same("bridged", bool(report.get("bridged"))),
                    same("vlan", network["vlan_id"]),
                    same("switchType", str(report.get("switch", "legacy")).upper()),
                    same("ipv4_boot_protocol", protocol.upper()),
                    same("ipv6_boot_protocol", "NONE"),
                    {
                        "name": "dns_configuration",
                        "in_sync": True,
                        "actual_value": ",".join(caps.get("nameservers") or []),
                    },
                    same("default_route", bool(report.get("ipv4defaultroute", True))),
                ],
            }
        )
    return rows


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
        "id": _id("statistic", name),
        "owner": owner,
        "name": name,
        "description": description,
        "kind": "gauge",
        "type": kind,
        "unit": unit,
        "datum": datum,
    }


def statistic_rows(call: Call, parent: str | None) -> list[Row]:
    host = _host(call, parent)
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
    host = _host(call, parent)
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
    host = _host(call, parent)
    if host is None:
        return []
    caps = json.loads(host["capabilities"] or "{}")
    return [
        {
            "id": _id(host["vds_id"], "numa", index),
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
    paths: list[dict[str, Any]] = device.get("pathstatus") or []
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


def storage_rows(call: Call, parent: str | None) -> list[Row]:
    host = _host(call, parent)
    if host is None or host["status"] != HOST["up"]:
        return []
    client, status, rows = call.engine.hosts.client(host), call.flag("report_status", True), []
    for device in client.call("Host.getDeviceList", {"storageType": 0, "guids": [], "checkStatus": status}):
        kind = "fcp" if str(device.get("devtype", "")).upper() in ("FCP", "FC") else "iscsi"
        rows.append(
            {"id": device["GUID"], "vds_id": host["vds_id"], "type": kind, "unit": unit_document(device, status)}
        )
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


# -- other actions


def commit_net_config(call: Call, row: Row) -> None:
    call.engine.hosts.client(row).call("Host.setSafeNetworkConfig")


def setup_networks(call: Call, row: Row) -> None:
    """Attaches, changes and removes networks of a host, by one Host.setupNetworks."""
    wanted: dict[str, Any] = {}
    for item in (call.doc.get("modified_network_attachments") or {}).get("network_attachment", []):
        network = call.db.row(
            "SELECT * FROM cluster_networks WHERE cluster_id = ? AND (id = ? OR name = ?)",
            row["cluster_id"],
            (item.get("network") or {}).get("@id"),
            (item.get("network") or {}).get("name"),
        )
        if network is None:
            raise refuse("setup Networks", "The specified Logical Network doesn't exist.", status=400)
        nic = (item.get("host_nic") or {}).get("name")
        wanted[network["vdsm_name"]] = _attributes(network, nic, item)
    for item in (call.doc.get("removed_network_attachments") or {}).get("network_attachment", []):
        found = next((a for a in attachment_rows(call, row["vds_id"]) if a["id"] == item.get("@id")), None)
        if found is not None:
            name = call.db.value("SELECT vdsm_name FROM network WHERE id = ?", found["network_id"])
            wanted[name] = {"remove": "true"}
    if wanted:
        from ..vdsm.flows import network as network_flows

        try:
            network_flows.apply_networks(call.engine.hosts.client(row), wanted)
        except VdsmError as error:
            raise Refused(error.message, status=400) from None
        _look_again(call, row)


def _attributes(network: Row, nic: str | None, item: Doc) -> dict[str, Any]:
    if not nic:
        raise MissingParameter("host_nic.name")
    attributes: dict[str, Any] = {
        "nic": nic,
        "bridged": "true" if network["vm_network"] else "false",
        "mtu": network["mtu"] or 1500,
        "STP": "no",
        "switch": "legacy",
        "defaultRoute": bool(network["default_route"]),
    }
    if network["vlan_id"] is not None:
        attributes["vlan"] = str(network["vlan_id"])
    for assignment in (item.get("ip_address_assignments") or {}).get("ip_address_assignment", []):
        ip = assignment.get("ip") or {}
        if ip.get("version", "v4") != "v4":
            continue
        if assignment.get("assignment_method") == "dhcp":
            attributes["bootproto"] = "dhcp"
        elif ip.get("address"):
            attributes.update(ipaddr=ip["address"], netmask=ip.get("netmask") or "")
            if ip.get("gateway"):
                attributes["gateway"] = ip["gateway"]
    return attributes


def _look_again(call: Call, row: Row) -> None:
    from . import capabilities

    client = call.engine.hosts.client(row)
    capabilities.save(call, row, client.call("Host.getCapabilities"), client.call("Host.getHardwareInfo"))


def refresh(call: Call, row: Row) -> None:
    if row["status"] != HOST["up"]:
        raise refuse("refresh Host", "Host is not in Up status.")
    _look_again(call, row)


def force_select_spm(call: Call, row: Row) -> None:
    from .storage import move_spm

    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    if pool is None or pool["status"] == DATA_CENTER["uninitialized"]:
        raise refuse("force select SPM", "Unknown Data Center status.")
    if row["spm_status"] == "spm":
        raise refuse("force select SPM", f"The Host {row['vds_name']} is already SPM or contending.")
    move_spm(call, pool["id"], row)
