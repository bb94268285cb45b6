# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt NAT network of the bootstrap VM: our own, never libvirt's C(default) (host contract 10.2, 10.3)."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional
from xml.etree import ElementTree

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.addresses import (
    KernelNetworks,
    Prefix,
    avoided_prefixes,
    conflict,
    free_prefix,
    preferred_prefix,
    resolvers,
    used_prefixes,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import (
    Connection,
    Network,
    find_network,
)

KIND = "nat_network"

NAT_IN_USE = declare(
    "nat.in_use",
    "The network of the bootstrap VM is left over from before, is in the way of an address, and a VM still uses it",
    "Run playbooks/cleanup.yml, which removes the bootstrap VM and its network, and start again.",
)
NAT_FOREIGN = declare(
    "nat.foreign",
    "A libvirt network has the name or the bridge of the bootstrap network and is not ours",
    "Rename or remove that network, or give the bootstrap network another name and bridge.",
)


NAT_MISSING = declare(
    "nat.missing",
    "The network of the bootstrap VM is not there",
    "Run the phase bootstrap_local_vm from its beginning; it makes the network.",
)


@dataclass(frozen=True)
class NatNetwork:
    """The network as later phases see it; C(address) is the host's own, on the bridge."""

    name: str
    bridge: str
    address: str
    prefix: int
    cidr: str
    uuid: str
    reserved: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the network as a module's result."""
        return asdict(self)


def network_xml(name: str, bridge: str, prefix: Prefix, identity: str, mac: str = "") -> str:
    """Return the network's description: NAT, DHCP from the third address on, the second one for the VM.

    Args:
        name: of the network.
        bridge: device that libvirt makes.
        prefix: IPv4 prefix; its first address is the host's.
        identity: UUID of the network.
        mac: hardware address of the VM, which then always gets the second address.
    """
    root = ElementTree.Element("network")
    ElementTree.SubElement(root, "name").text = name
    ElementTree.SubElement(root, "uuid").text = identity
    nat = ElementTree.SubElement(ElementTree.SubElement(root, "forward", mode="nat"), "nat")
    ElementTree.SubElement(nat, "port", start="1024", end="65535")
    ElementTree.SubElement(root, "bridge", name=bridge, stp="off", delay="0")
    ip = ElementTree.SubElement(root, "ip", address=str(prefix[1]), prefix=str(prefix.prefixlen))
    dhcp = ElementTree.SubElement(ip, "dhcp")
    ElementTree.SubElement(dhcp, "range", start=str(prefix[3]), end=str(prefix[-2]))
    if mac:
        dhcp.append(_host_entry(mac, str(prefix[2])))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def read_network(xml: str, mac: str = "") -> NatNetwork:
    """Return the network that a description describes, and the address it reserves for a hardware address."""
    root = ElementTree.fromstring(xml)
    bridge = root.find("bridge")
    ip = root.find("ip")
    address = ip.get("address", "") if ip is not None else ""
    length = _length(ip)
    reserved = ""
    for entry in root.findall("./ip/dhcp/host"):
        if mac and entry.get("mac", "").lower() == mac.lower():
            reserved = entry.get("ip", "")
    return NatNetwork(
        name=root.findtext("name", ""),
        bridge=bridge.get("name", "") if bridge is not None else "",
        address=address,
        prefix=length,
        cidr=str(ipaddress.IPv4Network(f"{address}/{length}", strict=False)) if address else "",
        uuid=root.findtext("uuid", ""),
        reserved=reserved,
    )


@dataclass(frozen=True)
class NatPlan:
    """What has to happen to the network: C(prefix) is the one to have, C(replace) says that another one must go."""

    existing: Optional[NatNetwork]
    active: bool
    prefix: Prefix
    replace: bool

    @property
    def changes(self) -> bool:
        """Return whether anything has to be done."""
        return self.existing is None or self.replace or not self.active


def plan(
    connected: Connection,
    kernel: KernelNetworks,
    name: str,
    bridge: str,
    preferred: str,
    avoid: Sequence[str],
    mac: str = "",
) -> NatPlan:
    """Look at libvirt and the kernel, and say what has to be done for a network that is in nobody's way.

    Raises:
        HostedEngineError: C(nat.no_free_prefix), C(nat.in_use) or C(nat.foreign).
    """
    others: list[tuple[Prefix, str]] = []
    for network in connected.listAllNetworks():
        facts = read_network(network.XMLDesc(0))
        if facts.name != name and facts.bridge == bridge:
            raise HostedEngineError(NAT_FOREIGN, observed=f"network {facts.name} has the bridge {bridge}")
        if facts.name != name and facts.cidr:
            others.append((ipaddress.IPv4Network(facts.cidr), f"libvirt network {facts.name}"))
    ours = find_network(connected, name)
    existing = read_network(ours.XMLDesc(0), mac) if ours is not None else None
    if existing and existing.bridge != bridge:
        raise HostedEngineError(NAT_FOREIGN, observed=f"network {name} has the bridge {existing.bridge}, not {bridge}")
    used = used_prefixes(kernel, ignore_device=bridge) + others + avoided_prefixes([*avoid, *resolvers()])
    if existing:
        # Our own policy rules name our own prefix.
        used = [entry for entry in used if not (entry[1].startswith("rule ") and str(entry[0]) == existing.cidr)]
        obstacle = conflict(ipaddress.IPv4Network(existing.cidr), used)
        if obstacle is None:
            return NatPlan(
                existing,
                ours is not None and bool(ours.isActive()),
                ipaddress.IPv4Network(existing.cidr),
                replace=False,
            )
        if users(connected, name):
            raise HostedEngineError(
                NAT_IN_USE, observed=f"{existing.cidr} overlaps with {obstacle}; used by {users(connected, name)[0]}"
            )
    preferred_prefix(preferred)
    return NatPlan(existing, False, free_prefix(preferred, used), replace=existing is not None)


def ensure(connected: Connection, planned: NatPlan, name: str, bridge: str, mac: str, ledger: Ledger) -> NatNetwork:
    """Do what the plan says, and return the network."""
    network = find_network(connected, name)
    if network is not None and planned.replace:
        delete(network)
        network = None
    if network is None:
        identity = str(uuid.uuid4())
        with ledger.making(KIND, name, bridge=bridge, uuid=identity):
            network = connected.networkDefineXML(network_xml(name, bridge, planned.prefix, identity, mac))
    if not network.isActive():
        network.create()
    if not network.autostart():
        # A host that reboots in the middle of a deployment finds its bootstrap VM again.
        network.setAutostart(1)
    return read_network(network.XMLDesc(0), mac)


def facts_of(connected: Connection, name: str, mac: str = "") -> NatNetwork:
    """Return a network that must be there.

    Raises:
        HostedEngineError: C(nat.missing).
    """
    network = find_network(connected, name)
    if network is None:
        raise HostedEngineError(NAT_MISSING, observed=f"libvirt knows no network {name}")
    return read_network(network.XMLDesc(0), mac)


def reserve(connected: Connection, name: str, mac: str) -> NatNetwork:
    """Make sure that the network gives one known address to a hardware address, and return the network."""
    import libvirt

    facts = facts_of(connected, name, mac)
    network = find_network(connected, name)
    if network is not None and not facts.reserved:
        root = ElementTree.fromstring(network.XMLDesc(0))
        taken = {entry.get("ip") for entry in root.findall("./ip/dhcp/host")}
        prefix = ipaddress.IPv4Network(facts.cidr)
        free = next(str(address) for address in prefix.hosts() if str(address) not in taken | {facts.address})
        entry = ElementTree.tostring(_host_entry(mac, free), encoding="unicode")
        where = libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        if network.isActive():
            where |= libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE
        network.update(
            libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, entry, where
        )
        facts = read_network(network.XMLDesc(0), mac)
    return facts


def users(connected: Connection, name: str) -> list[str]:
    """Return the names of the running domains that are attached to a network."""
    found = []
    for domain in connected.listAllDomains():
        sources = ElementTree.fromstring(domain.XMLDesc(0)).findall("./devices/interface/source")
        if domain.isActive() and any(source.get("network") == name for source in sources):
            found.append(domain.name())
    return found


def delete(network: Network) -> None:
    """Stop a network and remove its definition; its bridge goes with it."""
    if network.isActive():
        network.destroy()
    network.undefine()


def _host_entry(mac: str, address: str) -> ElementTree.Element:
    return ElementTree.Element("host", mac=mac, ip=address)


def _length(ip: Optional[ElementTree.Element]) -> int:
    if ip is None:
        return 0
    if ip.get("prefix"):
        return int(ip.get("prefix", "0"))
    return ipaddress.IPv4Network(f"0.0.0.0/{ip.get('netmask', '255.255.255.0')}").prefixlen
