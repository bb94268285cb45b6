"""Running the system's tools for the builder."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


class BuildError(RuntimeError):
    """A step of the build failed; the message names the command and ends with what it said."""


def run(*argv: str | Path, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run `argv` and return its standard output. Raises BuildError with the last lines of both streams."""
    command = [str(part) for part in argv]
    done = subprocess.run(command, input=stdin, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise BuildError(f"{' '.join(command)}: exit status {done.returncode}\n{said}")
    return done.stdout


def chroot(root: Path, *argv: str, stdin: str | None = None) -> str:
    """Run `argv` inside the tree at `root`."""
    return run("chroot", root, *argv, stdin=stdin)


def missing(tools: Sequence[str]) -> list[str]:
    """Those of `tools` that are not installed."""
    from shutil import which

    return [tool for tool in tools if which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
