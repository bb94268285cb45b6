# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asynchronous work: storage tasks, which the engine polls, and jobs, which are told by events."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import VdsmError

if TYPE_CHECKING:
    from .host import Host

log = logging.getLogger("vdsmd")


class Task:
    """One task of the SPM, as Task.getStatus shows it. Finished when its work is, and not before `after` seconds."""

    def __init__(self, verb: str, result: Any = None, after: float = 0.0, tag: str = "spm") -> None:
        self.id = str(uuid.uuid4())
        self.verb = verb
        self.result = result
        self.tag = tag
        self.error: VdsmError | None = None
        self.working = False
        self._ready = time.monotonic() + after

    @property
    def finished(self) -> bool:
        """Whether the engine may clear it."""
        return not self.working and time.monotonic() >= self._ready

    def hasten(self) -> None:
        """Do not wait for the pretended duration."""
        self._ready = 0.0

    def run(self, work: Callable[[], Any]) -> None:
        """Do the work in a thread; an error of VDSM becomes the task's outcome."""
        self.working = True

        def body() -> None:
            try:
                work()
            except VdsmError as error:
                self.error = error
            except (OSError, RuntimeError, ValueError) as error:
                log.exception("task %s %s", self.id, self.verb)
                self.error = VdsmError(100, f"General Exception: {error}")
            finally:
                self.working = False

        threading.Thread(target=body, name=f"task-{self.verb}", daemon=True).start()

    def status(self) -> dict[str, Any]:
        """Answer of Task.getStatus."""
        if not self.finished:
            return {
                "taskID": self.id,
                "taskState": "running",
                "taskResult": "",
                "code": 0,
                "message": "running job 1 of 1",
            }
        failed = self.error is not None
        return {
            "taskID": self.id,
            "taskState": "finished",
            "taskResult": "cleanSuccess" if failed else "success",
            "code": self.error.code if self.error else 0,
            "message": self.error.message if self.error else "1 jobs completed successfully",
        }

    def info(self) -> dict[str, Any]:
        """Answer of Task.getInfo."""
        return {"id": self.id, "verb": self.verb}


def start(
    host: Host, name: str, result: Any = None, work: Callable[[], Any] | None = None, after: float | None = None
) -> str:
    """Begin a task of `host` and return its id, which is what the verb answers."""
    task = Task(name, result, host.seconds["task"] if after is None else after)
    host.tasks[task.id] = task
    if work is not None:
        task.run(work)
    return task.id


def job(host: Host, job_id: str, description: str, work: Callable[[], Any]) -> None:
    """Do the work of an SDM job in a thread; its end is seen in Host.getJobs and told by an event."""
    info: dict[str, Any] = {
        "id": job_id,
        "status": "running",
        "description": description,
        "job_type": "storage",
        "progress": 0.0,
    }
    host.jobs[job_id] = info

    def body() -> None:
        try:
            work()
            info.update(status="done", progress=100.0)
        except VdsmError as error:
            info.update(status="failed", error={"code": error.code, "message": error.message})
        except (OSError, RuntimeError, ValueError) as error:
            log.exception("job %s", job_id)
            info.update(status="failed", error={"code": 100, "message": f"General Exception: {error}"})
        host.emit(f"|jobs|status|{job_id}", dict(info))

    threading.Thread(target=body, name="job", daemon=True).start()
