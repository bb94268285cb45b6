# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the host runs a hosted engine already: nothing of ours may touch such a host (host contract 10.1, 15)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import connection

DEPLOYMENT_EXISTS = declare(
    "deployment.exists",
    "This host runs a hosted engine, or VMs of an engine, already",
    "Nothing was changed. To deploy here anew, take the host out of its engine and run ovirt-hosted-engine-cleanup"
    " first; that ends the engine that runs here.",
)

CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
ENGINE_VM = "HostedEngine"
BOOTSTRAP_VM = "HostedEngineLocal"
HE_SERVICES = ("ovirt-ha-agent", "ovirt-ha-broker")

# Namespace of the metadata that vdsm gives to each of its domains.
_VDSM = "http://ovirt.org/vm/"

# With one of these a host is what it shall be: the first host of a deployment, or a further one.
LAST_PHASES = ("final_clean", "add_host")

NONE, IN_PROGRESS, FINISHED, FOREIGN = "none", "in_progress", "finished", "foreign"


@dataclass(frozen=True)
class Deployment:
    """Signs of a deployment.

    Attributes:
        conf: whether hosted-engine.conf has content.
        domain: state of the domain C(HostedEngine), nothing if there is none.
        bootstrap: the same of C(HostedEngineLocal), which is no sign of a deployment.
        vms: running VMs of vdsm besides the engine VM; what else libvirt runs is not an engine's.
        services: active services of hosted engine.
        libvirt: why libvirt could not be asked, nothing if it could.
    """

    conf: bool = False
    domain: str = ""
    bootstrap: str = ""
    vms: Sequence[str] = field(default_factory=tuple)
    services: Sequence[str] = field(default_factory=tuple)
    libvirt: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the signs as a module's result."""
        return {**asdict(self), "vms": list(self.vms), "services": list(self.services)}

    def signs(self) -> list[str]:
        """Return what was found, in words."""
        found = [f"{CONF} has content"] if self.conf else []
        found += [f"domain {ENGINE_VM} is {self.domain}"] if self.domain else []
        found += [f"service {name} is active" for name in self.services]
        found += [f"VM {name} runs" for name in self.vms]
        return found

    def verdict(self, journal: Optional[Mapping[str, Any]]) -> str:
        """Return what the signs mean together with the journal.

        C(none): no signs. C(in_progress): this collection is in the middle of it. C(finished): this collection has
        brought it to its end. C(foreign): the journal knows nothing of it.
        """
        if not self.signs():
            return NONE
        phases = (journal or {}).get("phases", {})
        if any(phases.get(phase, {}).get("status") == "done" for phase in LAST_PHASES):
            return FINISHED
        begun = any(
            phases.get(phase, {}).get("status") in ("running", "done", "failed")
            for phase in ("bootstrap_local_vm", "create_storage_domain", "create_target_vm", *LAST_PHASES)
        )
        return IN_PROGRESS if begun else FOREIGN


def read_deployment(services: Sequence[str], conf: str = CONF) -> Deployment:
    """Look for signs of a deployment.

    Args:
        services: the active ones, of which those of hosted engine count.
        conf: path of hosted-engine.conf.
    """
    running: dict[str, str] = {}
    problem = ""
    try:
        running = _domains()
    except HostedEngineError as error:
        problem = error.observed
    return Deployment(
        conf=os.path.exists(conf) and os.path.getsize(conf) > 0,
        domain=running.get(ENGINE_VM, ""),
        bootstrap=running.get(BOOTSTRAP_VM, ""),
        vms=tuple(name for name, state in running.items() if name not in (ENGINE_VM, BOOTSTRAP_VM) and state),
        services=tuple(name for name in services if name in HE_SERVICES),
        libvirt=problem,
    )


def _domains() -> dict[str, str]:
    """Return the running VMs of vdsm, and the engine VM of either kind even when it is off, with their states."""
    with connection(read_only=True) as connected:
        domains = {domain.name(): domain for domain in connected.listAllDomains()}
        return {
            name: "running" if domain.isActive() else "shut off"
            for name, domain in domains.items()
            if name in (ENGINE_VM, BOOTSTRAP_VM) or (domain.isActive() and _VDSM in domain.XMLDesc(0))
        }


def refuse_deployed(found: Deployment, journal: Optional[Mapping[str, Any]]) -> None:
    """Stop before a host is touched whose hosted engine, or VMs, are not of a deployment in progress.

    Raises:
        HostedEngineError: C(deployment.exists).
    """
    if found.verdict(journal) in (FINISHED, FOREIGN):
        raise HostedEngineError(DEPLOYMENT_EXISTS, observed="; ".join(found.signs()), expected="a host without any")
