# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks of the SPM: an engine asks for all statuses at intervals and clears what has ended."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from ..client import HostClient

#: How long to sleep between looks, seconds: at first short, then longer.
FIRST_INTERVAL, LAST_INTERVAL = 0.1, 2.0


class TaskFailed(RuntimeError):
    """A task ended without success. `code` and `message` are vdsm's."""

    def __init__(self, task_id: str, status: dict[str, Any]) -> None:
        self.task_id = task_id
        self.code = int(status.get("code", 100))
        self.message = str(status.get("message", ""))
        super().__init__(f"task {task_id} ended with {status.get('taskResult')}: {self.message} (code {self.code})")


class TaskTimeout(TimeoutError):
    """Tasks were still running when the time was over; the text holds the last statuses."""


def statuses(spm: HostClient) -> dict[str, dict[str, Any]]:
    """Status of every SPM task of a host, by task id: taskState, taskResult, code, message."""
    found: dict[str, dict[str, Any]] = spm.call("Host.getAllTasksStatuses")
    return found


def clear(host: HostClient, task_id: str) -> None:
    """Let the host forget a task that has ended."""
    host.call("Task.clear", {"taskID": task_id})


def wait_all(spm: HostClient, task_ids: Collection[str], timeout: float) -> None:
    """Wait for several tasks together, then clear each. Raises TaskFailed (after clearing) or TaskTimeout."""
    wanted = list(task_ids)
    seen: dict[str, dict[str, Any]] = {}

    def look() -> bool:
        seen.update(statuses(spm))
        return all(seen.get(task, {}).get("taskState") == "finished" for task in wanted)

    if not _poll(look, timeout):
        running = {task: seen.get(task, {}).get("taskState", "unknown") for task in wanted}
        raise TaskTimeout(f"tasks of {spm.address} not finished within {timeout:g} s: {running}")
    for task in wanted:
        clear(spm, task)
    for task in wanted:
        if seen[task].get("taskResult") != "success":
            raise TaskFailed(task, seen[task])


def wait_one(host: HostClient, task_id: str, timeout: float) -> None:
    """Wait for a task of a host that is not (yet) the SPM, then clear it. Raises as `wait_all`."""
    seen: dict[str, Any] = {}

    def look() -> bool:
        seen.update(host.call("Task.getStatus", {"taskID": task_id}))
        return seen.get("taskState") == "finished"

    if not _poll(look, timeout):
        raise TaskTimeout(f"task {task_id} of {host.address} not finished within {timeout:g} s: {seen}")
    clear(host, task_id)
    if seen.get("taskResult") != "success":
        raise TaskFailed(task_id, seen)


def _poll(look: Any, timeout: float) -> bool:
    deadline, interval = time.monotonic() + timeout, FIRST_INTERVAL
    while not look():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(interval, left))
        interval = min(interval * 1.5, LAST_INTERVAL)
    return True
