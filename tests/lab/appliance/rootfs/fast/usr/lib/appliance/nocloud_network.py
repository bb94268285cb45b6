"""Network configuration of a seed, version 1 or 2, as NetworkManager keyfiles."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def keyfiles(config: dict) -> dict[str, str]:
    """Keyfile texts by connection name. Raises ValueError for an unknown version."""
    config = config.get("network", config)
    version = config.get("version", 2 if "ethernets" in config else 1)
    if version == 1:
        return _version_1(config.get("config") or [])
    if version == 2:
        return {f"cloud-init-{name}": _version_2(name, entry or {}) for name, entry in (config.get("ethernets") or {}).items()}
    raise ValueError(f"network-config version {version!r}")


def _version_1(entries: list) -> dict[str, str]:
    servers, domains, found = [], [], {}
    for entry in entries:
        if entry.get("type") == "nameserver":
            servers += _many(entry.get("address"))
            domains += _many(entry.get("search"))
    for entry in entries:
        if entry.get("type") != "physical":
            continue
        methods, addresses, gateways = {}, {4: [], 6: []}, {}
        dns, search = list(servers), list(domains)
        for subnet in entry.get("subnets") or []:
            kind = subnet.get("type", "manual")
            dns += _many(subnet.get("dns_nameservers"))
            search += _many(subnet.get("dns_search"))
            if kind in ("dhcp", "dhcp4"):
                methods[4] = "auto"
            elif kind.startswith(("dhcp6", "ipv6_")):
                methods[6] = "auto"
            elif kind in ("static", "static6"):
                address = str(subnet["address"])
                if "/" not in address and subnet.get("netmask"):
                    address = f"{address}/{subnet['netmask']}"
                interface = ipaddress.ip_interface(address)
                methods.setdefault(interface.version, "manual")
                addresses[interface.version].append(interface.with_prefixlen)
                if subnet.get("gateway"):
                    gateways[interface.version] = str(subnet["gateway"])
        name = entry["name"]
        found[f"cloud-init-{name}"] = _render(name, entry.get("mac_address"), methods, addresses, gateways, dns, search)
    return found


def _version_2(name: str, entry: dict) -> str:
    methods, addresses, gateways = {}, {4: [], 6: []}, {}
    for text in entry.get("addresses") or []:
        interface = ipaddress.ip_interface(text)
        methods[interface.version] = "manual"
        addresses[interface.version].append(interface.with_prefixlen)
    for version in (4, 6):
        if entry.get(f"dhcp{version}"):
            methods[version] = "auto"
        if entry.get(f"gateway{version}"):
            gateways[version] = str(entry[f"gateway{version}"])
    for route in entry.get("routes") or []:
        if route.get("to") in ("default", "0.0.0.0/0", "::/0"):
            gateways[ipaddress.ip_address(route["via"]).version] = str(route["via"])
    servers = entry.get("nameservers") or {}
    return _render(
        entry.get("set-name", name), (entry.get("match") or {}).get("macaddress"), methods, addresses, gateways,
        _many(servers.get("addresses")), _many(servers.get("search")),
    )  # fmt: skip


def _render(
    name: str, mac: str | None, methods: dict, addresses: dict, gateways: dict, dns: list[str], search: list[str]
) -> str:
    lines = ["[connection]", f"id=cloud-init {name}", "type=ethernet", f"interface-name={name}", "", "[ethernet]"]
    if mac:
        lines.append(f"mac-address={mac.lower()}")
    for version in (4, 6):
        lines += ["", f"[ipv{version}]", f"method={methods.get(version, 'disabled')}"]
        for number, address in enumerate(addresses[version], start=1):
            gateway = f",{gateways[version]}" if number == 1 and version in gateways else ""
            lines.append(f"address{number}={address}{gateway}")
        servers = [server for server in dns if ipaddress.ip_address(server).version == version]
        if servers:
            lines.append(f"dns={';'.join(servers)};")
        if search and version in methods:
            lines.append(f"dns-search={';'.join(search)};")
    return "\n".join(lines) + "\n"


def _many(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    return [str(item) for item in value] if isinstance(value, Iterable) else [str(value)]
