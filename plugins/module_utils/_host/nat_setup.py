# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that the bootstrap VM's network consists of: the libvirt network, two policy rules, firewalld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import firewall, nat, policy_rules, undo
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.addresses import read_kernel
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import Connection, connection


@dataclass(frozen=True)
class Wish:
    """What the network is to be like; C(avoid) holds addresses, prefixes and names that must stay reachable."""

    name: str
    bridge: str
    preferred: str
    avoid: tuple[str, ...] = ()
    mac: str = ""


def present(wish: Wish, ledger: Ledger, dry_run: bool) -> tuple[dict[str, Any], list[str]]:
    """Make what is missing; return the network's facts and what was made, in words.

    Raises:
        HostedEngineError: what C(nat.plan) and C(connection) raise.
    """
    kernel = read_kernel()
    with connection(read_only=dry_run) as connected:
        planned = nat.plan(connected, kernel, wish.name, wish.bridge, wish.preferred, wish.avoid, wish.mac)
        rules = policy_rules.missing(policy_rules.rules_for(str(planned.prefix)), kernel.rules)
        openings = firewall.missing()
        made = [f"network {wish.name} on {planned.prefix}"] if planned.changes else []
        if wish.mac and planned.existing and not planned.replace and not planned.existing.reserved:
            made.append(f"address for {wish.mac}")
        made += [f"policy rule {rule.name}" for rule in rules]
        made += [f"firewalld zone {firewall.ZONE} {argument}" for argument in openings]
        if dry_run:
            return _predicted(planned, wish), made
        facts = _apply(connected, planned, wish, ledger)
    policy_rules.add(rules, ledger)
    firewall.add(openings, ledger)
    return facts.facts(), made


def absent(name: str, ledger: Ledger, dry_run: bool) -> list[str]:
    """Remove the network, its rules and what was opened for it; return what was removed, in words."""
    entries = [entry for entry in ledger.made() if entry["kind"] in (firewall.KIND, policy_rules.KIND, nat.KIND)]
    if not any((entry["kind"], entry["name"]) == (nat.KIND, name) for entry in entries):
        entries.append({"kind": nat.KIND, "name": name})
    return undo.undo_all(entries, ledger, dry_run).removed


def _apply(connected: Connection, planned: nat.NatPlan, wish: Wish, ledger: Ledger) -> nat.NatNetwork:
    if planned.replace and planned.existing:
        stale = policy_rules.rules_for(planned.existing.cidr)
        policy_rules.remove(stale)
        for rule in stale:
            ledger.gone(policy_rules.KIND, rule.name)
    if planned.changes:
        facts = nat.ensure(connected, planned, wish.name, wish.bridge, wish.mac, ledger)
    else:
        facts = nat.facts_of(connected, wish.name, wish.mac)
    return nat.reserve(connected, wish.name, wish.mac) if wish.mac else facts


def _predicted(planned: nat.NatPlan, wish: Wish) -> dict[str, Any]:
    if planned.existing and not planned.replace:
        facts = planned.existing
    else:
        xml = nat.network_xml(wish.name, wish.bridge, planned.prefix, "", wish.mac)
        facts = nat.read_network(xml, wish.mac)
    return facts.facts()
