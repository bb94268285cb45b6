from __future__ import annotations

import pytest
from fake_engine import Answer, FakeEngine, fault, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import topology
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.topology import Wanted
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

DC = "e3d2955e-e86f-11f1-877d-02fc00000001"
CLUSTER = "e3dd89b4-e86f-11f1-9862-02fc00000001"
MGMT = "00000000-0000-0000-0000-000000000009"
NETWORKS = f"/api/clusters/{CLUSTER}/networks"


@pytest.fixture
def fresh(engine: FakeEngine) -> FakeEngine:
    """Answer as an engine does right after its setup."""
    engine.plan("GET", "/api/datacenters", golden("defaults/data-centers"))
    engine.plan("GET", "/api/clusters", golden("defaults/clusters"))
    engine.plan("GET", NETWORKS, golden("defaults/cluster-networks"))
    return engine


def test_the_defaults_need_nothing(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    made, changed = topology.ensure(session, Wanted("Default", "Default"), journal)
    assert (made.data_center.id, made.cluster.id, made.network.id) == (DC, CLUSTER, MGMT)
    assert not changed
    assert {request.method for request in fresh.seen if request.path.startswith("/api")} == {"GET"}
    assert session.exchanges == 4
    assert journal.read() is None


def test_the_tag_is_set_before_any_host(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    fresh.plan("PUT", f"/api/networks/{MGMT}", Answer(200, f'<network id="{MGMT}"><name>ovirtmgmt</name></network>'))
    wanted = Wanted("Default", "Default", vlan=100)
    assert topology.find(session, wanted).missing() == ["set VLAN tag 100 on network ovirtmgmt"]
    made, changed = topology.ensure(session, wanted, journal)
    assert changed
    assert made.missing() == []
    body = fresh.asked("PUT", f"/api/networks/{MGMT}")[0].body
    assert '<vlan id="100"/>' in body.replace("\n", "")
    assert "<name>ovirtmgmt</name>" in body


def test_a_tag_that_is_there_is_left_alone(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    tagged = golden("defaults/cluster-networks", **{"<vdsm_name>": '<vlan id="100"/><vdsm_name>'})
    fresh.plan("GET", NETWORKS, tagged)
    _made, changed = topology.ensure(session, Wanted("Default", "Default", vlan=100), journal)
    assert not changed


def test_a_cluster_elsewhere_is_refused(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    with pytest.raises(HostedEngineError) as failure:
        topology.ensure(session, Wanted("Other", "Default"), journal)
    assert failure.value.problem.id == "engine.cluster_elsewhere"
    assert fresh.asked("POST", "/api/datacenters") == []


def test_another_version_is_refused(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    with pytest.raises(HostedEngineError) as failure:
        topology.ensure(session, Wanted("Default", "Default", cluster_version="4.7"), journal)
    assert (failure.value.problem.id, failure.value.observed) == ("engine.version_differs", "4.8")


def test_what_is_missing_is_made_and_noted(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    fresh.plan("POST", "/api/datacenters", Answer(201, '<data_center id="d1"><name>dc</name></data_center>'))
    fresh.plan("GET", "/api/datacenters/d1/networks", Answer(200, "<networks/>"))
    fresh.plan("POST", "/api/networks", Answer(201, '<network id="n1"><name>mgmt</name></network>'))
    fresh.plan("POST", "/api/clusters", Answer(201, '<cluster id="c1"><name>cl</name></cluster>'))
    network = "<network id='n1'><name>mgmt</name><vlan id='7'/><usages><usage>management</usage></usages></network>"
    fresh.plan("GET", "/api/clusters/c1/networks", Answer(200, f"<networks>{network}</networks>"))
    wanted = Wanted("dc", "cl", "mgmt", data_center_version="4.7", cluster_version="4.7", vlan=7, cpu_type="X Family")
    made, changed = topology.ensure(session, wanted, journal)
    assert changed
    assert (made.data_center.id, made.cluster.id, made.network.id) == ("d1", "c1", "n1")
    cluster = fresh.asked("POST", "/api/clusters")[0].body
    for piece in ("<management_network>", "<name>mgmt</name>", "<type>X Family</type>", "<minor>7</minor>"):
        assert piece in cluster
    kinds = [(entry["kind"], entry["name"], entry["status"]) for entry in journal.made()]
    assert kinds == [("cluster", "cl", "made"), ("network", "mgmt", "made"), ("data_center", "dc", "made")]


def test_another_network_becomes_the_management_network(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    fresh.plan("GET", f"/api/datacenters/{DC}/networks", Answer(200, "<networks/>"))
    fresh.plan("POST", "/api/networks", Answer(201, '<network id="n1"><name>mgmt</name></network>'))
    fresh.plan("POST", NETWORKS, Answer(201, '<network id="n1"><name>mgmt</name></network>'))
    for network in ("n1", MGMT):
        fresh.plan("PUT", f"{NETWORKS}/{network}", Answer(200, f'<network id="{network}"/>'))
    after = "<network id='n1'><name>mgmt</name><usages><usage>management</usage></usages></network>"
    fresh.plan("GET", NETWORKS, golden("defaults/cluster-networks"), Answer(200, f"<networks>{after}</networks>"))
    made, changed = topology.ensure(session, Wanted("Default", "Default", "mgmt"), journal)
    assert changed
    assert made.network.id == "n1"
    roles = fresh.asked("PUT", f"{NETWORKS}/n1")[0].body
    assert "<usage>management</usage>" in roles
    assert "<usage>default_route</usage>" in roles
    assert "<required>false</required>" in fresh.asked("PUT", f"{NETWORKS}/{MGMT}")[0].body


def test_the_engines_word_against_it_is_told(fresh: FakeEngine, session: Session, journal: Journal) -> None:
    fresh.plan("GET", f"/api/datacenters/{DC}/networks", Answer(200, "<networks/>"))
    fresh.plan("POST", "/api/networks", Answer(201, '<network id="n1"><name>mgmt</name></network>'))
    fresh.plan("POST", NETWORKS, fault(409, "[Cannot change the management network of a non-empty cluster.]"))
    with pytest.raises(HostedEngineError) as failure:
        topology.ensure(session, Wanted("Default", "Default", "mgmt"), journal)
    assert failure.value.observed == "Cannot change the management network of a non-empty cluster."
    assert "new cluster" in failure.value.advice
