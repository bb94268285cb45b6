"""The management network of a new host: what is asked of vdsm for which host."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from engine_sim.vdsm import HostClient, VdsmError
from engine_sim.vdsm.flows.network import ManagementNetworkRefused, plan_management_network, set_up_management_network

from .conftest import Farm

STATIC = {
    "addr": "10.77.0.11",
    "netmask": "255.255.255.0",
    "gateway": "10.77.0.1",
    "dhcpv4": False,
    "dhcpv6": False,
    "ipv6autoconf": True,
}
DHCP = {**STATIC, "dhcpv4": True}


def host(**parts: Any) -> dict[str, Any]:
    return {"networks": {}, "nics": {}, "vlans": {}, "bondings": {}, "nameservers": ["10.77.0.1"], **parts}


def test_a_plain_interface_keeps_its_address() -> None:
    assert plan_management_network(host(nics={"host0": STATIC}, lastClientIface="host0"), "lab-mgmt") == {
        "nic": "host0",
        "mtu": 1500,
        "bridged": "true",
        "STP": "no",
        "defaultRoute": True,
        "switch": "legacy",
        "ipaddr": "10.77.0.11",
        "netmask": "255.255.255.0",
        "gateway": "10.77.0.1",
        "dhcpv6": False,
        "ipv6autoconf": True,
        "nameservers": ["10.77.0.1"],
    }


def test_dhcp_stays_dhcp() -> None:
    plan = plan_management_network(host(nics={"host0": DHCP}, lastClientIface="host0"), "ovirtmgmt", mtu=9000)
    assert plan is not None
    assert (plan["bootproto"], plan["mtu"]) == ("dhcp", 9000)
    assert "ipaddr" not in plan


def test_a_vlan_goes_down_to_its_base() -> None:
    vlans = {"host0.100": {**STATIC, "iface": "host0", "vlanid": 100}}
    plan = plan_management_network(host(nics={"host0": {}}, vlans=vlans, lastClientIface="host0.100"), "mgmt", vlan=100)
    assert plan is not None
    assert (plan["nic"], plan["vlan"], plan["ipaddr"]) == ("host0", "100", "10.77.0.11")


def test_a_vlan_on_a_bond() -> None:
    vlans = {"bond0.7": {**STATIC, "iface": "bond0", "vlanid": 7}}
    plan = plan_management_network(host(bondings={"bond0": {}}, vlans=vlans, lastClientIface="bond0.7"), "mgmt", vlan=7)
    assert plan is not None
    assert plan["bonding"] == "bond0"
    assert "nic" not in plan


@pytest.mark.parametrize(("vlan", "text"), [(None, "has VLAN 100, network mgmt has none"), (7, "network mgmt has 7")])
def test_another_vlan_is_refused(vlan: int | None, text: str) -> None:
    vlans = {"host0.100": {**STATIC, "iface": "host0", "vlanid": 100}}
    with pytest.raises(ManagementNetworkRefused, match=text) as caught:
        plan_management_network(host(vlans=vlans, lastClientIface="host0.100"), "mgmt", vlan=vlan)
    assert caught.value.event == 1122


def test_an_unknown_interface_is_refused() -> None:
    with pytest.raises(ManagementNetworkRefused) as caught:
        plan_management_network(host(lastClientIface=""), "mgmt")
    assert caught.value.event == 1121


def test_an_existing_network_is_left_alone() -> None:
    assert plan_management_network(host(networks={"mgmt": {}}), "mgmt") is None


def test_the_answer_may_be_lost_with_the_connection(farm: Farm) -> None:
    """The bridge replaces the interface under the connection: what the host reports afterwards decides."""
    lost: list[Exception] = []
    farm.tell("host/host3/faults", {"verb": "Host.setupNetworks", "times": 1, "delay": 0.6})

    def cut() -> None:
        farm.tell("host/host3/power", {"state": "off"})
        farm.tell("host/host3/power", {"state": "on"})

    timer = threading.Timer(0.3, cut)
    with HostClient(farm.addresses[2], farm.port, on_lost=lost.append) as client:
        assert client.call("Host.ping2")
        timer.start()
        done = set_up_management_network(client, "lost-mgmt", connectivity_timeout=10)
    timer.join()
    assert lost, "the connection stood; the test proves nothing"
    assert done["changed"]
    assert "lost-mgmt" in done["capabilities"]["networks"]


def test_a_refusal_of_vdsm_is_told(farm: Farm) -> None:
    farm.tell("host/host3/faults", {"verb": "Host.setupNetworks", "times": 1, "code": 21, "message": "no such nic"})
    with HostClient(farm.addresses[2], farm.port) as client, pytest.raises(VdsmError, match="no such nic"):
        set_up_management_network(client, "refused-mgmt", connectivity_timeout=5)
