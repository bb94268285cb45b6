# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules about addresses and networks that need no host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import (
    CONF_ADVICE,
    CONF_EXPECTED,
    CONF_SAFE,
    Values,
    address_of,
    finding,
    rule,
)

MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
# Prefixes that hypervisors give to guests: QEMU and Xen, oVirt, KVM.
GUEST_MACS = ("00:16:3e", "56:6f", "52:54:00", "00:1a:4a")
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,14}")
VLAN = re.compile(r".+\.(\d+)")
MOST_SERVERS = 3
# Settings with an address that the bootstrap network must not hide.
REACHED = (
    "he_vm_ip_addr",
    "he_gateway",
    "he_host_ip",
    "he_host_address",
    "he_storage_domain_addr",
    "he_tcp_t_address",
    "he_smtp_server",
)


@rule
def the_mac_address_is_unicast(values: Values) -> Iterator[Finding]:
    """A multicast address never gets an answer; the engine refuses it late."""
    mac = values["he_vm_mac_addr"]
    if not mac:
        return
    if not MAC.fullmatch(mac):
        yield finding(
            "mac", "he_vm_mac_addr", "six hexadecimal pairs", repr(mac[:60]), "Write it like 00:16:3e:12:34:56."
        )
    elif int(mac[:2], 16) & 1:
        seen = f"multicast address {mac}"
        yield finding("mac", "he_vm_mac_addr", "a unicast address", seen, "Make the first byte even.")
    elif set(mac) <= set("0:"):
        yield finding("mac", "he_vm_mac_addr", "an address of its own", mac, "Write it like 00:16:3e:12:34:56.")
    elif not int(mac[:2], 16) & 2 and not mac.lower().startswith(GUEST_MACS):
        advice = "A locally administered address, or one that begins with 00:16:3e, cannot be that of a real NIC."
        yield finding("mac_vendor", "he_vm_mac_addr", "an address for virtual machines", mac, advice, "info")


@rule
def addresses_are_addresses(values: Values) -> Iterator[Finding]:
    """Each is an address that one machine can have."""
    for option in ("he_vm_ip_addr", "he_gateway", "he_host_ip", "he_default_gateway_4", "he_default_gateway_6"):
        yield from _one_address(option, values[option])
    for server in values["he_dns_addr"]:
        yield from _one_address("he_dns_addr", server)
    wrong = [
        name
        for name, version in (("he_default_gateway_4", 4), ("he_default_gateway_6", 6))
        if _version(values[name]) not in (None, version)
    ]
    for option in wrong:
        yield finding("family", option, f"an IPv{option[-1]} address", values[option], "Use he_gateway.")
    servers = values["he_dns_addr"]
    if len(servers) > MOST_SERVERS:
        yield finding("dns_count", "he_dns_addr", "at most three name servers", len(servers), "Keep three.")
    if len(set(servers)) < len(servers):
        yield finding("dns_twice", "he_dns_addr", "each name server once", "one of them twice", "Remove it.", "warn")
    if values["he_vm_ip_addr"] and values["he_vm_ip_addr"] in servers:
        yield finding(
            "dns_is_engine", "he_dns_addr", "name servers", "the address of the engine", "The engine is no name server."
        )
    if values["he_vm_ip_addr"] and not servers:
        advice = "A static engine VM has no name server then; it must resolve the names of its hosts and storage."
        yield finding("dns_missing", "he_dns_addr", "name servers", "none", advice, "warn")


def _one_address(option: str, text: Any) -> Iterator[Finding]:
    if not text:
        return
    address = address_of(text)
    if address is None or "[" in str(text):
        yield finding("address", option, "an IP address", repr(str(text)[:300]), "Give a numeric address.")
    elif address.is_multicast or address.is_loopback or address.is_unspecified or str(address) == "255.255.255.255":
        yield finding("address", option, "the address of one machine", address, "Give a unicast address.")
    elif address.is_link_local and option in ("he_vm_ip_addr", "he_dns_addr", "he_host_ip"):
        yield finding(
            "address", option, "an address that is valid beyond one link", address, "Give a routable address."
        )


@rule
def the_static_address_fits_its_network(values: Values) -> Iterator[Finding]:
    """Address, prefix and gateway belong together; routes of other kinds are not made."""
    address, gateway, prefix = (
        address_of(values["he_vm_ip_addr"]),
        address_of(values["he_gateway"]),
        values["he_vm_ip_prefix"],
    )
    if address is None:
        if prefix is not None and not values["he_vm_ip_addr"]:
            yield finding(
                "prefix",
                "he_vm_ip_prefix",
                "a static address too",
                "none",
                "Set he_vm_ip_addr, or leave both out.",
                "warn",
            )
        return
    if prefix is None:
        return
    if not 1 <= prefix <= address.max_prefixlen - 1:
        yield finding(
            "prefix", "he_vm_ip_prefix", f"1 to {address.max_prefixlen - 1}", prefix, "Give the prefix length."
        )
        return
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    if address in (network.network_address, network.broadcast_address) and network.num_addresses > 2:
        yield finding("address", "he_vm_ip_addr", f"a host address of {network}", address, "Choose another address.")
    if gateway is None:
        return
    if gateway.version != address.version:
        yield finding("family", "he_gateway", f"an IPv{address.version} address", gateway, "Use one family.")
    elif gateway not in network and not gateway.is_link_local:
        yield finding(
            "gateway", "he_gateway", f"an address of {network}", gateway, "The gateway must be on the engine's link."
        )
    elif gateway == address:
        yield finding(
            "gateway", "he_gateway", "another machine", "the address of the engine", "Give the router's address."
        )


@rule
def one_family_is_used(values: Values) -> Iterator[Finding]:
    """IPv4 or IPv6 is decided once for all of a deployment."""
    if values["he_force_ip4"] and values["he_force_ip6"]:
        yield finding("family", "he_force_ip6", "one family", "both he_force_ip4 and he_force_ip6", "Keep one.")
        return
    forced = 4 if values["he_force_ip4"] else 6 if values["he_force_ip6"] else None
    own = _version(values["he_vm_ip_addr"])
    for option in ("he_vm_ip_addr", "he_gateway", "he_host_ip"):
        version = _version(values[option])
        if forced and version not in (None, forced):
            yield finding(
                "family",
                option,
                f"an IPv{forced} address, as he_force_ip{forced} asks",
                values[option],
                "Use one family.",
            )
    for server in values["he_dns_addr"]:
        wanted = own or forced
        if wanted and _version(server) not in (None, wanted):
            advice = "The engine VM's network has one address family."
            yield finding("family", "he_dns_addr", f"IPv{wanted} addresses", server, advice)
    if forced == 6 and not values["he_vm_ip_addr"]:
        advice = "With IPv6 the engine VM needs a static address."
        yield finding("static_ipv6", "he_vm_ip_addr", "a static IPv6 address", "none", advice)


@rule
def the_bootstrap_network_hides_nothing(values: Values) -> Iterator[Finding]:
    """What lies in the bootstrap network's range cannot be reached while it exists."""
    text = str(values["he_ipv4_subnet_prefix"])
    try:
        network = ipaddress.IPv4Network(f"{text}.0/24")
    except ValueError:
        advice = "Write it like 192.168.222."
        yield finding(
            "subnet", "he_ipv4_subnet_prefix", "the first three numbers of a network", repr(text[:60]), advice
        )
        return
    if not network.is_private:
        yield finding(
            "subnet",
            "he_ipv4_subnet_prefix",
            "a private network",
            str(network),
            "Take one of 10/8, 172.16/12 or 192.168/16.",
        )
    try:
        ipaddress.IPv6Network(f"{values['he_ipv6_subnet_prefix']}::/64")
    except ValueError:
        seen = repr(str(values["he_ipv6_subnet_prefix"])[:60])
        yield finding("subnet", "he_ipv6_subnet_prefix", "the first four groups of a network", seen, "Leave it out.")
    reached = [(option, values[option]) for option in REACHED]
    reached += [("he_dns_addr", server) for server in values["he_dns_addr"]]
    reached += [("he_iscsi_portal_addr", portal) for portal in values["he_iscsi_portal_addr"]]
    for option, address in reached:
        found = address_of(address)
        if found is not None and found in network:
            advice = f"Set he_ipv4_subnet_prefix to a network that does not hold the address of {option}."
            yield finding("subnet_overlap", "he_ipv4_subnet_prefix", f"a network without {found}", str(network), advice)


@rule
def interfaces_have_names(values: Values) -> Iterator[Finding]:
    """Names of the kernel, at most 15 characters."""
    for option in ("he_bridge_if", "he_storage_if"):
        name = values[option]
        if not name:
            continue
        if not INTERFACE.fullmatch(name):
            yield finding(
                "interface", option, "the name of an interface", repr(name[:60]), "Write it as `ip link` shows it."
            )
            continue
        vlan = VLAN.fullmatch(name)
        if vlan and not 1 <= int(vlan[1]) <= 4094:
            yield finding("interface", option, "a VLAN id from 1 to 4094", name, "Correct the number after the point.")


@rule
def ports_are_ports(values: Values) -> Iterator[Finding]:
    """A port has 16 bits; 0 is none."""
    for option in ("he_tcp_t_port", "he_smtp_port", "he_webui_forward_port"):
        port = values[option]
        if port is not None and port > 65535:
            yield finding("port", option, "1 to 65535", port, "Correct the number.")


@rule
def the_network_test_is_what_is_set(values: Values) -> Iterator[Finding]:
    """The address of a test that is not run was probably meant for one."""
    for option in ("he_tcp_t_address", "he_tcp_t_port"):
        if values[option] is not None and values["he_network_test"] != "tcp":
            advice = "Set he_network_test to tcp, or leave it out."
            yield finding("network_test", option, "he_network_test tcp", values["he_network_test"], advice, "warn")


@rule
def network_settings_fit_the_configuration(values: Values) -> Iterator[Finding]:
    """They are written to hosted-engine.conf."""
    for option in ("he_tcp_t_address", "he_fqdn", "he_gateway", "he_mgmt_network"):
        text = str(values[option] or "")
        if not CONF_SAFE.fullmatch(text):
            yield finding("conf_signs", option, CONF_EXPECTED, repr(text[:300]), CONF_ADVICE)


def _version(text: Any) -> int | None:
    found = address_of(text)
    return None if found is None else found.version
