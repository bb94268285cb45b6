# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What C(hosted-engine --vm-status --json) says (host contract 5.2)."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

STATUS_UNREADABLE = declare(
    "ha.status_unreadable",
    "The HA services do not tell their status",
    "Look at 'systemctl status ovirt-ha-broker ovirt-ha-agent' and /var/log/ovirt-hosted-engine-ha/broker.log.",
    retryable=True,
)


def read_status(timeout: float = 60.0) -> dict[str, Any]:
    """Return the status of all HA hosts.

    Returns:
        C(hosts): by host id as text, with C(host_id), C(score), C(engine_status), C(hostname), C(maintenance),
        C(stopped), C(live), C(state); C(global_maintenance).

    Raises:
        HostedEngineError: C(ha.status_unreadable); only output with exit status 0 is JSON.
    """
    done = run(["hosted-engine", "--vm-status", "--json"], timeout=timeout, check=False)
    if done.rc != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["nothing printed"]
        raise HostedEngineError(STATUS_UNREADABLE, observed=f"exit status {done.rc}: {words[0]}")
    loaded = json.loads(done.stdout)
    hosts = {key: _host(value) for key, value in loaded.items() if isinstance(value, dict)}
    return {"hosts": hosts, "global_maintenance": bool(loaded.get("global_maintenance"))}


def _host(said: dict[str, Any]) -> dict[str, Any]:
    extra = dict(line.split("=", 1) for line in str(said.get("extra", "")).splitlines() if "=" in line)
    return {
        "host_id": said["host-id"],
        "score": said["score"],
        "engine_status": said["engine-status"] or {},
        "hostname": said["hostname"],
        "maintenance": said.get("maintenance", False),
        "stopped": said.get("stopped", False),
        "live": said["live-data"],
        "state": extra.get("state", ""),
    }


def is_good(host: dict[str, Any]) -> bool:
    """Return whether the engine runs on this host and is healthy, and the host says so itself now."""
    status = host["engine_status"]
    return bool(host["live"]) and status.get("health") == "good" and status.get("detail") == "Up"


def in_words(host: dict[str, Any]) -> str:
    """Return the status of a host in one line."""
    status = host["engine_status"]
    return (
        f"state {host['state'] or 'unknown'}, VM {status.get('vm', 'unknown')},"
        f" health {status.get('health', 'unknown')}"
        f" ({status.get('reason') or status.get('detail', 'unknown')}), score {host['score']},"
        f" {'live' if host['live'] else 'stale'} data"
    )
