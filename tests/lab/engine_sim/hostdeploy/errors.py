# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How host-deploy fails."""

from __future__ import annotations

from pathlib import Path


class SshError(ConnectionError):
    """No ssh session with a host."""


class SshUnreachable(SshError):
    """Refused, no route, no such name, silent, or lost: an engine has one text for all (engine measured 10)."""


class SshHostKeyChanged(SshUnreachable):
    """The host shows another key than the one that was pinned at its first use."""


class SshAuthFailed(SshError):
    """The host takes neither the engine's key nor the password."""


class CommandFailed(RuntimeError):
    """A command on the host ended with an error."""

    def __init__(self, command: str, rc: int, stdout: str, stderr: str) -> None:
        super().__init__(f"{command} ended with {rc}: {(stderr or stdout).strip()[-2000:]}")
        self.command = command
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr


class TaskFailed(RuntimeError):
    """A task found what it cannot bear; `lines` go to the log."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class HostDeployFailed(RuntimeError):
    """A task failed. The text is the middle of event 505 (engine measured 10)."""

    def __init__(self, task_name: str, log_path: Path, reason: str) -> None:
        super().__init__(f"Task {task_name} failed to execute. Please check logs for more details: {log_path}")
        self.task_name = task_name
        self.log_path = log_path
        self.reason = reason
