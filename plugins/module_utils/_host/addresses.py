# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the host's kernel knows of networks, read with one command, and a prefix that is in nobody's way."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

NAT_NO_PREFIX = declare(
    "nat.no_free_prefix",
    "No private IPv4 prefix is free for the network of the bootstrap VM",
    "Name a /24 that nothing on this host or near it uses, with he_ipv4_subnet_prefix.",
)

IP_UNREADABLE = declare(
    "network.ip_unreadable",
    "The answer of the command ip could not be understood",
    "Install iproute 4.16 or newer.",
)

Prefix = ipaddress.IPv4Network
Json = dict[str, Any]

RESOLVER_FILES = ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")
_QUESTIONS = ("addr show", "route show table all", "rule show", "neigh show")


@dataclass(frozen=True)
class KernelNetworks:
    """Answers of C(ip -j) as they came: addresses, IPv4 routes of all tables, IPv4 policy rules and neighbours."""

    addresses: list[Json]
    routes: list[Json]
    rules: list[Json]
    neighbours: list[Json] = field(default_factory=list)


def read_kernel() -> KernelNetworks:
    """Ask the kernel for everything that has to do with IPv4 networks, in one process."""
    text = run(["ip", "-4", "-j", "-batch", "-"], stdin="".join(f"{question}\n" for question in _QUESTIONS)).stdout
    return KernelNetworks(*answers(text, len(_QUESTIONS)))


def answers(text: str, count: int) -> list[list[Json]]:
    """Split what one batch of C(ip -j) printed into its documents, one for each question.

    Raises:
        HostedEngineError: C(network.ip_unreadable).
    """
    decoder = json.JSONDecoder()
    found: list[list[Json]] = []
    rest = text.lstrip()
    while rest:
        try:
            document, end = decoder.raw_decode(rest)
        except ValueError as error:
            raise HostedEngineError(IP_UNREADABLE, observed=f"{error}: {rest[:80]!r}") from error
        found.append(document)
        rest = rest[end:].lstrip()
    if len(found) != count:
        raise HostedEngineError(IP_UNREADABLE, expected=f"{count} answers", observed=f"{len(found)} answers")
    return found


def resolvers(paths: Sequence[str] = RESOLVER_FILES) -> list[str]:
    """Return the addresses of the name servers that the host asks, also behind systemd-resolved."""
    found: list[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as stream:
                found += re.findall(r"^\s*nameserver\s+(\S+)", stream.read(), re.MULTILINE)
        except FileNotFoundError:
            continue
    return found


def used_prefixes(kernel: KernelNetworks, ignore_device: str = "") -> list[tuple[Prefix, str]]:
    """Return the prefixes that the kernel knows, each with the words that say from where.

    Default routes, and the two halves that VPNs split them into, are left out: behind them lies everything.

    Args:
        kernel: what the kernel said.
        ignore_device: an interface of ours that does not count.
    """
    found: list[tuple[Prefix, str]] = []
    for link in kernel.addresses:
        for address in link.get("addr_info", []):
            if link.get("ifname") != ignore_device and address.get("family") == "inet":
                found.append((_prefix(f"{address['local']}/{address['prefixlen']}"), f"address on {link['ifname']}"))
    for route in kernel.routes:
        if route.get("dev") != ignore_device and route.get("dst") != "default":
            table = route.get("table", "main")
            found.append((_prefix(route["dst"]), f"route in table {table}"))
    for neighbour in kernel.neighbours:
        if neighbour.get("dev") != ignore_device and "dst" in neighbour:
            found.append((_prefix(neighbour["dst"]), f"neighbour on {neighbour['dev']}"))
    for rule in kernel.rules:
        for key in ("src", "dst"):
            if rule.get(key, "all") != "all":
                found.append((_prefix(f"{rule[key]}/{rule.get(key + 'len', 32)}"), f"rule {rule['priority']}"))
    return [entry for entry in found if entry[0].prefixlen > 1]


def avoided_prefixes(names: Iterable[str]) -> list[tuple[Prefix, str]]:
    """Return the prefixes behind addresses, prefixes and host names that must stay reachable.

    A name that does not resolve, or that has IPv6 addresses only, adds nothing; whether it ought to resolve is a
    question of the preflight.
    """
    found: list[tuple[Prefix, str]] = []
    for name in filter(None, names):
        try:
            network = ipaddress.ip_network(name, strict=False)
        except ValueError:
            found += [(_prefix(address), f"address of {name}") for address in _resolve(name)]
        else:
            if isinstance(network, ipaddress.IPv4Network):
                found.append((network, f"given: {name}"))
    return found


def candidates(preferred: str) -> Iterator[Prefix]:
    """Return the prefixes to try, the preferred one first.

    Args:
        preferred: a prefix (C(192.168.222.0/24)), or the first three numbers of one (C(192.168.222)).
    """
    first = preferred_prefix(preferred)
    yield first
    pools = ("192.168.128.0/17", "198.18.0.0/15", "172.16.0.0/12", "10.128.0.0/9")
    for pool in pools:
        yield from (prefix for prefix in ipaddress.IPv4Network(pool).subnets(new_prefix=24) if prefix != first)


def preferred_prefix(text: str) -> Prefix:
    """Return the prefix that an operator wrote, in one of the two ways to write it.

    Raises:
        HostedEngineError: C(nat.no_free_prefix) when it is none, or has no room for two hosts.
    """
    try:
        prefix = ipaddress.IPv4Network(f"{text}.0/24" if text.count(".") == 2 else text)
    except ValueError as error:
        raise HostedEngineError(NAT_NO_PREFIX, observed=f"{text!r}: {error}", expected="192.168.222.0/24") from error
    if prefix.prefixlen > 29:
        raise HostedEngineError(NAT_NO_PREFIX, observed=f"{prefix} is too small", expected="a /29 or larger")
    return prefix


def conflict(prefix: Prefix, used: Iterable[tuple[Prefix, str]]) -> Optional[str]:
    """Return what a prefix overlaps with, in words, or None when it is free."""
    return next((f"{other} ({why})" for other, why in used if prefix.overlaps(other)), None)


def free_prefix(preferred: str, used: Sequence[tuple[Prefix, str]]) -> Prefix:
    """Return the first candidate that overlaps with nothing in use.

    Raises:
        HostedEngineError: C(nat.no_free_prefix).
    """
    for prefix in candidates(preferred):
        if conflict(prefix, used) is None:
            return prefix
    seen = ", ".join(sorted({f"{prefix} ({why})" for prefix, why in used if prefix.prefixlen < 24}))
    raise HostedEngineError(NAT_NO_PREFIX, observed=f"everything overlaps with {seen or 'what is in use'}")


def _prefix(text: str) -> Prefix:
    return ipaddress.IPv4Network(text, strict=False)


def _resolve(name: str) -> list[str]:
    try:
        told = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(answer[4][0]) for answer in told})
