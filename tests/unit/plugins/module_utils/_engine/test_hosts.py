from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import pytest
from fake_engine import Answer, FakeEngine, Seen, Ticking, fault, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import deploy_log, hosts, topology
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.events import EventLog, worst
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.host_deploy import HostDeploy
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

DEPLOY = Path(__file__).parents[4] / "fixtures" / "engine" / "host-deploy"
FAILED = "26c298a5-438a-4e5f-b9ba-8095d5be33c6"
HOST = "b50b34e5-123a-4b04-9659-9a1c6f56e35d"
NO_EVENTS = Answer(200, "<events/>")


class LogShell:
    """The engine's machine with the recorded log."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []

    def run(
        self, argv: Sequence[str], stdin: Optional[str] = None, timeout: float = 60.0, check: bool = True
    ) -> Completed:
        self.ran.append(list(argv))
        return Completed(tuple(argv), 0, (DEPLOY / "ovirt-host-deploy-ansible.log").read_text(), "")


def host(status: str, detail: str = "", host_id: str = FAILED) -> Answer:
    more = f"<status_detail>{detail}</status_detail>" if detail else ""
    return Answer(200, f'<host id="{host_id}"><name>h</name><status>{status}</status>{more}</host>')


def event(index: int, code: int, text: str, severity: str = "normal", host_id: str = FAILED) -> str:
    return (
        f'<event id="{index}"><code>{code}</code><description>{text}</description><index>{index}</index>'
        f'<severity>{severity}</severity><host id="{host_id}"/></event>'
    )


def events_after(*entries: tuple[float, str]) -> Any:
    """Answer with the events that have happened by now and are newer than C(from), newest first."""

    def answer(request: Seen) -> Answer:
        since = int(request.query.get("from", 0))
        happened = [text for _second, text in entries if int(re.findall(r"<index>(\d+)", text)[0]) > since]
        return Answer(200, "<events>" + "".join(reversed(happened)) + "</events>")

    return answer


def deploy(session: Session, host_id: str = FAILED, shell: Any = None) -> HostDeploy:
    return HostDeploy(session, EventLog(session), host_id, shell)


def test_a_recorded_failure_is_told_with_task_and_message(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/events", Answer(200, (DEPLOY / "events-install-failed.xml").read_text()), NO_EVENTS)
    one = re.sub(r"</?hosts>", "", (DEPLOY / "host-install-failed.xml").read_text())
    engine.plan("GET", f"/api/hosts/{FAILED}", Answer(200, one))
    shell = LogShell()
    with pytest.raises(HostedEngineError) as failure:
        deploy(session, shell=shell).wait(1800)
    error = failure.value
    assert error.problem.id == "engine.host_install_failed"
    assert "task 'Install ovirt-hosted-engine-setup package' failed" in error.observed
    assert "Could not detect which major revision of yum is in use" in error.observed
    assert shell.ran[0][-1].startswith("/var/log/ovirt-engine/host-deploy/ovirt-host-deploy-ansible-2026")
    assert [entry["code"] for entry in error.evidence["events"]][-1] == 505
    assert error.evidence["log_end"]


def test_the_failed_task_of_a_recorded_log() -> None:
    failure = deploy_log.failure_in((DEPLOY / "ovirt-host-deploy-ansible.log").read_text())
    assert failure is not None
    assert failure["task"] == "Install ovirt-hosted-engine-setup package"
    assert deploy_log.failure_in("nothing of the kind\n2026-11-25 02:16:54 UTC - {broken") is None


def test_events_are_read_once_and_in_order(engine: FakeEngine, session: Session) -> None:
    told: list[str] = []
    engine.plan("GET", "/api/events", golden("hosts/newest-event"), golden("hosts/events-since"))
    log = EventLog(session, tell=told.append)
    log.begin()
    fresh = log.news()
    assert engine.seen[-1].query == {"from": "196"}
    assert [entry.index for entry in fresh] == sorted(entry.index for entry in fresh)
    assert told == [entry.text for entry in fresh]
    assert log.news() == []
    assert worst(fresh + fresh, "alert") == [entry for entry in fresh if entry.severity == "alert"]


def test_looks_ask_for_the_host_only_when_something_happened(
    engine: FakeEngine, session: Session, clock: Ticking
) -> None:
    states = iter([host("installing")] * 2 + [host("initializing"), host("up")])
    engine.plan("GET", f"/api/hosts/{FAILED}", lambda _request: next(states))
    quiet = events_after((0, event(1, 559, "Installing Host h. Task one.")))
    up = events_after((0, event(2, 13, "Status of host h was set to Up.")))
    engine.plan("GET", "/api/events", *[quiet] * 12, up)
    session.open(5)
    work = deploy(session)
    assert str(work.wait(1800).status) == "up"
    looks = len(engine.asked("GET", "/api/events"))
    assert len(engine.asked("GET", f"/api/hosts/{FAILED}")) < looks / 2
    assert work.polls == session.exchanges - 2
    assert max(clock.pauses) <= 2.5


@pytest.mark.parametrize(
    ("status", "detail", "problem"),
    [
        ("non_operational", "network_unreachable", "engine.host_non_operational"),
        ("error", "", "engine.host_failed"),
        ("kdumping", "", "engine.host_failed"),
    ],
)
def test_a_terminal_state_ends_the_wait_at_once(
    engine: FakeEngine, session: Session, clock: Ticking, status: str, detail: str, problem: str
) -> None:
    text = "Host h does not comply with the cluster Default networks, the following networks are missing"
    engine.plan("GET", "/api/events", events_after((0, event(5, 519, text, "warning"))))
    engine.plan("GET", f"/api/hosts/{FAILED}", host(status, detail))
    with pytest.raises(HostedEngineError) as failure:
        deploy(session).wait(1800)
    assert failure.value.problem.id == problem
    assert detail in failure.value.observed
    assert text in failure.value.observed
    assert clock.pauses == []


def test_silence_of_vdsm_is_borne_for_five_minutes(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    engine.plan("GET", "/api/events", NO_EVENTS)
    engine.plan("GET", f"/api/hosts/{FAILED}", *[host("non_responsive")] * 5, host("up"))
    assert str(deploy(session).wait(1800).status) == "up"
    engine.plan("GET", f"/api/hosts/{FAILED}", host("non_responsive"))
    before = clock.now()
    with pytest.raises(HostedEngineError) as failure:
        deploy(session).wait(1800)
    assert failure.value.problem.id == "engine.host_non_responsive"
    assert 300 <= clock.now() - before < 320


def test_a_broken_connection_is_borne(engine: FakeEngine, session: Session) -> None:
    session.open(5)
    engine.plan("GET", "/api/events", Answer(0, ""), Answer(0, ""), NO_EVENTS)
    engine.plan("GET", f"/api/hosts/{FAILED}", host("up"))
    assert str(deploy(session).wait(1800).status) == "up"
    assert session.logins == 1


def test_a_host_that_takes_too_long_is_told_with_what_it_was_doing(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/events", events_after((0, event(1, 559, "Installing Host h. Task one."))))
    engine.plan("GET", f"/api/hosts/{FAILED}", host("installing"))
    with pytest.raises(HostedEngineError) as failure:
        deploy(session).wait(60)
    assert failure.value.problem.id == "engine.host_not_up"
    assert failure.value.observed == "host h is installing; Installing Host h. Task one."


def place() -> topology.Topology:
    cluster = types.Cluster(id="9d4dc3b0-e071-48c7-b1bd-37fe8fe1f167", name="cf_cl")
    return topology.Topology(topology.Wanted("cf_dc", "cf_cl"), types.DataCenter(id="d"), cluster)


REFUSALS = [block for block in (DEPLOY / "add-host-refusals.txt").read_text().split("== ") if block]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("refused", "resolves to an address"),
        ("noname", "resolves to an address"),
        ("keyrefused", "PermitRootLogin"),
        ("nopw", "too old"),
    ],
)
def test_recorded_refusals_carry_their_advice(
    engine: FakeEngine, session: Session, journal: Journal, name: str, advice: str
) -> None:
    block = next(block for block in REFUSALS if block.startswith(name + " "))
    body, status = re.search(r"<fault>.*</fault>", block, re.DOTALL), re.search(r"\[(\d+) ", block)
    assert body and status
    engine.plan("POST", "/api/hosts", Answer(int(status.group(1)), body.group(0)))
    with pytest.raises(HostedEngineError) as failure:
        hosts.add(session, journal, place(), "h", "h.example.test")
    assert failure.value.problem.id == "engine.host_refused"
    assert advice in failure.value.advice
    assert journal.made()[0]["status"] == "making"


def test_a_host_is_added_with_the_engines_key_and_no_reboot(
    engine: FakeEngine, session: Session, journal: Journal
) -> None:
    engine.plan("POST", "/api/hosts", golden("hosts/add"))
    added = hosts.add(session, journal, place(), "h", "h.example.test")
    sent = engine.asked("POST", "/api/hosts")[0]
    assert sent.query == {"activate": "true", "reboot": "false"}
    assert "<authentication_method>publickey</authentication_method>" in sent.body
    assert "password" not in sent.body
    assert added.id == HOST
    assert journal.made()[0]["status"] == "made"


@pytest.mark.parametrize(
    ("name", "address", "found"),
    [("cf_host1", "127.0.1.1", True), ("other", "192.0.2.1", False)],
)
def test_an_existing_host_is_found_by_both(
    engine: FakeEngine, session: Session, name: str, address: str, found: bool
) -> None:
    engine.plan("GET", "/api/hosts", golden("hosts/search-spm-id-1"))
    assert (hosts.find(session, name, address) is not None) == found


@pytest.mark.parametrize(("name", "address"), [("cf_host1", "192.0.2.1"), ("other", "127.0.1.1")])
def test_half_a_match_is_refused(engine: FakeEngine, session: Session, name: str, address: str) -> None:
    engine.plan("GET", "/api/hosts", golden("hosts/search-spm-id-1"))
    with pytest.raises(HostedEngineError) as failure:
        hosts.find(session, name, address)
    assert failure.value.problem.id == "engine.host_differs"


@pytest.mark.parametrize(
    ("status", "action"),
    [("install_failed", "install"), ("non_operational", "activate"), ("maintenance", "activate"), ("up", "")],
)
def test_a_host_that_was_left_behind_is_revived(engine: FakeEngine, session: Session, status: str, action: str) -> None:
    done = Answer(200, "<action><status>complete</status></action>")
    for name in ("install", "activate"):
        engine.plan("POST", f"/api/hosts/{HOST}/{name}", done)
    entity = types.Host(id=HOST, name="h", status=types.HostStatus(status))
    assert hosts.revive(session, entity) == bool(action)
    sent = [request.path.rpartition("/")[2] for request in engine.seen if request.path.startswith("/api/hosts")]
    assert sent == ([action] if action else [])
    if action == "install":
        assert "<reboot>false</reboot>" in engine.seen[-1].body


def test_the_facts_wait_for_the_whole_document(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    cluster = (
        '<cluster id="9d4dc3b0-e071-48c7-b1bd-37fe8fe1f167"><name>cf_cl</name><cpu><architecture>x86_64</architecture>'
        "<type>{}</type></cpu><version><major>4</major><minor>8</minor></version></cluster>"
    )
    path = "/api/clusters/9d4dc3b0-e071-48c7-b1bd-37fe8fe1f167"
    engine.plan("GET", path, Answer(200, cluster.format("")), Answer(200, cluster.format("Intel Nehalem Family")))
    engine.plan("GET", f"/api/hosts/{HOST}", Answer(200, golden("hosts/add").body), golden("hosts/get"))
    engine.plan("GET", "/api/options/ServerCPUList", golden("defaults/option-cpu-list"))
    engine.plan("GET", "/api/options/ClusterEmulatedMachines", golden("defaults/option-emulated-machines"))
    none = Answer(200, "<hosts/>")
    engine.plan("GET", "/api/hosts", none, golden("hosts/search-spm-id-1"))
    facts = hosts.facts(session, place(), types.Host(id=HOST))
    assert facts["host_id"] == 2
    assert (facts["cpu_type"], facts["cpu_verb"]) == ("Intel Nehalem Family", "Nehalem")
    assert (facts["emulated_machine"], facts["cluster_version"]) == ("pc-q35-rhel9.6.0", "4.8")
    assert engine.asked("GET", "/api/hosts")[1].query == {"search": 'name="cf_host1" and spm_id=2'}
    assert clock.pauses == [0.5, 0.5]


def test_a_search_that_finds_another_host_is_not_believed(
    engine: FakeEngine, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "HIGHEST_SPM_ID", 2)
    engine.plan("GET", "/api/hosts", golden("hosts/search-spm-id-1"))
    with pytest.raises(HostedEngineError) as failure:
        hosts.spm_id(session, types.Host(id="another", name="cf_host1"))
    assert failure.value.problem.id == "engine.host_incomplete"


def test_an_unexpected_fault_stays_what_it_is(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("POST", "/api/hosts", fault(500, "Internal Engine Error"))
    with pytest.raises(HostedEngineError) as failure:
        hosts.add(session, journal, place(), "h", "a")
    assert failure.value.problem.id == "engine.failed"
