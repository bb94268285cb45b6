"""Ways into the lab that a deployment has left: hosts, engine, report. No code of the collection is used."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
LAB = os.environ.get("LAB", "molecule")
STATE = ROOT / ".cache" / "lab" / LAB
ADMIN_NAMES = ("admin@ovirt@internalsso", "admin@internal")


@pytest.fixture(scope="session")
def lab() -> dict[str, Any]:
    """What the lab offers, as its status says."""
    return json.loads((STATE / "status.json").read_text())


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The settings of the deployment that need no templating."""
    return yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "node0.yml").read_text())


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    """The report of the run that deployed, the first one of this lab that changed something."""
    reports = [json.loads(path.read_text()) for path in sorted(STATE.glob("logs/node0-report-*.json"))]
    return next(report for report in reports if report["totals"]["logins"] and report["outcome"] == "done")


def _connect(lab: dict[str, Any], number: int) -> Host:
    host = lab["hosts"][number]
    options = f"-o UserKnownHostsFile={lab['lab']['known_hosts']} -o StrictHostKeyChecking=yes"
    return testinfra.get_host(
        f"ssh://root@{host['address']}:{host['ssh_port']}", ssh_identity_file=host["ssh_key"], ssh_extra_args=options
    )


@pytest.fixture(scope="session")
def host1(lab: dict[str, Any]) -> Host:
    """The deployed host."""
    return _connect(lab, 0)


@pytest.fixture(scope="session")
def host2(lab: dict[str, Any]) -> Host:
    """The other host of the lab, which is not part of the deployment."""
    return _connect(lab, 1)


@pytest.fixture(scope="session")
def conf(host1: Host) -> dict[str, str]:
    """hosted-engine.conf as a strict reader sees it: each line is a key and a value, or a comment."""
    values = {}
    for line in host1.file("/etc/ovirt-hosted-engine/hosted-engine.conf").content_string.splitlines():
        if line and not line.startswith("#"):
            key, value = line.split("=", 1)
            assert key not in values, f"{key} stands twice"
            values[key] = value
    return values


@pytest.fixture(scope="session")
def ca(host1: Host, host2: Host) -> Iterator[str]:
    """Path on the other host of the CA that certified the deployed host."""
    path = "/root/engine-ca.pem"
    text = host1.file("/etc/pki/vdsm/certs/cacert.pem").content_string
    assert host2.run("umask 077 && printf %s " + shlex.quote(text) + f" > {path}").rc == 0
    yield path
    host2.run(f"rm -f {path}")


@pytest.fixture(scope="session")
def api(host2: Host, lab: dict[str, Any], ca: str, settings: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Ask the engine's API from the other host, over verified TLS, and log out at the end."""
    base = f"https://{lab['engine']['fqdn']}/ovirt-engine"
    curl = f"curl --silent --show-error --max-time 60 --cacert {ca}"

    def login() -> str:
        seen = ""
        for user in ADMIN_NAMES:
            form = f"grant_type=password&scope=ovirt-app-api&username={user}&password={settings['he_admin_password']}"
            request = f"{curl} -H 'Accept: application/json' --data {shlex.quote(form)} {base}/sso/oauth/token"
            seen = host2.check_output(request)
            token = json.loads(seen).get("access_token")
            if token:
                return str(token)
        raise AssertionError(seen)

    token = login()

    def get(path: str) -> Any:
        headers = f"-H 'Accept: application/json' -H 'Version: 4' -H 'Authorization: Bearer {token}'"
        return json.loads(host2.check_output(f"{curl} {headers} {shlex.quote(f'{base}/api/{path}')}"))

    yield get
    host2.check_output(f"{curl} --data 'scope=ovirt-app-api&token={token}' {base}/services/sso-logout")


@pytest.fixture(scope="session")
def in_engine(host1: Host, lab: dict[str, Any], settings: dict[str, Any]) -> Iterator[Callable[[str], str]]:
    """Run a command in the engine VM as root."""
    secret = "/dev/shm/engine-vm-secret"
    host1.check_output(f"umask 077 && printf %s {shlex.quote(settings['he_appliance_password'])} > {secret}")
    # Who answers is proven elsewhere, by the certificate; the VM made its own host key and nobody has told it to us.
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=password"

    def run(command: str) -> str:
        words = f"sshpass -f {secret} ssh {options} root@{lab['engine']['address']} {shlex.quote(command)}"
        return host1.check_output(words)

    yield run
    host1.check_output(f"rm -f {secret}")
