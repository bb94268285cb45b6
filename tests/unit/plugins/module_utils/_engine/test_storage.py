from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from fake_engine import Answer, FakeEngine, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import storage
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StorageEvidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage import WantedDomain
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage_maker import DomainMaker
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

GIB = 2**30
SD = "7a5afea0-0bb8-406b-ad8a-eb4817dc5a10"
OLD = "b4c3c083-7fd6-4874-bf94-fd1d07ada7bb"
DC = "1aaa1bbd-2510-40aa-bbd9-0b39f2c6129d"
HOST = "b50b34e5-123a-4b04-9659-9a1c6f56e35d"
WANTED = WantedDomain("cf_sd1", "nfs", "storage.example.test", "/exports/cf-one/", "cf_host1")
DONE = Answer(200, "<action><status>complete</status></action>")
NONE = Answer(200, "<storage_domains/>")


def listed(name: str) -> Answer:
    return Answer(200, f"<storage_domains>{golden(name).body}</storage_domains>")


@pytest.fixture
def ready(engine: FakeEngine) -> FakeEngine:
    """Answer as a real engine did from the first domain to its data centre being up."""
    engine.plan("GET", "/api/storagedomains", NONE)
    engine.plan("POST", "/api/storagedomains", golden("storage/add"))
    engine.plan("GET", f"/api/storagedomains/{SD}", golden("storage/get"))
    engine.plan("DELETE", f"/api/storagedomains/{SD}", DONE)
    engine.plan("POST", f"/api/datacenters/{DC}/storagedomains", golden("storage/attach"))
    engine.plan("GET", f"/api/datacenters/{DC}/storagedomains", NONE)
    engine.plan("GET", f"/api/datacenters/{DC}/storagedomains/{SD}", golden("storage/wait-active"))
    engine.plan("GET", f"/api/datacenters/{DC}", golden("storage/wait-data-center-up"))
    engine.plan("GET", f"/api/hosts/{HOST}", golden("storage/wait-spm"))
    engine.plan("GET", f"/api/storagedomains/{SD}/storageconnections", golden("storage/connections-of-domain"))
    return engine


def maker(
    session: Session,
    journal: Journal,
    found: Sequence[StorageEvidence] = (),
    size: int = 61 * GIB,
    wanted: WantedDomain = WANTED,
) -> DomainMaker:
    host: dict[str, Any] = {"id": HOST, "data_center_id": DC}
    return DomainMaker(session, journal, wanted, host, lambda _wanted: list(found), size, 0, 60)


def test_a_domain_is_made_in_few_exchanges(ready: FakeEngine, session: Session, journal: Journal) -> None:
    facts, changed = maker(session, journal).ensure()
    assert changed
    assert (facts["id"], facts["data_center_id"], facts["path"]) == (SD, DC, "/exports/cf-one/")
    assert facts["connection_id"]
    assert session.exchanges == 9
    sent = ready.asked("POST", "/api/storagedomains")[0].body
    for piece in ("<path>/exports/cf-one</path>", "<storage_format>v5</storage_format>", "<name>cf_host1</name>"):
        assert piece in sent
    assert journal.made("storage_domain")[0]["id"] == SD


def test_an_active_domain_of_ours_is_found_again(ready: FakeEngine, session: Session, journal: Journal) -> None:
    ready.plan("GET", "/api/storagedomains", listed("storage/get"))
    ready.plan("GET", f"/api/datacenters/{DC}/storagedomains", listed("storage/wait-active"))
    facts, changed = maker(session, journal).ensure()
    assert not changed
    assert facts["id"] == SD
    assert ready.asked("POST", "/api/storagedomains") == []


def test_a_domain_that_was_not_attached_is_attached(ready: FakeEngine, session: Session, journal: Journal) -> None:
    ready.plan("GET", "/api/storagedomains", listed("storage/get"))
    _facts, changed = maker(session, journal).ensure()
    assert changed
    assert ready.asked("POST", "/api/storagedomains") == []
    assert len(ready.asked("POST", f"/api/datacenters/{DC}/storagedomains")) == 1


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (StorageEvidence(OLD, "cf_sd1", ("pool-1",), 0), "belongs to data center pool-1"),
        (StorageEvidence(OLD, "cf_sd1", (), 4), "holds 4 disks"),
        (StorageEvidence(OLD, "vm_storage", (), 0), "was made as vm_storage"),
    ],
)
def test_a_domain_that_was_there_is_refused_and_left_alone(
    ready: FakeEngine, session: Session, journal: Journal, evidence: StorageEvidence, words: str
) -> None:
    with pytest.raises(HostedEngineError) as failure:
        maker(session, journal, [evidence]).ensure()
    assert failure.value.problem.id == "storage.not_empty"
    assert words in failure.value.observed
    assert ready.asked("POST", "/api/storagedomains") == []
    assert journal.made("storage_domain") == []


def test_what_an_attempt_of_ours_left_empty_is_used(ready: FakeEngine, session: Session, journal: Journal) -> None:
    _facts, changed = maker(session, journal, [StorageEvidence(SD, "cf_sd1", (), 0)]).ensure()
    assert changed


def test_our_own_domain_that_is_too_small_is_wiped(ready: FakeEngine, session: Session, journal: Journal) -> None:
    with pytest.raises(HostedEngineError) as failure:
        maker(session, journal, size=191 * GIB).ensure()
    assert failure.value.problem.id == "storage.too_small"
    assert "201.0 GiB" in failure.value.expected
    assert "200.0 GiB" in failure.value.observed
    sent = ready.asked("DELETE", f"/api/storagedomains/{SD}")[0]
    assert sent.query == {"host": "cf_host1", "format": "true"}
    assert journal.made("storage_domain") == []


def test_exactly_enough_is_enough(ready: FakeEngine, session: Session, journal: Journal) -> None:
    facts, _changed = maker(session, journal, size=190 * GIB).ensure()
    assert facts["id"] == SD


def test_a_domain_of_somebody_else_is_never_wiped(ready: FakeEngine, session: Session, journal: Journal) -> None:
    ready.plan("GET", "/api/storagedomains", listed("storage/get"))
    with pytest.raises(HostedEngineError) as failure:
        maker(session, journal, size=191 * GIB).ensure()
    assert failure.value.problem.id == "storage.too_small"
    assert ready.asked("DELETE", f"/api/storagedomains/{SD}") == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("storage/add-refused-mount", "storage.not_mounted"),
        ("storage/add-duplicate-name", "storage.name_taken"),
        ("storage/add-connection-again", "storage.path_taken"),
    ],
)
def test_recorded_refusals_are_explained(
    ready: FakeEngine, session: Session, journal: Journal, answer: str, problem: str
) -> None:
    ready.plan("POST", "/api/storagedomains", golden(answer))
    with pytest.raises(HostedEngineError) as failure:
        maker(session, journal).ensure()
    assert failure.value.problem.id == problem
    assert "storage.example.test:/exports/cf-one" in failure.value.expected


@pytest.mark.parametrize(
    ("name", "path", "problem"),
    [("cf_sd1", "/elsewhere", "storage.name_taken"), ("other", "/exports/cf-one", "storage.path_taken")],
)
def test_half_a_match_is_refused(ready: FakeEngine, session: Session, name: str, path: str, problem: str) -> None:
    ready.plan("GET", "/api/storagedomains", listed("storage/get"))
    with pytest.raises(HostedEngineError) as failure:
        storage.find(session, WantedDomain(name, "nfs", "storage.example.test", path, "cf_host1"))
    assert failure.value.problem.id == problem


def test_gluster_is_asked_for_in_its_own_words(ready: FakeEngine, session: Session, journal: Journal) -> None:
    wanted = WantedDomain("cf_sd1", "glusterfs", "g.example.test", "/engine", "cf_host1", "backup-volfile-servers=h2")
    maker(session, journal, wanted=wanted).ensure()
    sent = ready.asked("POST", "/api/storagedomains")[0].body
    for piece in ("<vfs_type>glusterfs</vfs_type>", "<type>glusterfs</type>", "backup-volfile-servers=h2"):
        assert piece in sent


def test_a_domain_in_maintenance_is_activated_once(ready: FakeEngine, session: Session, journal: Journal) -> None:
    path = f"/api/datacenters/{DC}/storagedomains/{SD}"
    resting = golden("storage/wait-active", **{"<status>active": "<status>maintenance"})
    ready.plan("GET", path, resting, resting, golden("storage/wait-active"))
    ready.plan("POST", f"{path}/activate", DONE)
    maker(session, journal).ensure()
    assert len(ready.asked("POST", f"{path}/activate")) == 1


def test_a_domain_that_never_becomes_active_is_told(ready: FakeEngine, session: Session, journal: Journal) -> None:
    locked = golden("storage/wait-active", **{"<status>active": "<status>locked"})
    ready.plan("GET", f"/api/datacenters/{DC}/storagedomains/{SD}", locked)
    with pytest.raises(HostedEngineError) as failure:
        maker(session, journal).ensure()
    assert (failure.value.problem.id, failure.value.observed) == ("storage.not_active", "it is locked")
