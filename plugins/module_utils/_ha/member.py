# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""This host among the HA hosts: the id in its own configuration, and the score that it gives itself."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import hosted_engine
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.status import in_words, read_status
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import DEPLOYMENT_EXISTS
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import (
    Clock,
    Look,
    pending,
    ready,
    wait_for,
)

NOT_CONFIGURED = declare(
    "ha.not_configured",
    "The engine has not made this host a hosted engine host",
    "Look at the newest log in /var/log/ovirt-engine/host-deploy on the engine VM, then run the same playbook again.",
    retryable=True,
)
ID_DIFFERS = declare(
    "ha.host_id_differs",
    "The host's id among the HA hosts is not the one that the engine gave it",
    "The engine's database is the master: set host_id in hosted-engine.conf to its id and restart ovirt-ha-broker and"
    " ovirt-ha-agent.",
)
NO_SCORE = declare(
    "ha.no_score",
    "This host does not get a score above 0",
    "Read /var/log/ovirt-hosted-engine-ha/agent.log: it names each penalty; local maintenance gives 0 as well.",
    retryable=True,
)

LOOK_PAUSE = 3.0


def _configured(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as stream:
            return hosted_engine.parse(stream.read())
    except FileNotFoundError:
        return {}


def configured_id(path: str = hosted_engine.PATH) -> Optional[int]:
    """Return C(host_id) of hosted-engine.conf; None without the file or without a number in it."""
    text = _configured(path).get("host_id", "")
    return int(text) if text.isdigit() else None


def check_engine(fqdn: str, path: str = hosted_engine.PATH) -> None:
    """Check that this host is not a hosted engine host of another engine.

    Raises:
        HostedEngineError: C(deployment.exists).
    """
    seen = _configured(path).get("fqdn", fqdn)
    if seen != fqdn:
        raise HostedEngineError(
            DEPLOYMENT_EXISTS, expected=f"a host of engine {fqdn}, or of none", observed=f"a host of engine {seen}"
        )


def check_id(expected: int, path: str = hosted_engine.PATH) -> None:
    """Check that this host's configuration carries the id that the engine gave it (host contract 13).

    Raises:
        HostedEngineError: C(ha.not_configured) or C(ha.host_id_differs).
    """
    seen = configured_id(path)
    if seen is None:
        raise HostedEngineError(NOT_CONFIGURED, expected=f"host_id={expected} in {path}", observed="no such line")
    if seen != expected:
        raise HostedEngineError(ID_DIFFERS, expected=f"host_id={expected}", observed=f"host_id={seen}")


def wait_for_score(host_id: int, seconds: float, clock: Optional[Clock] = None) -> dict[str, Any]:
    """Wait until this host's own agent publishes a score above 0 with live data, and return its status.

    Args:
        host_id: this host's id.
        seconds: deadline.
        clock: source of time.

    Raises:
        HostedEngineError: C(ha.no_score) at the deadline.
    """

    def look() -> Look[dict[str, Any]]:
        try:
            own = read_status()["hosts"].get(str(host_id))
        except HostedEngineError as error:
            # The broker needs its time, and vm.conf comes with the agent's first round (host contract 2.1).
            return pending(error.observed)
        if own is None:
            return pending(f"no status of host {host_id}")
        if own["live"] and own["score"] > 0 and not own["stopped"]:
            return ready(own)
        return pending(in_words(own))

    return wait_for(look, "a score above 0", seconds, NO_SCORE, clock, first_pause=LOOK_PAUSE, longest_pause=LOOK_PAUSE)
