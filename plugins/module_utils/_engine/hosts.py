# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts of the engine: find one, ask for it to be installed, and read what later phases need of it."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import cpu, faults, search
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.topology import Topology, version_of
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

HOST_DIFFERS = declare(
    "engine.host_differs",
    "The engine already has another host with this name or address",
    "Remove the old record from the engine, or choose another he_host_name or he_host_address.",
)
HOST_ELSEWHERE = declare(
    "engine.host_elsewhere",
    "The host is in another cluster",
    "Name the cluster that the host is in, or move the host in maintenance.",
)
HOST_REFUSED = declare(
    "engine.host_refused",
    "The engine refused to add the host",
    "Remove the reason that the engine gives and run the same playbook again.",
)
HOST_INCOMPLETE = declare(
    "engine.host_incomplete",
    "The host is up, but the engine does not know its hardware",
    "Look at vdsm's log on the host (/var/log/vdsm/vdsm.log) and at the engine's events.",
    retryable=True,
)

# The POST opens ssh before anything is stored; a port that stays silent costs 20 s, a name server more.
ADD_SECONDS = 180
DOCUMENT_SECONDS = 90
HIGHEST_SPM_ID = 250

# What the POST can be refused for, and what to do about it (engine contract 7.3, measured 10).
_SSH_UNREACHABLE = (
    "Within the bootstrap VM, check that the host's name resolves to an address that it can reach, that sshd runs on"
    " the host, and that no firewall is between them."
)
_SSH_REFUSED = (
    "Check that sshd lets root in with a key (PermitRootLogin, AuthorizedKeysFile, crypto policy) and that the engine's"
    " key is in root's authorized_keys."
)
_ADVICE = (
    ("Connecting to host via SSH has failed", _SSH_UNREACHABLE),
    ("SSH authentication failed", _SSH_REFUSED),
    ("same UUID", "Another host of this engine has this hardware UUID: remove it, or make /etc/vdsm/vdsm.id unique."),
    ("same address already exists", "Remove the old record of this host from the engine."),
    ("name is already in use", "Remove the old record of this host from the engine, or choose another he_host_name."),
    ("empty password", "The engine did not take the public key for authentication: the appliance is too old."),
)


def find(session: Session, name: str, address: str) -> Optional[Any]:
    """Return the host of this name and address, or None.

    Raises:
        HostedEngineError: C(engine.host_differs) when only one of the two is met.
    """
    with session.step("read the hosts"):
        hosts = list(session.system.hosts_service().list())
    for host in hosts:
        if (host.name == name) != (host.address == address):
            raise HostedEngineError(
                HOST_DIFFERS,
                expected=f"host {name} at {address}, or neither",
                observed=f"host {host.name} at {host.address}",
            )
    return search.named(hosts, name)


def check_place(host: Any, topology: Topology) -> None:
    """Check that an existing host is in the wanted cluster.

    Raises:
        HostedEngineError: C(engine.host_elsewhere).
    """
    cluster = topology.cluster
    if cluster is not None and host.cluster is not None and host.cluster.id != cluster.id:
        raise HostedEngineError(
            HOST_ELSEWHERE, expected=f"in cluster {cluster.name}", observed=f"in the cluster with id {host.cluster.id}"
        )


def add(session: Session, notes: Notes, topology: Topology, name: str, address: str) -> Any:
    """Add a host in the foreground; the engine logs in to it with its own key before it answers.

    C(reboot=false) is vital: the engine's default would restart the host under the bootstrap VM.

    Raises:
        HostedEngineError: C(engine.host_refused) with what the engine says against it.
    """
    wish = types.Host(name=name, address=address, cluster=types.Cluster(id=_id(topology.cluster)), ssh=_by_key())
    with notes.making("engine_host", name, address=address):
        try:
            with session.step(f"add host {name}", f"add-host-{name}", seconds=ADD_SECONDS):
                return session.system.hosts_service().add(wish, activate=True, reboot=False)
        except HostedEngineError as error:
            raise explain(error, f"host {name} at {address} to be accepted") from error


def revive(session: Session, host: Any) -> bool:
    """Get an existing host going again that an earlier run has left behind; return whether that was needed."""
    status = str(host.status)
    service = session.system.hosts_service().host_service(host.id)
    with session.step(f"get host {host.name} going again", f"revive-host-{host.name}", seconds=ADD_SECONDS):
        if status in ("install_failed", "non_responsive", "error"):
            service.install(ssh=_by_key(), activate=True, reboot=False)
        elif status in ("maintenance", "non_operational", "down"):
            service.activate()
        else:
            return False
    return True


def explain(error: HostedEngineError, expected: str) -> HostedEngineError:
    """Return the refusal of a host with the advice that belongs to the engine's reason."""
    if error.evidence.get("kind") not in (faults.CONFLICT, faults.INVALID):
        return error
    advice = next((advice for text, advice in _ADVICE if text in error.observed), "")
    return HostedEngineError(
        HOST_REFUSED, expected=expected, observed=error.observed, advice=advice, evidence=error.evidence
    )


def wait_for_document(session: Session, host_id: str) -> Any:
    """Return the host's document once its hardware is in it; right after C(up) it is not (measured 4)."""

    def look() -> Look[Any]:
        with session.step("read the host"):
            host = session.system.hosts_service().host_service(host_id).get()
        topology = host.cpu.topology if host.cpu else None
        if host.memory and topology is not None and topology.cores:
            return ready(host)
        return pending("its memory and CPU are still unknown")

    return wait_for(look, "the host's hardware to be known", DOCUMENT_SECONDS, HOST_INCOMPLETE, session.clock)


def wait_for_cpu_type(session: Session, cluster_id: str) -> Any:
    """Return the cluster once it has a CPU type: the first host that comes up gives it one (event 835)."""

    def look() -> Look[Any]:
        with session.step("read the cluster"):
            cluster = session.system.clusters_service().cluster_service(cluster_id).get()
        return ready(cluster) if cluster.cpu and cluster.cpu.type else pending("the cluster has no CPU type yet")

    return wait_for(look, "the cluster to have a CPU type", DOCUMENT_SECONDS, HOST_INCOMPLETE, session.clock)


def spm_id(session: Session, host: Any) -> int:
    """Return the host's SPM id, which is its C(host_id) for the HA services; only a search tells it.

    Raises:
        HostedEngineError: C(engine.host_incomplete) when no id matches.
    """
    service = session.system.hosts_service()
    for number in range(1, HIGHEST_SPM_ID + 1):
        condition = search.both(search.equals("name", host.name), search.number("spm_id", number))
        with session.step("find the host's SPM id"):
            if any(found.id == host.id for found in service.list(search=condition)):
                return number
    raise HostedEngineError(HOST_INCOMPLETE, observed=f"no SPM id from 1 to {HIGHEST_SPM_ID} belongs to {host.name}")


def facts(session: Session, topology: Topology, host: Any) -> dict[str, Any]:
    """Return what later phases need of a host that is up."""
    host = wait_for_document(session, host.id)
    cluster = wait_for_cpu_type(session, _id(topology.cluster))
    version = version_of(cluster)
    architecture = str(cluster.cpu.architecture or "x86_64")
    types_known = cpu.parse_cpu_list(cpu.read_option(session, "ServerCPUList", version))
    machines = cpu.parse_machines(cpu.read_option(session, "ClusterEmulatedMachines", version))
    return {
        "id": host.id,
        "name": host.name,
        "address": host.address,
        "host_id": spm_id(session, host),
        "cluster_id": cluster.id,
        "cluster": cluster.name,
        "cluster_version": version,
        "data_center_id": _id(topology.data_center),
        "data_center": topology.wanted.data_center,
        "cpu_type": cluster.cpu.type,
        "cpu_verb": cpu.verb_of(types_known, cluster.cpu.type, architecture),
        "emulated_machine": cpu.machine_of(machines, architecture),
        "management_network": topology.wanted.network,
        "management_network_id": _id(topology.network),
    }


def _by_key() -> Any:
    return types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY)


def _id(entity: Optional[Any]) -> str:
    return entity.id if entity is not None else ""
