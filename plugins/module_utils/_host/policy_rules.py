# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two policy rules that keep traffic of the NAT network on the main routing table.

Once vdsm has made the management bridge, its source routing (priority 3200) would send what the host says to the
bootstrap VM to the gateway, just when the host is added (host contract 10.4).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.addresses import answers
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import failed, run

KIND = "policy_rule"


@dataclass(frozen=True)
class PolicyRule:
    """An IPv4 rule that looks up the main table: C(direction) is C(to) or C(from), C(prefix) like 192.168.222.0/24."""

    priority: int
    direction: str
    prefix: str

    @property
    def name(self) -> str:
        """Return the rule's name in the journal."""
        return f"{self.priority} {self.direction} {self.prefix}"

    def words(self) -> str:
        """Return the rule as the arguments of C(ip rule add) and C(ip rule del)."""
        return f"{self.direction} {self.prefix} lookup main priority {self.priority}"

    def is_in(self, rules: Iterable[Mapping[str, Any]]) -> bool:
        """Return whether the kernel has this rule, by what C(ip -j rule) says."""
        address, _slash, length = self.prefix.partition("/")
        here, there = ("dst", "src") if self.direction == "to" else ("src", "dst")
        return any(
            rule.get("priority") == self.priority
            and rule.get(here) == address
            and str(rule.get(here + "len", 32)) == length
            and rule.get(there, "all") == "all"
            and rule.get("table") == "main"
            for rule in rules
        )


def rules_for(prefix: str) -> list[PolicyRule]:
    """Return the rules that the NAT network with this prefix needs."""
    return [PolicyRule(100, "to", prefix), PolicyRule(101, "from", prefix)]


def missing(wanted: Iterable[PolicyRule], rules: Sequence[Mapping[str, Any]]) -> list[PolicyRule]:
    """Return the wanted rules that the kernel does not have."""
    return [rule for rule in wanted if not rule.is_in(rules)]


def add(rules: Sequence[PolicyRule], ledger: Ledger) -> None:
    """Add rules that are missing, in one command; they last until the next reboot."""
    if not rules:
        return
    with contextlib.ExitStack() as notes:
        for rule in rules:
            details = {"priority": rule.priority, "direction": rule.direction, "prefix": rule.prefix}
            notes.enter_context(ledger.making(KIND, rule.name, **details))
        commands = "".join(f"rule add {rule.words()}\n" for rule in rules)
        run(["ip", "-4", "-batch", "-"], stdin=commands)


def known(rules: Sequence[PolicyRule]) -> list[PolicyRule]:
    """Return those of some rules that the kernel has."""
    if not rules:
        return []
    (listed,) = answers(run(["ip", "-4", "-j", "rule", "show"]).stdout, 1)
    return [rule for rule in rules if rule.is_in(listed)]


def remove(rules: Sequence[PolicyRule]) -> list[PolicyRule]:
    """Remove rules and return those that the kernel had; what is gone already is not missed.

    One command looks, removes and looks again.

    Raises:
        HostedEngineError: C(command.failed) with the words of C(ip) when a rule is still there.
    """
    if not rules:
        return []
    commands = ["rule show", *(f"rule del {rule.words()}" for rule in rules), "rule show"]
    # -force goes on after a rule that is not there; what has become of the rules is seen and not believed.
    done = run(
        ["ip", "-4", "-j", "-force", "-batch", "-"], stdin="".join(f"{line}\n" for line in commands), check=False
    )
    before, after = answers(done.stdout, 2)
    if any(rule.is_in(after) for rule in rules):
        raise failed(done)
    return [rule for rule in rules if rule.is_in(before)]
