"""The ssh helper, with a stand-in for ssh that runs the command here or fails as ssh fails."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest

SSH = """#!/bin/sh
python3 - "$@" <<'END'
import json, os, sys
with open(os.environ["SEEN"], "a") as seen:
    seen.write(json.dumps(sys.argv[1:]) + "\\n")
END
[ -n "$REFUSE" ] && { echo "root@192.0.2.1: Permission denied (publickey)." >&2; exit 255; }
while [ "$1" != -- ]; do shift; done
exec sh -c "$2"
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ssh").write_text(SSH)
    (tools / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.delenv("REFUSE", raising=False)
    return tmp_path / "seen"


@pytest.fixture
def guest(seen: Path) -> Guest:
    return Guest(address="192.0.2.1", key="/dir/key", known_hosts="/dir/known_hosts")


def calls(seen: Path) -> list[list[str]]:
    return [json.loads(line) for line in seen.read_text().splitlines()]


def test_words_arrive_as_they_are(guest: Guest) -> None:
    assert guest.run(["printf", "%s|", "a b", "$HOME", "it's", ""]).stdout == "a b|$HOME|it's||"


def test_the_host_key_is_pinned_and_nothing_is_asked(guest: Guest, seen: Path) -> None:
    guest.run(["true"])
    words = calls(seen)[0]
    for option in ("UserKnownHostsFile=/dir/known_hosts", "StrictHostKeyChecking=yes", "BatchMode=yes"):
        assert option in words
    assert words[words.index("-i") + 1] == "/dir/key"
    assert "root@192.0.2.1" in words


def test_no_connection_is_told_apart_from_a_failed_command(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostedEngineError) as caught:
        guest.run(["sh", "-c", "echo no >&2; exit 3"])
    assert caught.value.problem.id == "command.failed"
    assert "exit status 3: no" in caught.value.observed
    assert guest.run(["false"], check=False).rc == 1
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(HostedEngineError) as caught:
        guest.run(["true"], check=False)
    assert caught.value.problem.id == "guest.unreachable"
    assert "Permission denied" in caught.value.observed


def test_a_long_command_is_logged_while_it_runs(guest: Guest, tmp_path: Path) -> None:
    log = tmp_path / "setup.log"
    done = guest.run_logged(["sh", "-c", "cat; echo said >&2; exit 4"], str(log), stdin="heard\n")
    assert (done.rc, done.stderr) == (4, "said\n")
    assert log.read_text() == "heard\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_long_command_has_a_deadline(guest: Guest, tmp_path: Path) -> None:
    with pytest.raises(HostedEngineError) as caught:
        guest.run_logged(["sleep", "30"], str(tmp_path / "log"), timeout=0.2)
    assert caught.value.problem.id == "guest.timeout"
