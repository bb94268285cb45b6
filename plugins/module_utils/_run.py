# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run commands: no shell, a deadline, secrets through standard input only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

COMMAND_FAILED = declare(
    "command.failed",
    "A command on the host failed",
    "Read the command's own words above; run it by hand to see more.",
)
COMMAND_MISSING = declare(
    "command.missing",
    "A command that the deployment needs is not installed",
    "Install the package that brings the command and run the same playbook again.",
)
COMMAND_TIMEOUT = declare(
    "command.timeout",
    "A command on the host did not end in time",
    "Look at the load of the host and at the storage it works on, then run the same playbook again.",
    retryable=True,
)

# Programs that wait for somebody to type, or that translate their messages, cannot be driven.
BASE_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Completed:
    """A command that has ended: exit status and what it printed."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str


# Words, standard input, additions to the environment, working directory, seconds: gives exit status and both outputs.
# It raises FileNotFoundError for a program that does not exist and TimeoutError at the deadline.
Executor = Callable[[tuple[str, ...], str, Mapping[str, str], Optional[str], float], tuple[int, str, str]]


class _Commands:
    """How commands are executed, and how many were; the report sums them over a run."""

    executor: Optional[Executor] = None
    started = 0


def execute_with(executor: Executor) -> None:
    """Say how commands are executed; the frame of a module does this first."""
    _Commands.executor = executor


def processes_started() -> int:
    """Return the number of child processes started so far by this process."""
    return _Commands.started


def count_processes(number: int) -> None:
    """Add child processes that were not started by C(run)."""
    _Commands.started += number


def run(
    argv: Sequence[str],
    stdin: Optional[str] = None,
    timeout: float = 60.0,
    user: Optional[str] = None,
    group: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[str] = None,
    check: bool = True,
) -> Completed:
    """Run a command and return what became of it.

    Args:
        argv: program and arguments; never a secret, other users can read them.
        stdin: text for its standard input; the way for secrets.
        timeout: seconds after which it is killed.
        user: account to run as; the caller must be root.
        group: group to run as, by default the primary group of C(user).
        env: additions to the environment; never a secret.
        cwd: working directory.
        check: raise when the exit status is not 0.

    Raises:
        HostedEngineError: C(command.missing), C(command.timeout), or C(command.failed) if C(check).
    """
    words = tuple(str(word) for word in argv)
    _Commands.started += 1
    try:
        environment = {**BASE_ENVIRONMENT, **(env or {})}
        rc, stdout, stderr = _executor()((*_identity(user, group), *words), stdin or "", environment, cwd, timeout)
    except FileNotFoundError as error:
        raise HostedEngineError(COMMAND_MISSING, observed=f"{words[0]}: {error.strerror}") from error
    except TimeoutError as error:
        seen = f"{' '.join(words)} ran for more than {timeout:g} s"
        raise HostedEngineError(COMMAND_TIMEOUT, observed=seen) from error
    completed = Completed(words, rc, stdout, stderr)
    if check and completed.rc != 0:
        raise failed(completed)
    return completed


def failed(completed: Completed) -> HostedEngineError:
    """Return the error that says that a command failed, with the end of what it printed."""
    words = (completed.stderr.strip() or completed.stdout.strip() or "nothing printed")[-2000:]
    return HostedEngineError(
        COMMAND_FAILED,
        expected=f"exit status 0 of {' '.join(completed.argv)}",
        observed=f"exit status {completed.rc}: {words}",
    )


def _executor() -> Executor:
    if _Commands.executor is None:
        raise RuntimeError("nobody has said how commands are executed; modules do it in their frame")
    return _Commands.executor


def _identity(user: Optional[str], group: Optional[str]) -> tuple[str, ...]:
    """Return the words that make a command run as an account; they replace themselves by the command."""
    if user is None:
        return ()
    return ("setpriv", f"--reuid={user}", f"--regid={group or user}", "--init-groups", "--")
