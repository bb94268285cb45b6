# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data centre, cluster and management network: found, or made, before the first host is added (engine contract 7.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.search import named
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

CLUSTER_ELSEWHERE = declare(
    "engine.cluster_elsewhere",
    "The cluster belongs to another data centre",
    "Choose a cluster of the wanted data centre or a new name; a cluster cannot move between data centres.",
)
VERSION_DIFFERS = declare(
    "engine.version_differs",
    "A data centre or cluster exists with another compatibility version",
    "Leave the version out to take what exists, or name a new data centre or cluster.",
)
NETWORK_IN_USE = declare(
    "engine.network_in_use",
    "The management network cannot be changed because the cluster already has hosts",
    "Use the cluster's own management network, or a new cluster.",
)


@dataclass(frozen=True)
class Wanted:
    """The data centre, cluster and management network that a host shall be in."""

    data_center: str
    cluster: str
    network: str = "ovirtmgmt"
    data_center_version: Optional[str] = None
    cluster_version: Optional[str] = None
    cpu_type: Optional[str] = None
    vlan: Optional[int] = None
    gluster: bool = False


@dataclass
class Topology:
    """What there is in the engine, as far as it exists."""

    wanted: Wanted
    data_center: Any = None
    cluster: Any = None
    networks: list[Any] = field(default_factory=list)

    @property
    def network(self) -> Any:
        """The network of the wanted name in the cluster, or None."""
        return named(self.networks, self.wanted.network)

    @property
    def manages(self) -> bool:
        """Whether that network is the cluster's management network."""
        usages = (self.network.usages or []) if self.network is not None else []
        return types.NetworkUsage.MANAGEMENT in usages

    @property
    def tagged(self) -> bool:
        """Whether the network has the wanted VLAN tag; no wanted tag is satisfied with any."""
        if self.wanted.vlan is None:
            return True
        vlan = self.network.vlan if self.network is not None else None
        return vlan is not None and vlan.id == self.wanted.vlan

    def missing(self) -> list[str]:
        """Return what would have to be done, in words."""
        wanted, todo = self.wanted, []
        if self.data_center is None:
            todo.append(f"create data centre {wanted.data_center}")
        if self.cluster is None:
            todo.append(f"create cluster {wanted.cluster}")
        if self.cluster is None and wanted.network != "ovirtmgmt" or self.cluster is not None and not self.manages:
            todo.append(f"make {wanted.network} the cluster's management network")
        if not self.tagged:
            todo.append(f"set VLAN tag {wanted.vlan} on network {wanted.network}")
        return todo


def find(session: Session, wanted: Wanted) -> Topology:
    """Return what exists of the wanted topology.

    Both collections are small; reading them whole is faster than the engine's search (performance, last section).

    Raises:
        HostedEngineError: C(engine.cluster_elsewhere) or C(engine.version_differs).
    """
    topology = Topology(wanted)
    with session.step("read data centres and clusters"):
        topology.data_center = named(session.system.data_centers_service().list(), wanted.data_center)
        topology.cluster = named(session.system.clusters_service().list(), wanted.cluster)
    _check(topology)
    if topology.cluster is not None:
        topology.networks = _networks(session, topology.cluster.id)
    return topology


def ensure(session: Session, wanted: Wanted, notes: Notes) -> tuple[Topology, bool]:
    """Make what is missing of the wanted topology; return it and whether anything was made."""
    topology = find(session, wanted)
    changed = bool(topology.missing())
    if topology.data_center is None:
        topology.data_center = _add_data_center(session, wanted, notes)
    if topology.cluster is None:
        _ensure_network(session, topology, notes)
        topology.cluster = _add_cluster(session, topology, notes)
        topology.networks = _networks(session, topology.cluster.id)
    if not topology.manages:
        _make_management(session, topology, notes)
        topology.networks = _networks(session, topology.cluster.id)
    if not topology.tagged:
        _set_tag(session, topology)
    return topology, changed


def version_of(entity: Any) -> str:
    """Return the compatibility version of a data centre or cluster as text."""
    return f"{entity.version.major}.{entity.version.minor}" if entity.version else ""


def _check(topology: Topology) -> None:
    wanted, data_center, cluster = topology.wanted, topology.data_center, topology.cluster
    if cluster is not None:
        home = cluster.data_center.id if cluster.data_center else None
        if data_center is None or home != data_center.id:
            raise HostedEngineError(
                CLUSTER_ELSEWHERE,
                expected=f"cluster {wanted.cluster} in data centre {wanted.data_center}",
                observed=f"it is in the data centre with id {home}",
            )
    for entity, version in ((data_center, wanted.data_center_version), (cluster, wanted.cluster_version)):
        if entity is not None and version and version_of(entity) != version:
            raise HostedEngineError(
                VERSION_DIFFERS, expected=f"{entity.name} with version {version}", observed=version_of(entity)
            )


def _networks(session: Session, cluster_id: str) -> list[Any]:
    with session.step("read the cluster's networks"):
        return list(session.system.clusters_service().cluster_service(cluster_id).networks_service().list())


def _version(text: Optional[str]) -> Optional[Any]:
    if not text:
        return None
    major, _dot, minor = text.partition(".")
    return types.Version(major=int(major), minor=int(minor or 0))


def _add_data_center(session: Session, wanted: Wanted, notes: Notes) -> Any:
    wish = types.DataCenter(name=wanted.data_center, local=False, version=_version(wanted.data_center_version))
    doing = f"create data centre {wanted.data_center}"
    with notes.making("data_center", wanted.data_center), session.step(doing, "data-center"):
        return session.system.data_centers_service().add(wish)


def _ensure_network(session: Session, topology: Topology, notes: Notes) -> Any:
    """Return the network of the wanted name in the data centre, made if it is missing."""
    wanted, data_center = topology.wanted, topology.data_center
    with session.step("read the data centre's networks"):
        service = session.system.data_centers_service().data_center_service(data_center.id).networks_service()
        network = named(service.list(), wanted.network)
    if network is not None:
        return network
    wish = types.Network(
        name=wanted.network,
        data_center=types.DataCenter(id=data_center.id),
        vlan=types.Vlan(id=wanted.vlan) if wanted.vlan is not None else None,
        usages=[types.NetworkUsage.VM],
    )
    doing = f"create network {wanted.network}"
    with notes.making("network", wanted.network), session.step(doing, "network"):
        return session.system.networks_service().add(wish)


def _add_cluster(session: Session, topology: Topology, notes: Notes) -> Any:
    wanted, data_center = topology.wanted, topology.data_center
    wish = types.Cluster(
        name=wanted.cluster,
        data_center=types.DataCenter(id=data_center.id),
        cpu=types.Cpu(architecture=types.Architecture.X86_64, type=wanted.cpu_type),
        version=_version(wanted.cluster_version),
        gluster_service=wanted.gluster or None,
        virt_service=True,
        management_network=types.Network(name=wanted.network),
    )
    doing = f"create cluster {wanted.cluster}"
    with notes.making("cluster", wanted.cluster), session.step(doing, "cluster"):
        return session.system.clusters_service().add(wish)


def _make_management(session: Session, topology: Topology, notes: Notes) -> None:
    """Give the wanted network all roles of a management network in an existing cluster without hosts."""
    cluster = topology.cluster
    before = [net for net in topology.networks if types.NetworkUsage.MANAGEMENT in (net.usages or [])]
    network = topology.network or _ensure_network(session, topology, notes)
    usage = types.NetworkUsage
    roles = [usage.VM, usage.DISPLAY, usage.MIGRATION, usage.MANAGEMENT, usage.DEFAULT_ROUTE]
    attached = session.system.clusters_service().cluster_service(cluster.id).networks_service()
    advice = NETWORK_IN_USE.advice
    with session.step(f"make {network.name} the management network of {cluster.name}", "management", advice=advice):
        if topology.network is None:
            attached.add(types.Network(id=network.id, required=True))
        attached.network_service(network.id).update(types.Network(required=True, usages=roles))
        # A host must have every required network: what nobody will plug in must not be required any more.
        for old in before:
            attached.network_service(old.id).update(types.Network(required=False))


def _set_tag(session: Session, topology: Topology) -> None:
    """Set the VLAN tag; it must be there before the host is added (engine contract 7.2)."""
    wanted, network, data_center = topology.wanted, topology.network, topology.data_center
    doing = f"set VLAN tag {wanted.vlan} on network {wanted.network}"
    wish = types.Network(
        name=wanted.network, vlan=types.Vlan(id=wanted.vlan), data_center=types.DataCenter(id=data_center.id)
    )
    with session.step(doing, "vlan"):
        session.system.networks_service().network_service(network.id).update(wish)
    network.vlan = types.Vlan(id=wanted.vlan)
