# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The name servers that the engine VM will ask: each of them is asked, past the host's own resolver."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Union

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import dns_query
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.common import version_of
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_SOURCE = "he_dns_addr"


@check(
    "network.dns",
    block=(".silent", ".wrong"),
    warn=(".tcp", ".unknown", ".reverse"),
    when=lambda context: bool(context.settings.dns),
)
def name_servers(context: Context) -> Result:
    """Each name server of the engine VM answers, over UDP and TCP, and knows the engine forward and back."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        for found in pool.map(lambda server: list(_about(server, context)), context.settings.dns):
            yield from found


def _about(server: str, context: Context) -> Iterator[Union[Finding, str]]:
    name, wanted = context.settings.fqdn, context.settings.vm_address
    question = name or context.host["fqdn"]
    kind = dns_query.AAAA if version_of(wanted) == 6 else dns_query.A
    try:
        said = dns_query.ask(server, question, kind)
    except OSError as error:
        resolution = "Correct he_dns_addr, or make the server answer to this network."
        yield Finding("network.dns.silent", f"an answer of {server}", str(error), resolution, _SOURCE)
        return
    try:
        dns_query.ask(server, question, kind, tcp=True)
    except OSError as error:
        resolution = "Open port 53/tcp of the server: the HA services' network test asks over TCP."
        yield Finding("network.dns.tcp", f"an answer of {server} over TCP", str(error), resolution, _SOURCE)
    told = f"{server}: {question} is {', '.join(said.values) or said.verdict}"
    if name and not said.values:
        resolution = "Add the record there: the engine VM asks this server for its own name."
        yield Finding("network.dns.unknown", f"{server} to know {name}", said.verdict, resolution, _SOURCE)
    elif name and wanted and wanted not in said.values:
        resolution = "Correct the record there, or he_vm_ip_addr."
        yield Finding("network.dns.wrong", f"{name} is {wanted}", told, resolution, _SOURCE)
    else:
        yield told
        yield from _back(server, name, wanted)


def _back(server: str, name: str, address: str) -> Iterator[Union[Finding, str]]:
    if not name or not address:
        return
    try:
        said = dns_query.ask(server, dns_query.reverse_name(address), dns_query.PTR)
    except OSError:
        return
    if name.lower() not in [value.lower() for value in said.values]:
        expected, seen = f"{address} leads back to {name}", ", ".join(said.values) or said.verdict
        resolution = "Add the reverse record there."
        yield Finding("network.dns.reverse", expected, f"{server}: {seen}", resolution, _SOURCE)
