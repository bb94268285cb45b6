# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole host in a directory: a modelled vdsmd, real storage files, and the HA services as processes.

The services run as on a host, with their real code and configuration; ``HE_LAB_ROOT`` puts every path below the directory,
and lab-timing.conf makes their waits short.
"""

import json
import os
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from ovirt_hosted_engine_ha.lib import heconflib

from .support import FIXTURES

REPOSITORY = Path(__file__).resolve().parents[4]
HA = REPOSITORY / "tests" / "lab" / "host" / "ha"
sys.path.insert(0, str(REPOSITORY / "tests" / "unit" / "lab" / "vdsmd"))

from running_vdsmd import Running  # noqa: E402

ADDRESS = "127.0.3.1"
EXPORT = "nfs.example.com:/exports/he"
BLANK = str(uuid.UUID(int=0))
HOST_ID = 1
DISKS = {"HEVD": 64 << 20, "HEMD": 16 << 20, "HESD": 4 << 20, "HECI": 4 << 20, "OVFS": 4 << 20}

TIMING = """[timing]
loop-delay = 0.4
missing-service-delay = 0.4
local-maintenance-delay = 0.2
host-alive-timeout = 20
history-needed = 1
engine-starting-timeout = 60
engine-bad-health-timeout = 60
engine-away-expiration = 2
unexpected-shutdown-expiration = 2
broker-start-delay = 0.1
status-interval = 0.3
monitor-interval = 0.3
network-test-gap = 0
cpu-load-interval = 1
lockspace-retry-delay = 0.5
"""

#: The golden OVF's own ids, replaced by those of the disks made here.
OVF_IDS = {
    "vm": "99642496-37b4-4fb0-94c3-75b6969a46df",
    "domain": "913730ec-f5fc-4b2e-933e-1dbe87903b5e",
    "pool": "e3d2955e-e86f-11f1-877d-02fc00000001",
    "image": "b855a4d3-1f81-4a89-8799-d7db52d4db6e",
    "volume": "426bff26-ffa2-4ea9-b1dc-63a2a2b2444d",
}


class Health:
    """The engine's health page."""

    def __init__(self) -> None:
        self.good = True
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = b"DB Up!Welcome to Health Status!" if page.good else b"DB Down"
                right = self.path == "/ovirt-engine/services/health"
                self.send_response((200 if page.good else 500) if right else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def name(self) -> str:
        return f"{ADDRESS}:{self.server.server_address[1]}"


class Stage:
    """The host; ``start`` and ``stop`` services by name."""

    def __init__(self, base: Path) -> None:
        self.root = base / "root"
        self.health = Health()
        self.vdsmd = Running(self.root, {"hosts": [{"address": ADDRESS, "name": "h1"}], "tls": "off"})
        self.vdsm = self.vdsmd.client(ADDRESS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "HE_LAB_ROOT": str(self.root),
            "PYTHONPATH": os.pathsep.join([str(HA), str(REPOSITORY / "tests" / "lab")]),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        self.pool, self.domain = str(uuid.uuid4()), str(uuid.uuid4())
        self.vm = str(uuid.uuid4())
        self.disks: dict[str, tuple[str, str]] = {}
        self.connection = str(uuid.uuid4())
        self._make_storage()
        self.write_ovf()
        self._make_files()

    # -- storage, as the engine makes it -------------------------------------------------------------------------------

    def call(self, verb: str, **params: Any) -> Any:
        return self.vdsm.call(verb, params)

    def _task(self, task: str) -> None:
        self.wait(lambda: self.call("Task.getStatus", taskID=task)["taskState"] == "finished", "a vdsm task")

    def _make_storage(self) -> None:
        connection = {"id": self.connection, "connection": EXPORT, "user": "kvm", "protocol_version": "auto"}
        self.call("StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=1, connectionParams=[connection])
        self.call(
            "StorageDomain.create", storagedomainID=self.domain, domainType=1, typeArgs=EXPORT, name="hosted_storage",
            domainClass=1, version="5", blockSize=512, maxHosts=250,
        )
        self.call(
            "StoragePool.create", storagepoolID=self.pool, name="Default", masterSdUUID=self.domain, masterVersion=1,
            domainList=[self.domain], lockRenewalIntervalSec=5, leaseTimeSec=60, ioOpTimeoutSec=10, leaseRetries=3,
        )
        self.call(
            "StoragePool.connect", storagepoolID=self.pool, hostID=HOST_ID, scsiKey=self.pool, masterSdUUID=self.domain,
            masterVersion=1, domainDict={self.domain: "active"},
        )
        self._task(
            self.call(
                "StoragePool.spmStart", storagepoolID=self.pool, prevID=-1, prevLver="-1", enableScsiFencing=False,
                maxHostID=250, domVersion="5",
            )
        )
        for kind, size in DISKS.items():
            image, volume = str(uuid.uuid4()), str(uuid.uuid4())
            self._task(
                self.call(
                    "Volume.create", volumeID=volume, storagepoolID=self.pool, storagedomainID=self.domain, imageID=image,
                    size=str(size), volFormat=5, preallocate=2, diskType=kind, desc=json.dumps({"DiskAlias": kind}),
                    srcImgUUID=BLANK, srcVolUUID=BLANK, sequence=1,
                )
            )
            self.disks[kind] = (image, volume)

    def volume(self, kind: str) -> Path:
        """Return the file of a volume."""
        image, volume = self.disks[kind]
        (found,) = self.root.glob(f"rhev/data-center/mnt/*/{self.domain}/images/{image}/{volume}")
        return found

    def write_ovf(self, **changes: str) -> None:
        """Write the OVF store as the engine does: the tar, then the description. ``changes`` replaces texts in the OVF."""
        ovf = (FIXTURES.parent / "engine" / "ovf-store" / "HostedEngine.ovf").read_text()
        image, volume = self.disks["HEVD"]
        new = {"vm": self.vm, "domain": self.domain, "pool": self.pool, "image": image, "volume": volume}
        for key, old in OVF_IDS.items():
            ovf = ovf.replace(old, new[key])
        for old, text in changes.items():
            assert old in ovf
            ovf = ovf.replace(old, text)
        stream = BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            info = tarfile.TarInfo(f"{self.vm}.ovf")
            info.size = len(ovf.encode())
            archive.addfile(info, BytesIO(ovf.encode()))
        with self.volume("OVFS").open("r+b") as target:
            target.write(stream.getvalue())
        image, volume = self.disks["OVFS"]
        description = {
            "Updated": True, "Size": len(stream.getvalue()), "Last Updated": "Wed Nov 25 02:10:52 UTC 2026",
            "Storage Domains": [{"uuid": self.domain}], "Disk Description": "OVF_STORE",
        }
        self.call(
            "Volume.setDescription", volumeID=volume, storagepoolID=self.pool, storagedomainID=self.domain, imageID=image,
            description=json.dumps(description),
        )

    # -- files, as the deployment lays them down -----------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Return a path of the host below the directory, with its parents made."""
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _make_files(self) -> None:
        conf = (FIXTURES / "hosted-engine.conf" / "good" / "nfs.conf").read_text()
        values = {
            "fqdn": self.health.name, "vmid": self.vm, "storage": EXPORT, "sdUUID": self.domain,
            "connectionUUID": self.connection, "network_test": "none", "host_id": str(HOST_ID),
            "conf": str(self.path("/var/run/ovirt-hosted-engine-ha/vm.conf")),
        }
        for name, kind in (("metadata", "HEMD"), ("lockspace", "HESD"), ("conf", "HECI")):
            values[f"{name}_image_UUID"], values[f"{name}_volume_UUID"] = self.disks[kind]
        lines = [line.partition("=") for line in conf.splitlines() if "=" in line]
        conf = "".join(f"{key}={values.get(key, value)}\n" for key, _equals, value in lines)
        self.path("/etc/ovirt-hosted-engine/hosted-engine.conf").write_text(conf)
        self.path("/etc/ovirt-hosted-engine-ha/lab-timing.conf").write_text(TIMING)
        agent_conf = "[score]\ncpu-load-penalty-min=8\ncpu-load-penalty-max=9\n"
        self.path("/etc/ovirt-hosted-engine-ha/agent.conf").write_text(agent_conf)
        self.path("/var/lib/ovirt-hosted-engine-ha/ha.conf").write_text(
            "local_maintenance=False\nlocal_maintenance_manual=False\n"
        )
        port = self.vdsmd.port(ADDRESS)
        self.path("/etc/vdsm/vdsm.conf").write_text(
            f"[vars]\nssl=false\n[addresses]\nmanagement_ip={ADDRESS}\nmanagement_port={port}\n"
        )
        self.path("/usr/sbin/hosted-engine").symlink_to(HA / "bin" / "hosted-engine")
        members = {path.name: path.read_text() for path in (FIXTURES / "conf-archive" / "members").iterdir()}
        heconflib.create_heconfimage({**members, "hosted-engine.conf": conf}, str(self.volume("HECI")))

    # -- services ------------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start ovirt-ha-broker or ovirt-ha-agent; the runtime directory belongs to the broker, as in its unit."""
        if name == "broker":
            self.path("/var/run/ovirt-hosted-engine-ha/x")
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"ovirt_hosted_engine_ha.{name}.{name}"],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )

    def stop(self, name: str) -> int:
        """End a service in order; return its exit code. With the broker its runtime directory goes."""
        process = self.processes.pop(name)
        process.terminate()
        code = process.wait(40)
        if name == "broker":
            directory = self.path("/var/run/ovirt-hosted-engine-ha/x").parent
            for file in directory.iterdir():
                file.unlink()
            directory.rmdir()
        return code

    def log(self, name: str) -> Path:
        """Return the log of a service."""
        return self.root.parent / f"{name}.log"

    def end(self) -> None:
        """End everything that was started."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.health.server.shutdown()
        self.health.server.server_close()
        self.vdsmd.end()

    # -- looking -------------------------------------------------------------------------------------------------------

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run hosted-engine."""
        return subprocess.run(
            [str(HA / "bin" / "hosted-engine"), *arguments],
            env=self.environment, input=stdin, capture_output=True, text=True, check=False, timeout=60,
        )

    def status(self) -> dict[str, Any]:
        """Return the parsed --vm-status --json, empty where it fails."""
        done = self.cli("--vm-status", "--json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def own(self) -> dict[str, Any]:
        """Return what this host says about itself."""
        return dict(self.status().get(str(HOST_ID), {}))

    def state(self) -> str:
        """Return the name of the agent's state as published."""
        extra = dict(line.split("=", 1) for line in self.own().get("extra", "").splitlines())
        return str(extra.get("state", ""))

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 25) -> Any:
        """Wait for a true value and return it; the failure shows what was seen last and the logs."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.root.parent.glob("*.log"))
                raise AssertionError(f"{what} did not come within {seconds:g} s; last seen: {found!r}\n{logs}")
            time.sleep(0.1)
        return found
