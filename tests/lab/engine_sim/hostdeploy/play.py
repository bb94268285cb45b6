# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run of tasks on one host: the ssh session, what was found out so far, and who hears of each task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import CommandFailed, HostDeployFailed, SshError, TaskFailed
from .log import DeployLog
from .packages import PackageManager
from .settings import DeploySettings, HostTarget
from .ssh import SshSession

Emit = Callable[[str], object]


@dataclass
class Play:
    """What the tasks of one run share. `facts` is filled by the first tasks and read by the later ones."""

    host: HostTarget
    settings: DeploySettings
    session: SshSession
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def packages(self) -> PackageManager:
        """The host's package manager. Raises TaskFailed when the system is of no known family."""
        manager: PackageManager | None = self.facts.get("package_manager")
        if manager is None:
            system = self.facts.get("os", {}).get("PRETTY_NAME", "unknown")
            raise TaskFailed(f"Could not find the package manager of this host: neither dnf nor apt-get ({system})")
        return manager

    def el(self, least: int = 1) -> bool:
        """Whether the host is of the Red Hat family, in that version or a newer one."""
        return int(self.facts.get("el_ver", 0)) >= least

    def has_unit(self, name: str) -> bool:
        """Whether systemd knows the unit, as the last look at the services said."""
        return name in self.facts.get("units", {})

    def sh(self, script: str, stdin: str = "", timeout: float = 120) -> str:
        """Run a script on the host; its output. Raises CommandFailed."""
        return self.session.run(script, stdin, timeout).stdout


@dataclass(frozen=True)
class Task:
    """One task: the name clients see, and what it does. `when` false: it is skipped and nobody hears of it.

    `run` returns the result for the log, or None for "ok, nothing changed".
    """

    name: str
    run: Callable[[Play], dict[str, Any] | None]
    role: str = ""
    action: str = "ansible.builtin.command"
    when: Callable[[Play], bool] | None = None


def run_tasks(play: Play, tasks: Iterable[Task], log: DeployLog, emit: Emit) -> None:
    """Run tasks in order; `emit` hears the name of each that went well. Raises HostDeployFailed at the first other."""
    for task in tasks:
        log.header(task.name, task.role)
        if task.when is not None and not task.when(play):
            continue
        began = time.time()
        try:
            if play.settings.fail_at == task.name:
                raise TaskFailed(f"failure injected at this task ({task.name})")
            result = task.run(play) or {}
        except (CommandFailed, TaskFailed, SshError, OSError) as error:
            log.failed(task.name, task.role, task.action, began, _explain(error))
            raise HostDeployFailed(task.name, log.path, str(error)) from error
        log.ended(task.name, task.role, task.action, began, {"changed": False, **result})
        emit(task.name)


def _explain(error: Exception) -> dict[str, Any]:
    result: dict[str, Any] = {"changed": False}
    if isinstance(error, CommandFailed):
        result.update(
            {
                "rc": error.rc,
                "cmd": error.command,
                "stdout_lines": error.stdout.splitlines()[-40:],
                "stderr_lines": error.stderr.splitlines()[-40:],
            }
        )
    result["unreachable" if isinstance(error, SshError) else "failed"] = True
    result["msg"] = str(error).splitlines() or [type(error).__name__]
    return result
