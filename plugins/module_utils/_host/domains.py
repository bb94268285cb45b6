# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States of libvirt domains: what they are called, and how one is removed or shut down for good."""

from __future__ import annotations

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import Domain

KIND = "domain"

RUNNING, BLOCKED, PAUSED, SHUTTING_DOWN, SHUT_OFF, CRASHED, SUSPENDED = 1, 2, 3, 4, 5, 6, 7
STATES = {
    0: "no state",
    RUNNING: "running",
    BLOCKED: "blocked",
    PAUSED: "paused",
    SHUTTING_DOWN: "in shutdown",
    SHUT_OFF: "shut off",
    CRASHED: "crashed",
    SUSPENDED: "suspended",
}


def state(domain: Domain) -> str:
    """Return the state of a domain in virsh's words."""
    return STATES.get(domain.state()[0], "unknown")


def undefine(domain: Domain) -> None:
    """Forget a domain that is off, with its UEFI variables, saved state and snapshots; its disks stay."""
    import libvirt

    domain.undefineFlags(
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    )


def remove(domain: Domain) -> None:
    """Pull the plug of a domain and forget it."""
    if domain.isActive():
        domain.destroy()
    if domain.isPersistent():
        undefine(domain)
