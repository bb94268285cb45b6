# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clean a host: before a deployment from what was left half-made, after a failed one from all that was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Protocol

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    domains,
    hosts_file,
    nat,
    systemd,
    undo,
    vdsm_sections,
    workdir,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import (
    BOOTSTRAP_VM,
    HE_SERVICES,
    IN_PROGRESS,
    NONE,
    read_deployment,
    refuse_deployed,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger

CLEANUP_DEPLOYED = declare(
    "cleanup.deployed",
    "The hosted engine that was deployed here is not undone by a clean-up",
    "To end this engine, put it into global maintenance and run ovirt-hosted-engine-cleanup on every host.",
)

NETWORK = "node0-bootstrap"


class CleanupJournal(Ledger, Protocol):
    """The journal as a clean-up needs it: the list, and the whole record for the verdict."""

    def read(self) -> Optional[dict[str, Any]]:
        """Return the whole journal, or None."""


def initial(journal: CleanupJournal, dry_run: bool, name: str = BOOTSTRAP_VM, network: str = NETWORK) -> undo.Outcome:
    """Remove what a run left half-made, what has our names and is in no journal, and vdsm's sections.

    What the journal lists as made stays: the deployment goes on with it.

    Raises:
        HostedEngineError: C(deployment.exists), before anything is touched.
    """
    record = journal.read()
    found = read_deployment(systemd.active(HE_SERVICES))
    refuse_deployed(found, record)
    verdict = found.verdict(record)
    entries = journal.made()
    half_made = [entry for entry in entries if entry["status"] != "made" and undo.is_bootstrap(entry)]
    outcome = undo.undo_all(half_made + _unlisted(entries, name, network), journal, dry_run)
    # In the middle of a deployment vdsm is the engine's and its sections are of use.
    if verdict == NONE and not _begun(record):
        outcome.removed += vdsm_sections.remove(journal, dry_run)
    return outcome


def bootstrap(journal: CleanupJournal, dry_run: bool, only_bootstrap: bool = False) -> undo.Outcome:
    """Undo what the journal lists, newest first.

    Args:
        journal: the journal.
        dry_run: only say what would be removed.
        only_bootstrap: leave what belongs to the deployment itself, as at the end of a deployment that succeeded.

    Raises:
        HostedEngineError: C(cleanup.deployed) when there is more to undo than the bootstrap's things, and a hosted
            engine is deployed.
    """
    entries = journal.made()
    lasting = [entry for entry in entries if not undo.is_bootstrap(entry)]
    if only_bootstrap:
        entries = [entry for entry in entries if undo.is_bootstrap(entry)]
    elif lasting:
        found = read_deployment(systemd.active(HE_SERVICES))
        # Services that run, or the engine VM itself, are more than a bootstrap that did not end.
        deployed = found.services or found.domain
        if deployed or found.verdict(journal.read()) not in (NONE, IN_PROGRESS):
            raise HostedEngineError(CLEANUP_DEPLOYED, observed="; ".join(found.signs()))
    return undo.undo_all(_in_order(entries), journal, dry_run)


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put domains first, nothing can be taken from under a VM that runs; and folders last.

    A run that is cut here goes on with the engine's CA, which is in the folder.
    """
    return sorted(entries, key=lambda entry: {domains.KIND: 0, workdir.KIND: 2}.get(entry["kind"], 1))


def _unlisted(entries: list[dict[str, Any]], name: str, network: str) -> list[dict[str, Any]]:
    """Return entries for things that have our names although no journal knows them."""
    listed = {(entry["kind"], entry["name"]) for entry in entries}
    ours: list[dict[str, Any]] = [
        {"kind": domains.KIND, "name": name},
        {"kind": nat.KIND, "name": network},
        {"kind": hosts_file.KIND, "name": hosts_file.PATH, "marker": hosts_file.HOST_MARKER},
    ]
    has_folder = any(entry["kind"] == workdir.KIND for entry in entries)
    # A domain or a network that a half-made folder belongs to is made again with it.
    return [entry for entry in ours if (entry["kind"], entry["name"]) not in listed and not has_folder]


def _begun(record: Optional[Mapping[str, Any]]) -> bool:
    phases = (record or {}).get("phases", {})
    return any(phases.get(name, {}).get("status") in ("running", "done", "failed") for name in _AFTER_CLEAN)


_AFTER_CLEAN = ("bootstrap_local_vm", "create_storage_domain", "create_target_vm", "final_clean")
