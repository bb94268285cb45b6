# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules between settings, those that need no host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding

Values = dict[str, Any]
Rule = Callable[[Values], Iterator[Finding]]

RULES: list[Rule] = []
ALWAYS_NEEDED = {
    "he_fqdn": "the engine's fully qualified domain name",
    "he_domain_type": "the type of the storage domain",
    "he_admin_password": "a password for the engine's administrator",
    "he_appliance_password": "a password for root in the engine VM",
}
# A further host takes everything else from the engine and from the host that runs it.
NEEDED_TO_ADD_A_HOST = frozenset({"he_fqdn", "he_admin_password"})
DEPLOY, ADD_HOST = "deploy", "add_host"
NEEDED_BY_TYPE = {"nfs": ("he_storage_domain_addr", "he_storage_domain_path")}
HOST_NAME = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.I)
MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
ENGINE_NAME = re.compile(r"[A-Za-z0-9_-]+")
# hosted-engine.conf is read by three parsers, one of them a shell (host contract 1.1).
CONF_SAFE = re.compile(r"[A-Za-z0-9_./:@%+,=\[\]~^-]*")


def rule(function: Rule) -> Rule:
    """Add a rule to those that every run checks."""
    RULES.append(function)
    return function


def check(values: Values, purpose: str = DEPLOY) -> list[Finding]:
    """Return what all rules have to say about typed settings.

    Args:
        values: typed settings.
        purpose: what they are for, C(deploy) or C(add_host); it decides about what must be given.
    """
    found = [finding for one in RULES for finding in one(values)]
    if purpose == DEPLOY:
        return found
    return [one for one in found if one.id != "settings.missing" or one.source in NEEDED_TO_ADD_A_HOST]


def _finding(id: str, source: str, expected: str, seen: Any, advice: str, severity: str = "block") -> Finding:
    return Finding(f"settings.{id}", source, expected, str(seen), advice, severity)


@rule
def nothing_is_missing(values: Values) -> Iterator[Finding]:
    """What has no default must be given."""
    needed = dict(ALWAYS_NEEDED)
    needed.update(dict.fromkeys(NEEDED_BY_TYPE.get(values["he_domain_type"], ()), "a value for this storage type"))
    if values["he_network_test"] == "tcp":
        needed.update({"he_tcp_t_address": "an address to test", "he_tcp_t_port": "a port to test"})
    if values["he_vm_ip_addr"]:
        needed["he_vm_ip_prefix"] = "the prefix length of he_vm_ip_addr"
    for name, what in needed.items():
        if values[name] in (None, ""):
            yield _finding("missing", name, what, "nothing", f"Set {name}.")


@rule
def the_engine_has_a_full_name(values: Values) -> Iterator[Finding]:
    """Certificates and single sign-on work only with a full name."""
    name = values["he_fqdn"]
    if name and not HOST_NAME.fullmatch(name):
        yield _finding(
            "fqdn", "he_fqdn", "a fully qualified domain name", repr(name), "Use a name like engine.example.com."
        )
    if name and name == values["he_host_address"]:
        yield _finding(
            "fqdn_is_host", "he_fqdn", "a name of its own", "the name of this host", "Give the engine another name."
        )


@rule
def names_in_the_engine_are_plain(values: Values) -> Iterator[Finding]:
    """The engine refuses other signs in these names (measured on ovirt-engine 4.5.8)."""
    for option in ("he_data_center", "he_cluster", "he_storage_domain_name", "he_mgmt_network"):
        if not ENGINE_NAME.fullmatch(str(values[option] or "")):
            yield _finding("name", option, "letters, digits, '_' and '-'", repr(values[option]), "Choose another name.")
    if len(str(values["he_mgmt_network"])) > 15:
        yield _finding(
            "name",
            "he_mgmt_network",
            "at most 15 characters",
            len(values["he_mgmt_network"]),
            "The bridge has this name.",
        )


@rule
def a_data_center_of_its_own_has_a_cluster_of_its_own(values: Values) -> Iterator[Finding]:
    """The cluster Default belongs to the data center Default."""
    if values["he_data_center"] != "Default" and values["he_cluster"] == "Default":
        yield _finding("cluster", "he_cluster", "a cluster of that data center", "Default", "Set he_cluster too.")


@rule
def sizes_are_sizes(values: Values) -> Iterator[Finding]:
    """Memory and CPUs are numbers or V(max); floors hold unless they are switched off."""
    for option, unit in (("he_mem_size_MB", "MiB"), ("he_vcpus", "CPUs")):
        text = str(values[option])
        if text != "max" and not (text.isdigit() and int(text) > 0):
            yield _finding("size", option, f"a number of {unit}, or max", repr(text), f"Set {option} to a number.")
    floors = values["he_requirements_check_enabled"]
    memory = str(values["he_mem_size_MB"])
    if floors and values["he_memory_requirements_check_enabled"] and memory.isdigit():
        least = values["he_minimal_mem_size_MB"]
        if int(memory) < least:
            yield _finding(
                "memory_floor", "he_mem_size_MB", f"at least {least} MiB", memory, "Give the engine more memory."
            )
    if floors and values["he_disk_size_GB"] < values["he_minimal_disk_size_GB"]:
        least = values["he_minimal_disk_size_GB"]
        seen = values["he_disk_size_GB"]
        yield _finding("disk_floor", "he_disk_size_GB", f"at least {least} GiB", seen, "Give the engine a larger disk.")


@rule
def the_mac_address_is_unicast(values: Values) -> Iterator[Finding]:
    """A multicast address never gets an answer; the engine refuses it late."""
    mac = values["he_vm_mac_addr"]
    if not mac:
        return
    if not MAC.fullmatch(mac):
        yield _finding("mac", "he_vm_mac_addr", "six hexadecimal pairs", repr(mac), "Write it like 00:16:3e:12:34:56.")
    elif int(mac[:2], 16) & 1:
        seen = f"multicast address {mac}"
        yield _finding("mac", "he_vm_mac_addr", "a unicast address", seen, "Make the first byte even.")


@rule
def addresses_are_addresses(values: Values) -> Iterator[Finding]:
    """Static address, gateway and name servers fit each other."""
    parsed: dict[str, Any] = {}
    for option in ("he_vm_ip_addr", "he_gateway"):
        if values[option]:
            try:
                parsed[option] = ipaddress.ip_address(values[option])
            except ValueError:
                yield _finding("address", option, "an IP address", repr(values[option]), "Give a numeric address.")
    for server in values["he_dns_addr"]:
        try:
            ipaddress.ip_address(server)
        except ValueError:
            yield _finding(
                "address", "he_dns_addr", "IP addresses", repr(server), "Give numeric addresses of name servers."
            )
    if len(values["he_dns_addr"]) > 3:
        yield _finding(
            "dns_count", "he_dns_addr", "at most three name servers", len(values["he_dns_addr"]), "Keep three."
        )
    address, gateway, prefix = parsed.get("he_vm_ip_addr"), parsed.get("he_gateway"), values["he_vm_ip_prefix"]
    if address is None or prefix is None:
        return
    if not 1 <= prefix <= address.max_prefixlen - 1:
        yield _finding(
            "prefix", "he_vm_ip_prefix", f"1 to {address.max_prefixlen - 1}", prefix, "Give the prefix length."
        )
        return
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    if address in (network.network_address, network.broadcast_address):
        yield _finding("address", "he_vm_ip_addr", f"a host address of {network}", address, "Choose another address.")
    if gateway is not None and gateway not in network:
        yield _finding(
            "gateway", "he_gateway", f"an address of {network}", gateway, "The gateway must be on the engine's link."
        )


@rule
def the_export_is_a_path(values: Values) -> Iterator[Finding]:
    """The engine wants an absolute path; hosted-engine.conf bears few signs."""
    path = values["he_storage_domain_path"]
    if values["he_domain_type"] == "nfs" and path and not path.startswith("/"):
        yield _finding("path", "he_storage_domain_path", "an absolute path", repr(path), "Begin it with a slash.")
    for option in (
        "he_storage_domain_addr",
        "he_storage_domain_path",
        "he_mount_options",
        "he_tcp_t_address",
        "he_fqdn",
    ):
        if values[option] and not CONF_SAFE.fullmatch(str(values[option])):
            advice = "hosted-engine.conf cannot carry other signs, a shell reads it too."
            yield _finding("conf_signs", option, "letters, digits and ./:@%+,=[]~^_-", repr(values[option]), advice)


@rule
def passwords_fit_on_one_line(values: Values) -> Iterator[Finding]:
    """An answer file has one line for a value."""
    for option in ("he_admin_password", "he_appliance_password", "he_db_password", "he_dwh_db_password"):
        secret = values[option]
        if secret and any(ord(sign) < 32 or ord(sign) == 127 for sign in secret):
            yield _finding(
                "password", option, "printable characters", "a control character", "Choose another password."
            )
        if secret and secret != secret.strip():
            yield _finding("password", option, "no space at its ends", "a space at an end", "Choose another password.")
