# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From networks that are wanted and links that are there to the `ip` commands between. Pure: touches nothing.

Each network gets source routing as VDSM sets it up: a table of its own that knows its subnet and its gateway, and two
rules at priority 3200 (host contract 10.4; VDSM `network/nmstate/route.py`).
"""

from __future__ import annotations

import ipaddress
import zlib
from dataclasses import dataclass
from typing import Any

from .backend import BAD_ADDR, BAD_BONDING, BAD_NIC, BAD_PARAMS, BAD_VLAN, USED_NIC, error, netmask, prefix
from .kernel import Link

RULE_PRIORITY = 3200


@dataclass
class Addressing:
    """IPv4 of one device."""

    addresses: list[str]
    gateway: str


def table(device: str) -> int:
    """Number of a device's routing table."""
    return zlib.adler32(device.encode("utf-8"))


def base(attrs: dict[str, Any]) -> str:
    """The card or bond below a network."""
    return str(attrs.get("nic") or attrs.get("bonding") or "")


def southbound(attrs: dict[str, Any]) -> str:
    """The device below the bridge: the card, or the VLAN on it."""
    vlan = attrs.get("vlan")
    return base(attrs) if vlan in (None, "") else f"{base(attrs)}.{vlan}"


def top(name: str, attrs: dict[str, Any]) -> str:
    """The device that carries the network's address."""
    return name if attrs["bridged"] else southbound(attrs)


def validate(
    networks: dict[str, dict[str, Any]], links: dict[str, Link], *, vlans: bool, bonds: bool, known_bonds: set[str]
) -> None:
    """Raise the ConfigNetworkError that VDSM would."""
    owners: dict[str, str] = {}
    for name, attrs in networks.items():
        if not name or len(name) > 15 or any(char in name for char in "/: \t"):
            raise error(BAD_PARAMS, f"Invalid network name {name!r}")
        if attrs.get("bonding") and (not bonds or attrs["bonding"] not in known_bonds):
            raise error(BAD_BONDING, f"Bond {attrs['bonding']} does not exist, or the kernel has no bonding driver")
        if attrs.get("nic") and (attrs["nic"] not in links or not links[attrs["nic"]].is_nic):
            raise error(BAD_NIC, f"Nic {attrs['nic']} does not exist")
        if attrs.get("vlan") not in (None, "") and not vlans:
            raise error(BAD_VLAN, f"VLAN {attrs['vlan']} is refused: the kernel of this host has no 802.1q support")
        lower = southbound(attrs)
        if lower and owners.setdefault(lower, name) != name:
            raise error(USED_NIC, f"{lower} is already used by network {owners[lower]}")
        _validate_address(attrs)


def _validate_address(attrs: dict[str, Any]) -> None:
    try:
        if attrs.get("ipaddr"):
            mask = netmask(attrs.get("netmask") or attrs.get("prefix"))
            if not mask:
                raise error(BAD_ADDR, f"Address {attrs['ipaddr']} without a netmask")
            ipaddress.IPv4Interface(f"{attrs['ipaddr']}/{mask}")
        if attrs.get("gateway"):
            ipaddress.IPv4Address(attrs["gateway"])
    except ValueError as problem:
        raise error(BAD_ADDR, f"Bad address: {problem}") from problem


def addressing(attrs: dict[str, Any], present: Link | None) -> Addressing:
    """What the network's device gets. With DHCP it keeps what the card has: the lab's addresses are fixed."""
    if attrs.get("ipaddr"):
        length = prefix(netmask(attrs.get("netmask") or attrs.get("prefix")))
        return Addressing([f"{attrs['ipaddr']}/{length}"], str(attrs.get("gateway") or ""))
    if attrs.get("bootproto") == "dhcp":
        if present is None or not present.addresses:
            raise error(BAD_ADDR, "DHCP: there is no DHCP client on this host and the card has no address to keep")
        return Addressing(present.addresses, present.gateway)
    return Addressing([], "")


def source_routing(device: str, addressed: Addressing) -> list[str]:
    """Table and rules of a device."""
    if not addressed.addresses or not addressed.gateway:
        return []
    network = ipaddress.IPv4Interface(addressed.addresses[0]).network
    number = table(device)
    return [
        f"route replace {network} dev {device} table {number}",
        f"route replace default via {addressed.gateway} dev {device} table {number}",
        f"rule add from {network} lookup {number} priority {RULE_PRIORITY}",
        f"rule add to {network} lookup {number} priority {RULE_PRIORITY}",
    ]


def without_source_routing(device: str, rules: list[dict[str, Any]]) -> list[str]:
    """Undo it, as far as it is there. The table's routes vanish with the device."""
    number = str(table(device))
    return [
        f"rule del priority {RULE_PRIORITY} {_selector(rule)} lookup {number}"
        for rule in rules
        if rule.get("priority") == RULE_PRIORITY and str(rule.get("table")) == number
    ]


def _selector(rule: dict[str, Any]) -> str:
    parts = []
    if rule.get("src") not in (None, "all"):
        parts.append(f"from {rule['src']}/{rule.get('srclen', 32)}")
    if rule.get("dst") not in (None, "all"):
        parts.append(f"to {rule['dst']}/{rule.get('dstlen', 32)}")
    return " ".join(parts)


def remove(
    name: str, attrs: dict[str, Any], links: dict[str, Link], rules: list[dict[str, Any]], give_back: bool = False
) -> list[str]:
    """Commands that take a network away; with `give_back` its address and default route return to the card."""
    device, lower = top(name, attrs), southbound(attrs)
    commands = without_source_routing(device, rules)
    present = links.get(device)
    if present is None:
        return commands
    if attrs["bridged"]:
        if lower in links and links[lower].master == name:
            commands.append(f"link set {lower} nomaster")
        commands.append(f"link del {name}")
    else:
        commands += [f"address del {address} dev {device}" for address in present.addresses]
    if attrs.get("vlan") not in (None, "") and lower in links:
        commands.append(f"link del {lower}")
    if give_back and base(attrs) in links:
        commands += [f"address add {address} brd + dev {base(attrs)}" for address in present.addresses]
        if present.gateway:
            commands.append(f"route replace default via {present.gateway} dev {base(attrs)}")
    return commands


def apply(name: str, attrs: dict[str, Any], links: dict[str, Link], rules: list[dict[str, Any]]) -> list[str]:
    """Commands that make a network, or bring an existing one to what is wanted."""
    nic, lower, device = base(attrs), southbound(attrs), top(name, attrs)
    card, present = links.get(nic), links.get(device)
    source = present if present is not None and present.addresses else card
    wanted = addressing(attrs, source)
    commands: list[str] = []
    if attrs.get("vlan") not in (None, "") and lower not in links:
        commands.append(f"link add link {nic} name {lower} type vlan id {attrs['vlan']}")
    if card is not None:
        commands += _prepare_card(card, device, attrs)
    if attrs["bridged"]:
        if present is None:
            mac = f" address {card.mac}" if card is not None else ""
            commands.append(f"link add name {name}{mac} type bridge forward_delay 0 stp_state 0")
        if lower and (lower not in links or links[lower].master != name):
            commands.append(f"link set {lower} master {name}")
    if lower:
        commands.append(f"link set {lower} up")
    commands.append(f"link set {device} mtu {attrs['mtu']} up")
    commands += without_source_routing(device, rules)
    old = present.addresses if present is not None else []
    commands += [f"address del {address} dev {device}" for address in old if address not in wanted.addresses]
    commands += [f"address add {address} brd + dev {device}" for address in wanted.addresses if address not in old]
    if wanted.gateway and _has_default(attrs, card, present):
        commands.append(f"route replace default via {wanted.gateway} dev {device}")
    return commands + source_routing(device, wanted)


def _prepare_card(card: Link, device: str, attrs: dict[str, Any]) -> list[str]:
    """Free the card of its address when the network takes it over, and give it the MTU."""
    commands = [f"link set {card.name} mtu {attrs['mtu']}"] if card.mtu < attrs["mtu"] else []
    if device != card.name and attrs.get("vlan") in (None, ""):
        commands += [f"address del {address} dev {card.name}" for address in card.addresses]
    return commands


def _has_default(attrs: dict[str, Any], card: Link | None, present: Link | None) -> bool:
    """The default route moves with the card's address, also when the client forgot to ask for it."""
    had = any(link is not None and link.gateway for link in (card, present))
    return bool(attrs.get("defaultRoute", had))
