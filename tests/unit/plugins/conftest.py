"""Commands of the code under test are really executed, as a module would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run


def _execute(
    words: tuple[str, ...], stdin: str, environment: Mapping[str, str], cwd: str | None, seconds: float
) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            words,
            input=stdin,
            env={**os.environ, **environment},
            cwd=cwd,
            timeout=seconds,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute commands with the standard library."""
    monkeypatch.setattr(_run._Commands, "executor", staticmethod(_execute))
