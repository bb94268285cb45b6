# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of tasks and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..tasks import Task
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


def _task(host: Host, task_id: str) -> Task:
    if task_id not in host.tasks:
        raise errors.error("UnknownTask", repr((task_id,)))
    return host.tasks[task_id]


@verb("Task.getStatus")
def task_status(host: Host, taskID: str) -> dict[str, Any]:
    return _task(host, taskID).status()


@verb("Task.getInfo")
def task_info(host: Host, taskID: str) -> dict[str, Any]:
    return _task(host, taskID).info()


@verb("Task.clear")
def task_clear(host: Host, taskID: str) -> None:
    if not _task(host, taskID).finished:
        raise errors.error("TaskNotFinished", repr((taskID,)))
    del host.tasks[taskID]


@verb("Task.stop", "Task.revert")
def task_stop(host: Host, taskID: str, force: Any = False) -> None:
    _task(host, taskID).hasten()


@verb("Host.getAllTasks")
def all_tasks(host: Host, tags: Any = ()) -> dict[str, Any]:
    result = {}
    for task in host.tasks.values():
        if not tags or task.tag in tags:
            told = task.status()
            result[task.id] = {
                **task.info(),
                "state": told["taskState"],
                "tag": task.tag,
                "result": task.result or {},
                "code": told["code"],
                "message": told["message"],
            }
    return result


@verb("Host.getAllTasksInfo")
def all_tasks_info(host: Host) -> dict[str, Any]:
    return {task.id: task.info() for task in host.tasks.values() if task.tag == "spm"}


@verb("Host.getAllTasksStatuses")
def all_tasks_statuses(host: Host) -> dict[str, Any]:
    return {task.id: task.status() for task in host.tasks.values() if task.tag == "spm"}


@verb("Host.getJobs")
def get_jobs(host: Host, job_type: Any = None, job_ids: Any = ()) -> dict[str, Any]:
    return {
        key: job
        for key, job in host.jobs.items()
        if (not job_type or job["job_type"] == job_type) and (not job_ids or key in job_ids)
    }
