"""ifcfg files become keyfiles that say the same; the fast appliance's network script brings them up for real."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest
from conftest import ROOTFS
from test_network import MAC, bring_up

SCRIPT = ROOTFS / "common/usr/lib/appliance/ifcfg"
STATIC = (
    f'BOOTPROTO=none\nDEVICE=eth0\nHWADDR="{MAC.upper()}"\nONBOOT=yes\nTYPE=Ethernet\nZONE=public\n'
    "IPADDR=10.77.0.50\nPREFIX=24\nGATEWAY=10.77.0.1\nDNS1=10.77.0.1\nDNS2=fd00::1\nDEFROUTE=yes\nIPV6INIT=no\n"
)


def convert(tmp_path: Path, text: str, name: str = "eth0") -> configparser.ConfigParser:
    """The keyfile that the script makes of one ifcfg file."""
    scripts = tmp_path / "network-scripts"
    scripts.mkdir()
    (scripts / f"ifcfg-{name}").write_text(text)
    for folder in ("etc", "run"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cloud-init-eth0.nmconnection").touch(0o600)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "SCRIPTS": str(scripts),
        "WRITTEN": str(tmp_path / "run"),
        "KEPT": str(tmp_path / "etc"),
    }
    subprocess.run(["busybox", "sh", SCRIPT], env=environment, check=True)
    made = configparser.ConfigParser()
    path = tmp_path / "run" / f"ifcfg-{name}.nmconnection"
    made.read(path)
    if path.exists():
        assert path.stat().st_mode & 0o777 == 0o600
    return made


def test_a_static_address(tmp_path: Path) -> None:
    made = convert(tmp_path, STATIC)
    assert dict(made["connection"]) == {"id": "eth0", "type": "ethernet", "interface-name": "eth0"}
    assert made["ethernet"]["mac-address"] == MAC.upper()
    assert dict(made["ipv4"]) == {"method": "manual", "address1": "10.77.0.50/24,10.77.0.1", "dns": "10.77.0.1;"}
    assert dict(made["ipv6"]) == {"method": "disabled"}
    assert not list(tmp_path.rglob("cloud-init-*"))


@pytest.mark.parametrize(
    ("text", "ipv4", "ipv6"),
    [
        ("BOOTPROTO=dhcp\nIPV6INIT=no\n", {"method": "auto"}, {"method": "disabled"}),
        (
            "BOOTPROTO=static\nIPADDR=10.0.0.2\nNETMASK=255.255.240.0\nDEFROUTE=no\nIPV6INIT=no\n",
            {"method": "manual", "address1": "10.0.0.2/20", "never-default": "true"},
            {"method": "disabled"},
        ),
        (
            "BOOTPROTO=none\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=fd00::50/64\nIPV6_DEFAULTGW=fd00::1\nDNS1=fd00::1\n",
            {"method": "disabled"},
            {"method": "manual", "address1": "fd00::50/64,fd00::1", "dns": "fd00::1;"},
        ),
        (
            "BOOTPROTO=dhcp\nDOMAIN='a.test b.test'\n",
            {"method": "auto", "dns-search": "a.test;b.test;"},
            {"method": "auto"},
        ),
    ],
    ids=["dhcp", "netmask", "ipv6", "search"],
)
def test_other_addresses(tmp_path: Path, text: str, ipv4: dict[str, str], ipv6: dict[str, str]) -> None:
    made = convert(tmp_path, f"DEVICE=eth0\n{text}")
    assert (dict(made["ipv4"]), dict(made["ipv6"])) == (ipv4, ipv6)


@pytest.mark.parametrize("text", ["DEVICE=lo\nIPADDR=127.0.0.1\n", "DEVICE=eth0\nNM_CONTROLLED=no\n"])
def test_what_is_not_networkmanagers_is_left_alone(tmp_path: Path, text: str) -> None:
    assert convert(tmp_path, text).sections() == []
    assert (tmp_path / "etc/cloud-init-eth0.nmconnection").exists()


def test_a_connection_that_is_not_started_at_boot(tmp_path: Path) -> None:
    assert convert(tmp_path, "DEVICE=eth0\nONBOOT=no\n")["connection"]["autoconnect"] == "false"


@pytest.mark.lab
def test_the_network_script_brings_it_up(tmp_path: Path) -> None:
    convert(tmp_path, STATIC)
    state, _said = bring_up(tmp_path)
    assert "10.77.0.50/24" in state and "default via 10.77.0.1 dev eth0" in state
    assert state.endswith("nameserver 10.77.0.1\n")
