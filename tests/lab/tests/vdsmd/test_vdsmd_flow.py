"""The engine's calls from host add to the engine machine, on the model."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vdsm_flow as flow
from running_vdsmd import Running
from vdsm_rpc.client import VdsmError
from vdsmd import cli
from vdsmd.storage import files, qcow2

EXPORT = "nfs.example.test:/exports/he_data"


def events(client: Any) -> queue.Queue[tuple[str, Any]]:
    told: queue.Queue[tuple[str, Any]] = queue.Queue()
    client.events(lambda method, params: told.put((method, params)))
    return told


def test_hosted_engine_flow(vdsmd: Running) -> None:
    client = vdsmd.client()
    ids = flow.run(client, EXPORT)
    assert vdsmd.control("gaps") == {}
    base = vdsmd.root / "rhev/data-center/mnt" / files.mount_name(EXPORT) / ids["nfs"]
    text = (base / "dom_md/metadata").read_text()
    assert f"SDUUID={ids['nfs']}\n" in text
    assert "ROLE=Master\n" in text
    image, volume = ids["disks"]["HEVD"]
    assert (base / "images" / image / volume).stat().st_size == 2 * 2**30
    assert Path(ids["path"]).exists()
    _ovf_store(client, ids)
    # a restart keeps the connections; the rest is on the disk
    vdsmd.stop()
    vdsmd.start()
    client = vdsmd.client()
    assert client.call("StoragePool.getSpmStatus", {"storagepoolID": ids["pool"]})["spmStatus"] == "SPM"
    assert len(client.call("StorageDomain.getImages", {"storagedomainID": ids["nfs"]})) == 5
    _second_host(vdsmd, ids)
    _machine(client, ids)


def _ovf_store(client: Any, ids: dict[str, Any]) -> None:
    image, volume = ids["disks"]["OVFS"]
    headers = {"Storage-Pool-Id": ids["pool"], "Storage-Domain-Id": ids["nfs"], "Image-Id": image, "Volume-Id": volume}
    task = client.upload(headers, b"o" * 5000)
    flow.wait_task(flow.caller(client), task)
    assert client.download(headers, 5001) == b"o" * 5000 + b"\0"
    with pytest.raises(VdsmError) as caught:
        client.upload({**headers, "Volume-Id": ids["vm"]}, b"x")
    assert caught.value.code == 201


def _second_host(vdsmd: Running, ids: dict[str, Any]) -> None:
    call = flow.caller(vdsmd.client("127.0.1.2"))
    with pytest.raises(VdsmError) as caught:
        call("StorageDomain.getInfo", storagedomainID=ids["nfs"])
    assert caught.value.code == 358
    con = [{"id": ids["vm"], "connection": EXPORT}]
    call("StoragePool.connectStorageServer", storagepoolID=ids["pool"], domainType=1, connectionParams=con)
    # found on the path, so that the engine imports instead of formatting
    found = call("Host.getStorageDomains", storagepoolID=flow.BLANK, domainClass=1, storageType="", remotePath=EXPORT)
    assert found == [ids["nfs"]]
    call(
        "StoragePool.connect",
        storagepoolID=ids["pool"],
        hostID=2,
        scsiKey="",
        masterSdUUID=ids["nfs"],
        masterVersion=1,
        domainDict={ids["nfs"]: "active"},
    )
    status = call("StoragePool.getSpmStatus", storagepoolID=ids["pool"])
    assert (status["spmStatus"], status["spmId"]) == ("Free", 1)
    with pytest.raises(VdsmError) as caught:
        call("StorageDomain.activate", storagedomainID=ids["nfs"], storagepoolID=ids["pool"])
    assert caught.value.code == 654


def _machine(client: Any, ids: dict[str, Any]) -> None:
    told, vm = events(client), ids["vm"]
    client.call("VM.create", {"vmID": vm, "vmParams": {"vmId": vm, "xml": flow.vm_xml(ids)}})
    for status in ("Powering up", "Up"):
        method, params = told.get(timeout=5)
        assert (method, params[vm]["status"]) == (f"|virt|VM_status|{vm}", status)
        assert isinstance(params["notify_time"], int)
    client.call("VM.shutdown", {"vmID": vm, "delay": "30", "message": "bye"})
    assert told.get(timeout=5)[1][vm]["status"] == "Powering down"
    down = told.get(timeout=5)[1][vm]
    assert (down["status"], down["exitCode"], down["exitReason"]) == ("Down", 0, 7)
    client.call("VM.destroy", {"vmID": vm})
    with pytest.raises(VdsmError, match="Virtual machine does not exist: {'vmId': "):
        client.call("VM.getStats", {"vmID": vm})


def test_migration_between_hosts(vdsmd: Running) -> None:
    client = vdsmd.client()
    told = events(client)
    (vm,) = (entry["vmId"] for entry in client.call("Host.getVMList"))
    client.call("VM.migrate", {"vmID": vm, "params": {"dst": "127.0.1.2:54321"}})
    seen = [told.get(timeout=5) for _turn in range(3)]
    assert [method.split("|")[2] for method, _params in seen] == ["VM_status", "VM_migration_status", "VM_status"]
    assert seen[2][1][vm]["exitReason"] == 4
    assert vdsmd.client("127.0.1.2").call("VM.getStats", {"vmID": vm})[0]["status"] == "Up"


def test_empty_qcow2_is_valid(tmp_path: Path) -> None:
    qcow2.empty(tmp_path / "q", 50 * 2**30)
    assert (tmp_path / "q").read_bytes()[:4] == b"QFI\xfb"
    if shutil.which("qemu-img"):
        subprocess.run(["qemu-img", "check", "-q", str(tmp_path / "q")], check=True)


def _connect(client: Any, kind: int, **con: Any) -> int:
    params = {"storagepoolID": flow.BLANK, "domainType": kind, "connectionParams": [{"id": "i", **con}]}
    return int(client.call("StoragePool.connectStorageServer", params)[0]["status"])


def test_storage_servers_refuse(make: Callable[..., Running]) -> None:
    vdsmd = make(
        exports=[
            {"path": "a:/ok", "size_gib": 70},
            {"path": "a:/closed", "denied": ["127.0.1.1"]},
            {"path": "a:/ro", "read_only": True},
        ],
        iscsi_targets=[
            {"address": "127.0.0.1", "port": 3261, "tpgt": 1, "iqn": "iqn.x:chap", "user": "u", "password": "p"}
        ],
        luns=[{"guid": "360", "size": 100 * 2**30}, {"guid": "361", "size": 2**30, "used": True}],
    )
    client = vdsmd.client()
    assert [_connect(client, 1, connection=f"a:/{name}") for name in ("ok", "closed", "absent", "ro")] == [
        0,
        477,
        477,
        469,
    ]
    con = {"connection": "127.0.0.1", "port": "3261", "iqn": "iqn.x:chap"}
    assert _connect(client, 3, user="u", password="bad", **con) == 476
    assert _connect(client, 3, user="u", password="p", **{**con, "port": "3260"}) == 464
    listing = {"storageType": 3, "guids": [], "checkStatus": True}
    assert client.call("Host.getDeviceList", listing) == []
    assert _connect(client, 3, user="u", password="p", **con) == 0
    devices = client.call("Host.getDeviceList", listing)
    assert [device["status"] for device in devices] == ["free", "used"]
    assert all(isinstance(device[key], str) for device in devices for key in ("capacity", "pvsize"))
    for verb, params, code in (
        ("LVMVolumeGroup.create", {"name": "x", "devlist": ["361"], "force": False}, 502),
        ("ISCSIConnection.discoverSendTargets", {"host": "9.9.9.9", "port": "3260"}, 475),
    ):
        with pytest.raises(VdsmError) as caught:
            client.call(verb, params)
        assert caught.value.code == code


def test_statistics_have_the_types_the_engine_takes(vdsmd: Running) -> None:
    stats = vdsmd.client().call("Host.getStats")
    assert all(isinstance(stats[key], str) for key in ("cpuUser", "cpuSys", "cpuIdle", "cpuLoad"))
    assert all(isinstance(cpu["cpuUser"], str) and cpu["nodeIndex"] == 0 for cpu in stats["cpuStatistics"].values())
    assert set(stats["haStats"]) == {"configured", "active", "score", "globalMaintenance", "localMaintenance"}


def test_capabilities_have_what_the_engine_wants(vdsmd: Running) -> None:
    caps = vdsmd.client().call("Host.getCapabilities")
    assert all(isinstance(nic["speed"], int) for nic in caps["nics"].values())
    assert all("switch" in network for network in caps["networks"].values())
    assert caps["bridges"]["ovirtmgmt"]["addr"] == "127.0.1.1"
    assert caps["lastClientIface"] == "ovirtmgmt"
    assert {"random", "hwrng"} <= set(caps["rngSources"])
    assert {"pc-q35-rhel8.6.0", "pc-q35-rhel9.6.0", "pc-i440fx-rhel7.6.0"} <= set(caps["emulatedMachines"])
    assert {"vmx", "nx", "model_Cascadelake-Server-noTSX"} <= set(caps["cpuFlags"].split(","))


def test_networks_as_the_engine_sends_them(vdsmd: Running) -> None:
    client = vdsmd.client()
    told = events(client)
    client.call(
        "Host.setupNetworks",
        {
            "bondings": {"bond0": {"nics": ["eth0", "eth1"], "options": "mode=4 miimon=100"}},
            "networks": {
                "vm": {"bonding": "bond0", "vlan": "10", "bridged": "true", "mtu": 1500, "switch": "legacy"},
                "store": {
                    "bonding": "bond0",
                    "vlan": "20",
                    "bridged": "false",
                    "mtu": 9000,
                    "bootproto": "none",
                    "ipaddr": "10.1.1.1",
                    "netmask": "255.255.255.0",
                    "defaultRoute": False,
                },
                "ovirtmgmt": {"remove": "true"},
            },
            "options": {"connectivityCheck": "true", "connectivityTimeout": 120, "commitOnSuccess": True},
        },
    )
    assert told.get(timeout=5)[0] == "|net|host_conn|no_id"
    caps = client.call("Host.getCapabilities")
    assert set(caps["networks"]) == {"vm", "store"}
    assert caps["bridges"]["vm"]["ports"] == ["bond0.10"]
    assert (caps["networks"]["store"]["bridged"], caps["networks"]["store"]["iface"]) == (False, "bond0.20")
    assert (caps["vlans"]["bond0.20"]["addr"], caps["vlans"]["bond0.20"]["vlanid"]) == ("10.1.1.1", 20)
    assert caps["bondings"]["bond0"]["slaves"] == ["eth0", "eth1"]


def test_fresh_host_has_its_address_on_the_card_until_a_network_takes_it(make: Callable[..., Running]) -> None:
    client = make(defaults={"management_network": False}).client()
    caps = client.call("Host.getCapabilities")
    assert (caps["networks"], caps["nics"]["eth0"]["addr"], caps["lastClientIface"]) == ({}, "127.0.1.1", "eth0")
    network = {"nic": "eth0", "bridged": True, "ipaddr": "127.0.1.1", "netmask": "255.255.255.0", "defaultRoute": True}
    client.call("Host.setupNetworks", {"networks": {"he-mgmt": network}, "bondings": {}, "options": {}})
    caps = client.call("Host.getCapabilities")
    assert (caps["nics"]["eth0"]["addr"], caps["bridges"]["he-mgmt"]["addr"]) == ("", "127.0.1.1")
    assert caps["lastClientIface"] == "he-mgmt"


def test_external_machine_is_told_with_its_xml(vdsmd: Running) -> None:
    client = vdsmd.client()
    (stats,), (xml,) = client.call("Host.getAllVmStats"), client.call("Host.dumpxmls", {"vmList": []}).values()
    assert (stats["vmName"], stats["status"]) == ("HostedEngineLocal", "Up")
    assert all(tag in xml for tag in ("<name>", "<uuid>", "<memory", "<cpu ", "<os>", "<devices>", "</devices>"))


def test_recovering_host_says_so(make: Callable[..., Running]) -> None:
    vdsmd = make(defaults={"recovery_seconds": 60})
    with pytest.raises(VdsmError) as caught:
        vdsmd.client().call("Host.ping2")
    assert str(caught.value) == "(code=99, message=Recovering from crash or Initializing)"


def test_state_needs_no_root(vdsmd: Running) -> None:
    if os.geteuid() == 0:
        assert (vdsmd.root / "rhev").exists() is False  # nothing is made before it is asked for


def test_volumes_come_with_old_content_on_demand(make: Callable[..., Running]) -> None:
    vdsmd = make(defaults={"old_content_mib": 3})
    ids = flow.run(vdsmd.client(), EXPORT)
    base = vdsmd.root / "rhev/data-center/mnt" / files.mount_name(EXPORT) / ids["nfs"] / "images"
    for kind, (image, volume) in ids["disks"].items():
        with (base / image / volume).open("rb") as file:
            assert file.read(2 * files.MIB) == b"\xff" * 2 * files.MIB, kind
            file.seek(3 * files.MIB)
            assert not any(file.read(files.MIB))
        assert not any((base / image / f"{volume}.lease").read_bytes())


def test_files_beside_the_configuration_overwrite_single_defaults(tmp_path: Path) -> None:
    config = tmp_path / "vdsmd.json"
    config.write_text('{"hosts": [{}], "defaults": {"seconds": {"task": 0}, "old_content_mib": 0}}')
    (tmp_path / "vdsmd.d").mkdir()
    (tmp_path / "vdsmd.d" / "test.json").write_text('{"old_content_mib": 16}')
    assert cli.read_config(config) == {"hosts": [{}], "defaults": {"seconds": {"task": 0}, "old_content_mib": 16}}
