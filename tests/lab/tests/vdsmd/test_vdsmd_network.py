"""Networks: commands from a plan, and the real thing in a network namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vdsm_rpc.errors import VdsmError
from vdsmd.net import plan
from vdsmd.net.kernel import Link

HERE = Path(__file__).parent
LAB = HERE.parents[1]
CARD = Link("host0", "52:54:00:00:00:01", 1500, True, "veth", addresses=["192.0.2.11/24"], gateway="192.0.2.1")
NETWORK = {
    "nic": "host0",
    "bridged": True,
    "ipaddr": "192.0.2.11",
    "netmask": "255.255.255.0",
    "gateway": "192.0.2.1",
    "mtu": 1500,
    "defaultRoute": True,
}


def test_bridge_takes_mac_address_and_route_in_this_order() -> None:
    number = plan.table("mgmt")
    assert plan.apply("mgmt", NETWORK, {"host0": CARD}, []) == [
        "address del 192.0.2.11/24 dev host0",
        "link add name mgmt address 52:54:00:00:00:01 type bridge forward_delay 0 stp_state 0",
        "link set host0 master mgmt",
        "link set host0 up",
        "link set mgmt mtu 1500 up",
        "address add 192.0.2.11/24 brd + dev mgmt",
        "route replace default via 192.0.2.1 dev mgmt",
        f"route replace 192.0.2.0/24 dev mgmt table {number}",
        f"route replace default via 192.0.2.1 dev mgmt table {number}",
        f"rule add from 192.0.2.0/24 lookup {number} priority 3200",
        f"rule add to 192.0.2.0/24 lookup {number} priority 3200",
    ]


def test_default_route_moves_though_the_client_forgot_it() -> None:
    attrs = {key: value for key, value in NETWORK.items() if key != "defaultRoute"}
    assert "route replace default via 192.0.2.1 dev mgmt" in plan.apply("mgmt", attrs, {"host0": CARD}, [])


def test_network_without_address_leaves_no_routing() -> None:
    attrs = {"nic": "host0", "bridged": True, "bootproto": "none", "mtu": 1500}
    commands = plan.apply("vms", attrs, {"host0": Link("host0", kind="veth")}, [])
    assert not [command for command in commands if command.startswith(("route", "rule", "address"))]


def test_dhcp_keeps_the_address_of_the_card() -> None:
    attrs = {"nic": "host0", "bridged": True, "bootproto": "dhcp", "mtu": 1500}
    assert "address add 192.0.2.11/24 brd + dev mgmt" in plan.apply("mgmt", attrs, {"host0": CARD}, [])
    with pytest.raises(VdsmError, match="no DHCP client"):
        plan.apply("mgmt", attrs, {"host0": Link("host0", kind="veth")}, [])


@pytest.mark.parametrize(
    ("networks", "code"),
    [
        ({"a": {"nic": "nope"}}, 23),
        ({"a": {"nic": "host0", "vlan": "10"}}, 26),
        ({"a": {"bonding": "bond0"}}, 25),
        ({"a": {"nic": "host0"}, "b": {"nic": "host0"}}, 24),
        ({"a": {"nic": "host0", "ipaddr": "192.0.2.300", "netmask": "255.255.255.0"}}, 22),
        ({"a": {"nic": "host0", "ipaddr": "192.0.2.3"}}, 22),
        ({"a": {"nic": "host0", "ipaddr": "192.0.2.3", "prefix": 24, "gateway": "x"}}, 22),
        ({"sixteencharacter": {"nic": "host0"}}, 21),
    ],
)
def test_wrong_networks_are_refused_with_vdsms_code(networks: dict[str, Any], code: int) -> None:
    with pytest.raises(VdsmError) as caught:
        plan.validate(networks, {"host0": CARD}, vlans=False, bonds=False, known_bonds=set())
    assert caught.value.code == code


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root for a network namespace")
def test_in_a_namespace(tmp_path: Path) -> None:
    paths = f"{LAB}:{LAB / 'host/vdsmd'}"
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, str(HERE / "netns_scenario.py"), paths, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = {line["step"]: line for line in map(json.loads, done.stdout.splitlines())}
    fresh = seen["fresh"]["links"]
    mac = fresh["host0"]["mac"]
    assert seen["silent client"]["code"] == 10
    assert seen["silent client"]["links"] == fresh
    assert seen["silent client"]["rules"] == []
    after = seen["confirmed"]
    assert after["links"]["mgmt"] == {"addresses": ["192.0.2.11/24"], "gateway": "192.0.2.1", "mac": mac, "master": ""}
    assert (after["links"]["host0"]["addresses"], after["links"]["host0"]["master"]) == ([], "mgmt")
    assert len(after["rules"]) == 2
    assert (after["networks"]["mgmt"]["southbound"], after["networks"]["mgmt"]["bridged"]) == ("host0", True)
    assert (after["events"], after["persisted"]) == (["|net|host_conn|no_id"], {})
    assert seen["changed"]["links"]["mgmt"]["addresses"] == ["192.0.2.12/24"]
    assert seen["changed"]["persisted"]["mgmt"]["ipaddr"] == "192.0.2.12"
    undone = seen["removal undone"]
    assert (undone["code"], undone["links"]["mgmt"]["addresses"]) == (10, ["192.0.2.12/24"])
    assert (undone["links"]["mgmt"]["gateway"], len(undone["rules"])) == ("192.0.2.1", 2)
    assert seen["restored"]["links"]["mgmt"]["addresses"] == ["192.0.2.12/24"]
    cleared = seen["cleared"]
    assert "mgmt" not in cleared["links"]
    assert cleared["links"]["host0"]["addresses"] == ["192.0.2.12/24"]
    assert cleared["links"]["host0"]["gateway"] == "192.0.2.1"
    assert (cleared["rules"], cleared["persisted"]) == ([], {})
