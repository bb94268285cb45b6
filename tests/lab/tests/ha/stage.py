# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole host in a directory: a modelled vdsmd, real storage files, and the HA services as processes.

The services run as on a host, with their real code and configuration; ``HE_LAB_ROOT`` puts every path below the
directory, and lab-timing.conf makes their waits short.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .deployment import HOST_ID, Deployment

REPOSITORY = Path(__file__).resolve().parents[4]
HA = REPOSITORY / "tests" / "lab" / "host" / "ha"
sys.path.insert(0, str(REPOSITORY / "tests" / "lab" / "tests" / "vdsmd"))

from running_vdsmd import Running

ADDRESS = "127.0.3.1"
EXPORT = "nfs.example.com:/exports/he"

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
        self.made = Deployment(EXPORT)
        self.made.make_storage(self.call)
        self.write_ovf()
        self._make_files()

    def call(self, verb: str, **params: Any) -> Any:
        """Call vdsm."""
        return self.vdsm.call(verb, params)

    def volume(self, kind: str) -> Path:
        """Return the file of a volume."""
        image, volume = self.made.disks[kind]
        (found,) = self.root.glob(f"rhev/data-center/mnt/*/{self.made.domain}/images/{image}/{volume}")
        return found

    def write_ovf(self, **changes: str) -> None:
        """Write the OVF store as the engine does: the tar, then the description; ``changes`` replaces texts."""
        data = self.made.ovf_store(changes)
        with self.volume("OVFS").open("r+b") as target:
            target.write(data)
        self.made.describe_ovf_store(self.call, len(data))

    # -- files, as the deployment lays them down -----------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Return a path of the host below the directory, with its parents made."""
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _make_files(self) -> None:
        vm_conf = str(self.path("/var/run/ovirt-hosted-engine-ha/vm.conf"))
        conf = self.made.hosted_engine_conf(fqdn=self.health.name, network_test="none", conf=vm_conf)
        self.path("/etc/ovirt-hosted-engine/hosted-engine.conf").write_text(conf)
        self.path("/etc/ovirt-hosted-engine-ha/lab-timing.conf").write_text(TIMING)
        shutil.copy(HA / "etc" / "agent.conf", self.path("/etc/ovirt-hosted-engine-ha/agent.conf"))
        shutil.copy(HA / "etc" / "ha.conf", self.path("/var/lib/ovirt-hosted-engine-ha/ha.conf"))
        shutil.copytree(HA / "etc" / "notifications", self.path("/etc/ovirt-hosted-engine-ha/notifications"))
        port = self.vdsmd.port(ADDRESS)
        self.path("/etc/vdsm/vdsm.conf").write_text(
            f"[vars]\nssl=false\n[addresses]\nmanagement_ip={ADDRESS}\nmanagement_port={port}\n"
        )
        self.path("/usr/sbin/hosted-engine").symlink_to(HA / "bin" / "hosted-engine")
        with self.volume("HECI").open("r+b") as target:
            target.write(self.made.archive(conf))

    # -- services ------------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start ovirt-ha-broker or ovirt-ha-agent; the runtime directory belongs to the broker, as in its unit."""
        if name == "broker":
            self.path("/var/run/ovirt-hosted-engine-ha/x")
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"ovirt_hosted_engine_ha.{name}.{name}"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
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
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
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

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait for a true value and return it; the failure shows what was seen last and the logs."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.root.parent.glob("*.log")
                )
                raise AssertionError(f"{what} did not come within {seconds:g} s; last seen: {found!r}\n{logs}")
            time.sleep(0.1)
        return found
