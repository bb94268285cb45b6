# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the network: the interface, the gateway, and the address that the engine VM is to have."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.arp import who_has
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    BLOCK,
    WARN,
    Context,
    Finding,
    check,
)

# What vdsm can put under the management bridge.
_KINDS = ("ethernet", "bond", "vlan", "veth")


@check("network.interface")
def interface(context: Context) -> Iterator[Finding]:
    """The management network's interface must be there, be of a kind that vdsm takes, be up and have an address."""
    name = context.host["management"]["interface"]
    found = _interface(context, name)
    others = [entry["name"] for entry in context.host["interfaces"] if entry["type"] in _KINDS and not entry["master"]]
    resolution = f"Name one of {', '.join(others) or 'the interfaces of the host'} with he_bridge_if."
    if found is None:
        yield Finding("network.interface.missing", BLOCK, f"interface {name or '(none named)'}", "none", resolution)
        return
    if found["type"] not in _KINDS:
        yield Finding(
            "network.interface.kind", BLOCK, f"one of {', '.join(_KINDS)}", f"{name}: {found['type']}", resolution
        )
    if found["type"] == "bond" and not re.fullmatch(r"bond\d+", name):
        yield Finding("network.interface.bond_name", BLOCK, "a bond named bondN", name, "Rename the bond.")
    if found["type"] == "vlan" and not re.fullmatch(r"[^.]+\.\d+", name):
        yield Finding("network.interface.vlan_name", BLOCK, "a VLAN named PARENT.ID", name, "Rename the VLAN.")
    if not (found["up"] and found["carrier"]):
        yield Finding("network.interface.down", BLOCK, f"{name} up with a link", "down", "Connect it and bring it up.")
    if not context.host["management"]["address"]:
        yield Finding("network.interface.address", BLOCK, f"an address on {name}", "none", resolution)


@check("network.gateway")
def gateway(context: Context) -> Iterator[Finding]:
    """The default gateway must be in the management network, and answer."""
    wanted = context.settings.gateway or context.host["gateway"]
    own = _own_network(context)
    if not wanted:
        yield Finding("network.gateway.missing", BLOCK, "a default gateway", "none", "Set one, or he_gateway.")
        return
    if own is None:
        return
    if _version(wanted) != own.version or ipaddress.ip_address(wanted) not in own.network:
        yield Finding(
            "network.gateway.off_link",
            BLOCK,
            f"a gateway in {own.network}",
            wanted,
            "Correct he_gateway or he_bridge_if.",
        )
    elif own.version == 4 and not _asked(context, wanted, str(own.ip)):
        yield Finding(
            "network.gateway.silent", BLOCK, f"an answer of {wanted}", "none within 1.5 s", "Check gateway and cabling."
        )


@check("network.vm_address")
def vm_address(context: Context) -> Iterator[Finding]:
    """Nobody else may have the engine VM's address; with a static one it must be in a network with the gateway."""
    settings = context.settings
    if not settings.vm_address or context.deployment != "none":
        return
    own = _own_network(context)
    try:
        wanted = ipaddress.ip_interface(
            f"{settings.vm_address}/{settings.vm_prefix or (own.network.prefixlen if own else 24)}"
        )
    except ValueError as error:
        yield Finding("network.vm_address.invalid", BLOCK, "an address", str(error), "Correct he_vm_ip_addr.")
        return
    via = settings.gateway or context.host["gateway"]
    if via and _version(via) == wanted.version and ipaddress.ip_address(via) not in wanted.network:
        yield Finding(
            "network.vm_address.gateway",
            WARN,
            f"the gateway {via} in {wanted.network}",
            "elsewhere",
            "Correct he_vm_ip_addr, he_vm_ip_prefix or he_gateway.",
        )
    if own is None or own.version != 4 or wanted.ip not in own.network:
        return
    holder = _asked(context, settings.vm_address, "0.0.0.0")
    if holder:
        yield Finding(
            "network.vm_address.used",
            BLOCK,
            f"nobody at {settings.vm_address}",
            f"{holder} answers",
            "Free the address, or correct he_vm_ip_addr.",
        )


def _interface(context: Context, name: str) -> Optional[Mapping[str, Any]]:
    return next((entry for entry in context.host["interfaces"] if entry["name"] == name), None)


def _own_network(context: Context) -> Any:
    found = context.host["management"]
    return ipaddress.ip_interface(f"{found['address']}/{found['prefix']}") if found["address"] else None


def _version(address: str) -> int:
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _asked(context: Context, address: str, own: str) -> str:
    carrier = _interface(context, context.host["management"]["carrier"])
    return who_has(address, carrier["name"], carrier["mac"], own) if carrier else ""
