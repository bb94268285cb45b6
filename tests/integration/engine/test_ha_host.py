"""A further host for the engine: what is refused before anything is added, and what check mode says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from engine_lab import Lab

ADDRESS = "127.0.43.9"


def arguments(lab: Lab, **changes: Any) -> dict[str, Any]:
    """What M(node0.hosted_engine.ha_host) is called with; the fixture's CA is given as text."""
    given = {
        "engine_ca": Path(lab.access["engine_ca_file"]).read_text(),
        "name": "h2",
        "address": ADDRESS,
        "authorized_keys": str(lab.folder / "authorized_keys"),
        "ready_timeout": 30,
        "timeout": 60,
        "score_timeout": 10,
        # Not among the arguments of this module.
        "engine_ca_file": None,
        "session_file": None,
    }
    return {**given, **changes}


@pytest.fixture
def hosted(lab: Lab) -> Lab:
    """An engine whose own VM runs on its first host."""
    host = lab.add_host()
    made = lab.done("engine_target_vm", **lab.vm_arguments(host, lab.add_storage(host)))
    lab.host_action("vm", name="HostedEngine", id=made["vm"]["id"])
    return lab


def test_the_engine_must_be_a_hosted_one(lab: Lab) -> None:
    lab.add_host()
    problem = lab.refused("ha_host", **arguments(lab))
    assert (problem["id"], problem["observed"]) == ("engine.vm_not_managed", "there is no VM HostedEngine")
    assert lab.tokens() == 1, "that of the first host's session"


def test_check_mode_asks_the_engine_and_leaves_no_trace(hosted: Lab) -> None:
    before = hosted.read("journal.json")
    told = hosted.run("ha_host", check=True, **arguments(hosted)).value
    assert told["would"] == ["add host h2 to cluster Default with hosted engine"]
    assert (told["changed"], told["logins"]) == (True, 1)
    assert hosted.read("journal.json") == before
    assert hosted.tokens() == 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cluster": "other"}, "engine.cluster_unknown"),
        ({"name": "h1"}, "engine.host_differs"),
        ({"address": "127.0.43.1"}, "engine.host_differs"),
        ({"engine_password": "wrong"}, "engine.login_refused"),
        # The first host was made without: nothing is changed while it is in use.
        ({"name": "h1", "address": "127.0.43.1"}, "engine.host_not_ha"),
    ],
)
def test_what_is_wrong_is_told_before_a_host_is_added(hosted: Lab, changes: dict[str, Any], problem: str) -> None:
    before = hosted.read("journal.json")
    for check in (True, False):
        result = hosted.run("ha_host", check=check, **arguments(hosted, **changes))
        assert result.error == problem, json.dumps(result.value)
    assert hosted.read("journal.json") == before
    assert hosted.tokens() == 0


def test_a_certificate_of_another_ca_ends_it(hosted: Lab, tmp_path: Path) -> None:
    from engine_sim import pki

    pki.create(tmp_path / "other", "localhost", "other")
    other = (tmp_path / "other" / "ca.pem").read_text()
    assert hosted.refused("ha_host", **arguments(hosted, engine_ca=other))["id"] == "engine.certificate"


def test_the_engines_refusal_is_told(hosted: Lab) -> None:
    hosted.fault("POST */hosts", status=409, detail="[Cannot add Host. Host with the same UUID already exists.]")
    problem = hosted.refused("ha_host", **arguments(hosted))
    assert (problem["id"], problem["observed"]) == (
        "engine.host_refused",
        "Cannot add Host. Host with the same UUID already exists.",
    )
    assert "vdsm.id" in problem["advice"]
    assert hosted.tokens() == 0


def test_a_host_that_does_not_come_up_is_told(hosted: Lab) -> None:
    """Nobody listens at its address: it was accepted, followed, and did not come up."""
    problem = hosted.refused("ha_host", **arguments(hosted, timeout=4))
    assert problem["id"] == "engine.host_not_up"
    assert "non_responsive" in problem["observed"] or "connecting" in problem["observed"]
    noted = [
        entry["name"] for entry in json.loads(hosted.read("journal.json"))["made"] if entry["kind"] == "engine_host"
    ]
    assert noted == ["h1", "h2"]
