# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the verbs ask of a host's networks, and the model that answers without touching the machine."""

from __future__ import annotations

import ipaddress
import time
import uuid
from typing import TYPE_CHECKING, Any

from ..errors import VdsmError
from ..verbs import truth

if TYPE_CHECKING:
    from ..host import Host

#: Errors of setupNetworks (VDSM `network/errors.py`).
LOST_CONNECTION, BAD_PARAMS, BAD_ADDR, BAD_NIC, USED_NIC, BAD_BONDING, BAD_VLAN = 10, 21, 22, 23, 24, 25, 26


def error(code: int, text: str) -> VdsmError:
    """A ConfigNetworkError."""
    return VdsmError(code, text)


def netmask(value: Any) -> str:
    """A netmask from a netmask or a prefix length."""
    if value and "." not in str(value):
        return str(ipaddress.IPv4Network(f"0.0.0.0/{value}").netmask)
    return str(value or "")


def prefix(mask: str) -> int:
    """Length of a netmask."""
    return ipaddress.IPv4Network(f"0.0.0.0/{mask}").prefixlen


def address_fields(attrs: dict[str, Any] | None) -> dict[str, Any]:
    """The address part of one device or network in the capabilities, from attributes as setupNetworks takes them."""
    attrs = attrs or {}
    address = attrs.get("ipaddr", "")
    mask = netmask(attrs.get("netmask") or attrs.get("prefix")) if address else ""
    return {
        "addr": address,
        "netmask": mask,
        "gateway": attrs.get("gateway", "") if address else "",
        "ipv4addrs": [f"{address}/{prefix(mask)}"] if address and mask else [],
        "ipv4defaultroute": bool(attrs.get("defaultRoute")),
        "dhcpv4": attrs.get("bootproto") == "dhcp",
        "ipv6addrs": [attrs["ipv6addr"]] if attrs.get("ipv6addr") else [],
        "ipv6gateway": attrs.get("ipv6gateway", "::"),
        "ipv6autoconf": False,
        "dhcpv6": False,
    }


def normalised(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a network with booleans for text and a number for the MTU."""
    attrs = dict(attrs)
    for key in ("bridged", "defaultRoute"):
        if key in attrs:
            attrs[key] = truth(attrs[key])
    attrs.setdefault("bridged", True)
    attrs["mtu"] = int(attrs.get("mtu") or 1500)
    return attrs


class Network:
    """A modelled host: networks are what setupNetworks said."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.networks: dict[str, dict[str, Any]] = host.saved.get("networks") or self._initial()
        self.bondings: dict[str, dict[str, Any]] = host.saved.get("bondings") or {}

    def persistent(self) -> dict[str, Any]:
        """What survives a restart."""
        return {"networks": self.networks, "bondings": self.bondings}

    def _initial(self) -> dict[str, dict[str, Any]]:
        config = self.host.config
        name = config.get("management_network", "ovirtmgmt")
        if name is False:
            return {}
        return {
            "ovirtmgmt" if name is True else name: {
                "nic": config.get("nics", ["eth0"])[0],
                "bridged": True,
                "mtu": 1500,
                "switch": "legacy",
                **self._own_address(),
                "bootproto": "dhcp",
            }
        }

    def _own_address(self) -> dict[str, Any]:
        gateway = self.host.config.get("gateway", self.host.address.rsplit(".", 1)[0] + ".254")
        return {
            "ipaddr": self.host.address,
            "netmask": "255.255.255.0",
            "gateway": gateway,
            "bootproto": "none",
            "defaultRoute": True,
        }

    def capabilities(self) -> dict[str, Any]:
        """The network part of Host.getCapabilities."""
        vlans: dict[str, Any] = {}
        bridges: dict[str, Any] = {}
        networks: dict[str, Any] = {}
        direct: dict[str, Any] = {}
        for name, attrs in self.networks.items():
            base = attrs.get("bonding") or attrs.get("nic")
            top, bridged, mtu = base, bool(attrs.get("bridged", True)), int(attrs.get("mtu", 1500))
            if attrs.get("vlan") is not None:
                top = f"{base}.{attrs['vlan']}"
                vlans[top] = {
                    **address_fields(None if bridged else attrs),
                    "iface": base,
                    "vlanid": int(attrs["vlan"]),
                    "mtu": mtu,
                }
            elif not bridged:
                direct[str(base)] = attrs
            networks[name] = {
                **address_fields(attrs),
                "iface": name if bridged else top,
                "bridged": bridged,
                "southbound": top,
                "switch": attrs.get("switch", "legacy"),
                "mtu": mtu,
            }
            if bridged:
                ports = [top] if top else []
                networks[name].update(ports=ports, stp="off")
                bridges[name] = {
                    **address_fields(attrs),
                    "ports": ports,
                    "stp": "off",
                    "mtu": mtu,
                    "opts": {"forward_delay": "0"},
                }
            if "hostQos" in attrs:
                networks[name]["hostQos"] = attrs["hostQos"]
        return {
            "nics": self._nics(direct),
            "vlans": vlans,
            "bridges": bridges,
            "networks": networks,
            "bondings": self._bonds(direct),
            "supportsIPv6": True,
            "nameservers": self.host.config.get("nameservers", ["127.0.0.1"]),
        }

    def _mac(self, nic: str) -> str:
        digest = uuid.uuid5(uuid.NAMESPACE_DNS, self.host.address + nic).bytes
        return ":".join(["52", "54", "00", *(f"{byte:02x}" for byte in digest[:3])])

    def _nics(self, direct: dict[str, Any]) -> dict[str, Any]:
        slaves = {nic for attrs in self.bondings.values() for nic in attrs.get("nics", [])}
        used = slaves | {str(attrs.get("nic")) for attrs in self.networks.values()}
        nics: dict[str, Any] = {}
        for number, name in enumerate(self.host.config.get("nics", ["eth0", "eth1"])):
            # a host without a network has its address on the first card
            plain = self._own_address() if number == 0 and name not in used else None
            nics[name] = {
                **address_fields(direct.get(name, plain)),
                "hwaddr": self._mac(name),
                "speed": 1000,
                "mtu": 1500,
            }
            if name in slaves:
                nics[name]["permhwaddr"] = self._mac(name)
        return nics

    def _bonds(self, direct: dict[str, Any]) -> dict[str, Any]:
        bonds: dict[str, Any] = {}
        for name, attrs in self.bondings.items():
            options = attrs.get("options", "mode=4 miimon=100").split()
            bonds[name] = {
                **address_fields(direct.get(name)),
                "hwaddr": self._mac(attrs["nics"][0]),
                "slaves": attrs["nics"],
                "opts": dict(option.split("=", 1) for option in options if "=" in option),
                "mtu": 1500,
                "switch": "legacy",
                "active_slave": "",
                "ad_aggregator_id": "1",
                "ad_partner_mac": "00:00:00:00:00:00",
                "speed": 1000,
            }
        return bonds

    def statistics(self) -> dict[str, Any]:
        """The network part of Host.getStats."""
        now, told = time.time(), self.capabilities()
        total = str(int((now - self.host.facts.boot_time) * 1000))
        return {
            name: {
                "name": name,
                "macAddr": "",
                "speed": "1000",
                "state": "up",
                "rxErrors": "0",
                "txErrors": "0",
                "rxDropped": "0",
                "txDropped": "0",
                "rx": total,
                "tx": total,
                "sampleTime": now,
            }
            for kind in ("nics", "bondings", "vlans", "bridges")
            for name in told[kind]
        }

    def setup(self, networks: dict[str, Any], bondings: dict[str, Any], options: dict[str, Any]) -> None:
        """Host.setupNetworks. Raises VdsmError."""
        for name, attrs in bondings.items():
            if truth(attrs.get("remove", False)):
                self.bondings.pop(name, None)
            else:
                self.bondings[name] = dict(attrs)
        for name, attrs in networks.items():
            if truth(attrs.get("remove", False)):
                self.networks.pop(name, None)
            else:
                self.networks[name] = self._complete(normalised(attrs))
        for attrs in self.networks.values():
            if attrs.get("bonding") and attrs["bonding"] not in self.bondings:
                raise error(BAD_BONDING, f"Bond {attrs['bonding']} does not exist")
        self.host.later(0.5, lambda: self.host.emit("|net|host_conn|no_id", {}))

    def _complete(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("bootproto") == "dhcp" and not attrs.get("ipaddr"):
            gateway = self.host.address.rsplit(".", 1)[0] + ".254"
            attrs.update(ipaddr=self.host.address, netmask="255.255.255.0", gateway=gateway)
        if attrs.get("nameservers"):
            self.host.config["nameservers"] = list(attrs["nameservers"])
        return attrs

    def confirm(self) -> None:
        """A client was heard: the last setup stays (Host.ping, any call of the engine)."""

    def persist(self) -> None:
        """Host.setSafeNetworkConfig."""
