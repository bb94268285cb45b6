# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command of the machine, or wait for something, with a deadline and a useful message."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from driver.errors import LabError

POLL_SECONDS = 0.05


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float = 60,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Standard output of ``argv``; raises LabError with what the command said if it fails."""
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=env,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(command)} did not end within {timeout:g} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-4000:]
        raise LabError(f"{' '.join(command)} failed with status {done.returncode}: {said}")
    return done.stdout


def wait_for(what: str, look: Callable[[], object], *, deadline: float, poll: float = POLL_SECONDS) -> None:
    """Return as soon as ``look()`` is ``True``; any other value is shown when ``deadline`` seconds have passed."""
    end = time.monotonic() + deadline
    while True:
        seen = look()
        if seen is True:
            return
        if time.monotonic() >= end:
            raise LabError(f"{what}: not within {deadline:g} s, last seen: {seen}")
        time.sleep(poll)
