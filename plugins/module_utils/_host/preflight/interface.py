# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface of the management network."""

from __future__ import annotations

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import echo, interfaces, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.common import (
    carried_by_management_network,
    find_interface,
    gateway_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_USUAL_MTU, _SMALLEST_MTU = 1500, 1280
_HEADERS = 28


@check(
    "network.interface",
    block=(
        ".missing",
        ".kind",
        ".bond_name",
        ".bond_mode",
        ".bond_ports",
        ".vlan_name",
        ".port",
        ".down",
        ".address",
    ),
)
def interface(context: Context) -> Result:
    """The management network's interface is there, of a kind that vdsm takes, up, and has an address."""
    name = context.host["management"]["interface"]
    found = find_interface(context, name)
    all_of_them = context.host["interfaces"]
    usable = [one["name"] for one in interfaces.candidates(all_of_them) if one["usable"]]
    resolution = f"Name one of {', '.join(usable) or 'the interfaces of the host'} with he_bridge_if."
    if found is None:
        expected = f"interface {name or '(none named, and no default route)'}"
        yield Finding("network.interface.missing", expected, "none", resolution, "he_bridge_if")
        return
    if carried_by_management_network(context):
        yield f"{name}, under the bridge of the management network"
        return
    reasons = interfaces.reasons_against(found, all_of_them)
    for kind, reason in reasons.items():
        expected = f"{name} to carry the management network"
        yield Finding(f"network.interface.{kind}", expected, f"{name}: {reason}", resolution, "he_bridge_if")
    if not reasons:
        yield f"{name} ({found['type']})"


@check("network.default_route", warn=(".elsewhere",))
def default_route(context: Context) -> Result:
    """The default route goes through the management network's interface."""
    through = default_interface()
    own = context.host["management"]
    if own["carrier"] and through and through not in (own["interface"], own["carrier"]):
        resolution = "Name the interface of the default route with he_bridge_if, or move the route."
        yield Finding("network.default_route.elsewhere", own["interface"], through, resolution, "he_bridge_if")


def default_interface(path: str = "/proc/net/route") -> str:
    """Return the interface of the IPv4 default route with the lowest metric, nothing when there is none."""
    routes = [line.split() for line in textfile.read(path).splitlines()[1:]]
    defaults = [words for words in routes if len(words) > 7 and words[1] == words[7] == "00000000"]
    best = min(defaults, key=lambda words: int(words[6]), default=None)
    return best[0] if best else ""


@check("network.mtu", warn=(".small", ".path"))
def mtu(context: Context) -> Result:
    """Packets as large as the interface takes reach the gateway."""
    found = find_interface(context, context.host["management"]["carrier"])
    if found is None:
        return
    size = found["mtu"]
    if size < _USUAL_MTU:
        severity = f"{_USUAL_MTU} or more ({_SMALLEST_MTU} at the least)"
        resolution = f"Raise the MTU of {found['name']}, or prepare for slow storage and migration."
        yield Finding("network.mtu.small", severity, str(size), resolution)
    gateway = gateway_of(context)
    if "." not in gateway or not echo.answers(gateway, 1.0, found["name"]):
        # Whether it answers at all is another check's question.
        yield f"{size} on {found['name']}"
    elif echo.answers(gateway, 1.5, found["name"], size - _HEADERS):
        yield f"{size} up to {gateway}"
    else:
        expected = f"packets of {size} bytes to reach {gateway}"
        resolution = f"Lower the MTU of {found['name']}, or raise that of the switches and the gateway."
        yield Finding("network.mtu.path", expected, "only smaller ones do", resolution)
