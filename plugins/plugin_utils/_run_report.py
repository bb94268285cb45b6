# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run did, counted and timed, without anything secret: the content of the report."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1
# Anything shorter is found in every text.
SHORTEST_SECRET = 4
# The phases of a deployment, in their order.
DEPLOYMENT = (
    "preflight",
    "initial_clean",
    "bootstrap_local_vm",
    "create_storage_domain",
    "create_target_vm",
    "final_clean",
)
PHASES = (*DEPLOYMENT, "add_host")
# Actions that run on the control node only; everything else starts a module on the managed host.
CONTROLLER_ACTIONS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "ansible.builtin.")
    for name in (
        "add_host",
        "assert",
        "debug",
        "fail",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "include_vars",
        "meta",
        "pause",
        "set_fact",
    )
) | {"node0.hosted_engine.settings"}


@dataclass
class Phase:
    """One phase of the run: when it began and ended (epoch seconds), and what it cost."""

    name: str
    started: float
    finished: float = 0.0
    tasks: int = 0
    modules: int = 0
    processes: int = 0
    exchanges: int = 0
    logins: int = 0
    changed: int = 0
    failed: bool = False

    @property
    def seconds(self) -> float:
        """Return the duration."""
        return round(max(self.finished - self.started, 0.0), 1)


@dataclass
class RunReport:
    """The report of one run on one set of hosts.

    Attributes:
        clock: source of epoch seconds.
        secrets: values that must not appear in the report.
    """

    clock: Callable[[], float]
    secrets: set[str] = field(default_factory=set)
    phases: dict[str, Phase] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    current: str = "preflight"

    def task_started(self, role: str) -> None:
        """Count a task; a role that is a phase makes that phase the current one.

        A playbook without roles of this collection is none of a report's business.
        """
        name = role.rpartition(".")[2]
        if name in PHASES:
            self.current = name
        if role or self.phases:
            self._phase().tasks += 1

    def result_arrived(self, action: str, result: dict[str, Any], failed: bool = False) -> None:
        """Count what a task did on the host, and keep the reason of a failure."""
        if not self.phases:
            return
        phase = self._phase()
        phase.finished = self.clock()
        if action not in CONTROLLER_ACTIONS:
            phase.modules += 1
            phase.processes += int(result.get("processes") or 0)
            phase.exchanges += int(result.get("exchanges") or 0)
            phase.logins += int(result.get("logins") or 0)
        phase.changed += bool(result.get("changed"))
        if failed and self.failure is None:
            phase.failed = True
            error = result.get("error") or {"summary": str(result.get("msg", "unknown"))}
            self.failure = {"phase": phase.name, **self.redact(error)}

    def learn(self, secret: str) -> None:
        """Keep a secret in all the forms in which it may be printed: as it is, in JSON, in a URL, in base64."""
        data = secret.encode("utf-8", "surrogatepass")
        forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        forms |= {urllib.parse.quote(data, safe=""), urllib.parse.quote_plus(data)}
        # Without the last characters, which depend on what follows.
        forms.add(base64.b64encode(data[: len(data) // 3 * 3]).decode())
        self.secrets.update(form for form in forms if len(form) >= SHORTEST_SECRET)

    def redact(self, value: Any) -> Any:
        """Return plain data with every secret value replaced."""
        if isinstance(value, dict):
            return {key: self.redact(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact(item) for item in value]
        if not isinstance(value, str):
            return value
        text = str(value)
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "********")
        return text

    def _phase(self) -> Phase:
        if self.current not in self.phases:
            self.phases[self.current] = Phase(self.current, self.clock())
        return self.phases[self.current]

    def total(self, what: str) -> int:
        """Return the sum of a count over all phases."""
        return sum(getattr(phase, what) for phase in self.phases.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        counts = ("tasks", "modules", "processes", "exchanges", "logins", "changed")
        return {
            "schema": SCHEMA,
            "outcome": "failed" if self.failure else "done",
            "failure": self.failure,
            "phases": [
                {"name": p.name, "seconds": p.seconds, **{c: getattr(p, c) for c in counts}}
                for p in self.phases.values()
            ],
            "totals": {count: self.total(count) for count in counts},
            "seconds": round(sum(phase.seconds for phase in self.phases.values()), 1),
        }

    def as_table(self) -> list[str]:
        """Return the report as lines for people."""
        lines = [f"{'phase':<24}{'seconds':>9}{'tasks':>7}{'modules':>9}{'processes':>11}{'exchanges':>11}"]
        rows: Iterable[Phase] = self.phases.values()
        for p in rows:
            lines.append(f"{p.name:<24}{p.seconds:>9}{p.tasks:>7}{p.modules:>9}{p.processes:>11}{p.exchanges:>11}")
        done = self.as_dict()
        sums = "".join(
            f"{done['totals'][what]:>{width}}" for what, width in (("tasks", 7), ("modules", 9), ("processes", 11))
        )
        lines.append(f"{'total':<24}{done['seconds']:>9}{sums}{done['totals']['exchanges']:>11}")
        return lines
