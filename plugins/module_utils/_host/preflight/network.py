# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses: the family, the gateway, the engine VM's address and MAC, the bootstrap's prefix, ports."""

from __future__ import annotations

import glob
import ipaddress
import re
import socket
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    addresses,
    dns_query,
    echo,
    routes,
    textfile,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.common import (
    addresses_of,
    gateway_of,
    holder_of,
    own_network,
    version_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
# What the engine and other hosts connect to (host contract 12.3).
_PORTS = {54321: "vdsm", 54322: "ovirt-imageio", 16514: "libvirt over TLS"}
_LISTEN = "0A"
_PING_SECONDS = 1.5
# What an earlier attempt has left of the bootstrap's network is used again.
_OUR_BRIDGE = "node0-nat"
_LIBVIRT_NETWORKS = "/etc/libvirt/qemu/networks/*.xml"


def _is_new(context: Context) -> bool:
    return context.deployment == "none" and not context.begun("bootstrap_local_vm")


@check("network.family", block=(".dhcp6", ".mixed"), info=(".decided",))
def family(context: Context) -> Result:
    """One family of addresses carries the management network, and the engine VM's address is of it."""
    own = own_network(context)
    if own is None:
        return
    wanted = context.settings.vm_address
    told = f"IPv{own.version}: the host's address is {own} on {context.host['management']['carrier']}"
    yield Finding("network.family.decided", "one family for everything", told, "Nothing has to be done.")
    if own.version == 6 and not wanted:
        resolution = "Give the engine VM a static IPv6 address with he_vm_ip_addr and he_vm_ip_prefix."
        yield Finding(
            "network.family.dhcp6", "a static address: DHCPv6 is not used", "none", resolution, "he_vm_ip_addr"
        )
    elif wanted and version_of(wanted) not in (0, own.version):
        resolution = "Use addresses of one family for host and engine VM."
        expected = f"an IPv{own.version} address, like the host's"
        yield Finding("network.family.mixed", expected, wanted, resolution, "he_vm_ip_addr")


@check("network.gateway", block=(".missing", ".off_link", ".silent"))
def gateway(context: Context) -> Result:
    """The default gateway is in the management network, and answers."""
    wanted = gateway_of(context)
    own = own_network(context)
    if not wanted:
        yield Finding("network.gateway.missing", "a default gateway", "none", "Set one, or he_gateway.", "he_gateway")
        return
    if own is None:
        return
    if version_of(wanted) != own.version or ipaddress.ip_address(wanted) not in own.network:
        resolution = "Correct he_gateway or he_bridge_if."
        yield Finding("network.gateway.off_link", f"a gateway in {own.network}", wanted, resolution, "he_gateway")
        return
    holder = holder_of(context, wanted, str(own.ip)) if own.version == 4 else _answers_on_ipv6(wanted)
    if holder:
        yield f"{wanted} answers ({holder})"
    else:
        resolution = "Check gateway and cabling, or correct he_gateway."
        yield Finding("network.gateway.silent", f"an answer of {wanted}", "none within 1.5 s", resolution, "he_gateway")


def _answers_on_ipv6(address: str) -> str:
    return "echo" if echo.answers(address) else ""


@check(
    "network.vm_address",
    block=(".invalid", ".used", ".elsewhere", ".host"),
    warn=(".gateway",),
    when=lambda context: bool(context.settings.vm_address) and _is_new(context),
)
def vm_address(context: Context) -> Result:
    """Nobody has the engine VM's address, and it is in the management network with the gateway."""
    settings, own = context.settings, own_network(context)
    source = "he_vm_ip_addr"
    try:
        length = settings.vm_prefix or (own.network.prefixlen if own else 24)
        wanted = ipaddress.ip_interface(f"{settings.vm_address}/{length}")
    except ValueError as error:
        yield Finding("network.vm_address.invalid", "an address", str(error), "Correct he_vm_ip_addr.", source)
        return
    via = gateway_of(context)
    if str(wanted.ip) in context.host["addresses"]:
        seen = f"{wanted.ip} is this host's"
        yield Finding("network.vm_address.host", "an address of its own", seen, "Correct he_vm_ip_addr.", source)
        return
    if via and version_of(via) == wanted.version and ipaddress.ip_address(via) not in wanted.network:
        resolution = "Correct he_vm_ip_addr, he_vm_ip_prefix or he_gateway."
        expected = f"the gateway {via} in {wanted.network}"
        yield Finding("network.vm_address.gateway", expected, "elsewhere", resolution, source)
    if own is None or own.version != wanted.version:
        return
    if wanted.ip not in own.network:
        resolution = "Correct he_vm_ip_addr: the engine VM is on the same bridge as the host."
        yield Finding(
            "network.vm_address.elsewhere", f"an address of {own.network}", str(wanted.ip), resolution, source
        )
        return
    holder = (
        holder_of(context, settings.vm_address, "0.0.0.0") if own.version == 4 else _answers_on_ipv6(str(wanted.ip))
    )
    if holder:
        resolution = "Free the address, or correct he_vm_ip_addr."
        expected = f"nobody at {settings.vm_address}"
        yield Finding("network.vm_address.used", expected, f"{holder} answers", resolution, source)
    else:
        yield f"nobody at {wanted.ip}"


@check("network.mac", block=(".invalid", ".multicast", ".used"), when=_is_new)
def mac(context: Context) -> Result:
    """The engine VM's MAC address is unicast and nobody has it."""
    wanted = context.settings.mac.lower()
    source = "he_vm_mac_addr"
    if not wanted:
        return
    if not _MAC.fullmatch(wanted):
        resolution = "Write it like 00:16:3e:12:34:56."
        yield Finding("network.mac.invalid", "six hexadecimal pairs", wanted, resolution, source)
        return
    if int(wanted[:2], 16) & 1:
        yield Finding("network.mac.multicast", "a unicast address", wanted, "Make the first byte even.", source)
        return
    holders = [f"interface {one['name']}" for one in context.host["interfaces"] if one["mac"].lower() == wanted]
    holders += [address for address, found in routes.neighbours().items() if found == wanted]
    if holders:
        resolution = "Choose another he_vm_mac_addr, or leave it out: one is made from the engine's name."
        yield Finding("network.mac.used", f"nobody with {wanted}", ", ".join(holders), resolution, source)
    else:
        yield f"nobody has {wanted}"


@check("network.nat", block=(".invalid", ".none_free"), info=(".moved",), when=_is_new)
def bootstrap_prefix(context: Context) -> Result:
    """A prefix for the bootstrap's network overlaps with no route, address, name server or server of the deployment."""
    settings = context.settings
    source = "he_ipv4_subnet_prefix"
    if not settings.nat_prefix:
        return
    try:
        wanted = addresses.preferred_prefix(settings.nat_prefix)
    except HostedEngineError as error:
        yield Finding("network.nat.invalid", error.expected, error.observed, error.advice, source)
        return
    names = [gateway_of(context), settings.vm_address, settings.storage_address, settings.tcp_address]
    names += [*settings.dns, *addresses.resolvers()]
    used = [
        *_own_prefixes(context),
        *libvirt_prefixes(),
        *routes.ipv4_routes(_OUR_BRIDGE),
        *addresses.avoided_prefixes(names),
    ]
    try:
        chosen = addresses.free_prefix(settings.nat_prefix, used)
    except HostedEngineError as error:
        yield Finding("network.nat.none_free", "a free private prefix", error.observed, error.advice, source)
        return
    if chosen == wanted:
        yield f"{wanted} is free"
    else:
        seen = f"{wanted} overlaps with {addresses.conflict(wanted, used)}"
        resolution = f"The bootstrap will use {chosen}; name another prefix if that does not suit."
        yield Finding("network.nat.moved", f"{wanted} to be free", seen, resolution, source)


def _own_prefixes(context: Context) -> Iterator[tuple[addresses.Prefix, str]]:
    for one in context.host["interfaces"]:
        for entry in one["addresses"]:
            if entry["family"] == 4 and one["name"] != _OUR_BRIDGE:
                text = f"{entry['address']}/{entry['prefix']}"
                yield ipaddress.IPv4Network(text, strict=False), f"address on {one['name']}"


def libvirt_prefixes(pattern: str = _LIBVIRT_NETWORKS) -> Iterator[tuple[addresses.Prefix, str]]:
    """Return the IPv4 prefixes of libvirt's networks, also of those that are not active."""
    for path in glob.glob(pattern):
        root = ElementTree.parse(path).getroot()
        bridge = root.find("bridge")
        if bridge is not None and bridge.get("name") == _OUR_BRIDGE:
            continue
        for entry in root.iterfind("ip"):
            if entry.get("family", "ipv4") == "ipv4":
                text = f"{entry.get('address')}/{entry.get('prefix') or entry.get('netmask') or 24}"
                yield ipaddress.IPv4Network(text, strict=False), f"libvirt network {root.findtext('name')}"


@check("network.ports", warn=(".taken",), when=_is_new)
def ports(context: Context) -> Result:
    """Nobody listens where the engine's services on the host will."""
    if "vdsmd" in context.host["services"]:
        return
    taken = sorted(set(_listening()) & set(_PORTS))
    if taken:
        seen = ", ".join(f"{port} ({_PORTS[port]})" for port in taken)
        yield Finding("network.ports.taken", "ports of vdsm and libvirt to be free", seen, "Stop what listens there.")


def _listening() -> Iterator[int]:
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in textfile.read(path).splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTEN:
                yield int(words[1].rpartition(":")[2], 16)


@check(
    "network.test",
    block=(".ping", ".dns", ".tcp"),
    when=lambda context: context.settings.network_test in ("ping", "dns", "tcp"),
)
def network_test(context: Context) -> Result:
    """The network test that the HA services will run succeeds."""
    kind = context.settings.network_test
    yield from {"ping": _ping, "dns": _dns, "tcp": _tcp}[kind](context)


def _ping(context: Context) -> Result:
    target = gateway_of(context)
    if not version_of(target):
        return
    try:
        answered = echo.answers(target, _PING_SECONDS)
    except OSError as error:
        answered, why = False, str(error)
    else:
        why = f"none within {_PING_SECONDS:g} s"
    if answered:
        yield f"{target} answers to ping"
    else:
        resolution = "Let the gateway answer to ping, or choose another he_network_test: dns or tcp."
        yield Finding("network.test.ping", f"an echo of {target}", why, resolution, "he_network_test")


def _dns(_context: Context) -> Result:
    servers = addresses.resolvers()
    seen = []
    for server in servers:
        try:
            # The root's servers, over TCP, as the broker's dig asks.
            said = dns_query.ask(server, ".", dns_query.NS, tcp=True)
        except OSError as error:
            seen.append(f"{server}: {error}")
        else:
            yield f"{server}: {said.verdict}"
            return
    resolution = "Correct /etc/resolv.conf; the servers must answer over TCP. Or choose another he_network_test."
    yield Finding(
        "network.test.dns",
        "a name server of this host to answer over TCP",
        "; ".join(seen) or "no name server in /etc/resolv.conf",
        resolution,
        "he_network_test",
    )


def _tcp(context: Context) -> Result:
    address, port = context.settings.tcp_address, context.settings.tcp_port
    if not address or not port:
        return
    targets = addresses_of(address)
    why = f"no address for {address}"
    for target in targets:
        try:
            socket.create_connection((target, port), timeout=2).close()
        except OSError as error:
            why = str(error)
        else:
            yield f"{target} answers on port {port}"
            return
    resolution = "Correct he_tcp_t_address and he_tcp_t_port, or choose another he_network_test."
    yield Finding("network.test.tcp", f"{address}:{port} to accept connections", why, resolution, "he_tcp_t_address")
