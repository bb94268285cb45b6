# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks of a lab host: bridges, addresses, routes and rules in the kernel, with a way back."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..verbs import truth
from . import kernel, persistence, plan
from .backend import BAD_BONDING, LOST_CONNECTION, Network, error, netmask, normalised
from .kernel import IpError, Link

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")

#: What VDSM waits for the client's sign of life when it names no time, in seconds.
CONNECTIVITY_TIMEOUT = 4


class LinuxNetwork(Network):
    """The kernel's networks. `networks` is the running configuration, the persisted one lies in its files."""

    def __init__(self, host: Host, directory: Path = persistence.DIRECTORY) -> None:
        self._directory = directory
        self._changing = threading.Lock()
        self._heard = threading.Event()
        super().__init__(host)
        self.networks = persistence.load(directory)
        self.bondings = {}

    def persistent(self) -> dict[str, Any]:
        """Networks have files of their own."""
        return {}

    def _initial(self) -> dict[str, dict[str, Any]]:
        return {}

    # -- telling

    def capabilities(self) -> dict[str, Any]:
        """The network part of Host.getCapabilities, from the kernel."""
        links = kernel.links()
        devices = {plan.top(name, attrs): attrs for name, attrs in self.networks.items()}
        nics, bridges, vlans, networks = {}, {}, {}, {}
        for link in links.values():
            told = {**self._addresses(link, devices.get(link.name)), "mtu": link.mtu}
            if link.is_nic:
                nics[link.name] = {**told, "hwaddr": link.mac, "speed": kernel.speed(link.name)}
            elif link.kind == "bridge":
                bridges[link.name] = {
                    **told,
                    "ports": kernel.ports(link.name),
                    "stp": "off",
                    "opts": {"forward_delay": "0"},
                }
            elif link.kind == "vlan":
                vlans[link.name] = {**told, "iface": link.parent, "vlanid": link.vlan}
        for name, attrs in self.networks.items():
            device = links.get(plan.top(name, attrs))
            if device is None:
                continue  # taken away behind our back: the engine must see that it is gone
            networks[name] = {
                **self._addresses(device, attrs),
                "iface": device.name,
                "bridged": attrs["bridged"],
                "southbound": plan.southbound(attrs),
                "switch": attrs.get("switch", "legacy"),
                "mtu": device.mtu,
            }
            if attrs["bridged"]:
                networks[name].update(ports=kernel.ports(name), stp="off")
            if "hostQos" in attrs:
                networks[name]["hostQos"] = attrs["hostQos"]
        return {
            "nics": nics,
            "vlans": vlans,
            "bridges": bridges,
            "networks": networks,
            "bondings": {},
            "nameservers": kernel.nameservers(),
            "supportsIPv6": Path("/proc/net/if_inet6").exists(),
        }

    @staticmethod
    def _addresses(link: Link, attrs: dict[str, Any] | None) -> dict[str, Any]:
        first, _, length = (link.addresses[0] if link.addresses else "").partition("/")
        mask = netmask(length) if length else ""
        return {
            "addr": first,
            "netmask": mask,
            "gateway": link.gateway,
            "ipv4addrs": link.addresses,
            "ipv4defaultroute": bool(link.gateway),
            "dhcpv4": (attrs or {}).get("bootproto") == "dhcp",
            "ipv6addrs": link.addresses6,
            "ipv6gateway": link.gateway6 or "::",
            "ipv6autoconf": False,
            "dhcpv6": False,
        }

    def statistics(self) -> dict[str, Any]:
        """The network part of Host.getStats."""
        return {
            link.name: {
                "name": link.name,
                "macAddr": link.mac,
                "speed": str(kernel.speed(link.name) or 1000),
                "state": "up" if link.up else "down",
                "sampleTime": time.time(),
                **kernel.counters(link.name),
            }
            for link in kernel.links().values()
            if link.is_nic or link.kind in ("bridge", "vlan")
        }

    # -- changing

    def setup(self, networks: dict[str, Any], bondings: dict[str, Any], options: dict[str, Any]) -> None:
        """Host.setupNetworks: all in one go, back to the old state when ip refuses or the client stays silent."""
        if not self._changing.acquire(blocking=False):
            raise error(LOST_CONNECTION, "another setupNetworks is running")
        try:
            self._setup(networks, bondings, options)
        finally:
            self._changing.release()

    def _setup(self, networks: dict[str, Any], bondings: dict[str, Any], options: dict[str, Any]) -> None:
        if any(not truth(attrs.get("remove", False)) for attrs in bondings.values()):
            raise error(
                BAD_BONDING,
                "Bonds are refused: the kernel of this host has no bonding driver"
                if not kernel.can_bond()
                else "Bonds are refused: not supported by this VDSM",
            )
        removed = [name for name, attrs in networks.items() if truth(attrs.get("remove", False))]
        wanted = {name: normalised(attrs) for name, attrs in networks.items() if name not in removed}
        links = kernel.links()
        # what vdsm-tool clear-nets or an administrator took away is no network any more
        before = {name: attrs for name, attrs in self.networks.items() if plan.top(name, attrs) in links}
        after = {**{name: attrs for name, attrs in before.items() if name not in removed}, **wanted}
        plan.validate(after, links, vlans=kernel.can_vlan(), bonds=False, known_bonds=set())
        self._heard.clear()
        try:
            self._change(removed, wanted, before)
            self.networks = after
            self._await_client(options)
        except Exception:
            self._roll_back(before, after, links)
            raise
        if truth(options.get("commitOnSuccess", False)):
            self.persist()
        self.host.emit("|net|host_conn|no_id", {})

    def _change(self, removed: list[str], wanted: dict[str, Any], before: dict[str, Any]) -> None:
        try:
            for name in removed:
                if name in before:
                    kernel.batch(plan.remove(name, before[name], kernel.links(), kernel.rules()))
            for name, attrs in wanted.items():
                links, rules = kernel.links(), kernel.rules()
                if name in before and _device_changes(before[name], attrs):
                    kernel.batch(plan.remove(name, before[name], links, rules, give_back=True))
                    links, rules = kernel.links(), kernel.rules()
                commands = plan.apply(name, attrs, links, rules)
                log.info("network %s: %s", name, "; ".join(commands))
                kernel.batch(commands)
        except IpError as problem:
            raise error(LOST_CONNECTION, f"setupNetworks failed: {problem}") from problem

    def _await_client(self, options: dict[str, Any]) -> None:
        """With connectivityCheck the client must be heard after the change, or all goes back."""
        if not truth(options.get("connectivityCheck", True)):
            return
        timeout = float(options.get("connectivityTimeout") or CONNECTIVITY_TIMEOUT)
        if not self._heard.wait(timeout):
            raise error(LOST_CONNECTION, "connectivity check failed")

    def _roll_back(self, before: dict[str, Any], after: dict[str, Any], links: dict[str, Link]) -> None:
        """The networks of before, and the cards' own addresses where no network had them."""
        log.warning("setupNetworks: rolling back")
        self.networks = before
        for name, attrs in after.items():
            if name not in before or before[name] != attrs:
                kernel.batch(plan.remove(name, attrs, kernel.links(), kernel.rules()))
        now = kernel.links()
        commands = []
        for link in links.values():
            if not link.is_nic or link.name not in now:
                continue
            commands += [
                f"address add {address} brd + dev {link.name}"
                for address in link.addresses
                if address not in now[link.name].addresses
            ]
            if link.gateway and not now[link.name].gateway:
                commands.append(f"route replace default via {link.gateway} dev {link.name}")
        kernel.batch(commands)
        for name, attrs in before.items():
            if after.get(name) != attrs:
                kernel.batch(plan.apply(name, attrs, kernel.links(), kernel.rules()))

    def confirm(self) -> None:
        """The client was heard."""
        self._heard.set()

    def persist(self) -> None:
        """Write the running configuration for the next boot."""
        persistence.save(self.networks, self._directory)


def _device_changes(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether the network moves to other devices, and so must be taken down first."""
    return any(old.get(key) != new.get(key) for key in ("nic", "bonding", "vlan", "bridged"))
