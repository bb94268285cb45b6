from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha import status
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

FIXTURES = Path(__file__).parents[4] / "fixtures" / "host" / "vm-status"


def _answer(monkeypatch: pytest.MonkeyPatch, rc: int, stdout: str, stderr: str = "") -> None:
    monkeypatch.setattr(status, "run", lambda argv, **_: Completed(tuple(argv), rc, stdout, stderr))


@pytest.mark.parametrize("name", ["agent-stopped", "global-maintenance", "local-maintenance-host-2"])
def test_reads_what_the_command_prints(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text = (FIXTURES / f"{name}.json").read_text()
    golden = json.loads(text)
    _answer(monkeypatch, 0, text)
    seen = status.read_status()
    assert seen["global_maintenance"] == golden["global_maintenance"]
    assert set(seen["hosts"]) == set(golden) - {"global_maintenance"}
    for key, host in seen["hosts"].items():
        assert host["score"] == golden[key]["score"]
        assert host["live"] == golden[key]["live-data"]
        assert f"state={host['state']}\n" in golden[key]["extra"]


def test_a_failure_is_told_with_the_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = json.loads((FIXTURES / "no-broker.meta.json").read_text())
    assert meta
    _answer(monkeypatch, 1, "", "Traceback\nConnectionRefusedError: refused")
    with pytest.raises(HostedEngineError) as caught:
        status.read_status()
    assert caught.value.problem.id == "ha.status_unreadable"
    assert caught.value.observed == "exit status 1: ConnectionRefusedError: refused"


@pytest.mark.parametrize(
    ("health", "detail", "live", "good"),
    [
        ("good", "Up", True, True),
        ("good", "Up", False, False),
        ("bad", "Up", True, False),
        ("good", "Paused", True, False),
    ],
)
def test_only_a_live_healthy_running_engine_is_good(health: str, detail: str, live: bool, good: bool) -> None:
    assert status.is_good({"engine_status": {"health": health, "detail": detail}, "live": live}) is good
