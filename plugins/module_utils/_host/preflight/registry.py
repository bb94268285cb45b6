# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of checks: each is declared once, with what it can find; all run side by side, nothing is changed.

A new check is a function in the file of its topic, decorated with C(check); nothing else has to be told of it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional, Union

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings

BLOCK, WARN, INFO = "block", "warn", "info"
SEVERITIES = (BLOCK, WARN, INFO)

PASSED, FOUND, SKIPPED, NOT_NEEDED, BROKEN = "passed", "found", "skipped", "not_needed", "broken"

# Seconds in which all checks must have ended; with the start of Ansible the verdict is there in 15 s.
DEADLINE = 11.0
_THREADS = 16


@dataclass(frozen=True)
class Context:
    """What a check may look at.

    Attributes:
        settings: what the deployment is asked for.
        host: the host's facts (module host_info).
        journal: what the collection noted on the host, None without a journal.
        deployment: what the signs of a deployment and the journal mean, see C(Deployment.verdict).
        storage: waits for what the storage answered and returns it, see C(trial.start).
    """

    settings: Settings
    host: Mapping[str, Any]
    journal: Optional[Mapping[str, Any]] = None
    deployment: str = "none"
    storage: Callable[[], Mapping[str, Any]] = dict

    def status(self, phase: str) -> str:
        """Return what the journal says of a phase; empty if it says nothing."""
        phases = (self.journal or {}).get("phases", {})
        return str(phases.get(phase, {}).get("status", ""))

    def begun(self, phase: str) -> bool:
        """Return whether an earlier run has begun a phase of this deployment."""
        return self.status(phase) in ("running", "done", "failed")


@dataclass(frozen=True)
class Finding:
    """What a check has found wrong, or wants to be known.

    Attributes:
        id: stable dotted name; the check declares it with its severity.
        expected: what should be.
        observed: what is.
        resolution: what to do.
        source: the setting it is about, nothing if it is about the host.
    """

    id: str
    expected: str
    observed: str
    resolution: str
    source: str = ""


# A text says what a check saw that was right.
Result = Iterable[Union[Finding, str]]
Function = Callable[[Context], Result]


@dataclass(frozen=True)
class Check:
    """One entry of the table.

    Attributes:
        id: stable dotted name, by which it is skipped.
        title: what is right when it finds nothing.
        findings: severity of each finding that it can make.
        function: looks, and yields findings and texts.
        when: whether it applies.
    """

    id: str
    title: str
    findings: Mapping[str, str]
    function: Function
    when: Callable[[Context], bool]

    @property
    def severity(self) -> str:
        """Return the worst that it can find."""
        return next(severity for severity in SEVERITIES if severity in self.findings.values())


CHECKS: dict[str, Check] = {}


def always(_context: Context) -> bool:
    """Apply to every deployment."""
    return True


def check(
    id: str,
    block: Sequence[str] = (),
    warn: Sequence[str] = (),
    info: Sequence[str] = (),
    when: Callable[[Context], bool] = always,
) -> Callable[[Function], Function]:
    """Put a check into the table; the first line of its docstring is its title.

    Args:
        id: stable dotted name.
        block, warn, info: the findings that it can make, by severity; a name that begins with a dot continues C(id).
        when: whether it applies.

    Raises:
        ValueError: if the name is taken.
    """

    def register(function: Function) -> Function:
        if id in CHECKS:
            raise ValueError(f"check {id} is registered twice")
        findings = {
            f"{id}{name}" if name.startswith(".") else name: severity
            for severity, names in ((BLOCK, block), (WARN, warn), (INFO, info))
            for name in names
        }
        title = (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
        CHECKS[id] = Check(id, title, findings, function, when)
        return function

    return register


@dataclass
class Outcome:
    """What became of one check.

    Attributes:
        check: its id.
        title: what should be.
        severity: the worst that it can find.
        status: C(passed), C(found), C(skipped), C(not_needed), or C(broken) when it could not come to an end.
        observed: what it saw.
        seconds: how long it took.
    """

    check: str
    title: str
    severity: str
    status: str
    observed: str = ""
    seconds: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return the outcome as plain data, its findings left out."""
        return {key: value for key, value in asdict(self).items() if key != "findings"}


def run_all(
    context: Context, skip: Iterable[str] = (), names: Optional[Iterable[str]] = None, deadline: float = DEADLINE
) -> list[Outcome]:
    """Run checks side by side and return their outcomes in the order in which they are asked for.

    Args:
        context: what they look at.
        skip: ids of checks that are not run, and of findings that are not reported.
        names: which checks; all if not given.
        deadline: seconds after which a check that has not ended is given up.
    """
    skipped = set(skip)
    chosen = [CHECKS[name] for name in (CHECKS if names is None else names)]
    outcomes = {entry.id: Outcome(entry.id, entry.title, entry.severity, BROKEN) for entry in chosen}
    work: queue.SimpleQueue[Check] = queue.SimpleQueue()
    ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    waiting = set()
    for entry in chosen:
        if entry.id in skipped:
            outcomes[entry.id].status = SKIPPED
        else:
            work.put(entry)
            waiting.add(entry.id)
    for _number in range(min(_THREADS, len(waiting))):
        # A thread that hangs in the kernel must not keep the module from ending.
        threading.Thread(target=_work, args=(work, ended, context, skipped), daemon=True).start()
    end = time.monotonic() + deadline
    while waiting:
        try:
            outcome = ended.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        outcomes[outcome.check] = outcome
        waiting.discard(outcome.check)
    for name in waiting:
        _give_up(outcomes[name], f"not ended within {deadline:g} s", deadline)
    return list(outcomes.values())


def _work(
    work: queue.SimpleQueue[Check], ended: queue.SimpleQueue[Outcome], context: Context, skipped: set[str]
) -> None:
    while True:
        try:
            entry = work.get_nowait()
        except queue.Empty:
            return
        ended.put(_outcome(entry, context, skipped))


def _outcome(entry: Check, context: Context, skipped: set[str]) -> Outcome:
    outcome = Outcome(entry.id, entry.title, entry.severity, PASSED)
    begun = time.monotonic()
    try:
        if not entry.when(context):
            outcome.status = NOT_NEEDED
            return outcome
        seen = list(entry.function(context))
    except HostedEngineError as error:
        _give_up(outcome, error.message(), time.monotonic() - begun)
        return outcome
    except Exception as error:  # one check that breaks must not hide what the others found
        _give_up(outcome, f"{type(error).__name__}: {error}", time.monotonic() - begun)
        return outcome
    outcome.seconds = round(time.monotonic() - begun, 3)
    for one in seen:
        if isinstance(one, str):
            outcome.observed = "; ".join(filter(None, (outcome.observed, one)))
        elif one.id not in skipped:
            severity = entry.findings[one.id]
            outcome.findings.append(_report(one, entry.id, severity, outcome.seconds))
    if outcome.findings:
        outcome.status = FOUND
    return outcome


def _give_up(outcome: Outcome, why: str, seconds: float) -> None:
    """Say that a check has no answer, which is not the same as a good one."""
    outcome.status, outcome.observed, outcome.seconds = BROKEN, why, round(seconds, 3)
    advice = f"Look at it by hand, or leave it out with he_preflight_skip: [{outcome.check}]."
    finding = Finding("preflight.no_answer", f"check {outcome.check} to come to an end", why, advice)
    outcome.findings.append(_report(finding, outcome.check, WARN, outcome.seconds))


def _report(finding: Finding, name: str, severity: str, seconds: float) -> dict[str, Any]:
    return {**asdict(finding), "check": name, "severity": severity, "seconds": seconds}
