# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All checks together; importing a file of checks puts them into the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import facts
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import Deployment
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import (
    machine,
    names,
    network,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Settings,
    run_all,
)

# The files of checks; to have imported them is what registers them.
AREAS = (machine, names, network)


def probe(settings: Settings, journal: Optional[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gather the host's facts once, run every check, and return all findings."""
    host = facts.gather(settings.bridge_if, settings.fqdn)
    verdict = Deployment(**host["deployed"]).verdict(journal)
    return run_all(Context(settings, host, journal, verdict))
