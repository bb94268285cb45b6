# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo what the journal lists: one small function for each kind of thing that can be made on a host.

An undo looks for the thing itself; the journal only says where. What is gone already is simply crossed out. What
somebody else has changed since is kept, with the reason.

Kinds and the details that their entries carry:

C(domain)        name of the libvirt domain
C(nat_network)   name of the libvirt network
C(policy_rule)   C(priority), C(direction), C(prefix)
C(firewalld)     zone; C(arguments) that opened it, C(new_file), whether its file was made by that
C(directory)     path
C(file)          path
C(hosts_line)    path of a hosts file; C(marker), the text that our lines end with
C(authorized_key)  path of the authorized_keys file; C(line) that was added
C(changed_file)  path; C(backup), the path of the copy, C(digest), SHA-256 of what we wrote

Objects of the engine (data centre, cluster, host, ...) went with the bootstrap VM: their entries are crossed out. What
a storage domain has left on the storage is not the host's to remove, and is told.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    domains,
    firewall,
    hosts_file,
    nat,
    policy_rules,
    textfile,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import (
    connection,
    find_domain,
    find_network,
)

Entry = Mapping[str, Any]
# An entry, and whether only to look: gives whether there was (or would be) anything to remove.
Undo = Callable[[Entry, bool], bool]

# What exists for the bootstrap only, and has no place on a host whose deployment has succeeded.
BOOTSTRAP_KINDS = frozenset({domains.KIND, nat.KIND, policy_rules.KIND, firewall.KIND, hosts_file.KIND, "directory"})

ENGINE_KINDS = frozenset({"data_center", "cluster", "network", "engine_host", "disk", "target_vm"})

# Folders that an entry must lie in or below: a damaged journal must not remove the root of a file system.
_SHALLOWEST = 3


@dataclass
class Outcome:
    """What was removed, and what was kept and why, in words."""

    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Keep(Exception):
    """The thing is there and must stay, for the reason that the message gives."""


def is_bootstrap(entry: Entry) -> bool:
    """Return whether an entry is about something that exists for the bootstrap only."""
    return bool(entry.get("bootstrap", entry["kind"] in BOOTSTRAP_KINDS))


def undo_all(entries: Iterable[Entry], ledger: Ledger, dry_run: bool) -> Outcome:
    """Undo entries in the given order (the journal gives the newest first) and cross them out."""
    outcome = Outcome()
    for kind, group in itertools.groupby(entries, key=lambda entry: str(entry["kind"])):
        batch = list(group)
        # All rules that were made together go with one command.
        undo = _policy_rules(batch, dry_run) if kind == policy_rules.KIND else _undo(kind)
        for entry in batch:
            name = str(entry["name"])
            try:
                if undo(entry, dry_run):
                    outcome.removed.append(f"{kind} {name}")
            except Keep as reason:
                outcome.kept.append(f"{kind} {name}: {reason}")
                continue
            if not dry_run:
                ledger.gone(kind, name)
    return outcome


def _undo(kind: str) -> Undo:
    return _UNDO.get(kind, _unknown)


def _unknown(_entry: Entry, _dry_run: bool) -> bool:
    raise Keep("this release does not know how to undo it")


def _domain(entry: Entry, dry_run: bool) -> bool:
    with connection() as connected:
        domain = find_domain(connected, entry["name"])
        if domain is not None and not dry_run:
            domains.remove(domain)
        return domain is not None


def _nat_network(entry: Entry, dry_run: bool) -> bool:
    with connection() as connected:
        network = find_network(connected, entry["name"])
        if network is None:
            return False
        busy = nat.users(connected, entry["name"])
        # In a dry run the bootstrap VM, which would be gone by now, still is on it.
        if busy and not dry_run:
            raise Keep(f"used by {', '.join(busy)}")
        if not dry_run:
            bridge = nat.read_network(network.XMLDesc(0)).bridge
            nat.delete(network)
            firewall.release(bridge)
        return True


def _policy_rules(entries: Sequence[Entry], dry_run: bool) -> Undo:
    """Undo all these entries, and return the function that says of each whether the kernel had it."""
    rules = [policy_rules.PolicyRule(int(entry["priority"]), entry["direction"], entry["prefix"]) for entry in entries]
    found = {rule.name for rule in (policy_rules.known(rules) if dry_run else policy_rules.remove(rules))}
    return lambda entry, _dry_run: entry["name"] in found


def _firewalld(entry: Entry, dry_run: bool) -> bool:
    return firewall.running() if dry_run else firewall.remove(entry["arguments"], bool(entry.get("new_file")))


def _directory(entry: Entry, dry_run: bool) -> bool:
    path = entry["name"]
    if os.path.islink(path) or not os.path.isdir(path):
        return False
    if len(os.path.normpath(path).split(os.sep)) <= _SHALLOWEST:
        raise Keep("too close to the root of the file system")
    if not dry_run:
        shutil.rmtree(path)
    return True


def _file(entry: Entry, dry_run: bool) -> bool:
    path = entry["name"]
    if not os.path.lexists(path):
        return False
    if not dry_run:
        os.unlink(path)
    return True


def _hosts_line(entry: Entry, dry_run: bool) -> bool:
    return hosts_file.remove(entry["name"], entry["marker"], dry_run)


def _authorized_key(entry: Entry, dry_run: bool) -> bool:
    def without(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if line.strip() != entry["line"].strip())

    return textfile.edit(entry.get("path", entry["name"]), without, dry_run)


def _of_the_engine(_entry: Entry, _dry_run: bool) -> bool:
    return False


def _storage_domain(entry: Entry, _dry_run: bool) -> bool:
    where = f"{entry.get('address', '')}:{entry.get('path', '')}".strip(":")
    raise Keep(f"what is on the storage{' at ' + where if where else ''} stays; empty it before the next deployment")


def _changed_file(entry: Entry, dry_run: bool) -> bool:
    backup: Optional[str] = entry.get("backup")
    if not backup or not os.path.exists(backup):
        return False
    if digest(entry["name"]) != entry.get("digest"):
        raise Keep(f"changed since by somebody else; as it was before us: {backup}")
    if not dry_run:
        os.replace(backup, entry["name"])
    return True


def digest(path: str) -> str:
    """Return the SHA-256 of a small file, or nothing when there is none."""
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except FileNotFoundError:
        return ""


_UNDO: dict[str, Undo] = {
    domains.KIND: _domain,
    nat.KIND: _nat_network,
    firewall.KIND: _firewalld,
    hosts_file.KIND: _hosts_line,
    "directory": _directory,
    "file": _file,
    "authorized_key": _authorized_key,
    "changed_file": _changed_file,
    "hosted_engine_conf": _file,
    "storage_domain": _storage_domain,
    **dict.fromkeys(ENGINE_KINDS, _of_the_engine),
}
