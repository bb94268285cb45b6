"""Further hosts: what is checked before one is added, how it is added, when it counts as ready."""

from __future__ import annotations

from typing import Any

import pytest
from fake_engine import Answer, FakeEngine, Seen, Ticking, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import ha_hosts
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

HOST = "b50b34e5-123a-4b04-9659-9a1c6f56e35d"
CLUSTER = types.Cluster(id="9d4dc3b0-e071-48c7-b1bd-37fe8fe1f167", name="Default")


def vms(origin: str = "managed_hosted_engine", runner: str = "h1") -> Answer:
    host = f'<host id="{runner}"/>' if runner else ""
    text = f'<vm id="v"><name>HostedEngine</name><origin>{origin}</origin><status>up</status>{host}</vm>'
    return Answer(200, f"<vms>{text}</vms>")


def host(status: str, score: int | None = None, active: bool = True) -> Answer:
    told = ""
    if score is not None:
        told = (
            f"<hosted_engine><active>{str(active).lower()}</active><configured>true</configured>"
            f"<score>{score}</score></hosted_engine>"
        )
    return Answer(200, f'<host id="{HOST}"><name>h</name><status>{status}</status>{told}</host>')


def problem_of(call: Any) -> HostedEngineError:
    with pytest.raises(HostedEngineError) as caught:
        call()
    return caught.value


def test_the_engine_vm_must_run_somewhere(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    engine.plan("GET", "/api/vms", vms(runner=""), vms(runner=""), vms())
    assert ha_hosts.check_engine_vm(session, "HostedEngine") == "h1"
    assert engine.seen[-1].query == {"search": 'name="HostedEngine"'}
    assert len(clock.pauses) == 2
    engine.plan("GET", "/api/vms", vms(runner=""))
    assert problem_of(lambda: ha_hosts.check_engine_vm(session, "HostedEngine")).problem.id == "engine.vm_nowhere"


@pytest.mark.parametrize("answer", [vms(origin="ovirt"), Answer(200, "<vms/>")])
def test_an_engine_that_is_not_hosted_takes_no_such_host(
    engine: FakeEngine, session: Session, clock: Ticking, answer: Answer
) -> None:
    engine.plan("GET", "/api/vms", answer)
    assert problem_of(lambda: ha_hosts.check_engine_vm(session, "HostedEngine")).problem.id == "engine.vm_not_managed"
    assert clock.pauses == []


def test_no_cluster_is_made(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/clusters", golden("defaults/clusters"))
    assert ha_hosts.find_cluster(session, "Default").name == "Default"
    error = problem_of(lambda: ha_hosts.find_cluster(session, "other"))
    assert (error.problem.id, error.observed) == ("engine.cluster_unknown", "clusters Default")
    assert engine.asked("POST", "/api/clusters") == []


def test_a_host_is_added_with_hosted_engine(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("POST", "/api/hosts", golden("hosts/add"))
    assert ha_hosts.add(session, journal, CLUSTER, "h", "h.example.test").id == HOST
    sent = engine.asked("POST", "/api/hosts")[0]
    assert sent.query == {"activate": "true", "reboot": "false", "deploy_hosted_engine": "true"}
    assert "<authentication_method>publickey</authentication_method>" in sent.body
    assert "password" not in sent.body
    assert [(entry["kind"], entry["status"]) for entry in journal.made()] == [("engine_host", "made")]


def test_a_refusal_is_told_in_the_engines_words(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("POST", "/api/hosts", golden("hosts/add-duplicate-name"))
    error = problem_of(lambda: ha_hosts.add(session, journal, CLUSTER, "h", "h.example.test"))
    assert error.problem.id == "engine.host_refused"
    assert "name is already in use" in error.observed
    assert journal.made()[0]["status"] == "making"


@pytest.mark.parametrize(
    ("status", "score", "todo"),
    [
        ("up", 3400, ""),
        ("maintenance", 0, ""),
        ("maintenance", None, "install"),
        ("install_failed", None, "install"),
        ("install_failed", 0, "install"),
        ("non_operational", None, "install"),
        ("installing", None, "wait"),
        ("non_responsive", 3400, "wait"),
    ],
)
def test_what_an_existing_host_needs(
    engine: FakeEngine, session: Session, status: str, score: int | None, todo: str
) -> None:
    engine.plan("GET", f"/api/hosts/{HOST}", host(status, score))
    assert ha_hosts.todo(ha_hosts.read(session, HOST)) == todo
    assert engine.seen[-1].query == {"all_content": "true"}


def test_a_host_in_use_is_not_taken(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", f"/api/hosts/{HOST}", host("up"))
    error = problem_of(lambda: ha_hosts.todo(ha_hosts.read(session, HOST)))
    assert (error.problem.id, error.observed) == ("engine.host_not_ha", "it is up")


def test_a_host_is_installed_again_with_hosted_engine(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", f"/api/hosts/{HOST}", host("maintenance"))
    engine.plan("POST", f"/api/hosts/{HOST}/install", Answer(200, "<action><status>complete</status></action>"))
    ha_hosts.reinstall(session, ha_hosts.read(session, HOST))
    sent = engine.asked("POST", f"/api/hosts/{HOST}/install")[0]
    # here the parameters are in the body (engine contract 11)
    for wish in ("deploy_hosted_engine>true", "activate>true", "reboot>false", "authentication_method>publickey"):
        assert f"<{wish}</" in sent.body
    assert sent.query == {}


def test_a_score_is_waited_for(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    answers = [host("up"), host("up", 0), host("up", 3400, active=False), host("up", 3400)]
    engine.plan("GET", f"/api/hosts/{HOST}", *answers)
    seen = ha_hosts.wait_for_score(session, HOST, 600)
    assert (seen["score"], seen["active"], seen["local_maintenance"]) == (3400, True, False)
    assert clock.pauses == [5.0] * 3
    engine.plan("GET", f"/api/hosts/{HOST}", host("up", 0))
    error = problem_of(lambda: ha_hosts.wait_for_score(session, HOST, 60))
    assert (error.problem.id, error.observed) == ("engine.no_score", "host h is up, its score 0, active True")


def test_the_searched_name_is_quoted(engine: FakeEngine, session: Session) -> None:
    def answer(request: Seen) -> Answer:
        assert request.query["search"] == 'name="Engine VM"'
        return Answer(200, "<vms/>")

    engine.plan("GET", "/api/vms", answer)
    problem_of(lambda: ha_hosts.check_engine_vm(session, "Engine VM"))
