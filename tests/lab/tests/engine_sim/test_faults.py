# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong on order, as a client with the real SDK meets it; and what the host's silence does."""

from __future__ import annotations

from typing import Any

import ovirtsdk4 as sdk
import pytest
from ovirtsdk4 import types
from sim_support import Simulator, until


@pytest.fixture(autouse=True)
def clean(simulator: Simulator) -> Any:
    yield
    simulator.control("/close", seconds=0)


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
    simulator.control("/faults", step="GET /api/hosts", reset=True)
    with pytest.raises(sdk.Error):
        connection.system_service().hosts_service().list()
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


def test_a_silent_host_is_lost_and_its_disks_fail(simulator: Simulator, connection: sdk.Connection) -> None:
    system = connection.system_service()
    host = system.hosts_service().add(
        types.Host(name="h1", address=simulator.state["hosts"][0]["address"], root_password="x")
    )
    service = system.hosts_service().host_service(host.id)
    until(lambda: service.get().status, lambda status: status == types.HostStatus.UP)
    storage = types.HostStorage(type=types.StorageType.NFS, address="storage.example.test", path="/exports/two")
    domain = system.storage_domains_service().add(
        types.StorageDomain(name="sd", type=types.StorageDomainType.DATA, host=types.Host(name="h1"), storage=storage)
    )
    pool = system.data_centers_service().list(search="name=Default")[0]
    system.data_centers_service().data_center_service(pool.id).storage_domains_service().add(
        types.StorageDomain(id=domain.id)
    )
    disk = types.Disk(
        name="d", format=types.DiskFormat.RAW, provisioned_size=2**30, storage_domains=[types.StorageDomain(name="sd")]
    )
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
