# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is left to do in the engine after it has moved: its host, its own VM, and the bootstrap VM it still knows."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults, search
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.target_vm import MANAGED
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

HOST_NOT_BACK = declare(
    "engine.host_not_back",
    "The host did not come up again in the engine after the engine has moved",
    "Look at the host's events in the engine and at vdsmd on the host.",
    retryable=True,
)
VM_NOT_UP = declare(
    "engine.vm_not_up",
    "The engine does not see its own VM running",
    "Look at the engine VM with hosted-engine --vm-status on the host and at the engine's events.",
    retryable=True,
)
VM_REMAINS = declare(
    "engine.bootstrap_vm_remains",
    "The bootstrap VM could not be removed from the engine",
    "Remove the VM external-HostedEngineLocal in the engine by hand.",
    retryable=True,
)

# States of a host that has been up before and in which a new start of the engine may find it for a while.
_HOPELESS = frozenset({"install_failed", "non_operational", "maintenance", "error"})


def wait_for_host(session: Session, host_id: str, seconds: float) -> str:
    """Wait until the host is up, and return its state."""

    def look() -> Look[str]:
        with session.step("read the host"):
            host = session.system.hosts_service().host_service(host_id).get()
        status = str(host.status)
        if status in _HOPELESS:
            raise HostedEngineError(
                HOST_NOT_BACK, expected=f"host {host.name} to be up", observed=f"{status} {host.status_detail or ''}"
            )
        return ready(status) if status == "up" else pending(f"host {host.name} is {status}")

    return wait_for(look, "the host to be up", seconds, HOST_NOT_BACK, session.clock)


def wait_for_engine_vm(session: Session, vm_id: str, seconds: float) -> str:
    """Wait until the engine sees its own VM run, and return the VM's state.

    Raises:
        HostedEngineError: C(engine.vm_not_up), at once when the VM is not the managed one.
    """

    def look() -> Look[str]:
        with session.step("read the engine VM"):
            vm = session.system.vms_service().vm_service(vm_id).get()
        if vm.origin != MANAGED:
            raise HostedEngineError(VM_NOT_UP, expected=f"origin {MANAGED}", observed=f"origin {vm.origin}")
        status = str(vm.status)
        return ready(status) if status == "up" else pending(f"VM {vm.name} is {status}")

    return wait_for(look, "the engine's own VM to be up", seconds, VM_NOT_UP, session.clock)


def remove(session: Session, vm_id: str, seconds: float) -> bool:
    """Stop and remove the bootstrap VM, and return whether the engine still knew it.

    The database that was moved says that the VM runs, and a VM that is said to run cannot be removed; it may also
    vanish by itself at any moment (engine contract 10). So: look, remove when it is down, else stop, look again.
    """
    service = session.system.vms_service().vm_service(vm_id)
    known = False

    def look() -> Look[bool]:
        nonlocal known
        status = status_of(session, vm_id)
        if status is None:
            return ready(known)
        known = True
        refused = _try(session, service.remove if status == "down" else service.stop)
        return pending(f"it is {status}" + (f": {refused}" if refused else ""))

    return wait_for(look, "the bootstrap VM to be gone from the engine", seconds, VM_REMAINS, session.clock)


def status_of(session: Session, vm_id: str) -> Optional[str]:
    """Return the VM's state, or None; a search because an unknown id is an error of the API."""
    condition = search.equals("id", vm_id)
    with session.step("look for the bootstrap VM"):
        found: Any = session.system.vms_service().list(search=condition)
    return next((str(vm.status) for vm in found if vm.id == vm_id), None)


def _try(session: Session, act: Any) -> str:
    """Do it and return the engine's reason when it refuses: the next look tells what has become of it."""
    try:
        with session.step("remove the bootstrap VM", "bootstrap-vm"):
            act()
    except HostedEngineError as error:
        if error.evidence.get("kind") not in (faults.CONFLICT, faults.INVALID, faults.NOT_FOUND):
            raise
        return error.observed
    return ""
