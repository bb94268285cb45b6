# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of the host and of the engine, forward and back, and the way past a proxy."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import hosts_file, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.facts import resolve
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.common import (
    addresses_of,
    is_loopback,
    version_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_LOCAL_NAMES = ("localhost", "localhost4", "localhost6")


@check("names.host", block=(".forward", ".loopback", ".elsewhere", ".localhost"), warn=(".reverse", ".several"))
def host(context: Context) -> Result:
    """The name under which the engine reaches the host leads to the host, and back."""
    name = context.settings.host_address or context.host["fqdn"]
    addresses = addresses_of(name)
    own = set(context.host["addresses"])
    source = "he_host_address"
    resolution = "Correct the host's record in DNS (or its line in /etc/hosts), or he_host_address."
    if _is_local(name):
        yield Finding("names.host.localhost", "a name that others can use", name, resolution, source)
    elif not addresses:
        yield Finding("names.host.forward", f"an address for {name}", "none", resolution, source)
    elif any(is_loopback(address) for address in addresses):
        seen = _told(name, addresses)
        yield Finding("names.host.loopback", "an address others can reach", seen, resolution, source)
    elif not set(addresses) & own:
        expected = f"one of this host's addresses ({', '.join(context.host['addresses'])})"
        yield Finding("names.host.elsewhere", expected, _told(name, addresses), resolution, source)
    else:
        yield _told(name, addresses)
        strangers = [address for address in addresses if address not in own and version_of(address) == 4]
        if strangers:
            seen = _told(name, addresses)
            yield Finding("names.host.several", "only addresses of this host", seen, resolution, source)
        yield from _reverse("names.host.reverse", name, addresses[0], source)


@check(
    "names.engine",
    block=(".forward", ".loopback", ".local", ".mismatch", ".unqualified", ".localhost"),
    warn=(".reverse",),
    when=lambda context: bool(context.settings.fqdn),
)
def engine(context: Context) -> Result:
    """The engine's name leads to the engine VM's final address and not to this host, and back."""
    name, wanted = context.settings.fqdn, context.settings.vm_address
    source = "he_fqdn"
    if context.begun("bootstrap_local_vm") and hosts_file.HOST_MARKER in textfile.read(hosts_file.PATH):
        yield "it leads to the bootstrap VM now, as it should"
        return
    addresses = resolve(name)
    resolution = "Correct the engine's record in DNS, or he_fqdn or he_vm_ip_addr."
    if _is_local(name):
        yield Finding("names.engine.localhost", "a name that others can use", name, resolution, source)
    elif "." not in name.strip("."):
        yield Finding("names.engine.unqualified", "a fully qualified name", name, "Write he_fqdn in full.", source)
    elif not addresses:
        yield Finding("names.engine.forward", f"an address for {name}", "none", resolution, source)
    elif any(is_loopback(address) for address in addresses):
        seen = _told(name, addresses)
        yield Finding("names.engine.loopback", "an address of the engine VM", seen, resolution, source)
    elif set(addresses) & set(context.host["addresses"]):
        yield Finding("names.engine.local", "an address of its own", f"{name} is this host", resolution, source)
    elif wanted and wanted not in addresses:
        yield Finding("names.engine.mismatch", f"{name} is {wanted}", _told(name, addresses), resolution, source)
    else:
        yield _told(name, addresses)
        yield from _reverse("names.engine.reverse", name, wanted or addresses[0], source)


@check("names.proxy", block=(".engine",), warn=(".host",))
def proxy(context: Context) -> Result:
    """No proxy stands between the host and the engine."""
    proxies = urllib.request.getproxies_environment()
    used = sorted({address for scheme, address in proxies.items() if scheme in ("http", "https", "all")})
    if not used:
        yield "no proxy is set"
        return
    for name, finding, source in (
        (context.settings.fqdn, "names.proxy.engine", "he_fqdn"),
        (context.settings.host_address or context.host["fqdn"], "names.proxy.host", "he_host_address"),
    ):
        if name and not urllib.request.proxy_bypass_environment(name, proxies):  # type: ignore[attr-defined]
            resolution = f"Add {name} (or its domain) to no_proxy of the account that Ansible logs in with."
            yield Finding(finding, f"{name} among no_proxy", f"it goes through {', '.join(used)}", resolution, source)


def _reverse(finding: str, name: str, address: str, source: str) -> Result:
    try:
        found = socket.gethostbyaddr(address)
    except OSError:
        found = ("", [], [])
    if name.lower() not in [known.lower() for known in (found[0], *found[1])] and name != address:
        expected, seen = f"{address} leads back to {name}", found[0] or "to no name"
        yield Finding(finding, expected, seen, "Add the reverse record in DNS.", source)


def _is_local(name: str) -> bool:
    first = name.lower().rstrip(".")
    return first.split(".")[0] in _LOCAL_NAMES or first.endswith(".localhost")


def _told(name: str, addresses: Sequence[str]) -> str:
    return f"{name} is {', '.join(addresses)}"
