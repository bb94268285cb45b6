"""The hosted-engine flow as a list of verbs, in the order and with the parameters a 4.5 engine uses them.

`run(client)` returns the ids it made.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from vdsm_rpc.client import Client

Call = Callable[..., Any]

BLANK = "00000000-0000-0000-0000-000000000000"


def caller(client: Client) -> Call:
    return lambda verb, **params: client.call(verb, params)


def wait_task(call: Call, task: str) -> None:
    deadline = time.monotonic() + 10
    while (status := call("Task.getStatus", taskID=task))["taskState"] != "finished":
        assert time.monotonic() < deadline, f"task {task} does not end: {status}"
        time.sleep(0.02)
    assert status["taskResult"] == "success", status
    call("Task.getInfo", taskID=task)
    call("Task.clear", taskID=task)


def host_up(call: Call) -> None:
    assert call("Host.ping2") is True
    caps = call("Host.getCapabilities")
    assert "4.7" in caps["clusterLevels"] and "4.8" in caps["clusterLevels"]
    assert "ovirtmgmt" in caps["networks"]
    call("Host.getHardwareInfo")
    call("Host.getStats")
    assert isinstance(call("Host.getAllVmStats"), list)
    assert set(call("Host.getVMList", vmList=[], onlyUUID=False)[0]) == {"status", "statusTime", "vmId"}
    call("Host.getAllVmIoTunePolicies")
    call("Host.setMOMPolicyParameters", key_value_store={"balloonEnabled": True, "ksmEnabled": True})
    call("Host.hostdevListByCaps", caps=[])
    call("Host.getAllTasksInfo")
    call("Host.getAllTasksStatuses")
    call("Host.getJobs", job_type="storage", job_ids=[])
    call(
        "Host.setupNetworks",
        networks={
            "storage": {
                "nic": "eth1",
                "bridged": False,
                "bootproto": "none",
                "ipaddr": "10.0.0.5",
                "netmask": "255.255.255.0",
                "mtu": 1500,
                "switch": "legacy",
                "STP": "no",
                "defaultRoute": False,
            }
        },
        bondings={},
        options={"connectivityCheck": "true", "connectivityTimeout": 120, "commitOnSuccess": True},
    )
    call("Host.setSafeNetworkConfig")
    assert "storage" in call("Host.getCapabilities")["networks"]


def domain(call: Call, kind: str, pool: str, first: bool, type_args: str | None) -> str:
    sd = str(uuid.uuid4())
    number = {"nfs": 1, "iscsi": 3}[kind]
    if type_args is None:
        devices = call("Host.getDeviceList", storageType=3, guids=[], checkStatus=True)
        free = [d for d in devices if d["status"] == "free"]
        assert free, devices
        type_args = call("LVMVolumeGroup.create", name=sd, devlist=[free[0]["GUID"]], force=False)
        call("LVMVolumeGroup.getInfo", lvmvolumegroupID=type_args)
        call("Host.getDevicesVisibility", guidList=[free[0]["GUID"]])
    else:
        assert (
            call("Host.getStorageDomains", storagepoolID=BLANK, domainClass=1, storageType=number, remotePath=type_args)
            == []
        )
    call(
        "StorageDomain.create",
        storagedomainID=sd,
        domainType=number,
        typeArgs=type_args,
        name="hosted_storage",
        domainClass=1,
        version="5",
        blockSize=512,
        maxHosts=250,
    )
    info = call("StorageDomain.getInfo", storagedomainID=sd)
    assert info["pool"] == [] and info["version"] == "5", info
    call("StorageDomain.getStats", storagedomainID=sd)
    if first:
        call(
            "StoragePool.create",
            storagepoolID=pool,
            name="Default",
            masterSdUUID=sd,
            masterVersion=1,
            domainList=[sd],
            lockRenewalIntervalSec=5,
            leaseTimeSec=60,
            ioOpTimeoutSec=10,
            leaseRetries=3,
        )
        call(
            "StoragePool.connect",
            storagepoolID=pool,
            hostID=1,
            scsiKey=pool,
            masterSdUUID=sd,
            masterVersion=1,
            domainDict={sd: "active"},
        )
        assert call("StoragePool.getSpmStatus", storagepoolID=pool)["spmStatus"] == "Free"
        task = call(
            "StoragePool.spmStart",
            storagepoolID=pool,
            prevID=-1,
            prevLver="-1",
            enableScsiFencing=False,
            maxHostID=250,
            domVersion="5",
        )
        wait_task(call, task)
        status = call("StoragePool.getSpmStatus", storagepoolID=pool)
        assert status["spmStatus"] == "SPM" and status["spmId"] == 1, status
    else:
        call("StorageDomain.attach", storagedomainID=sd, storagepoolID=pool)
    call("StorageDomain.activate", storagedomainID=sd, storagepoolID=pool)
    pool_info = call("StoragePool.getInfo", storagepoolID=pool)
    assert pool_info["dominfo"][sd]["status"] == "Active", pool_info
    stats = call("Host.getStats")["storageDomains"][sd]
    assert stats["valid"] and stats["acquired"], stats
    return sd


def disk(
    call: Call, pool: str, sd: str, size: int, kind: str, description: str, preallocate: int = 2, vol_format: int = 5
) -> tuple[str, str]:
    img, vol = str(uuid.uuid4()), str(uuid.uuid4())
    task = call(
        "Volume.create",
        volumeID=vol,
        storagepoolID=pool,
        storagedomainID=sd,
        imageID=img,
        size=str(size),
        volFormat=vol_format,
        preallocate=preallocate,
        diskType=kind,
        desc=description,
        srcImgUUID=BLANK,
        srcVolUUID=BLANK,
        sequence=1,
    )
    wait_task(call, task)
    info = call("Volume.getInfo", volumeID=vol, storagepoolID=pool, storagedomainID=sd, imageID=img)
    assert info["disktype"] == kind and info["status"] == "OK" and info["capacity"] == str(size), info
    return img, vol


def run(client: Client, export: str) -> dict[str, Any]:
    call = caller(client)
    host_up(call)
    pool = str(uuid.uuid4())
    con = [
        {
            "id": str(uuid.uuid4()),
            "connection": export,
            "user": "",
            "password": "",
            "port": "",
            "iqn": "",
            "protocol_version": "auto",
        }
    ]
    assert (
        call("StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=1, connectionParams=con)[0]["status"]
        == 0
    )
    nfs = domain(call, "nfs", pool, True, export)
    disks = {}
    for kind, size in (("HEVD", 2 * 2**30), ("HESD", 2**30), ("HEMD", 2**30), ("HECI", 2**30), ("OVFS", 128 * 2**20)):
        description = json.dumps({"DiskAlias": "he_" + kind, "DiskDescription": kind})
        disks[kind] = disk(call, pool, nfs, size, kind, description)
    img, vol = disks["OVFS"]
    call(
        "Volume.setDescription",
        volumeID=vol,
        storagepoolID=pool,
        storagedomainID=nfs,
        imageID=img,
        description='{"Updated":true}',
    )
    assert set(call("StorageDomain.getImages", storagedomainID=nfs)) == {d[0] for d in disks.values()}
    path = call(
        "Image.prepare", storagepoolID=pool, storagedomainID=nfs, imageID=disks["HECI"][0], volumeID=disks["HECI"][1]
    )["path"]
    call(
        "Image.teardown", storagepoolID=pool, storagedomainID=nfs, imageID=disks["HECI"][0], leafVolID=disks["HECI"][1]
    )
    vm = str(uuid.uuid4())
    wait_task(call, call("Lease.create", lease={"sd_id": nfs, "lease_id": vm}, metadata=None))
    call("Lease.info", lease={"sd_id": nfs, "lease_id": vm})
    call("Lease.status", lease={"sd_id": nfs, "lease_id": vm})
    # iSCSI as a second domain
    found = call("ISCSIConnection.discoverSendTargets", host="127.0.0.1", port="3260")
    _portal, iqn = found[0].split()
    icon = [
        {
            "id": str(uuid.uuid4()),
            "connection": "127.0.0.1",
            "port": "3260",
            "iqn": iqn,
            "user": "",
            "password": "",
            "tpgt": "1",
        }
    ]
    assert (
        call("StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=3, connectionParams=icon)[0]["status"]
        == 0
    )
    iscsi = domain(call, "iscsi", pool, False, None)
    disk(call, pool, iscsi, 2**30, "DATA", "block disk", preallocate=1)
    wiped = disk(call, pool, iscsi, 2**30, "DATA", "to be deleted", vol_format=4)
    wait_task(
        call,
        call("Image.delete", imageID=wiped[0], storagepoolID=pool, storagedomainID=iscsi, postZero=False, force=False),
    )
    call("Host.setHaMaintenanceMode", mode="GLOBAL", enabled=True)
    assert call("Host.getStats")["haStats"]["globalMaintenance"] is True
    call("Host.setHaMaintenanceMode", mode="GLOBAL", enabled=False)
    call("StorageDomain.deactivate", storagedomainID=iscsi, storagepoolID=pool, masterSdUUID=BLANK, masterVersion=0)
    call("StorageDomain.detach", storagedomainID=iscsi, storagepoolID=pool, masterSdUUID=BLANK, masterVersion=0)
    call("StorageDomain.format", storagedomainID=iscsi, autoDetach=False)
    call("StoragePool.disconnectStorageServer", storagepoolID=BLANK, domainType=3, connectionParams=icon)
    return {"pool": pool, "nfs": nfs, "disks": disks, "path": path, "vm": vm}


ENGINE_XML = """<?xml version="1.0" encoding="UTF-8"?>
<domain type="kvm" xmlns:ovirt-tune="http://ovirt.org/vm/tune/1.0" xmlns:ovirt-vm="http://ovirt.org/vm/1.0">
 <name>HostedEngine</name><uuid>%(vm)s</uuid><memory>4194304</memory><currentMemory>4194304</currentMemory>
 <maxMemory slots="16">16777216</maxMemory><vcpu current="2">16</vcpu>
 <cpu match="exact"><model>Cascadelake-Server-noTSX</model><topology cores="1" threads="1" sockets="16"/></cpu>
 <os><type arch="x86_64" machine="pc-q35-rhel9.6.0">hvm</type></os>
 <devices>
  <interface type="bridge"><model type="virtio"/><link state="up"/><source bridge="ovirtmgmt"/>
   <alias name="ua-%(vm)s"/><mac address="00:16:3e:00:00:01"/></interface>
  <disk type="file" device="disk" snapshot="no"><target dev="vda" bus="virtio"/>
   <source file="/rhev/data-center/%(pool)s/%(sd)s/images/%(img)s/%(vol)s"/>
   <driver name="qemu" type="raw"/><alias name="ua-%(img)s"/></disk>
  <graphics type="vnc" port="-1" autoport="yes"/><video><model type="vga" vram="16384" heads="1"/></video>
 </devices>
 <metadata><ovirt-vm:vm><ovirt-vm:device devtype="disk" name="vda"><ovirt-vm:imageID>%(img)s</ovirt-vm:imageID>
 </ovirt-vm:device></ovirt-vm:vm></metadata>
</domain>"""


def vm_xml(ids: dict[str, Any]) -> str:
    img, vol = ids["disks"]["HEVD"]
    return ENGINE_XML % {"vm": ids["vm"], "pool": ids["pool"], "sd": ids["nfs"], "img": img, "vol": vol}
