from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "deep" / "journal.json"), "bootstrap_local_vm")


def test_no_journal_is_none_and_nothing_is_made_by_reading(journal: Journal, tmp_path: Path) -> None:
    assert journal.read() is None
    assert journal.made() == []
    assert list(tmp_path.iterdir()) == []


def test_only_root_may_read_it(journal: Journal) -> None:
    journal.remember("nat", {"bridge": "node0-nat"})
    assert stat.S_IMODE(Path(journal.path).stat().st_mode) == 0o600


def test_remembers_and_forgets(journal: Journal) -> None:
    journal.remember("nat", {"bridge": "node0-nat"})
    assert journal.state("nat") == {"bridge": "node0-nat"}
    journal.forget("nat")
    assert journal.state("nat") is None


def test_a_thing_is_noted_before_and_after_it_is_made(journal: Journal) -> None:
    with journal.making("file", "/etc/x", mode="0600"):
        assert [(e["name"], e["status"]) for e in journal.made()] == [("/etc/x", "making")]
    assert [(e["name"], e["status"], e["mode"], e["phase"]) for e in journal.made()] == [
        ("/etc/x", "made", "0600", "bootstrap_local_vm")
    ]


def test_a_phase_is_begun_with_the_first_thing_that_it_makes(journal: Journal) -> None:
    """Of a run that is cut nobody else would tell that it was begun."""

    def status() -> str:
        return str((journal.read() or {})["phases"]["bootstrap_local_vm"]["status"])

    for before, after in (("", "running"), ("undone", "running"), ("failed", "failed"), ("done", "done")):
        if before:
            journal.mark("bootstrap_local_vm", before)
        with journal.making("file", "/etc/x"):
            assert status() == after


def test_a_thing_whose_making_failed_stays_listed(journal: Journal) -> None:
    with pytest.raises(OSError, match="full"), journal.making("file", "/etc/x"):
        raise OSError("full")
    assert [e["status"] for e in journal.made()] == ["making"]


def test_newest_first_and_gone(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        with journal.making("file", name):
            pass
    journal.gone("file", "b")
    assert [e["name"] for e in journal.made("file")] == ["c", "a"]


def test_marking_a_done_phase_done_again_is_no_change(journal: Journal) -> None:
    assert journal.mark("final_clean", "running")
    assert journal.mark("final_clean", "done")
    before = Path(journal.path).read_bytes()
    assert not journal.mark("final_clean", "done")
    assert Path(journal.path).read_bytes() == before


def test_a_failed_phase_keeps_its_error_until_it_runs_again(journal: Journal) -> None:
    journal.mark("final_clean", "failed", error={"id": "x.y"})
    assert (journal.read() or {})["phases"]["final_clean"]["error"] == {"id": "x.y"}
    journal.mark("final_clean", "running")
    assert "error" not in (journal.read() or {})["phases"]["final_clean"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"phases": {}}'])
def test_a_damaged_journal_is_refused_and_kept(journal: Journal, content: str) -> None:
    path = Path(journal.path)
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(HostedEngineError) as caught:
        journal.remember("a", {})
    assert caught.value.problem.id == "journal.unreadable"
    assert path.read_text() == content


def test_a_newer_schema_is_refused(journal: Journal) -> None:
    Path(journal.path).parent.mkdir()
    Path(journal.path).write_text(json.dumps({"schema": 99}))
    with pytest.raises(HostedEngineError) as caught:
        journal.read()
    assert caught.value.problem.id == "journal.newer"
