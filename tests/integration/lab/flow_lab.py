"""A lab for whole flows: playbooks run from this machine or on the host itself, and a look at what came of it."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from driver.paths import CHECKOUT, LabPaths

BIN = Path(sys.executable).parent
SETTINGS: dict[str, Any] = yaml.safe_load((CHECKOUT / "inventories/lab/group_vars/node0.yml").read_text())
SECRETS = ("he_admin_password", "he_appliance_password")
# Signs that mean something to Jinja, shells, YAML, answer files, URLs and XML; as long as operators make them.
# A part that no encoding changes tells where one is found again.
CORES = {name: f"{name.replace('_', '')}5ecret" for name in SECRETS}
HOSTILE = (
    "{{ lookup('pipe', 'id') }} {% x %} a;b 'c' \"d\" `id` $(id) $HOME \\ %40 & + = # <e> | ! * ? [f] ~ ^ : , @ äß€漢"
)
PASSWORDS = {name: f"{core} {HOSTILE}".ljust(200, "x") for name, core in CORES.items()}
ADMIN_NAMES = ("admin@ovirt@internalsso", "admin@internal")

# ansible-core and what it needs, as installed here; the host's Python has the same minor version.
ANSIBLE = (
    *("ansible-core", "jinja2", "markupsafe", "pyyaml", "packaging", "resolvelib"),
    *("cryptography", "cffi", "pycparser"),
)
CONTROL = "/root/he"
ON_HOST = "/opt/ansible"

# What a bootstrap may touch on a host. Chains that libvirt makes with its first network stay empty and are left out.
SNAPSHOT = r"""
ip -j addr | python3 -c 'import json, sys
for link in json.load(sys.stdin):
    print(link["ifname"], link["operstate"], sorted(a["local"] for a in link["addr_info"] if a["scope"] == "global"))'
ip -4 route show table all; ip rule
cat /etc/hosts
virsh -r -q net-list --all; virsh -r -q list --all; virsh -r net-dumpxml --inactive default
firewall-cmd --list-all-zones; firewall-cmd --permanent --list-all-zones
ls -A /etc/firewalld /etc/firewalld/zones
iptables-save | grep node0
ls -A --ignore=.ansible /root; ls -A /root/.ssh; cat /root/.ssh/authorized_keys
find /var/tmp -mindepth 1 -not -path '*/systemd-private-*'
cat /etc/libvirt/libvirtd.conf /etc/libvirt/qemu.conf /etc/libvirt/qemu-sanlock.conf 2>&1
"""


@dataclass
class Run:
    """A playbook's run."""

    status: int
    output: str


@dataclass
class FlowLab:
    """A lab that is up; C(status) is what it offers."""

    name: str
    status: dict[str, Any] = field(default_factory=dict)

    # -- the lab itself

    def driver(self, *words: str, stdin: bytes | None = None) -> bytes:
        """Run a verb of the lab's driver and return what it printed."""
        argv = [sys.executable, "-m", "driver", words[0], "--lab", self.name, *words[1:]]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests/lab")}
        done = subprocess.run(argv, env=environment, input=stdin, capture_output=True, timeout=600, check=False)
        if done.returncode != 0:
            raise AssertionError(
                f"{words} ended with {done.returncode}: {(done.stdout + done.stderr).decode()[-4000:]}"
            )
        return done.stdout

    def up(self, hosts: int, profile: str) -> None:
        """Start it with an appliance of this profile, which the hosts can install as a package too."""
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests/lab")}
        build = [sys.executable, "-m", "appliance", "build", "--profile", profile]
        subprocess.run(build, cwd=CHECKOUT, env=environment, capture_output=True, check=True)
        self.status = json.loads(self.driver("up", "--hosts", str(hosts), "--appliance-package", profile))

    def inside(self, host: str, script: str, stdin: bytes | None = None) -> str:
        """Run a script in a host, past its network."""
        return self.driver("exec", host, "--", "bash", "-c", script, stdin=stdin).decode()

    def snapshot(self, host: str) -> str:
        """What of a host a bootstrap may touch."""
        return self.inside(host, SNAPSHOT)

    @property
    def engine(self) -> dict[str, Any]:
        """The engine's name and address."""
        proposed: dict[str, Any] = self.status["engine"]
        return proposed

    # -- playbooks

    def play(self, playbook: str, *words: str, **extra: Any) -> Run:
        """Run a playbook from this machine, over ssh."""
        argv = [str(BIN / "ansible-playbook"), "-i", "inventories/lab", f"playbooks/{playbook}.yml"]
        environment = {
            **os.environ,
            "LAB": self.name,
            "NODE0_LOG_DIR": str(LabPaths.of(self.name).logs),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache/collections"),
        }
        done = subprocess.run(
            [*argv, *words, "-e", json.dumps(extra)],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def make_control_node(self, host: str, settings: Mapping[str, Any]) -> None:
        """Give a host what the README asks a user to install: ansible-core, the collection, an inventory, settings.

        The settings come with the passwords of PASSWORDS, in answer files, of which one is encrypted.
        """
        with tempfile.TemporaryDirectory() as folder:
            build = [BIN / "ansible-galaxy", "collection", "build", "--output-path", folder]
            subprocess.run(build, cwd=CHECKOUT, capture_output=True, check=True)
            (collection,) = Path(folder).glob("*.tar.gz")
            secrets = Path(folder) / "secrets.yml"
            password = Path(folder) / "vault"
            password.write_text("a word for the vault\n")
            secrets.write_text(yaml.safe_dump(PASSWORDS, allow_unicode=True))
            encrypt = [BIN / "ansible-vault", "encrypt", "--vault-password-file", password, secrets]
            subprocess.run(encrypt, capture_output=True, check=True)
            fqdn = next(known["fqdn"] for known in self.status["hosts"] if known["name"] == host)
            files = {
                "collection.tar.gz": collection.read_bytes(),
                "secrets.yml": secrets.read_bytes(),
                "vault": password.read_bytes(),
                "he.yml": yaml.safe_dump(dict(settings)).encode(),
                "hosts.yml": yaml.safe_dump({"node0": {"hosts": {fqdn: {"ansible_connection": "local"}}}}).encode(),
            }
            python = f"python3 -m venv --without-pip {ON_HOST} && tar -xf - -C {ON_HOST}/lib/python3.*/site-packages"
            self.inside(host, python, stdin=_archive(_ansible_files()))
            self.inside(host, f"umask 077; mkdir -p {CONTROL} && tar -xf - -C {CONTROL}", stdin=_archive(files))
        galaxy = f"-m ansible galaxy collection install --offline -p {CONTROL}/collections {CONTROL}/collection.tar.gz"
        self.inside(host, f"{ON_HOST}/bin/python3 {galaxy}")

    def play_locally(self, host: str, playbook: str, *more: str) -> Run:
        """Run a playbook of the installed collection on the host itself."""
        settings = shlex.quote(json.dumps({"he_answer_file": ["he.yml", "secrets.yml"]}))
        words = f"-i hosts.yml -e {settings} --vault-password-file vault node0.hosted_engine.{playbook}"
        environment = (
            f"ANSIBLE_COLLECTIONS_PATH={CONTROL}/collections ANSIBLE_CALLBACKS_ENABLED=node0.hosted_engine.report"
        )
        ansible = f"{ON_HOST}/bin/python3 -m ansible playbook {words} {shlex.join(more)}"
        command = f"cd {CONTROL} && {environment} {ansible} 2>&1; echo status=$?"
        output, _mark, status = self.inside(host, command).rpartition("status=")
        return Run(int(status), output)


def _archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _ansible_files() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name in ANSIBLE:
        for path in metadata.distribution(name).files or []:
            # Scripts and byte code are of this machine.
            if not path.parts[0].startswith("..") and path.suffix != ".pyc" and path.locate().is_file():
                found[str(path)] = Path(path.locate()).read_bytes()
    return found


class Engine:
    """The engine's API, asked with curl on a host, over TLS that is verified against the CA in a file there."""

    def __init__(self, lab: FlowLab, host: str, ca: str, password: str) -> None:
        self._lab, self._host, self._password = lab, host, password
        self._curl = f"curl --silent --show-error --max-time 120 --cacert {shlex.quote(ca)}"
        self._base = f"https://{lab.engine['fqdn']}/ovirt-engine"
        self.user = self._token = ""

    def _send(self, words: str, path: str, body: str) -> str:
        command = f"{self._curl} -H 'Accept: application/json' {words} {shlex.quote(self._base + path)}"
        return self._lab.inside(self._host, command, stdin=body.encode())

    def login(self) -> None:
        """Get a token as the administrator."""
        seen = ""
        for user in ADMIN_NAMES:
            form = {"grant_type": "password", "scope": "ovirt-app-api", "username": user}
            form["password"] = self._password
            seen = self._send("--data @-", "/sso/oauth/token", urllib.parse.urlencode(form))
            if "access_token" in json.loads(seen):
                self.user, self._token = user, json.loads(seen)["access_token"]
                return
        raise AssertionError(seen)

    def logout(self) -> None:
        """Give the token back."""
        form = {"scope": "ovirt-app-api", "token": self._token}
        self._send("--data @-", "/services/sso-logout", urllib.parse.urlencode(form))

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API; the status and the answer."""
        words = f"-X {method} -H 'Version: 4' -H 'Authorization: Bearer {self._token}' --write-out '\\n%{{http_code}}'"
        if body is not None:
            words += " -H 'Content-Type: application/json' --data @-"
        text, _end, status = self._send(words, f"/api/{path}", json.dumps(body)).rpartition("\n")
        return int(status), json.loads(text) if text.startswith(("{", "[")) else text

    def get(self, path: str) -> Any:
        """Read something that is there."""
        status, found = self.ask("GET", path)
        assert status == 200, (path, status, found)
        return found


@contextmanager
def engine_session(lab: FlowLab, host: str, ca: str, password: str) -> Iterator[Engine]:
    """A session with the engine that is ended in any case."""
    engine = Engine(lab, host, ca, password)
    engine.login()
    try:
        yield engine
    finally:
        engine.logout()


def wait_until(look: Callable[[], bool], what: str, seconds: float) -> None:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.5)
