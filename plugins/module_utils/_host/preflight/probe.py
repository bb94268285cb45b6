# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All checks together; importing a file of checks puts them into the table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import FOREIGN, Deployment
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import (
    appliance,
    block_storage,
    compute,
    deployment,
    gluster,
    interface,
    name_servers,
    names,
    network,
    nfs,
    software,
    trial,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    CHECKS,
    WARN,
    Context,
    Outcome,
    run_all,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings

# The files of checks in the order in which they are told; to have imported them is what registers them.
AREAS = (deployment, compute, software, names, interface, network, name_servers, nfs, block_storage, gluster, appliance)

ORDER = [entry.id for area in AREAS for entry in CHECKS.values() if entry.function.__module__ == area.__name__]


def probe(
    settings: Settings,
    host: Mapping[str, Any],
    journal: Optional[Mapping[str, Any]],
    skip: Iterable[str] = (),
    secrets: Optional[Mapping[str, str]] = None,
) -> list[Outcome]:
    """Run every check on a host and return what became of each.

    Args:
        settings: what the deployment is asked for.
        host: facts of the host, as the module host_info returns them.
        journal: what the collection noted on the host, None without a journal.
        skip: ids of checks that are not run, and of findings that are not reported.
        secrets: passwords by the setting's name.
    """
    left_out = set(skip)
    signs = {key: value for key, value in host["deployed"].items() if key != "verdict"}
    verdict = Deployment(**signs).verdict(journal)
    if verdict == FOREIGN:
        # The storage may be that of the engine which runs here: nothing is written to it.
        left_out |= {name for name in ORDER if name.startswith("storage.")}
    # The process that tries the storage out is begun first, while this one has a single thread.
    storage = trial.start(settings, secrets or {}, left_out)
    context = Context(
        settings,
        host,
        journal,
        verdict,
        storage,
    )
    return run_all(context, left_out, ORDER)


def unknown_names(skip: Iterable[str]) -> list[dict[str, Any]]:
    """Return a finding for each id to skip that no check and no finding has."""
    known = {*CHECKS, *(finding for entry in CHECKS.values() for finding in entry.findings)}
    found = []
    for name in sorted(set(skip) - known):
        near = difflib.get_close_matches(name, sorted(known), n=1)
        found.append(
            {
                "id": "preflight.unknown_check",
                "check": "preflight",
                "severity": WARN,
                "expected": "ids of checks or findings (docs/preflight.md)",
                "observed": name,
                "resolution": f"Did you mean {near[0]}?" if near else "Remove it from he_preflight_skip.",
                "source": "he_preflight_skip",
                "seconds": 0.0,
            }
        )
    return found
