from __future__ import annotations

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import processes_started, run


def test_gives_what_was_printed_and_counts() -> None:
    before = processes_started()
    done = run(["sh", "-c", "cat; echo err >&2"], stdin="in")
    assert (done.rc, done.stdout, done.stderr) == (0, "in", "err\n")
    assert processes_started() == before + 1


def test_failure_carries_the_words_of_the_command() -> None:
    with pytest.raises(HostedEngineError) as caught:
        run(["sh", "-c", "echo no space >&2; exit 3"])
    assert caught.value.problem.id == "command.failed"
    assert caught.value.observed == "exit status 3: no space"


def test_failure_can_be_an_answer() -> None:
    assert run(["false"], check=False).rc == 1


def test_a_missing_command_is_named() -> None:
    with pytest.raises(HostedEngineError) as caught:
        run(["no-such-command-anywhere"])
    assert caught.value.problem.id == "command.missing"
    assert "no-such-command-anywhere" in caught.value.observed


def test_a_deadline_ends_it() -> None:
    with pytest.raises(HostedEngineError) as caught:
        run(["sleep", "5"], timeout=0.1)
    assert caught.value.problem.id == "command.timeout"


def test_the_locale_is_fixed() -> None:
    assert run(["sh", "-c", "echo $LC_ALL"]).stdout == "C.UTF-8\n"
