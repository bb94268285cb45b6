# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of names: of the host and of the engine, forward and back."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import hosts_file, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.facts import resolve
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    BLOCK,
    WARN,
    Context,
    Finding,
    check,
)


@check("names.host")
def host(context: Context) -> Iterator[Finding]:
    """The engine reaches the host by this name: it must lead to the host, and to no loopback address."""
    name = context.settings.host_address or context.host["fqdn"]
    addresses = _addresses(name)
    resolution = "Correct the host's record in DNS (or its line in /etc/hosts), or he_host_address."
    if not addresses:
        yield Finding("names.host.forward", BLOCK, f"an address for {name}", "none", resolution)
    elif any(_is_loopback(address) for address in addresses):
        yield Finding("names.host.loopback", BLOCK, "an address others can reach", _told(name, addresses), resolution)
    elif not set(addresses) & set(context.host["addresses"]):
        yield Finding(
            "names.host.elsewhere",
            BLOCK,
            f"one of this host's addresses ({', '.join(context.host['addresses'])})",
            _told(name, addresses),
            resolution,
        )
    else:
        yield from _reverse("names.host.reverse", name, addresses[0])


@check("names.engine")
def engine(context: Context) -> Iterator[Finding]:
    """The engine's name must lead to the engine VM's final address, and not to this host."""
    name, wanted = context.settings.fqdn, context.settings.vm_address
    if not name:
        return
    if context.deployment == "in_progress" and hosts_file.HOST_MARKER in textfile.read(hosts_file.PATH):
        # The name leads to the bootstrap VM now, and that is as it should be.
        return
    addresses = resolve(name)
    resolution = "Correct the engine's record in DNS, or he_fqdn or he_vm_ip_addr."
    if "." not in name.strip("."):
        yield Finding("names.engine.unqualified", BLOCK, "a fully qualified name", name, "Write he_fqdn in full.")
    elif not addresses:
        yield Finding("names.engine.forward", BLOCK, f"an address for {name}", "none", resolution)
    elif any(_is_loopback(address) for address in addresses):
        yield Finding("names.engine.loopback", BLOCK, "an address of the engine VM", _told(name, addresses), resolution)
    elif set(addresses) & set(context.host["addresses"]):
        yield Finding("names.engine.local", BLOCK, "an address of its own", f"{name} is this host", resolution)
    elif wanted and wanted not in addresses:
        yield Finding("names.engine.mismatch", BLOCK, f"{name} is {wanted}", _told(name, addresses), resolution)
    else:
        yield from _reverse("names.engine.reverse", name, wanted or addresses[0])


def _reverse(finding: str, name: str, address: str) -> Iterator[Finding]:
    try:
        found = socket.gethostbyaddr(address)
    except OSError:
        found = ("", [], [])
    if name.lower() not in [known.lower() for known in (found[0], *found[1])] and name != address:
        yield Finding(
            finding, WARN, f"{address} leads back to {name}", found[0] or "to no name", "Add the reverse record in DNS."
        )


def _addresses(name: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(name))]
    except ValueError:
        return resolve(name)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _told(name: str, addresses: Sequence[str]) -> str:
    return f"{name} is {', '.join(addresses)}"
