# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of a host's interfaces can carry the management network, and why the others cannot."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile

SYSFS = "/sys/class/net"

# What vdsm can put under a bridge.
KINDS = ("ethernet", "bond", "vlan", "veth")
# Bonds in other modes cannot be ports of a bridge with VMs.
BOND_MODES = ("active-backup", "balance-xor", "broadcast", "802.3ad")

Interface = Mapping[str, Any]


def reasons_against(interface: Interface, others: Sequence[Interface], sysfs: str = SYSFS) -> dict[str, str]:
    """Return why an interface cannot carry the management network, by kind of reason; nothing if it can.

    Args:
        interface: one of C(interfaces) of the module host_info.
        others: all interfaces of the host.
        sysfs: where the kernel describes interfaces.
    """
    name, kind = interface["name"], interface["type"]
    found = {}
    if kind not in KINDS:
        found["kind"] = f"{_KIND_WORDS.get(kind, kind)}; only {', '.join(KINDS)} can be a port of the bridge"
    if os.path.isdir(os.path.join(sysfs, name, "wireless")):
        found["kind"] = "wireless interfaces cannot be ports of a bridge"
    if kind == "bond":
        if not re.fullmatch(r"bond\d+", name):
            found["bond_name"] = "vdsm wants a bond to be called bondN"
        mode = bond_mode(name, sysfs)
        if mode and mode not in BOND_MODES:
            found["bond_mode"] = f"mode {mode}; a bridge with VMs needs one of {', '.join(BOND_MODES)}"
        if not bond_ports(name, sysfs) and os.path.isdir(os.path.join(sysfs, name, "bonding")):
            found["bond_ports"] = "the bond has no ports"
    if kind == "vlan":
        found.update(_against_vlan(name, others, sysfs))
    master = next((one for one in others if one["name"] == interface["master"]), None)
    if master is not None and master["type"] != "bridge":
        found["port"] = f"it is a port of {interface['master']}; take that one"
    if not interface["up"]:
        found["down"] = "it is down"
    elif not interface["carrier"]:
        found["down"] = "it has no link"
    if not usable_addresses(interface) and not (master is not None and usable_addresses(master)):
        found["address"] = "it has no address"
    return found


_KIND_WORDS = {
    "team": "a team, which vdsm does not support: make it a bond",
    "bridge": "a bridge: take its port",
    "infiniband": "InfiniBand",
    "loopback": "loopback",
    "tun": "a TUN or TAP device",
    "wireguard": "a tunnel",
    "macvlan": "a MACVLAN",
    "ipvlan": "an IPVLAN",
    "dummy": "a dummy",
}


def candidates(interfaces: Sequence[Interface], sysfs: str = SYSFS) -> list[dict[str, Any]]:
    """Return all interfaces but loopback with C(usable), C(reasons) and their addresses."""
    found = []
    for one in interfaces:
        if one["type"] == "loopback":
            continue
        reasons = reasons_against(one, interfaces, sysfs)
        found.append(
            {
                "name": one["name"],
                "type": one["type"],
                "usable": not reasons,
                "reasons": list(reasons.values()),
                "addresses": [f"{entry['address']}/{entry['prefix']}" for entry in usable_addresses(one)],
            }
        )
    return found


def usable_addresses(interface: Interface) -> list[Mapping[str, Any]]:
    """Return the addresses of an interface that others can reach."""
    return [entry for entry in interface["addresses"] if not entry["address"].startswith(("fe80:", "169.254."))]


def bond_mode(name: str, sysfs: str = SYSFS) -> str:
    """Return the mode of a bond, nothing when the kernel does not tell."""
    words = textfile.read(os.path.join(sysfs, name, "bonding", "mode")).split()
    return words[0] if words else ""


def bond_ports(name: str, sysfs: str = SYSFS) -> list[str]:
    """Return the ports of a bond."""
    return textfile.read(os.path.join(sysfs, name, "bonding", "slaves")).split()


def _against_vlan(name: str, others: Sequence[Interface], sysfs: str) -> dict[str, str]:
    found = {}
    folder = os.path.join(sysfs, name)
    lower = [entry.removeprefix("lower_") for entry in _listed(folder) if entry.startswith("lower_")]
    parent = lower[0] if lower else name.rpartition(".")[0]
    if not re.fullmatch(rf"{re.escape(parent)}\.\d+" if parent else r"[^.]+\.\d+", name):
        found["vlan_name"] = f"vdsm wants a VLAN to be called PARENT.ID, here {parent or 'PARENT'}.ID"
    below = next((one for one in others if one["name"] == parent), None)
    mode = bond_mode(parent, sysfs) if below is not None and below["type"] == "bond" else ""
    if mode and mode not in BOND_MODES:
        found["bond_mode"] = f"its bond {parent} is in mode {mode}; a bridge with VMs needs {', '.join(BOND_MODES)}"
    return found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
