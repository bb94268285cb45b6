# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a deployment through the API with the real SDK, in the order of the engine contract 7."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from pathlib import Path
from typing import Any

import ovirtsdk4 as sdk
import pytest
from crawl import Crawler
from ovirtsdk4 import types
from sim_support import Simulator, until

BLANK = "00000000-0000-0000-0000-000000000000"
DISKS = {
    "he_virtio_disk": ("hosted_engine", 10 * 2**30, True),
    "he_sanlock": ("hosted_engine_sanlock", 2**30, False),
    "HostedEngineConfigurationImage": ("hosted_engine_configuration", 2**30, False),
    "he_metadata": ("hosted_engine_metadata", 2**27, False),
}


@pytest.fixture(scope="module")
def system(connection: sdk.Connection) -> Any:
    return connection.system_service()


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What earlier steps learned."""
    return {"disks": {}}


def test_login_and_version(connection: sdk.Connection, system: Any) -> None:
    assert connection.authenticate()
    version = system.get().product_info.version
    assert (version.major, version.minor) == (4, 5)


def test_wrong_password_is_refused(simulator: Simulator) -> None:
    wrong = sdk.Connection(
        url=simulator.state["url"], username="admin@internal", password="wrong", ca_file=simulator.state["ca_file"]
    )
    with pytest.raises(sdk.AuthError, match="Cannot authenticate user 'admin@internal'"):
        wrong.authenticate()


def test_fresh_installation(system: Any) -> None:
    (pool,) = system.data_centers_service().list(search='name="Default"')
    assert pool.status == types.DataCenterStatus.UNINITIALIZED
    (cluster,) = system.clusters_service().list(search='name="Default"')
    assert cluster.data_center.id == pool.id and not cluster.cpu.type
    assert [network.name for network in system.networks_service().list()] == ["ovirtmgmt"]


def test_add_host(simulator: Simulator, system: Any, found: dict[str, Any]) -> None:
    hosts = system.hosts_service()
    last = system.events_service().list(max=1)[0].index
    host = hosts.add(
        types.Host(
            name="node1",
            address=simulator.state["hosts"][0]["address"],
            cluster=types.Cluster(name="Default"),
            ssh=types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY),
        ),
        activate=True,
        reboot=False,
    )
    assert host.status == types.HostStatus.UNASSIGNED
    service = hosts.host_service(host.id)
    until(lambda: service.get().status, lambda status: status == types.HostStatus.UP)
    found["host"] = host.id
    codes = [event.code for event in system.events_service().list(from_=last)]
    assert {9000, 42, 13, 835} <= set(codes)
    assert [h.id for h in hosts.list(search='spm_id=1 and name="node1"')] == [host.id]
    assert hosts.list(search="spm_id=2") == []
    (cluster,) = system.clusters_service().list(search="name=Default")
    assert cluster.cpu.type and cluster.cpu.architecture == types.Architecture.X86_64


def test_unreachable_host_becomes_non_responsive(simulator: Simulator, system: Any) -> None:
    hosts = system.hosts_service()
    host = hosts.add(types.Host(name="dead", address=simulator.state["dead_address"], root_password="x"))
    service = hosts.host_service(host.id)
    until(lambda: service.get().status, lambda status: status == types.HostStatus.NON_RESPONSIVE)
    service.remove()
    assert hosts.list(search="name=dead") == []


def test_bootstrap_machine_appears(system: Any, found: dict[str, Any]) -> None:
    vms = system.vms_service()
    (vm,) = until(
        lambda: vms.list(search='name="external-HostedEngineLocal"'),
        lambda found: bool(found) and found[0].status == types.VmStatus.UP,
    )
    assert vm.origin == "external" and vm.host.id == found["host"]
    found["local"] = vm.id


def test_refused_mount_leaves_nothing(system: Any) -> None:
    with pytest.raises(sdk.Error, match="Problem while trying to mount target") as caught:
        _add_domain(system, "bad", "/exports/closed")
    assert caught.value.code == 400
    assert system.storage_connections_service().list() == []


def _add_domain(system: Any, name: str, path: str) -> Any:
    return system.storage_domains_service().add(
        types.StorageDomain(
            name=name,
            type=types.StorageDomainType.DATA,
            host=types.Host(name="node1"),
            storage_format=types.StorageFormat.V5,
            storage=types.HostStorage(type=types.StorageType.NFS, address="storage.example.test", path=path),
        )
    )


def test_storage_domain(system: Any, found: dict[str, Any]) -> None:
    domain = _add_domain(system, "hosted_storage", "/exports/one")
    assert domain.status == types.StorageDomainStatus.UNKNOWN and domain.available == 200 * 2**30
    service = system.storage_domains_service().storage_domain_service(domain.id)
    assert service.get().status == types.StorageDomainStatus.UNATTACHED
    (pool,) = system.data_centers_service().list(search="name=Default")
    attached = (
        system.data_centers_service()
        .data_center_service(pool.id)
        .storage_domains_service()
        .add(types.StorageDomain(id=domain.id))
    )
    assert attached.status == types.StorageDomainStatus.ACTIVE
    assert system.data_centers_service().data_center_service(pool.id).get().status == types.DataCenterStatus.UP
    assert system.hosts_service().host_service(found["host"]).get().spm.status == types.SpmStatus.SPM
    assert service.get().status is None  # attached: no status of its own
    found.update(domain=domain.id, pool=pool.id)


def test_four_disks_together_with_chosen_ids(system: Any, found: dict[str, Any]) -> None:
    disks = system.disks_service()
    chosen = {name: (str(uuid.uuid4()), str(uuid.uuid4())) for name in DISKS}
    futures = [
        disks.add(
            types.Disk(
                id=chosen[name][0],
                image_id=chosen[name][1],
                name=name,
                content_type=types.DiskContentType(kind),
                provisioned_size=size,
                sparse=sparse,
                format=types.DiskFormat.RAW,
                storage_domains=[types.StorageDomain(name="hosted_storage")],
            ),
            wait=False,
        )
        for name, (kind, size, sparse) in DISKS.items()
    ]
    for disk in [future.wait() for future in futures]:
        assert (disk.id, disk.image_id) == chosen[disk.name] and disk.status == types.DiskStatus.LOCKED
        found["disks"][disk.name] = disk.id
    until(
        lambda: [disks.disk_service(key).get().status for key in found["disks"].values()],
        lambda states: set(states) == {types.DiskStatus.OK},
    )


def test_target_machine(system: Any, found: dict[str, Any]) -> None:
    vms = system.vms_service()
    vm = vms.add(
        types.Vm(
            name="HostedEngine",
            cluster=types.Cluster(name="Default"),
            template=types.Template(id=BLANK),
            memory=4 * 2**30,
            cpu=types.Cpu(topology=types.CpuTopology(cores=2, sockets=1)),
            bios=types.Bios(type=types.BiosType.Q35_SEA_BIOS),
            delete_protected=True,
            high_availability=types.HighAvailability(enabled=False, priority=1),
            type=types.VmType.SERVER,
            os=types.OperatingSystem(type="rhel_8x64"),
            console=types.Console(enabled=False),
        ),
        clone=False,
        clone_permissions=False,
    )
    assert vm.status == types.VmStatus.DOWN and vm.memory_policy.max == 16 * 2**30
    service = vms.vm_service(vm.id)
    service.disk_attachments_service().add(
        types.DiskAttachment(
            active=True,
            bootable=True,
            interface=types.DiskInterface.VIRTIO,
            disk=types.Disk(id=found["disks"]["he_virtio_disk"]),
        )
    )
    (profile,) = system.vnic_profiles_service().list()
    service.nics_service().add(
        types.Nic(
            name="vnet0",
            mac=types.Mac(address="00:16:3e:00:00:01"),
            interface=types.NicInterface.VIRTIO,
            vnic_profile=types.VnicProfile(id=profile.id),
        )
    )
    assert [console.protocol for console in service.graphics_consoles_service().list()] == [types.GraphicsType.VNC]
    found["vm"] = vm.id


def test_origin_by_sql_and_ovf_by_update(simulator: Simulator, system: Any, found: dict[str, Any]) -> None:
    assert simulator.sql("UPDATE vm_static SET origin=6 WHERE vm_guid=? RETURNING vm_name", found["vm"]) == [
        ("HostedEngine",)
    ]
    service = system.vms_service().vm_service(found["vm"])
    assert service.get().origin == "managed_hosted_engine"
    with pytest.raises(sdk.Error, match="This VM is not managed by the engine"):
        service.start()
    service.update(types.Vm(description="Hosted engine VM", console=types.Console(enabled=True)))

    def stores() -> list[Any]:
        disks = system.storage_domains_service().storage_domain_service(found["domain"]).disks_service().list()
        return [disk for disk in disks if disk.name == "OVF_STORE"]

    def written(disk: Any) -> tuple[Path, dict[str, Any]]:
        path = next(Path(simulator.state["directory"]).rglob(f"images/{disk.id}/{disk.image_id}"))
        meta = dict(
            line.split("=", 1) for line in path.with_name(path.name + ".meta").read_text().splitlines() if "=" in line
        )
        assert meta["DISKTYPE"] == "OVFS"
        return path, json.loads(meta["DESCRIPTION"])

    volumes = until(stores, lambda seen: len(seen) == 2 and all(disk.status == types.DiskStatus.OK for disk in seen))
    for disk in volumes:
        path, description = until(lambda disk=disk: written(disk), lambda seen: seen[1].get("Updated") is True)
        content = path.read_bytes()[: description["Size"]]
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            assert tar.getnames() == ["info.json", f"{found['vm']}.ovf", "metadata.json"]
            text = tar.extractfile(f"{found['vm']}.ovf").read().decode()  # type: ignore[union-attr]
        assert "<EngineXml>" in text and "00:16:3e:00:00:01" in text


def test_hosted_engine_figures(simulator: Simulator, system: Any, found: dict[str, Any]) -> None:
    service = system.hosts_service().host_service(found["host"])
    assert service.get(all_content=True).hosted_engine is None
    simulator.host("ha", configured=True, active=True, score=3400)
    seen = until(lambda: service.get(all_content=True).hosted_engine, lambda ha: ha is not None and ha.configured)
    assert seen.score == 3400 and not seen.global_maintenance


def test_engine_machine_runs_and_bootstrap_machine_goes(
    simulator: Simulator, system: Any, found: dict[str, Any]
) -> None:
    simulator.host("vm", name="HostedEngine", id=found["vm"], memory_mb=4096)
    vms = system.vms_service()
    until(lambda: vms.vm_service(found["vm"]).get().status, lambda status: status == types.VmStatus.UP)
    assert vms.vm_service(found["vm"]).get().host.id == found["host"]
    local = vms.vm_service(found["local"])
    local.stop()
    until(lambda: local.get().status, lambda status: status == types.VmStatus.DOWN)
    local.remove()
    with pytest.raises(sdk.NotFoundError):
        local.get()


def test_maintenance_of_the_only_host_is_refused(system: Any, found: dict[str, Any]) -> None:
    with pytest.raises(sdk.Error, match="score more than 0") as caught:
        system.hosts_service().host_service(found["host"]).deactivate()
    assert caught.value.code == 409


def test_tokens_are_counted(simulator: Simulator, connection: sdk.Connection) -> None:
    before = simulator.control("/state")
    other = simulator.connect()
    other.authenticate()
    assert simulator.control("/state")["unrevoked_tokens"] == before["unrevoked_tokens"] + 1
    other.close()
    after = simulator.control("/state")
    assert after["unrevoked_tokens"] == before["unrevoked_tokens"]
    assert after["counters"]["logins"] == before["counters"]["logins"] + 1


def test_every_address_resolves_and_both_formats_say_the_same(simulator: Simulator) -> None:
    crawler = Crawler(simulator.state)
    crawler.crawl("/ovirt-engine/api")
    assert crawler.broken == {}
    assert len(crawler.seen) > 300
