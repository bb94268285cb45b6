# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What several checks ask of the host's facts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Optional, Union

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.arp import who_has
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.facts import resolve
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import Context

Own = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


def find_interface(context: Context, name: str) -> Optional[Mapping[str, Any]]:
    """Return the interface of a name, or None."""
    return next((entry for entry in context.host["interfaces"] if entry["name"] == name), None)


def carried_by_management_network(context: Context) -> bool:
    """Return whether the bridge of the management network has the host's address already.

    Hosts that an engine has added once are deployed again so; the engine takes the bridge over (features 2).
    """
    found = find_interface(context, context.host["management"]["carrier"])
    return found is not None and found["type"] == "bridge" and found["name"] == context.settings.management_network


def own_network(context: Context) -> Optional[Own]:
    """Return the host's own address with its prefix, or None when it has none."""
    found = context.host["management"]
    return ipaddress.ip_interface(f"{found['address']}/{found['prefix']}") if found["address"] else None


def gateway_of(context: Context) -> str:
    """Return the gateway that was asked for, or else that of the host, or nothing."""
    return str(context.settings.gateway or context.host["gateway"])


def holder_of(context: Context, address: str, own_address: str) -> str:
    """Return the hardware address that answers for an IPv4 address on the management network, or nothing."""
    carrier = find_interface(context, context.host["management"]["carrier"])
    return who_has(address, carrier["name"], carrier["mac"], own_address) if carrier else ""


def version_of(address: str) -> int:
    """Return 4 or 6, or 0 for what is no address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def addresses_of(name: str) -> list[str]:
    """Return the addresses that a name, or an address, stands for."""
    return [str(ipaddress.ip_address(name))] if version_of(name) else resolve(name)


def is_loopback(address: str) -> bool:
    """Return whether an address never leaves the machine."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
