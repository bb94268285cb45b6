from __future__ import annotations

import pytest
from fake_engine import Answer, FakeEngine, Ticking, fault

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import external_vm
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

VM = "4d7ac9d8-2a4b-4d10-8a4c-0b8d9f6a7c11"
DONE = Answer(200, "<action><status>complete</status></action>")
GONE = Answer(200, "<vms/>")


def vms(status: str, vm_id: str = VM) -> Answer:
    return Answer(
        200, f"<vms><vm id='{vm_id}'><name>external-HostedEngineLocal</name><status>{status}</status></vm></vms>"
    )


@pytest.fixture
def acts(engine: FakeEngine) -> FakeEngine:
    engine.plan("POST", f"/api/vms/{VM}/stop", DONE)
    engine.plan("DELETE", f"/api/vms/{VM}", DONE)
    return engine


def done(engine: FakeEngine) -> list[str]:
    return [request.method for request in engine.seen if request.path.startswith(f"/api/vms/{VM}")]


def test_it_is_stopped_and_then_removed(acts: FakeEngine, session: Session) -> None:
    acts.plan("GET", "/api/vms", vms("up"), vms("powering_down"), vms("down"), GONE)
    assert external_vm.remove(session, VM, 60)
    assert done(acts) == ["POST", "POST", "DELETE"]


def test_it_may_be_gone_already(acts: FakeEngine, session: Session) -> None:
    acts.plan("GET", "/api/vms", GONE)
    assert not external_vm.remove(session, VM, 60)
    assert done(acts) == []


def test_it_may_vanish_at_any_moment(acts: FakeEngine, session: Session) -> None:
    acts.plan("POST", f"/api/vms/{VM}/stop", Answer(404, "", ""))
    acts.plan("GET", "/api/vms", vms("up"), GONE)
    assert external_vm.remove(session, VM, 60)


def test_a_refusal_is_tried_again(acts: FakeEngine, session: Session) -> None:
    acts.plan("DELETE", f"/api/vms/{VM}", fault(409, "[Cannot remove VM. VM is running.]"), DONE)
    acts.plan("GET", "/api/vms", vms("down"), vms("down"), GONE)
    assert external_vm.remove(session, VM, 60)
    assert done(acts) == ["DELETE", "DELETE"]


def test_a_search_that_returns_others_removes_nothing(acts: FakeEngine, session: Session) -> None:
    acts.plan("GET", "/api/vms", vms("down", "another"))
    assert not external_vm.remove(session, VM, 60)
    assert done(acts) == []


def test_the_last_refusal_is_in_the_message(acts: FakeEngine, session: Session) -> None:
    acts.plan("DELETE", f"/api/vms/{VM}", fault(409, "[Cannot remove VM. VM is running.]"))
    acts.plan("GET", "/api/vms", vms("down"))
    with pytest.raises(HostedEngineError) as failure:
        external_vm.remove(session, VM, 10)
    assert failure.value.problem.id == "engine.bootstrap_vm_remains"
    assert failure.value.observed == "it is down: Cannot remove VM. VM is running."


def test_a_host_that_comes_back_is_awaited(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    states = [f"<host id='h'><name>h</name><status>{s}</status></host>" for s in ("unassigned", "connecting", "up")]
    engine.plan("GET", "/api/hosts/h", *[Answer(200, text) for text in states])
    assert external_vm.wait_for_host(session, "h", 60) == "up"
    assert clock.pauses == [0.5, 0.75]


def test_a_host_that_does_not_come_back_is_told_at_once(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    text = "<host id='h'><name>h</name><status>non_operational</status><status_detail>general</status_detail></host>"
    engine.plan("GET", "/api/hosts/h", Answer(200, text))
    with pytest.raises(HostedEngineError, match="non_operational general"):
        external_vm.wait_for_host(session, "h", 60)
    assert clock.pauses == []


@pytest.mark.parametrize(("origin", "works"), [("managed_hosted_engine", True), ("ovirt", False)])
def test_the_engines_own_vm_must_be_the_managed_one(
    engine: FakeEngine, session: Session, origin: str, works: bool
) -> None:
    text = f"<vm id='v'><name>HostedEngine</name><origin>{origin}</origin><status>up</status></vm>"
    engine.plan("GET", "/api/vms/v", Answer(200, text))
    if works:
        assert external_vm.wait_for_engine_vm(session, "v", 60) == "up"
        return
    with pytest.raises(HostedEngineError) as failure:
        external_vm.wait_for_engine_vm(session, "v", 60)
    assert failure.value.problem.id == "engine.vm_not_up"
