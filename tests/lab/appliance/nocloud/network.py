"""Network configuration of a seed, version 1 or 2, as NetworkManager keyfiles."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Mapping = dict[str, Any]
"""What YAML makes of a mapping in a seed."""


@dataclass
class Nic:
    """What one NIC gets; methods, addresses and gateways by IP version."""

    name: str
    mac: str | None = None
    methods: dict[int, str] = field(default_factory=dict)
    addresses: dict[int, list[str]] = field(default_factory=lambda: {4: [], 6: []})
    gateways: dict[int, str] = field(default_factory=dict)
    dns: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)

    def add(self, address: str) -> int:
        """Add a static address (with prefix or netmask); its IP version. Raises ValueError."""
        interface = ipaddress.ip_interface(address)
        self.methods.setdefault(interface.version, "manual")
        self.addresses[interface.version].append(interface.with_prefixlen)
        return interface.version

    def keyfile(self) -> str:
        """The NIC as a keyfile; a family without a method is disabled."""
        lines = ["[connection]", f"id=cloud-init {self.name}", "type=ethernet", f"interface-name={self.name}", ""]
        lines.append("[ethernet]")
        if self.mac:
            lines.append(f"mac-address={self.mac.lower()}")
        for version in (4, 6):
            lines += ["", f"[ipv{version}]", f"method={self.methods.get(version, 'disabled')}"]
            for number, address in enumerate(self.addresses[version], start=1):
                gateway = f",{self.gateways[version]}" if number == 1 and version in self.gateways else ""
                lines.append(f"address{number}={address}{gateway}")
            servers = [server for server in self.dns if ipaddress.ip_address(server).version == version]
            if servers:
                lines.append(f"dns={';'.join(servers)};")
            if self.search and version in self.methods:
                lines.append(f"dns-search={';'.join(self.search)};")
        return "\n".join(lines) + "\n"


def keyfiles(config: Mapping) -> dict[str, str]:
    """Keyfile texts by connection name. Raises ValueError for an unknown version."""
    config = config.get("network", config)
    version = config.get("version", 2 if "ethernets" in config else 1)
    if version == 1:
        nics = _version_1(config.get("config") or [])
    elif version == 2:
        nics = [_version_2(name, entry or {}) for name, entry in (config.get("ethernets") or {}).items()]
    else:
        raise ValueError(f"network-config version {version!r}")
    return {f"cloud-init-{nic.name}": nic.keyfile() for nic in nics}


def _version_1(entries: list[Mapping]) -> list[Nic]:
    servers = [entry for entry in entries if entry.get("type") == "nameserver"]
    nics = []
    for entry in entries:
        if entry.get("type") != "physical":
            continue
        nic = Nic(entry["name"], entry.get("mac_address"))
        for server in servers:
            nic.dns += _many(server.get("address"))
            nic.search += _many(server.get("search"))
        for subnet in entry.get("subnets") or []:
            _add_subnet(nic, subnet)
        nics.append(nic)
    return nics


def _add_subnet(nic: Nic, subnet: Mapping) -> None:
    nic.dns += _many(subnet.get("dns_nameservers"))
    nic.search += _many(subnet.get("dns_search"))
    kind = subnet.get("type", "manual")
    if kind in ("dhcp", "dhcp4"):
        nic.methods[4] = "auto"
    elif kind.startswith(("dhcp6", "ipv6_")):
        nic.methods[6] = "auto"
    elif kind in ("static", "static6"):
        address = str(subnet["address"])
        if "/" not in address and subnet.get("netmask"):
            address = f"{address}/{subnet['netmask']}"
        version = nic.add(address)
        if subnet.get("gateway"):
            nic.gateways[version] = str(subnet["gateway"])


def _version_2(name: str, entry: Mapping) -> Nic:
    nic = Nic(entry.get("set-name", name), (entry.get("match") or {}).get("macaddress"))
    for address in entry.get("addresses") or []:
        nic.add(address)
    for version in (4, 6):
        if entry.get(f"dhcp{version}"):
            nic.methods[version] = "auto"
        if entry.get(f"gateway{version}"):
            nic.gateways[version] = str(entry[f"gateway{version}"])
    for route in entry.get("routes") or []:
        if route.get("to") in ("default", "0.0.0.0/0", "::/0"):
            nic.gateways[ipaddress.ip_address(route["via"]).version] = str(route["via"])
    servers = entry.get("nameservers") or {}
    nic.dns, nic.search = _many(servers.get("addresses")), _many(servers.get("search"))
    return nic


def _many(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    return [str(item) for item in value] if isinstance(value, Iterable) else [str(value)]
