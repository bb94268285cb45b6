# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The management network of a new host: planned from what the host reports, then set up by vdsm."""

from __future__ import annotations

import threading
import time
from typing import Any

from ..client import HostClient, HostUnreachable, VdsmError

#: Seconds that vdsm waits for the engine to be seen over the new network before it rolls back (engine default).
CONNECTIVITY_TIMEOUT = 120
#: Seconds between the engine's signs of life meanwhile.
POLL_INTERVAL = 1.0


class ManagementNetworkRefused(ValueError):
    """The host's network does not allow it. `event` is the engine's event code of the reason."""

    def __init__(self, event: int, text: str) -> None:
        super().__init__(text)
        self.event = event


def plan_management_network(
    capabilities: dict[str, Any], name: str, vlan: int | None = None, mtu: int = 0, switch: str = "legacy"
) -> dict[str, Any] | None:
    """Attributes for Host.setupNetworks that put `name` on the interface the engine talks to; None when it is there.

    The addresses are those that the interface has; `mtu` 0 is the default of 1500. Raises ManagementNetworkRefused:
    1121 (interface unknown), 1122 (the VLAN of the network differs from that of the interface).
    """
    if name in capabilities.get("networks", {}):
        return None
    interface = capabilities.get("lastClientIface") or ""
    device, base, tag = _find_interface(capabilities, interface)
    if device is None:
        raise ManagementNetworkRefused(1121, f"no interface carries the engine's connection ({interface!r})")
    if tag is not None and tag != vlan:
        raise ManagementNetworkRefused(1122, f"{interface} has VLAN {tag}, network {name} has {vlan or 'none'}")
    attributes: dict[str, Any] = {"bonding" if base in capabilities.get("bondings", {}) else "nic": base}
    if vlan is not None:
        attributes["vlan"] = str(vlan)
    attributes.update({"mtu": mtu or 1500, "bridged": "true", "STP": "no", "defaultRoute": True, "switch": switch})
    attributes.update(_addresses(device))
    if capabilities.get("nameservers"):
        attributes["nameservers"] = list(capabilities["nameservers"])
    return attributes


def set_up_management_network(
    host: HostClient,
    name: str,
    vlan: int | None = None,
    mtu: int = 0,
    switch: str = "legacy",
    connectivity_timeout: int = CONNECTIVITY_TIMEOUT,
) -> dict[str, Any]:
    """Make the management network where it is missing; returns {"changed", "attributes", "capabilities"} as seen after.

    The bridge is built on the interface that carries this very connection, so the answer of Host.setupNetworks may be
    lost: what counts is what the host reports afterwards. Raises ManagementNetworkRefused, VdsmError (vdsm's reason),
    HostUnreachable (not back within the time).
    """
    capabilities = host.call("Host.getCapabilities")
    attributes = plan_management_network(capabilities, name, vlan, mtu, switch)
    if attributes is None:
        return {"changed": False, "attributes": None, "capabilities": capabilities}
    apply_networks(host, {name: attributes}, connectivity_timeout)
    capabilities = _await_network(host, name, connectivity_timeout)
    host.call("Host.setSafeNetworkConfig")
    return {"changed": True, "attributes": attributes, "capabilities": capabilities}


def apply_networks(
    host: HostClient, networks: dict[str, dict[str, Any]], connectivity_timeout: int = CONNECTIVITY_TIMEOUT
) -> None:
    """Host.setupNetworks with rollback on a lost connection, while the engine keeps showing itself to vdsm.

    Returns when vdsm has answered or the connection broke; raises VdsmError when vdsm refused.
    """
    options = {"connectivityCheck": "true", "connectivityTimeout": connectivity_timeout, "commitOnSuccess": False}
    request = {"networks": networks, "bondings": {}, "options": options}
    with _SignsOfLife(host):
        try:
            host.call("Host.setupNetworks", request, timeout=connectivity_timeout + 60)
        except HostUnreachable:
            return  # the caller looks at the host


class _SignsOfLife:
    """Pings the host over connections of its own while vdsm changes the network."""

    def __init__(self, host: HostClient) -> None:
        self._probe = host.sibling(timeout=2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll-{host.address}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._probe.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._probe.call("Host.ping2")
            except (HostUnreachable, VdsmError):
                self._probe.disconnect()  # an address may have moved; the next try connects anew
            self._stop.wait(POLL_INTERVAL)


def _await_network(host: HostClient, name: str, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        reason: object = f"network {name} is not among those it reports"
        try:
            capabilities: dict[str, Any] = host.call("Host.getCapabilities", timeout=20)
            if name in capabilities.get("networks", {}):
                return capabilities
        except (HostUnreachable, VdsmError) as error:
            reason = error
        if time.monotonic() >= deadline:
            raise HostUnreachable(host.address, f"management network {name} not up within {timeout:g} s: {reason}")
        time.sleep(POLL_INTERVAL)


def _find_interface(capabilities: dict[str, Any], interface: str) -> tuple[dict[str, Any] | None, str, int | None]:
    """The device by that name, the NIC or bond below it, and its VLAN."""
    vlans = capabilities.get("vlans", {})
    if interface in vlans:
        return vlans[interface], vlans[interface]["iface"], int(vlans[interface]["vlanid"])
    for kind in ("nics", "bondings"):
        if interface in capabilities.get(kind, {}):
            return capabilities[kind][interface], interface, None
    return None, "", None


def _addresses(device: dict[str, Any]) -> dict[str, Any]:
    """IPv4 as the device has it; IPv6 only where it is set by hand or comes by itself."""
    result: dict[str, Any] = {}
    if device.get("dhcpv4"):
        result["bootproto"] = "dhcp"
    elif device.get("addr"):
        result.update({"ipaddr": device["addr"], "netmask": device.get("netmask", "")})
        if device.get("gateway"):
            result["gateway"] = device["gateway"]
    result["dhcpv6"] = bool(device.get("dhcpv6"))
    result["ipv6autoconf"] = bool(device.get("ipv6autoconf"))
    return result
