"""A lab with two hosted engine hosts, looked at from outside. No code of the collection is used."""

from __future__ import annotations

import json
import os
import shlex
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
LAB = os.environ.get("LAB", "mol-ha")
STATE = ROOT / ".cache" / "lab" / LAB
SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "node0.yml").read_text())
ADMIN_NAMES = ("admin@ovirt@internalsso", "admin@internal")
HEALTHY = "DB Up!Welcome to Health Status!"
LOOK_SECONDS = 1.0
AGENT_LOG = "var/log/ovirt-hosted-engine-ha/agent.log"


def driver(*words: str) -> str:
    """Run a verb of the lab's driver and return what it prints."""
    command = [sys.executable, "-m", "driver", words[0], "--lab", LAB, *words[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    return done.stdout


def playbook(name: str) -> tuple[dict[str, Any], str]:
    """Run a playbook on the lab; return its report and what it printed."""
    before = set(STATE.glob("logs/node0-report-*.json"))
    environment = {**os.environ, "LAB": LAB, "NODE0_LOG_DIR": str(STATE / "logs")}
    environment["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventories/lab", f"playbooks/{name}.yml"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    (report,) = set(STATE.glob("logs/node0-report-*.json")) - before
    return json.loads(report.read_text()), done.stdout


def wait(look: Callable[[], Any], what: str, seconds: float) -> Any:
    """Look until there is a true value and return it; an engine that does not answer is not there yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = look()
            if seen:
                return seen
        except OSError as error:
            seen = error
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s; last seen: {seen!r}"
        time.sleep(LOOK_SECONDS)


class HaHost:
    """One host, reached past its network, so that its own troubles do not hide it."""

    def __init__(self, number: int, about: dict[str, Any]) -> None:
        self.number = number
        self.name: str = about["name"]
        self.fqdn: str = about["fqdn"]

    def run(self, script: str) -> str:
        """Run a script as root; it must succeed."""
        return driver("exec", self.name, "--", "bash", "-c", script)

    def domains(self) -> list[str]:
        """Names of the VMs that run here."""
        return self.run("virsh -r list --name").split()

    def conf(self) -> list[str]:
        """Lines of hosted-engine.conf."""
        return self.run("cat /etc/ovirt-hosted-engine/hosted-engine.conf").splitlines()

    def hosts(self) -> dict[int, dict[str, Any]]:
        """What `--vm-status` says of all hosts by id, with the agents' states; nothing while it fails."""
        told = self.run("hosted-engine --vm-status --json || true")
        if not told.startswith("{"):
            return {}
        loaded = json.loads(told)
        found = {int(key): value for key, value in loaded.items() if key.isdigit()}
        for value in found.values():
            extra = dict(line.split("=", 1) for line in value["extra"].splitlines())
            value.update(state=extra["state"], global_maintenance=loaded["global_maintenance"])
        return found


class Engine:
    """The engine as a client sees it: by name, over TLS that is verified with the CA of the deployment."""

    def __init__(self, fqdn: str, ca: str) -> None:
        self.base = f"https://{fqdn}/ovirt-engine"
        handlers = (
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=ca)),
        )
        self._opener = urllib.request.build_opener(*handlers)
        self._token = ""

    def _open(self, request: Any) -> str:
        with self._opener.open(request, timeout=30) as answer:
            return str(answer.read(), "utf-8")

    def health(self) -> str:
        """The text of the health page; the reason when there is none."""
        try:
            return self._open(f"{self.base}/services/health")
        except OSError as error:
            return str(error)

    def log_in(self) -> None:
        """Get a token of an engine that may have been started anew."""
        for user in ADMIN_NAMES:
            form = {"grant_type": "password", "scope": "ovirt-app-api"}
            form.update(username=user, password=SETTINGS["he_admin_password"])
            data = urllib.parse.urlencode(form).encode()
            request = urllib.request.Request(f"{self.base}/sso/oauth/token", data, {"Accept": "application/json"})
            try:
                self._token = json.loads(self._open(request))["access_token"]
                return
            except urllib.error.HTTPError as error:
                seen = error.read()
        raise AssertionError(seen)

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST where there is a body."""
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Version": "4"}
        headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        return json.loads(self._open(urllib.request.Request(f"{self.base}/api/{path}", data, headers)))

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Hosts by name, with what their HA services say."""
        return {host["name"]: host for host in self.call("hosts?all_content=true")["host"]}

    def vm(self) -> dict[str, Any]:
        """The engine's own VM."""
        (found,) = self.call("vms?search=name%3DHostedEngine")["vm"]
        return dict(found)

    def add_tag(self, name: str) -> None:
        """Write something into the engine's database."""
        self.call("tags", {"name": name})

    def data(self) -> dict[str, list[tuple[str, ...]]]:
        """What the database holds that nobody changes meanwhile."""
        kinds = {"tags": "tag", "vms": "vm", "disks": "disk", "storagedomains": "storage_domain", "hosts": "host"}
        kinds.update(clusters="cluster", datacenters="data_center", networks="network", users="user")
        found = {
            kind: sorted((entity["id"], entity.get("name", "")) for entity in self.call(kind).get(key, []))
            for kind, key in kinds.items()
        }
        added = [event for event in self.call("events")["event"] if event["code"] == "42"]
        found["additions"] = sorted((event["id"], str(event["time"]), event["description"]) for event in added)
        return found


@pytest.fixture(scope="session")
def lab() -> dict[str, Any]:
    """What the lab offers, as its status says."""
    return dict(json.loads((STATE / "status.json").read_text()))


@pytest.fixture(scope="session")
def host1(lab: dict[str, Any]) -> HaHost:
    """The host that was deployed."""
    return HaHost(1, lab["hosts"][0])


@pytest.fixture(scope="session")
def host2(lab: dict[str, Any]) -> HaHost:
    """The host that was added."""
    return HaHost(2, lab["hosts"][1])


@pytest.fixture(scope="session")
def engine(lab: dict[str, Any], host1: HaHost) -> Engine:
    """A session with the engine; the CA is the one that the deployed host got."""
    opened = Engine(lab["engine"]["fqdn"], host1.run("cat /etc/pki/vdsm/certs/cacert.pem"))
    opened.log_in()
    return opened


@pytest.fixture(scope="session")
def boot_id(lab: dict[str, Any], host1: HaHost, host2: HaHost) -> Iterator[Callable[[], str]]:
    """Tell which start of its kernel the engine VM is in."""
    secret, options = "/dev/shm/engine-vm-secret", "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    host2.run(f"umask 077 && printf %s {shlex.quote(SETTINGS['he_appliance_password'])} > {secret}")
    command = (
        f"sshpass -f {secret} ssh -q {options} root@{lab['engine']['address']} cat /proc/sys/kernel/random/boot_id"
    )
    yield lambda: host2.run(command).strip()
    host2.run(f"rm -f {secret}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the HA agents did last: the lab is gone when somebody reads it."""
    report = yield
    if report.failed and report.when == "call":
        for log in sorted(STATE.glob(f"hosts/*/upper/{AGENT_LOG}")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            report.sections.append((f"agent of {log.relative_to(STATE).parts[1]}", "\n".join(lines)))
    return report
