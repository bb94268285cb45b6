"""vdsmd on two lab hosts, driven from outside as an engine does: network, storage, machines, leases, migration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driver.paths import CHECKOUT
from vdsm_rpc.client import Client, VdsmError, client_context

LAB = "vdsmd-t"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="needs root and systemd-nspawn"
)
pytestmark = [pytest.mark.lab, needs_root, pytest.mark.timeout(600)]

BLANK = "00000000-0000-0000-0000-000000000000"
POOL, DOMAIN = "99999999-0000-4000-8000-000000000001", "913730ec-f5fc-4b2e-933e-1dbe87903b5e"
IMAGE, VOLUME = "b855a4d3-1f81-4a89-8799-d7db52d4db6e", "426bff26-ffa2-4ea9-b1dc-63a2a2b2444d"
MACHINE = "99642496-37b4-4fb0-94c3-75b6969a46df"
EXPORT = f"nfs.{LAB}.lab.test:/exports/he"
ENGINE_XML = CHECKOUT / "tests/fixtures/engine/ovf-store/HostedEngine.engine.xml"
LOCAL_XML = """<domain type='qemu'><name>HostedEngineLocal</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


def driver(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "driver", arguments[0], "--lab", LAB, *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    done = subprocess.run(argv, env=environment, input=stdin, capture_output=True, text=True, timeout=600, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def inside(host: str, script: str, stdin: str | None = None) -> str:
    return driver("exec", host, "--", "bash", "-c", script, stdin=stdin).stdout


class Peer:
    """One host as the engine sees it."""

    def __init__(self, name: str, address: str, pki: Path) -> None:
        self.name, self.address, self._pki = name, address, pki
        self.told: list[tuple[str, Any]] = []
        self.client = self.connect()
        self.client.events(lambda method, params: self.told.append((method, params)))

    def connect(self) -> Client:
        context = client_context(self._pki / "ca.pem", self._pki / "engine.pem", self._pki / "engine.key")
        return Client(self.address, ssl_context=context, timeout=60)

    def __call__(self, verb: str, **params: Any) -> Any:
        return self.client.call(verb, params)

    def statuses(self) -> list[str]:
        return [params[MACHINE]["status"] for method, params in self.told if method == f"|virt|VM_status|{MACHINE}"]

    def wait_status(self, status: str, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            stats: dict[str, Any] = self("VM.getStats", vmID=MACHINE)[0]
            if stats["status"] in (status, "Down"):
                assert stats["status"] == status, stats
                return stats
            assert time.monotonic() < deadline, f"still {stats['status']}"
            time.sleep(0.2)


def openssl(*words: str, cwd: Path) -> None:
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Peer]]:
    pki = tmp_path_factory.mktemp("pki")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem", cwd=pki)
    openssl("req", *new_key, "-subj", "/CN=engine", "-keyout", "engine.key", "-out", "engine.csr", cwd=pki)
    openssl(
        "x509",
        "-req",
        "-in",
        "engine.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "engine.pem",
        cwd=pki,
    )
    driver("down", check=False)
    report = json.loads(driver("up", "--hosts", "2").stdout)
    peers = []
    for host in report["hosts"]:
        driver("cert", "--host", host["name"], "--ca", str(pki / "ca.pem"), "--key", str(pki / "ca.key"))
        peers.append(Peer(host["name"], host["address"], pki))
    yield peers
    for peer in peers:
        peer.client.close()
    driver("down")


def test_stranger_is_not_let_in(hosts: list[Peer], tmp_path: Path) -> None:
    context = client_context(hosts[0]._pki / "ca.pem", None, None)
    with pytest.raises(OSError, match="closed|certificate"):
        Client(hosts[0].address, ssl_context=context, timeout=10)
    with pytest.raises(OSError, match="closed|reset"):
        Client(hosts[0].address, timeout=10)


def test_bridge_is_made_under_the_engines_connection(hosts: list[Peer]) -> None:
    for peer in hosts:
        before = peer("Host.getCapabilities")
        assert before["networks"] == {}
        nic = before["nics"]["host0"]
        network = {
            "nic": "host0",
            "bridged": "true",
            "bootproto": "none",
            "ipaddr": nic["addr"],
            "mtu": 1500,
            "netmask": nic["netmask"],
            "gateway": nic["gateway"],
            "defaultRoute": True,
            "switch": "legacy",
        }
        request = {
            "networks": {"ovirtmgmt": network},
            "bondings": {},
            "options": {"connectivityCheck": "true", "connectivityTimeout": 1, "commitOnSuccess": False},
        }
        with pytest.raises(VdsmError) as caught:  # nobody pings: all goes back
            peer.client.call("Host.setupNetworks", request)
        assert caught.value.code == 10
        assert peer("Host.getCapabilities")["nics"] == before["nics"]
        stop = threading.Event()

        def ping(stop: threading.Event = stop, peer: Peer = peer) -> None:
            with peer.connect() as probe:
                while not stop.wait(0.3):
                    probe.call("Host.ping2")

        thread = threading.Thread(target=ping)
        thread.start()
        try:
            request["options"]["connectivityTimeout"] = 60
            peer.client.call("Host.setupNetworks", request)
        finally:
            stop.set()
            thread.join(10)
        peer("Host.setSafeNetworkConfig")
        after = peer("Host.getCapabilities")
        assert after["networks"]["ovirtmgmt"]["addr"] == nic["addr"]
        assert after["bridges"]["ovirtmgmt"]["ports"] == ["host0"]
        assert after["nics"]["host0"]["addr"] == ""
        assert inside(peer.name, "ip rule | grep -c ^3200:").strip() == "2"


def connect_storage(peer: Peer, remote: str, **more: Any) -> int:
    con = [{"id": BLANK, "connection": remote, "protocol_version": "auto", **more}]
    answer = peer("StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=1, connectionParams=con)
    return int(answer[0]["status"])


def test_storage_is_mounted_or_refused_with_vdsms_code(hosts: list[Peer]) -> None:
    first = hosts[0]
    server = EXPORT.partition(":")[0]
    assert connect_storage(first, f"{server}:/exports/absent") == 477
    assert connect_storage(first, f"{server}:/exports/denied") == 477
    assert connect_storage(first, f"{server}:/exports/readonly") == 469
    assert connect_storage(first, f"{server}:/exports/v3only", protocol_version="v4_2") == 477
    assert connect_storage(first, EXPORT) == 0
    assert inside(first.name, f"stat -c %U:%G '/rhev/data-center/mnt/{server}:_exports_he'").strip() == "vdsm:kvm"


def test_domain_is_made_with_living_leases_and_seen_by_both(hosts: list[Peer]) -> None:
    first, second = hosts
    first(
        "StorageDomain.create",
        storagedomainID=DOMAIN,
        domainType=1,
        typeArgs=EXPORT,
        name="hosted_storage",
        domainClass=1,
        version="5",
        blockSize=512,
        maxHosts=250,
    )
    first(
        "StoragePool.create",
        storagepoolID=POOL,
        name="Default",
        masterSdUUID=DOMAIN,
        masterVersion=1,
        domainList=[DOMAIN],
    )
    assert connect_storage(second, EXPORT) == 0
    found = second("Host.getStorageDomains", storagepoolID=BLANK, domainClass=1, storageType=1, remotePath=EXPORT)
    assert found == [DOMAIN]
    for number, peer in enumerate(hosts, 1):
        peer(
            "StoragePool.connect",
            storagepoolID=POOL,
            hostID=number,
            scsiKey=POOL,
            masterSdUUID=DOMAIN,
            masterVersion=1,
            domainDict={DOMAIN: "active"},
        )
        stats = peer("Host.getStats")
        assert (stats["lockManager"], stats["storageDomains"][DOMAIN]["acquired"]) == ("sanlock", True)
        assert f"s {DOMAIN}:{number}:" in inside(peer.name, "sanlock client status")
    first("StoragePool.spmStart", storagepoolID=POOL)
    first("StorageDomain.activate", storagedomainID=DOMAIN, storagepoolID=POOL)
    task = first(
        "Volume.create",
        volumeID=VOLUME,
        storagepoolID=POOL,
        storagedomainID=DOMAIN,
        imageID=IMAGE,
        size=str(2**30),
        volFormat=5,
        preallocate=2,
        diskType="HEVD",
        desc="he_virtio_disk",
    )
    first("Task.clear", taskID=task)
    assert second("Volume.getInfo", storagepoolID=POOL, storagedomainID=DOMAIN, imageID=IMAGE, volumeID=VOLUME)[
        "capacity"
    ] == str(2**30)


def start(peer: Peer, memory_kib: int) -> None:
    xml = ENGINE_XML.read_text().replace("16777216", str(memory_kib)).replace("67108864", str(4 * memory_kib))
    peer("VM.create", vmID=MACHINE, vmParams={"xml": xml})


def test_engines_xml_runs_as_a_domain(hosts: list[Peer]) -> None:
    first, second = hosts
    start(first, 524288)
    stats = first.wait_status("Up")
    assert first.statuses()[:2] == ["Powering up", "Up"]
    assert stats["displayInfo"][0]["ipAddress"] == first.address
    told = inside(first.name, "virsh -r dominfo HostedEngine")
    assert "Max memory:     524288 KiB" in told
    assert "CPU(s):         4" in told
    start(second, 524288)  # the disk's lease is held by the first host
    deadline = time.monotonic() + 30
    while (stats := second("VM.getStats", vmID=MACHINE)[0])["status"] != "Down":
        assert time.monotonic() < deadline, stats
        time.sleep(0.2)
    assert (stats["exitCode"], stats["exitMessage"]) == (1, "Failed to acquire lock: Lease is held by another host")
    second("VM.destroy", vmID=MACHINE)


def test_restart_of_vdsmd_keeps_the_machine_and_its_lease(hosts: list[Peer]) -> None:
    first = hosts[0]
    inside(first.name, "systemctl restart vdsmd")
    first.client = first.connect()
    first.told.clear()
    first.client.events(lambda method, params: first.told.append((method, params)))
    assert first.wait_status("Up")["vmName"] == "HostedEngine"
    assert f":{VOLUME}:" in inside(first.name, "sanlock client status")


def test_console_password_pause_and_resume(hosts: list[Peer]) -> None:
    first = hosts[0]
    first(
        "VM.updateDevice",
        vmID=MACHINE,
        params={
            "deviceType": "graphics",
            "graphicsType": "vnc",
            "ttl": 120,
            "password": "secret",
            "existingConnAction": "keep",
            "params": {},
        },
    )
    assert "passwd='secret'" in inside(first.name, "virsh dumpxml --security-info HostedEngine")
    assert "secret" not in inside(first.name, "cat /var/log/vdsm/*")
    first("VM.pause", vmID=MACHINE)
    first.wait_status("Paused")
    first("VM.cont", vmID=MACHINE)
    first.wait_status("Up")


def test_foreign_domain_is_told_and_forgotten(hosts: list[Peer]) -> None:
    first = hosts[0]
    inside(first.name, "cat > /tmp/local.xml && virsh -q create /tmp/local.xml", stdin=LOCAL_XML)
    named = {stats["vmName"]: stats["vmId"] for stats in first("Host.getAllVmStats")}
    assert set(named) == {"HostedEngine", "HostedEngineLocal"}
    local = named["HostedEngineLocal"]
    assert "<name>HostedEngineLocal</name>" in first("Host.dumpxmls", vmList=[local])[local]
    inside(first.name, "virsh -q destroy HostedEngineLocal")
    deadline = time.monotonic() + 10
    while local in [entry["vmId"] for entry in first("Host.getVMList")]:
        assert time.monotonic() < deadline, "the domain is gone and still told"
        time.sleep(0.2)


def test_machine_moves_alive_with_its_lease(hosts: list[Peer]) -> None:
    first, second = hosts
    first("VM.migrate", vmID=MACHINE, params={"dst": f"{second.name}.{LAB}.lab.test:54321", "method": "online"})
    deadline = time.monotonic() + 60
    while (stats := first("VM.getStats", vmID=MACHINE)[0])["status"] != "Down":
        assert time.monotonic() < deadline, stats
        time.sleep(0.2)
    assert (stats["exitCode"], stats["exitReason"]) == (0, 4)
    first("VM.destroy", vmID=MACHINE)
    assert second.wait_status("Up")["displayInfo"][0]["ipAddress"] == second.address
    while f":{VOLUME}:" not in inside(second.name, "sanlock client status"):
        assert time.monotonic() < deadline, "the lease did not follow"
        time.sleep(0.2)
    second("VM.destroy", vmID=MACHINE)
    assert second("Host.getVMList") == []
    assert f":{VOLUME}:" not in inside(second.name, "sanlock client status")


def test_networks_come_back_at_boot_and_go_when_cleared(hosts: list[Peer]) -> None:
    second = hosts[1]
    driver("restart", second.name)
    deadline = time.monotonic() + 60
    while True:
        try:
            second.client = second.connect()
            break
        except OSError as error:
            assert time.monotonic() < deadline, error
            time.sleep(0.5)
    assert second("Host.getCapabilities")["networks"]["ovirtmgmt"]["addr"] == second.address
    inside(second.name, "vdsm-tool clear-nets")
    caps = second("Host.getCapabilities")
    assert (caps["networks"], caps["nics"]["host0"]["addr"]) == ({}, second.address)
