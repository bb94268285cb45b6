"""A small libvirt in memory, with the parts of the bindings' interface that the collection uses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Optional
from xml.etree import ElementTree


class LibvirtError(Exception):
    pass


class FakeNetwork:
    def __init__(self, owner: FakeConnection, xml: str) -> None:
        self.owner, self.xml, self.active, self.auto = owner, xml, False, 0

    def name(self) -> str:
        return ElementTree.fromstring(self.xml).findtext("name", "")

    def XMLDesc(self, _flags: int) -> str:
        return self.xml

    def isActive(self) -> int:
        return int(self.active)

    def create(self) -> None:
        self.active = True

    def destroy(self) -> None:
        self.active = False

    def undefine(self) -> None:
        self.owner.networks.remove(self)

    def autostart(self) -> int:
        return self.auto

    def setAutostart(self, value: int) -> None:
        self.auto = value

    def update(self, command: int, section: int, _index: int, entry: str, flags: int) -> None:
        assert (command, section) == (3, 4)
        assert bool(flags & 1) == self.active
        root = ElementTree.fromstring(self.xml)
        dhcp = root.find("./ip/dhcp")
        assert dhcp is not None
        dhcp.append(ElementTree.fromstring(entry))
        self.xml = ElementTree.tostring(root, encoding="unicode")

    def DHCPLeases(self, mac: str, _flags: int = 0) -> list[dict[str, Any]]:
        return [lease for lease in self.owner.leases if lease["mac"] == mac]


class FakeDomain:
    def __init__(self, owner: FakeConnection, xml: str, persistent: bool = True) -> None:
        self.owner, self.xml, self.persistent, self.states = owner, xml, persistent, [(5, 0)]
        self.calls: list[str] = []
        self.on_create: Optional[Callable[[], None]] = None

    def name(self) -> str:
        return ElementTree.fromstring(self.xml).findtext("name", "")

    def UUIDString(self) -> str:
        return ElementTree.fromstring(self.xml).findtext("uuid", "")

    def XMLDesc(self, _flags: int) -> str:
        return self.xml

    def state(self) -> tuple[int, int]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def isActive(self) -> int:
        return int(self.states[0][0] in (1, 2, 3, 4))

    def isPersistent(self) -> int:
        return int(self.persistent)

    def create(self) -> None:
        self.calls.append("create")
        self.states = [(1, 1)]

    def shutdown(self) -> None:
        self.calls.append("shutdown")
        if self.states == [(1, 1)]:
            self.states = [(1, 1), (4, 0), (5, 1)]

    def resume(self) -> None:
        self.states = [(1, 5)]

    def destroy(self) -> None:
        self.calls.append("destroy")
        self.states = [(5, 2)]

    def undefineFlags(self, flags: int) -> None:
        assert flags == 1 | 2 | 4
        self.owner.domains.remove(self)

    def setAutostart(self, value: int) -> None:
        self.calls.append(f"autostart {value}")


class FakeConnection:
    def __init__(self) -> None:
        self.networks: list[FakeNetwork] = []
        self.domains: list[FakeDomain] = []
        self.leases: list[dict[str, Any]] = []
        self.opened: list[str] = []
        self.closed = 0
        self.refuse = ""

    def listAllNetworks(self) -> list[FakeNetwork]:
        return list(self.networks)

    def listAllDomains(self) -> list[FakeDomain]:
        return list(self.domains)

    def networkDefineXML(self, xml: str) -> FakeNetwork:
        network = FakeNetwork(self, xml)
        if any(other.name() == network.name() for other in self.networks):
            raise LibvirtError("operation failed: network already exists with uuid")
        self.networks.append(network)
        return network

    def defineXML(self, xml: str) -> FakeDomain:
        domain = FakeDomain(self, xml)
        self.domains = [other for other in self.domains if other.name() != domain.name()] + [domain]
        return domain

    def close(self) -> None:
        self.closed += 1


class FakeIp:
    """A kernel's IPv4 policy rules behind the command C(ip), and recorded answers for the rest."""

    def __init__(self, addresses: str, routes: str) -> None:
        self.addresses, self.routes, self.neighbours = addresses, routes, "[]"
        self.rules: list[dict[str, Any]] = [
            {"priority": 0, "src": "all", "table": "local"},
            {"priority": 32766, "src": "all", "table": "main"},
        ]

    def answer(self, argv: list[str], stdin: str) -> str:
        if argv[-2:] != ["-batch", "-"]:
            return self._line(" ".join(argv[3:] if "-j" in argv else argv[2:]), False)
        return "\n".join(self._line(line, "-force" in argv) for line in stdin.splitlines()) + "\n"

    def _line(self, words: str, forced: bool) -> str:
        shown = {
            "addr show": self.addresses,
            "route show table all": self.routes,
            "rule show": json.dumps(self.rules),
            "neigh show": self.neighbours,
        }
        if words in shown:
            return shown[words]
        found = re.fullmatch(r"rule (add|del) (to|from) ([\d.]+)/(\d+) lookup main priority (\d+)", words)
        assert found, words
        verb, direction, address, length, priority = found.groups()
        key = "dst" if direction == "to" else "src"
        rule = {"priority": int(priority), "src": "all", "table": "main", key: address, f"{key}len": int(length)}
        if verb == "add":
            assert rule not in self.rules, "RTNETLINK answers: File exists"
            self.rules.append(rule)
        elif rule in self.rules or not forced:
            self.rules.remove(rule)
        return ""


class FakeZone:
    """One configuration of a zone: services and ports, as firewalld's Python client gives access to them."""

    def __init__(self, services: list[str], ports: list[tuple[str, str]]) -> None:
        self.services, self.ports = services, ports
        self.interfaces: list[str] = []

    def queryService(self, name: str) -> bool:
        return name in self.services

    def addService(self, name: str) -> None:
        assert name not in self.services, "ALREADY_ENABLED"
        self.services.append(name)

    def removeService(self, name: str) -> None:
        self.services.remove(name)

    def queryPort(self, port: str, protocol: str) -> bool:
        return (port, protocol) in self.ports

    def addPort(self, port: str, protocol: str) -> None:
        assert (port, protocol) not in self.ports, "ALREADY_ENABLED"
        self.ports.append((port, protocol))

    def removePort(self, port: str, protocol: str) -> None:
        self.ports.remove((port, protocol))

    def queryInterface(self, name: str) -> bool:
        return name in self.interfaces

    def removeInterface(self, name: str) -> None:
        self.interfaces.remove(name)


class FakeFirewalld:
    """firewalld behind its Python client: the zone C(libvirt) as it is now, and as it will be after a reload."""

    def __init__(self) -> None:
        self.connected = True
        self.zones = ["public", "libvirt"]
        self.known = ["ssh", "libvirt-tls", "vdsm"]
        self.now = FakeZone(["dhcp", "dns", "ssh"], [("2223", "tcp")])
        self.lasting = FakeZone(["dhcp", "dns", "ssh"], [("2223", "tcp")])
        self.failures: list[Exception] = []

    def getZones(self) -> list[str]:
        for failure in self.failures:
            raise failure
        return self.zones

    def listServices(self) -> list[str]:
        return self.known

    def getServices(self, _zone: str) -> list[str]:
        return self.now.services

    def getPorts(self, _zone: str) -> list[tuple[str, str]]:
        return self.now.ports

    def config(self) -> FakeFirewalld:
        return self

    def getZoneByName(self, name: str) -> FakeZone:
        assert name == "libvirt"
        return self.lasting

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.now, name)
        return lambda _zone, *values: method(*values)
