"""The whole life of a hosted engine's storage, as an engine sends it; the host must know every verb and parameter."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator

import pytest
from engine_sim.vdsm import HostClient, VdsmError
from engine_sim.vdsm.flows import connections, disks, domains, host, machines, network, ovf_store, tasks

from .conftest import LUN, Farm

NFS = "nfs.lab.test:/exports/he"
SECOND = "nfs.lab.test:/exports/data"
GIB = 1024**3


def new_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def hosts(farm: Farm) -> Iterator[list[HostClient]]:
    clients = [HostClient(address, farm.port) for address in farm.addresses]
    yield clients
    for client in clients:
        client.close()


def test_first_contact_and_activation(hosts: list[HostClient]) -> None:
    seen = host.first_contact(hosts[0])
    assert "4.8" in seen["capabilities"]["clusterLevels"]
    assert seen["hardware"]["systemUUID"]
    assert "devices" in host.come_up(hosts[0])
    stats = host.statistics(hosts[0])
    assert float(stats["host"]["memFree"]) > 0
    assert [vm["status"] for vm in stats["machines"].values()] == ["Up"]
    host.ping(hosts[0])


def test_unknown_machine_is_described_and_stopped(hosts: list[HostClient]) -> None:
    (vm,) = machines.listing(hosts[0])
    assert "<name>HostedEngineLocal</name>" in machines.domain_xmls(hosts[0], [vm["vmId"]])[vm["vmId"]]
    machines.stop(hosts[0], vm["vmId"])
    assert machines.listing(hosts[0]) == []
    with pytest.raises(VdsmError) as caught:
        machines.stop(hosts[0], vm["vmId"])
    assert caught.value.code == 1


def test_management_network_is_made_once(hosts: list[HostClient]) -> None:
    done = network.set_up_management_network(hosts[2], "lab-mgmt")
    assert done["changed"]
    assert done["capabilities"]["networks"]["lab-mgmt"]["bridged"]
    again = network.set_up_management_network(hosts[2], "lab-mgmt")
    assert not again["changed"]


def test_storage_from_nothing_to_nothing(farm: Farm, hosts: list[HostClient]) -> None:
    first, second = hosts[0], hosts[1]
    pool, domain, further = new_id(), new_id(), new_id()
    connection = connections.nfs(NFS, new_id())

    # create and attach the first domain
    connections.connect(first, "nfs", [connection])
    assert domains.find(first, NFS) == []
    assert domains.create(first, domain, "hosted_storage", "nfs", NFS)["free"] > GIB
    assert domains.info(first, domain)["pool"] == []
    info = domains.attach_first(first, pool, "Default", domain, 1)
    assert info["dominfo"][domain]["status"] == "Active"
    assert domains.spm_status(first, pool)["spmId"] == 1

    # four disks together, as the deployment makes them
    made = {kind: (new_id(), new_id()) for kind in disks.CONTENT_TYPES if kind.startswith("hosted_engine")}
    started = [
        disks.start_volume(
            first,
            pool,
            domain,
            image,
            volume,
            GIB,
            content_type=kind,
            sparse=False,
            text=disks.description(f"he_{kind}", "Hosted-Engine disk"),
        )
        for kind, (image, volume) in made.items()
    ]
    tasks.wait_all(first, started, 30)
    for kind, (image, volume) in made.items():
        seen = disks.volume_info(first, pool, domain, image, volume)
        assert (seen["disktype"], seen["capacity"]) == (disks.CONTENT_TYPES[kind], str(GIB))
    assert tasks.statuses(first) == {}

    # an OVF store
    store = (pool, domain, new_id(), new_id())
    assert json.loads(ovf_store.create(first, *store)["description"])["Updated"] is False
    content = b"x" * 23552
    description = json.loads(ovf_store.update(first, *store, content, 1795572652)["description"])
    assert description == {
        "Updated": True,
        "Size": 23552,
        "Last Updated": "Wed Nov 25 02:10:52 UTC 2026",
        "Storage Domains": [{"uuid": domain}],
        "Disk Description": "OVF_STORE",
    }
    files = [path for path in farm.root.rglob(store[3]) if path.is_file()]
    assert files
    assert files[0].read_bytes()[:23552] == content

    # a second host joins
    seen_domains = domains.connect_host(second, {"nfs": [connection]}, pool, 2, domain, 1, {domain: "active"})
    assert seen_domains[domain]["valid"]
    with pytest.raises(VdsmError) as refused:
        domains.attach(second, pool, domain)
    assert refused.value.code == 654, "only the SPM attaches"

    # a second domain comes and goes
    another = connections.nfs(SECOND, new_id(), version="4.2")
    for client in (first, second):
        connections.connect(client, "nfs", [another], pool)
    domains.create(first, further, "data", "nfs", SECOND)
    info = domains.attach_further(first, [second], pool, further, domain)
    assert info["dominfo"][further]["status"] == "Active"
    domains.deactivate(first, pool, further)
    domains.detach(first, pool, further, domain, 1)
    domains.format_domain(first, further)
    assert domains.find(first, SECOND) == []

    # disks go, then the last domain
    for image, _size in made.values():
        disks.delete_image(first, pool, domain, image)
    assert domains.images(first, domain) == [store[2]]
    domains.deactivate_last(first, {second: 2}, pool, domain, 1)
    domains.detach_last(first, pool, domain, 1)
    assert domains.info(first, domain)["pool"] == []
    domains.format_domain(first, domain)
    for client in (first, second):
        connections.disconnect(client, "nfs", [connection, another])


def test_refused_mount_names_the_code(hosts: list[HostClient]) -> None:
    with pytest.raises(connections.ConnectionFailed) as caught:
        connections.connect(hosts[0], "nfs", [connections.nfs("nfs.lab.test:/exports/closed")])
    assert caught.value.code == 477


def test_iscsi_domain(hosts: list[HostClient]) -> None:
    first = hosts[0]
    with pytest.raises(VdsmError) as nobody:
        connections.discover_targets(first, "127.0.0.9", 3260)
    assert nobody.value.code == 475
    (target,) = connections.discover_targets(first, "127.0.0.1", 3261, "u", "p")
    assert target == {"address": "127.0.0.1", "port": 3261, "portal": 1, "target": "iqn.2026-11.test.lab:he"}
    wrong = connections.iscsi("127.0.0.1", target["target"], port=3261, user="u", password="wrong")
    with pytest.raises(connections.ConnectionFailed) as refused:
        connections.connect(first, "iscsi", [wrong])
    assert refused.value.code == 476
    login = connections.iscsi("127.0.0.1", target["target"], new_id(), 3261, user="u", password="p")
    connections.connect(first, "iscsi", [login])
    (unit,) = connections.devices(first, "iscsi")
    assert (unit["GUID"], unit["status"]) == (LUN, "free")
    domain = new_id()
    group = domains.create_volume_group(first, domain, [LUN])
    assert domains.create(first, domain, "block", "iscsi", group)["total"] > GIB
    assert domains.info(first, domain)["vguuid"] == group
    domains.format_domain(first, domain)
    connections.disconnect(first, "iscsi", [login])


def test_machine_from_the_engines_xml(hosts: list[HostClient]) -> None:
    """vdsm takes the XML that the OVF writer makes."""
    from engine_sim.ovf import Cluster, Vm, engine_xml

    cluster = Cluster("Default", "Cascadelake-Server-noTSX", "pc-q35-rhel9.6.0")
    machine = Vm(new_id(), "HostedEngine", cluster, 2048, new_id())
    assert machines.start(hosts[1], machine.id, engine_xml(machine))["vmName"] == "HostedEngine"
    deadline = time.monotonic() + 10
    while host.statistics(hosts[1])["machines"][machine.id]["status"] != "Up":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    machines.shut_down(hosts[1], machine.id)
    while host.statistics(hosts[1])["machines"][machine.id]["status"] != "Down":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    machines.forget_stopped(hosts[1], machine.id)
    assert machine.id not in host.statistics(hosts[1])["machines"]


def test_ha_maintenance(hosts: list[HostClient]) -> None:
    host.set_ha_maintenance(hosts[1], "GLOBAL", True)
    assert host.statistics(hosts[1])["host"]["haStats"]["globalMaintenance"] is True
    host.set_ha_maintenance(hosts[1], "GLOBAL", False)


def test_the_host_knew_every_verb(farm: Farm, hosts: list[HostClient]) -> None:
    """Runs last: no verb of the tests above was unknown or had parameters that vdsm does not take."""
    assert hosts
    assert not farm.look("gaps")
