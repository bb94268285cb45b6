# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Further hosts that shall be able to run the engine: the engine installs them and tells their score."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import hosts, search
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

NOT_MANAGED = declare(
    "engine.vm_not_managed",
    "The engine does not run in a hosted engine VM that it manages",
    "Deploy the hosted engine on a first host, and check he_fqdn and he_vm_name.",
)
VM_NOWHERE = declare(
    "engine.vm_nowhere",
    "The engine does not know yet which host runs its own VM",
    "Check the hosts' states in the engine; the configuration of a new host is copied from the one that runs the VM.",
    retryable=True,
)
CLUSTER_UNKNOWN = declare(
    "engine.cluster_unknown",
    "The engine has no cluster of this name",
    "Set he_cluster to the cluster of the engine VM, or create the cluster in the same data center first.",
)
PLAIN_HOST = declare(
    "engine.host_not_ha",
    "The host is in the engine already, in use, and not a hosted engine host",
    "Move it to maintenance in the engine and run the same playbook again: it is installed with hosted engine then.",
)
NO_SCORE = declare(
    "engine.no_score",
    "The engine does not see a score above 0 for the host",
    "Read agent.log and broker.log in /var/log/ovirt-hosted-engine-ha on the host, and 'hosted-engine --vm-status'.",
    retryable=True,
)

MANAGED = "managed_hosted_engine"
RUNNER_SECONDS = 120
# The engine keeps a host's statistics every 15 s (measured 9).
SCORE_PAUSE = 5.0
# States in which the engine installs a host again.
_INSTALLABLE = frozenset({"maintenance", "install_failed", "non_operational", "error"})
_ON_THE_WAY = frozenset(
    {"installing", "initializing", "unassigned", "connecting", "reboot", "non_responsive", "preparing_for_maintenance"}
)


def check_engine_vm(session: Session, name: str) -> str:
    """Wait until the engine knows where its own VM runs, and return the id of that host.

    Host-deploy copies hosted-engine.conf from there and fails without it (engine contract 11).

    Raises:
        HostedEngineError: C(engine.vm_not_managed) at once, C(engine.vm_nowhere) after two minutes.
    """

    def look() -> Look[str]:
        with session.step("find the engine VM"):
            found = session.system.vms_service().list(search=search.equals("name", name))
        vm = search.named(found, name)
        if vm is None or str(vm.origin) != MANAGED:
            seen = f"VM {name} is of origin {vm.origin}" if vm is not None else f"there is no VM {name}"
            raise HostedEngineError(NOT_MANAGED, expected=f"VM {name} of origin {MANAGED}", observed=seen)
        return ready(str(vm.host.id)) if vm.host is not None else pending(f"VM {name} is {vm.status} on no host")

    return wait_for(look, f"VM {name} to run on a host", RUNNER_SECONDS, VM_NOWHERE, session.clock)


def find_cluster(session: Session, name: str) -> Any:
    """Return the cluster; it is not made here, since its data center must be that of the engine VM.

    Raises:
        HostedEngineError: C(engine.cluster_unknown).
    """
    with session.step("read the clusters"):
        clusters = session.system.clusters_service().list()
    cluster = search.named(clusters, name)
    if cluster is None:
        raise HostedEngineError(
            CLUSTER_UNKNOWN, expected=f"cluster {name}", observed=f"clusters {', '.join(c.name for c in clusters)}"
        )
    return cluster


def read(session: Session, host_id: str) -> Any:
    """Return a host with what the HA services say of it; only C(all_content) has that (engine contract 5)."""
    with session.step("read the host"):
        return session.system.hosts_service().host_service(host_id).get(all_content=True)


def is_ha(host: Any) -> bool:
    """Return whether the engine takes the host, read by C(read), for a hosted engine host."""
    return bool(host.hosted_engine is not None and host.hosted_engine.configured)


def check_cluster(host: Any, cluster: Any) -> None:
    """Check that an existing host is in the wanted cluster.

    Raises:
        HostedEngineError: C(engine.host_elsewhere).
    """
    if host.cluster is not None and host.cluster.id != cluster.id:
        raise HostedEngineError(
            hosts.HOST_ELSEWHERE,
            expected=f"in cluster {cluster.name}",
            observed=f"in the cluster with id {host.cluster.id}",
        )


def add(session: Session, notes: Notes, cluster: Any, name: str, address: str) -> Any:
    """Add a host in the foreground, with hosted engine; the engine logs in with its key before it answers.

    Raises:
        HostedEngineError: C(engine.host_refused) with what the engine says against it.
    """
    key = types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY)
    wish = types.Host(name=name, address=address, cluster=types.Cluster(id=cluster.id), ssh=key)
    with notes.making("engine_host", name, address=address):
        try:
            with session.step(f"add host {name}", f"add-host-{name}", seconds=hosts.ADD_SECONDS):
                service = session.system.hosts_service()
                return service.add(wish, deploy_hosted_engine=True, activate=True, reboot=False)
        except HostedEngineError as error:
            raise hosts.explain(error, f"host {name} at {address} to be accepted") from error


def todo(host: Any) -> str:
    """Return what an existing host, read by C(read), needs: C(install), C(wait) or nothing.

    Raises:
        HostedEngineError: C(engine.host_not_ha) for one that is in use without hosted engine.
    """
    status = str(host.status)
    if status in _ON_THE_WAY:
        return "wait"
    if is_ha(host) and status in ("up", "maintenance"):
        return ""
    if status in _INSTALLABLE:
        return "install"
    raise HostedEngineError(
        PLAIN_HOST, expected=f"host {host.name} in maintenance, or a hosted engine host", observed=f"it is {status}"
    )


def reinstall(session: Session, host: Any) -> None:
    """Install an existing host again, this time with hosted engine (engine contract 11).

    Raises:
        HostedEngineError: C(engine.host_refused) with what the engine says against it.
    """
    service = session.system.hosts_service().host_service(host.id)
    key = types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY)
    try:
        with session.step(f"install host {host.name}", f"install-host-{host.name}", seconds=hosts.ADD_SECONDS):
            service.install(ssh=key, deploy_hosted_engine=True, activate=True, reboot=False)
    except HostedEngineError as error:
        raise hosts.explain(error, f"host {host.name} to be installed") from error


def wait_for_score(session: Session, host_id: str, seconds: float) -> dict[str, Any]:
    """Wait until the engine sees a score above 0, and return what it sees.

    Returns:
        C(score), C(active), C(configured), C(global_maintenance), C(local_maintenance).

    Raises:
        HostedEngineError: C(engine.no_score) at the deadline.
    """

    def look() -> Look[dict[str, Any]]:
        host = read(session, host_id)
        told = host.hosted_engine
        if told is None or not told.configured:
            return pending(f"host {host.name} is {host.status} and not a hosted engine host")
        seen = {
            "score": int(told.score or 0),
            "active": bool(told.active),
            "configured": True,
            "global_maintenance": bool(told.global_maintenance),
            "local_maintenance": bool(told.local_maintenance),
        }
        if seen["score"] > 0 and seen["active"]:
            return ready(seen)
        return pending(f"host {host.name} is {host.status}, its score {seen['score']}, active {seen['active']}")

    return wait_for(
        look, "a score above 0", seconds, NO_SCORE, session.clock, first_pause=SCORE_PAUSE, longest_pause=SCORE_PAUSE
    )


def facts(host: Any, cluster: Any, spm_id: Optional[int]) -> dict[str, Any]:
    """Return what is kept of a host."""
    return {
        "id": host.id,
        "name": host.name,
        "address": host.address,
        "host_id": spm_id,
        "cluster_id": cluster.id,
        "cluster": cluster.name,
    }
