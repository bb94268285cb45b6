# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why host-deploy failed: the task and its message, out of the engine's events and of the log they name."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.events import Event
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Shell
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

INSTALLATION_FAILED = 505
TAIL_BYTES = 262144
SHOWN_LINES = 60

_TASK = re.compile(r"\bTask (?P<task>.+?) failed to execute")
_LOG = re.compile(r"(?P<log>/\S*/host-deploy/\S+\.log)")
_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC - (?=\{)", re.MULTILINE)


def failed_task(events: list[Event]) -> tuple[str, str]:
    """Return the task that failed and the path of the log, as event 505 names them; empty texts when it does not."""
    text = next((event.text for event in reversed(events) if event.code == INSTALLATION_FAILED), "")
    task, log = _TASK.search(text), _LOG.search(text)
    return (task.group("task") if task else "", log.group("log") if log else "")


def read_log(shell: Shell, path: str) -> str:
    """Return the end of a host-deploy log from the engine's machine, or the reason why there is none."""
    try:
        return shell.run(["tail", "-c", str(TAIL_BYTES), "--", path], timeout=30).stdout
    except HostedEngineError as error:
        return f"the log {path} could not be read: {error.observed}"


def failure_in(log: str) -> Optional[dict[str, Any]]:
    """Return C(task) and C(message) of the last failed task in a log, or None.

    The log is a line for each task and a JSON document for each result (measured on ovirt-engine 4.5.8).
    """
    decoder = json.JSONDecoder()
    failure = None
    for start in _RECORD.finditer(log):
        try:
            record, _end = decoder.raw_decode(log, start.end())
        except ValueError:
            continue
        data = record.get("event_data", {})
        if record.get("event") in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            message = data.get("res", {}).get("msg", "")
            text = " ".join(message) if isinstance(message, list) else str(message)
            failure = {"task": data.get("task", ""), "message": text}
    return failure


def evidence(events: list[Event], shell: Optional[Shell]) -> dict[str, Any]:
    """Return all that is known about a failed installation."""
    task, path = failed_task(events)
    facts: dict[str, Any] = {"task": task, "log": path}
    if path and shell is not None:
        log = read_log(shell, path)
        facts["failure"] = failure_in(log)
        facts["log_end"] = log.splitlines()[-SHOWN_LINES:]
    return facts
