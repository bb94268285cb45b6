# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a host-deploy, in the form of ovirt-engine's ansible-runner log (fixture engine/host-deploy).

A header per task, skipped ones included, then the event of the task as JSON the way the engine prints it; a failure is
written twice, as the engine does.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_COLUMNS = 79
_PROJECT = "/usr/share/ovirt-engine/ansible-runner-service-project/project"


class DeployLog:
    """One log file, readable by its owner and group only; used by one thread."""

    def __init__(self, path: Path, address: str, playbook: str = "ovirt-host-deploy.yml") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w", encoding="utf-8")
        self._address = address
        self._playbook = playbook
        self._playbook_uuid, self._play_uuid, self._runner = (str(uuid.uuid4()) for _ in range(3))
        self._counter = self._line = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def header(self, task: str, role: str = "") -> None:
        """The line that names a task, whether it then runs or is skipped."""
        banner = f"TASK [{role} : {task}]" if role else f"TASK [{task}]"
        self._counter += 3
        self._line += 1
        self._write(f"{banner} {'*' * max(3, _COLUMNS - len(banner))}\n")

    def ended(self, task: str, role: str, action: str, began: float, result: dict[str, Any]) -> None:
        """A task that went well; `result` holds `changed` and what else is worth knowing, never a secret."""
        word = "changed" if result.get("changed") else "ok"
        self._event("runner_on_ok", task, role, action, began, result, f"{word}: [{self._address}]")

    def failed(self, task: str, role: str, action: str, began: float, result: dict[str, Any]) -> None:
        """A task that failed."""
        shown = json.dumps(result, separators=(", ", " : "))
        entry = self._entry(
            "runner_on_failed", task, role, action, began, result, f"fatal: [{self._address}]: FAILED! => {shown}"
        )
        self._write(entry)
        self._write(entry)

    def _event(
        self, event: str, task: str, role: str, action: str, began: float, result: dict[str, Any], stdout: str
    ) -> None:
        self._write(self._entry(event, task, role, action, began, result, stdout))

    def _entry(
        self, event: str, task: str, role: str, action: str, began: float, result: dict[str, Any], stdout: str
    ) -> str:
        now, this, parent = time.time(), str(uuid.uuid4()), str(uuid.uuid4())
        folder = f"{_PROJECT}/roles/{role}/tasks/main.yml" if role else f"{_PROJECT}/{self._playbook}"
        data: dict[str, Any] = {
            "playbook": self._playbook,
            "playbook_uuid": self._playbook_uuid,
            "play": "all",
            "play_uuid": self._play_uuid,
            "play_pattern": "all",
            "task": task,
            "task_uuid": parent,
            "task_action": action,
            "resolved_action": action,
            "task_args": "",
            "task_path": f"{folder}:{self._line}",
        }
        if role:
            data["role"] = role
        data.update(
            {
                "host": self._address,
                "remote_addr": self._address,
                "res": {**result, "_ansible_no_log": False},
                "start": _iso(began),
                "end": _iso(now),
                "duration": round(now - began, 6),
                "event_loop": None,
                "uuid": this,
            }
        )
        document = {
            "uuid": this,
            "counter": self._counter,
            "stdout": stdout,
            "start_line": self._line,
            "end_line": self._line + 1,
            "runner_ident": self._runner,
            "event": event,
            "pid": os.getpid(),
            "created": _iso(now),
            "parent_uuid": parent,
            "event_data": data,
        }
        return json.dumps(document, indent=2, separators=(",", " : "), ensure_ascii=False) + "\n\n"

    def _write(self, text: str) -> None:
        self._file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC - {text}")
        self._file.flush()


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
