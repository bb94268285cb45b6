# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host as such: first contact, coming up, statistics, HA maintenance."""

from __future__ import annotations

from typing import Any

from ..client import HostClient


def first_contact(host: HostClient) -> dict[str, Any]:
    """What an engine asks before a host can be up: {"capabilities": ..., "hardware": ...}.

    Raises HostUnreachable, or VdsmError 99 while vdsm recovers from its own start.
    """
    return {"capabilities": host.call("Host.getCapabilities"), "hardware": host.call("Host.getHardwareInfo")}


def come_up(
    host: HostClient,
    balloon: bool = True,
    ksm: bool = True,
    ksm_merge_across_nodes: bool = True,
    hosted_engine: bool = False,
) -> dict[str, Any]:
    """The end of an activation, after storage was connected: memory policy, devices, running jobs and tasks.

    With `hosted_engine` the host's local HA maintenance ends, as for each activated host that is configured for it.
    Returns {"devices", "jobs"}.
    """
    host.call(
        "Host.setMOMPolicyParameters",
        {
            "key_value_store": {
                "balloonEnabled": balloon,
                "ksmEnabled": ksm,
                "ksmMergeAcrossNodes": ksm_merge_across_nodes,
            }
        },
    )
    devices = host.call("Host.hostdevListByCaps")
    if hosted_engine:
        set_ha_maintenance(host, "LOCAL", False)
    return {"devices": devices, "jobs": host.call("Host.getJobs", {"job_type": "storage", "job_ids": []})}


def statistics(host: HostClient) -> dict[str, Any]:
    """One round of monitoring: {"host": Host.getStats, "machines": {id: statistics}}."""
    stats = host.call("Host.getStats")
    machines = {vm["vmId"]: vm for vm in host.call("Host.getAllVmStats")}
    return {"host": stats, "machines": machines}


def ping(host: HostClient, timeout: float = 2) -> None:
    """Whether vdsm answers at all, within an engine's usual 2 s. Raises HostUnreachable."""
    host.call("Host.ping2", timeout=timeout)


def set_ha_maintenance(host: HostClient, mode: str, enabled: bool) -> None:
    """Hosted-engine maintenance through the host: `mode` is GLOBAL (all hosts) or LOCAL (this one)."""
    host.call("Host.setHaMaintenanceMode", {"mode": mode, "enabled": enabled})
