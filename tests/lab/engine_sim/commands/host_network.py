# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network of a host as it reported it, and changes of it."""

from __future__ import annotations

import json
from typing import Any

from ..call import Call, refuse
from ..doc import Doc
from ..errors import MissingParameter, Refused
from ..store import Row
from ..vdsm import VdsmError
from .host_parts import host_row, object_id
from .status import HOST


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
    host = host_row(call, parent)
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
                    "id": object_id(host["vds_id"], name),
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
    host = host_row(call, parent)
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
                "id": object_id(host["vds_id"], "attachment", name),
                "vds_id": host["vds_id"],
                "network_id": network["id"],
                "nic_id": object_id(host["vds_id"], device),
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


NOT_UP = "Operation can be performed only when Host status is Up, Maintenance or Non operational."


def sync_all(call: Call, row: Row) -> None:
    """What is out of step is configured anew; attachments here never are."""
    if row["status"] not in (HOST["up"], HOST["maintenance"], HOST["non_operational"]):
        raise refuse("sync Networks", NOT_UP)


def refresh(call: Call, row: Row) -> None:
    if row["status"] not in (HOST["up"], HOST["maintenance"], HOST["non_operational"]):
        raise refuse("refresh Host capabilities", NOT_UP)
    _look_again(call, row)
