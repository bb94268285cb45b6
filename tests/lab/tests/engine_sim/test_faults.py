# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong on order, as a client with the real SDK meets it; and what the host's silence does."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import ovirtsdk4 as sdk
import pytest
from ovirtsdk4 import types
from sim_support import Simulator, end, start, until


@pytest.fixture(autouse=True)
def clean(simulator: Simulator) -> Any:
    yield
    simulator.order("DELETE", "/faults")


def test_a_step_fails_with_code_and_text(simulator: Simulator, connection: sdk.Connection) -> None:
    simulator.control(
        "/faults", step="POST /api/datacenters", status=409, detail="[Cannot create Data Center. Because.]"
    )
    pools = connection.system_service().data_centers_service()
    with pytest.raises(sdk.Error, match="Because") as caught:
        pools.add(types.DataCenter(name="d1", local=False))
    assert caught.value.code == 409
    pools.add(types.DataCenter(name="d1", local=False))  # it struck once


def test_expired_tokens_make_the_sdk_log_in_again(simulator: Simulator, connection: sdk.Connection) -> None:
    connection.authenticate()
    logins = simulator.control("/state")["counters"]["logins"]
    simulator.control("/expire", now=True)
    assert connection.system_service().get().product_info.name == "oVirt Engine"
    assert simulator.control("/state")["counters"]["logins"] == logins + 1


def test_a_window_of_503(simulator: Simulator, connection: sdk.Connection) -> None:
    simulator.control("/close", seconds=30)
    with pytest.raises(sdk.Error, match="content type"):
        connection.system_service().get()
    simulator.control("/close", seconds=0)
    assert connection.system_service().get()


def test_a_reset_connection(simulator: Simulator, connection: sdk.Connection) -> None:
    simulator.control("/faults", step="GET /api/hosts", reset=True, times=0)  # curl tries a reused connection again
    with pytest.raises(sdk.Error, match="56"):
        connection.system_service().hosts_service().list()
    simulator.order("DELETE", "/faults")
    assert connection.system_service().hosts_service().list() == []


def test_a_slow_answer(simulator: Simulator) -> None:
    simulator.control("/faults", step="GET /api", delay=3)
    slow = sdk.Connection(
        url=simulator.state["url"],
        username=simulator.state["user"],
        password=simulator.state["password"],
        ca_file=simulator.state["ca_file"],
        timeout=1,
    )
    slow.authenticate()
    with pytest.raises(sdk.Error, match="28"):
        slow.system_service().get()
    slow.close()


def test_a_host_ends_non_operational(simulator: Simulator, connection: sdk.Connection) -> None:
    simulator.control(
        "/faults",
        step="host.up",
        host_status="non_operational",
        status_detail="network_unreachable",
        event="VDS_NETWORK_MISSING",
    )
    hosts = connection.system_service().hosts_service()
    host = hosts.add(types.Host(name="h2", address=simulator.state["hosts"][1]["address"], root_password="x"))
    service = hosts.host_service(host.id)
    seen = until(service.get, lambda host: host.status == types.HostStatus.NON_OPERATIONAL)
    assert seen.status_detail == "network_unreachable"
    assert 519 in [event.code for event in connection.system_service().events_service().list(search="event_host=h2")]


def test_an_order_that_makes_no_sense_is_refused(simulator: Simulator) -> None:
    for order in ({"step": "host.dance"}, {"step": "host.up", "colour": "red"}, {}):
        assert simulator.order("POST", "/faults", order)[0] == 400
    assert simulator.control("/state")["faults"] == []


def test_a_step_passes_before_it_fails(simulator: Simulator, connection: sdk.Connection) -> None:
    simulator.control("/faults", step="GET /api/tags", status=500, skip=1, times=2)
    tags = connection.system_service().tags_service()
    codes = []
    for _ in range(4):
        try:
            tags.list()
            codes.append(200)
        except sdk.Error as error:
            codes.append(error.code)
    assert codes == [200, 500, 500, 200]


@pytest.mark.parametrize(
    ("refusal", "text"),
    [("unreachable", "Connecting to host via SSH has failed"), ("authentication", "SSH authentication failed")],
)
def test_ssh_refuses(simulator: Simulator, connection: sdk.Connection, refusal: str, text: str) -> None:
    simulator.control("/faults", step="ssh.connect", refusal=refusal)
    hosts = connection.system_service().hosts_service()
    with pytest.raises(sdk.Error, match=text) as caught:
        hosts.add(types.Host(name="h9", address=simulator.state["hosts"][0]["address"], root_password="x"))
    assert caught.value.code == 409
    assert hosts.list(search="name=h9") == []


def _host(simulator: Simulator, system: Any, name: str, number: int) -> Any:
    hosts = system.hosts_service()
    found = hosts.list(search=f"name={name}")
    address = simulator.state["hosts"][number]["address"]
    host = found[0] if found else hosts.add(types.Host(name=name, address=address, root_password="x"))
    service = hosts.host_service(host.id)
    until(lambda: service.get().status, lambda status: status == types.HostStatus.UP)
    return service


def _domain(name: str, path: str) -> types.StorageDomain:
    storage = types.HostStorage(type=types.StorageType.NFS, address="storage.example.test", path=path)
    return types.StorageDomain(
        name=name, type=types.StorageDomainType.DATA, host=types.Host(name="h1"), storage=storage
    )


def test_an_old_domain_is_on_the_path(simulator: Simulator, connection: sdk.Connection) -> None:
    """As measured: the POST imports it, with its old id, under the new name."""
    system = connection.system_service()
    _host(simulator, system, "h1", 0)
    simulator.control("/faults", step="storage.existing")
    domains = system.storage_domains_service()
    found = domains.add(_domain("fresh", "/exports/small"))
    domains.storage_domain_service(found.id).remove(destroy=True)
    again = domains.add(_domain("again", "/exports/small"))
    assert again.id == found.id and again.name == "again"
    domains.storage_domain_service(again.id).remove(host="h1", format=True)
    assert domains.add(_domain("third", "/exports/small")).id != found.id
    for domain in domains.list():
        domains.storage_domain_service(domain.id).remove(host="h1", format=True)


def test_there_is_too_little_space(simulator: Simulator, connection: sdk.Connection) -> None:
    system = connection.system_service()
    _host(simulator, system, "h1", 0)
    simulator.control("/faults", step="storage.space", gib=3, times=0)
    domains = system.storage_domains_service()
    domain = domains.add(_domain("narrow", "/exports/small"))
    assert domain.available == 3 * 2**30
    domains.storage_domain_service(domain.id).remove(host="h1", format=True)


def test_a_unit_is_in_use(simulator: Simulator, connection: sdk.Connection) -> None:
    system = connection.system_service()
    host = _host(simulator, system, "h1", 0)
    iscsi = simulator.state["iscsi"]
    host.iscsi_login(iscsi=types.IscsiDetails(address=iscsi["address"], port=iscsi["port"], target=iscsi["iqn"]))
    units = host.storage_service()
    assert units.list()[0].logical_units[0].status == types.LunStatus.FREE
    simulator.control("/faults", step="lun.used", times=0)
    unit = units.list()[0].logical_units[0]
    assert unit.status == types.LunStatus.USED and unit.volume_group_id
    storage = types.HostStorage(type=types.StorageType.ISCSI, logical_units=[types.LogicalUnit(id=unit.id)])
    wanted = types.StorageDomain(
        name="block", type=types.StorageDomainType.DATA, host=types.Host(name="h1"), storage=storage
    )
    with pytest.raises(sdk.Error, match="Cannot create Volume Group"):
        system.storage_domains_service().add(wanted)
    wanted.storage.override_luns = True
    domain = system.storage_domains_service().add(wanted)
    system.storage_domains_service().storage_domain_service(domain.id).remove(host="h1", format=True)


def test_illegal_disks_by_order_and_by_a_silent_host(simulator: Simulator, connection: sdk.Connection) -> None:
    system = connection.system_service()
    service = _host(simulator, system, "h1", 0)
    domain = system.storage_domains_service().add(_domain("sd", "/exports/two"))
    pool = system.data_centers_service().list(search="name=Default")[0]
    system.data_centers_service().data_center_service(pool.id).storage_domains_service().add(
        types.StorageDomain(id=domain.id)
    )
    disk = types.Disk(
        name="d", format=types.DiskFormat.RAW, provisioned_size=2**30, storage_domains=[types.StorageDomain(name="sd")]
    )
    simulator.control("/faults", step="disk.create", error="No space left on device")
    broken = system.disks_service().disk_service(system.disks_service().add(disk).id)
    until(lambda: broken.get().status, lambda status: status == types.DiskStatus.ILLEGAL)
    broken.remove()
    made = system.disks_service().add(disk)
    simulator.host("power", state="off")
    until(
        lambda: system.disks_service().disk_service(made.id).get().status,
        lambda status: status == types.DiskStatus.ILLEGAL,
    )
    until(lambda: service.get().status, lambda status: status == types.HostStatus.NON_RESPONSIVE)
    codes = {event.code for event in system.events_service().list(search="event_host=h1")}
    assert {9027, 12, 9028} <= codes
    with pytest.raises(sdk.Error, match="no active Host"):
        system.disks_service().add(disk)
    simulator.host("power", state="on")
    until(lambda: service.get().status, lambda status: status == types.HostStatus.UP)
    until(
        lambda: system.data_centers_service().data_center_service(pool.id).get().status,
        lambda status: status == types.DataCenterStatus.UP,
    )


def test_faults_from_the_start(tmp_path: Path) -> None:
    """A file of orders (as an appliance may bring one) is in force before the first request."""
    orders = tmp_path / "faults.json"
    orders.write_text('[{"step": "* /services/health", "status": 500, "html": true, "detail": "DB Down!"}]')
    found = start(tmp_path / "sim", "--faults", str(orders), speed=30)
    try:
        context = ssl.create_default_context(cafile=found.state["ca_file"])
        address = found.state["url"].replace("/api", "/services/health")
        with pytest.raises(HTTPError) as caught:
            urlopen(address, context=context, timeout=10)
        assert caught.value.code == 500 and b"DB Down!" in caught.value.read()
        with urlopen(address, context=context, timeout=10) as answer:
            assert answer.read() == b"DB Up!Welcome to Health Status!"
    finally:
        end(found)
