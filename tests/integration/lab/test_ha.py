"""The HA services on real lab hosts: packages, systemd, sanlock, libvirt, two hosts and the death of one."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driver.paths import CHECKOUT
from vdsm_rpc.client import Client, client_context

sys.path.insert(0, str(CHECKOUT))

from tests.lab.tests.ha.deployment import Deployment

LAB = "hat"
PACKAGES = CHECKOUT / "tests" / "lab" / "host"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="needs root and systemd-nspawn"
)
pytestmark = [pytest.mark.lab, needs_root, pytest.mark.timeout(600)]

UP = {"vm": "up", "health": "good", "detail": "Up"}
TIMING = """[timing]
sanlock-io-timeout = 1
loop-delay = 2
status-interval = 1
monitor-interval = 1
history-needed = 5
host-alive-timeout = 12
network-test-gap = 0.1
"""


def driver(*arguments: str, stdin: bytes | None = None) -> str:
    argv = [sys.executable, "-m", "driver", arguments[0], "--lab", LAB, *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    done = subprocess.run(argv, env=environment, input=stdin, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}"
    return done.stdout.decode()


def wait(condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s; last seen: {found!r}"
        time.sleep(0.5)
    return found


class Page(http.server.BaseHTTPRequestHandler):
    """The engine's health page, as there is no engine here."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"DB Up!Welcome to Health Status!")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Cluster:
    """Two hosts with vdsm and the HA packages, and one hosted engine's storage."""

    def __init__(self, report: dict[str, Any], scratch: Path) -> None:
        self.report = report
        self.hosts = [host["name"] for host in report["hosts"]]
        self.gateway = report["hosts"][0]["gateway"]
        self.page = http.server.ThreadingHTTPServer((self.gateway, 0), Page)
        threading.Thread(target=self.page.serve_forever, daemon=True).start()
        self.made = Deployment(f"{report['storage']['nfs']['address']}:{report['storage']['nfs']['path']}")
        self._pki(scratch)
        for host in self.hosts:
            driver("cert", "--host", host, "--ca", str(scratch / "ca.pem"), "--key", str(scratch / "ca.key"))
            self.run(host, "DEBIAN_FRONTEND=noninteractive apt-get install -y ovirt-hosted-engine-setup")
            self.write(host, "/etc/ovirt-hosted-engine-ha/lab-timing.conf", TIMING.encode())
        self._storage(scratch)
        for number, host in enumerate(self.hosts, 1):
            conf = self.conf(number).encode()
            self.write(host, "/etc/ovirt-hosted-engine/hosted-engine.conf", conf, "vdsm:kvm", "0440")

    def _pki(self, scratch: Path) -> None:
        script = (
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3 -subj '/CN=ca'"
            " -addext keyUsage=critical,keyCertSign,cRLSign"
            " && openssl req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=engine"
            " && openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -out client.pem"
        )
        subprocess.run(["bash", "-c", script], cwd=scratch, check=True, capture_output=True)

    def conf(self, host_id: int) -> str:
        fqdn = f"{self.gateway}:{self.page.server_address[1]}"
        return self.made.hosted_engine_conf(fqdn=fqdn, network_test="dns", gateway=self.gateway, host_id=str(host_id))

    def _storage(self, scratch: Path) -> None:
        context = client_context(scratch / "ca.pem", scratch / "client.pem", scratch / "client.key")
        for number, host in enumerate(self.report["hosts"]):
            with Client(host["address"], 54321, context, timeout=60) as vdsm:
                self._bridge(vdsm, host)
            if number:
                continue
            with Client(host["address"], 54321, context, timeout=60) as vdsm:
                self._volumes(vdsm, host["name"])

    @staticmethod
    def _bridge(vdsm: Client, host: dict[str, Any]) -> None:
        network = {
            "nic": host["nic"],
            "bridged": True,
            "ipaddr": host["address"],
            "netmask": "255.255.255.0",
            "gateway": host["gateway"],
            "bootproto": "none",
            "defaultRoute": True,
            "switch": "legacy",
            "STP": "no",
        }
        options = {"connectivityCheck": "false", "commitOnSuccess": True}
        vdsm.call("Host.setupNetworks", {"networks": {"ovirtmgmt": network}, "bondings": {}, "options": options})

    def _volumes(self, vdsm: Client, host: str) -> None:
        made = self.made

        def call(verb: str, **params: Any) -> Any:
            return vdsm.call(verb, params)

        made.make_storage(call)
        store = made.ovf_store({"<rasd:VirtualQuantity>16384<": "<rasd:VirtualQuantity>512<"})
        image, volume = made.disks["OVFS"]
        headers = {
            "Storage-Pool-Id": made.pool,
            "Storage-Domain-Id": made.domain,
            "Image-Id": image,
            "Volume-Id": volume,
        }
        vdsm.upload(headers, store)
        made.describe_ovf_store(call, len(store))
        image, volume = made.disks["HECI"]
        where = {"storagepoolID": made.pool, "storagedomainID": made.domain, "imageID": image, "volumeID": volume}
        path = vdsm.call("Image.prepare", where)["path"]
        self.write(host, "/tmp/archive", made.archive(self.conf(1)))
        self.run(host, f"sudo -u vdsm dd bs=20480 count=1 oflag=direct conv=notrunc if=/tmp/archive of='{path}'")

    # -- on a host -----------------------------------------------------------------------------------------------------

    def run(self, host: str, script: str) -> str:
        return driver("exec", host, "--", "bash", "-c", script)

    def write(self, host: str, path: str, data: bytes, owner: str = "root:root", mode: str = "0644") -> None:
        argument = f"cat >{path} && chown {owner} {path} && chmod {mode} {path}"
        driver("exec", host, "--", "bash", "-c", argument, stdin=data)

    def status(self, host: str) -> dict[str, Any]:
        text = self.run(host, "hosted-engine --vm-status --json || true")
        return dict(json.loads(text)) if text.startswith("{") else {}

    def domains(self, host: str) -> list[str]:
        return self.run(host, "virsh -r list --name").split()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    report = json.loads(driver("up", "--hosts", "2"))
    try:
        made = Cluster(report, tmp_path_factory.mktemp("pki"))
        yield made
        made.page.shutdown()
    finally:
        driver("down")


def test_services_do_not_start_without_configuration(cluster: Cluster) -> None:
    script = (
        "mv /etc/ovirt-hosted-engine/hosted-engine.conf /root/; systemctl start ovirt-ha-agent; rc=$?;"
        " systemctl is-active ovirt-ha-agent ovirt-ha-broker; hosted-engine --check-deployed;"
        " mv /root/hosted-engine.conf /etc/ovirt-hosted-engine/; echo $rc"
    )
    assert cluster.run(cluster.hosts[0], script).split("\n")[:4] == [
        "inactive",
        "inactive",
        "You must run deploy first",
        "0",
    ]


def test_lockspace_is_really_written(cluster: Cluster) -> None:
    first = cluster.hosts[0]
    cluster.run(first, "systemctl start ovirt-ha-broker")
    wait(lambda: "broker.socket" in cluster.run(first, "ls /var/run/ovirt-hosted-engine-ha"), "the socket")
    image, volume = cluster.made.disks["HESD"]
    path = f"/run/vdsm/storage/{cluster.made.domain}/{image}/{volume}"
    reader = f"sanlock direct read_leader -s hosted-engine:1:{path}:0 -Z 512 -A 1M"
    script = f"hosted-engine --reinitialize-lockspace --force && {reader}"
    assert "space_name hosted-engine\n" in cluster.run(first, script)


def test_agents_bring_one_engine_up(cluster: Cluster) -> None:
    first, second = cluster.hosts
    cluster.run(first, "systemctl start ovirt-ha-agent")
    own = wait(
        lambda: (found := cluster.status(first).get("1", {})).get("engine-status") == UP and found, "a healthy engine"
    )
    assert (own["score"], own["live-data"], own["conf_on_shared_storage"]) == (3400, True, True)
    assert cluster.domains(first) == ["HostedEngine"]
    assert cluster.run(first, "virsh -r domuuid HostedEngine").strip() == cluster.made.vm
    leases = cluster.run(first, "sanlock client status")
    assert "\ns hosted-engine:1:/run/vdsm/storage/" in leases
    stats = json.loads(cluster.run(first, "vdsm-client Host getStats"))["haStats"]
    assert stats == {
        "active": True,
        "configured": True,
        "globalMaintenance": False,
        "localMaintenance": False,
        "score": 3400,
    }
    modes = "stat -c '%a %U:%G %n' /var/run/ovirt-hosted-engine-ha/vm.conf /var/log/ovirt-hosted-engine-ha/agent.log"
    assert [line.split()[:2] for line in cluster.run(first, modes).splitlines()] == [["640", "vdsm:kvm"]] * 2
    cluster.run(second, "systemctl start ovirt-ha-agent")

    def both() -> bool:
        found = cluster.status(second)
        return all(found.get(host, {}).get("live-data") for host in ("1", "2"))

    wait(both, "each host alive for the other")
    found = cluster.status(second)
    assert found["1"]["engine-status"] == UP
    assert found["2"]["engine-status"]["vm"] == "down"
    assert found["2"]["score"] == 3400
    assert cluster.domains(second) == []


def test_the_engine_sets_local_maintenance(cluster: Cluster) -> None:
    second = cluster.hosts[1]

    def told() -> tuple[bool, int]:
        stats = json.loads(cluster.run(second, "vdsm-client Host getStats"))["haStats"]
        return stats["localMaintenance"], stats["score"]

    cluster.run(second, "vdsm-client Host setHaMaintenanceMode mode=LOCAL enabled=true")
    wait(lambda: told() == (True, 0), "local maintenance")
    conf = cluster.run(second, "cat /var/lib/ovirt-hosted-engine-ha/ha.conf")
    assert conf == "local_maintenance=True\nlocal_maintenance_manual=False\n"
    cluster.run(second, "vdsm-client Host setHaMaintenanceMode mode=LOCAL enabled=false")
    wait(lambda: told() == (False, 3400), "the end of local maintenance")


def test_broker_that_refuses_to_start_once_comes_back(cluster: Cluster) -> None:
    second = cluster.hosts[1]
    script = "echo 1 >/var/lib/ovirt-hosted-engine-ha/lab-refuse-start; systemctl restart ovirt-ha-broker"
    cluster.run(second, script + "; ! test -e /var/run/ovirt-hosted-engine-ha/vm.conf")
    wait(lambda: cluster.status(second).get("2", {}).get("live-data"), "the second host's own data")
    assert int(cluster.run(second, "systemctl show -P NRestarts ovirt-ha-broker")) == 1


def test_the_other_host_takes_over(cluster: Cluster) -> None:
    first, second = cluster.hosts
    driver("power-off", "--hard", first)
    wait(lambda: cluster.status(second).get("2", {}).get("engine-status") == UP, "the engine on the second host", 150)
    found = cluster.status(second)
    assert found["1"]["live-data"] is False
    assert cluster.domains(second) == ["HostedEngine"]


def test_maintenance_and_clean_up(cluster: Cluster) -> None:
    second = cluster.hosts[1]

    def in_global() -> bool:
        cluster.run(second, "hosted-engine --set-maintenance --mode=global")
        return bool(cluster.status(second).get("global_maintenance"))

    wait(in_global, "global maintenance")
    assert "rc=1" in cluster.run(second, "hosted-engine --set-maintenance --mode=local 2>&1; echo rc=$?")
    cluster.run(second, "ovirt-hosted-engine-cleanup -q")
    assert cluster.domains(second) == []
    left = cluster.run(
        second, "ls /etc/ovirt-hosted-engine; systemctl is-active ovirt-ha-agent ovirt-ha-broker || true"
    )
    assert left.split() == ["virsh_auth.conf", "inactive", "inactive"]
    assert "local_maintenance=False" in cluster.run(second, "cat /var/lib/ovirt-hosted-engine-ha/ha.conf")
