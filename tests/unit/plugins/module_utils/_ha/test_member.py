"""A host among the HA hosts: its id, its own score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha import member
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.status import STATUS_UNREADABLE
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock

GOLDEN = Path(__file__).parents[4] / "fixtures" / "host" / "hosted-engine.conf" / "good" / "nfs.conf"


class Ticking(Clock):
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("host_id=1", "host_id=2", 2), ("host_id=1", "host_id=", None), ("host_id=1", "host_id=one", None)],
)
def test_the_id_of_the_configuration(tmp_path: Path, old: str, new: str, expected: int | None) -> None:
    conf = tmp_path / "hosted-engine.conf"
    assert member.configured_id(str(conf)) is None
    text = GOLDEN.read_text()
    assert old in text
    conf.write_text(text.replace(old, new))
    assert member.configured_id(str(conf)) == expected


def test_an_id_that_differs_is_refused(tmp_path: Path) -> None:
    conf = tmp_path / "hosted-engine.conf"
    with pytest.raises(HostedEngineError) as caught:
        member.check_id(2, str(conf))
    assert caught.value.problem.id == "ha.not_configured"
    conf.write_text("host_id=1\n")
    member.check_id(1, str(conf))
    with pytest.raises(HostedEngineError) as caught:
        member.check_id(2, str(conf))
    assert (caught.value.problem.id, caught.value.observed) == ("ha.host_id_differs", "host_id=1")


def test_a_host_of_another_engine_is_left_alone(tmp_path: Path) -> None:
    conf = tmp_path / "hosted-engine.conf"
    member.check_engine("engine.example.com", str(conf))
    conf.write_text("fqdn=engine.example.com\nhost_id=1\n")
    member.check_engine("engine.example.com", str(conf))
    with pytest.raises(HostedEngineError) as caught:
        member.check_engine("other.example.com", str(conf))
    assert (caught.value.problem.id, caught.value.observed) == (
        "deployment.exists",
        "a host of engine engine.example.com",
    )


def told(**changes: Any) -> dict[str, Any]:
    """What C(read_status) returns for one host."""
    own = {"host_id": 2, "score": 3400, "engine_status": {"vm": "down", "health": "bad", "detail": "unknown"}}
    own.update(live=True, stopped=False, state="EngineDown", **changes)
    return {"hosts": {"2": own}, "global_maintenance": False}


def test_a_score_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = HostedEngineError(STATUS_UNREADABLE, observed="exit status 1: not retrieved")
    answers: list[Any] = [silent, {"hosts": {}, "global_maintenance": False}]
    answers += [told(score=0), {**told(), "hosts": {"2": {**told()["hosts"]["2"], "live": False}}}, told()]

    def read_status() -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, HostedEngineError):
            raise answer
        found: dict[str, Any] = answer
        return found

    monkeypatch.setattr(member, "read_status", read_status)
    clock = Ticking()
    assert member.wait_for_score(2, 600, clock)["score"] == 3400
    assert (answers, clock.now()) == ([], 12.0)


def test_no_score_is_told_with_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "read_status", lambda: told(score=0))
    with pytest.raises(HostedEngineError) as caught:
        member.wait_for_score(2, 60, Ticking())
    assert caught.value.problem.id == "ha.no_score"
    assert "state EngineDown" in caught.value.observed
