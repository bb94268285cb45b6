"""An engine simulator over HTTPS with modelled hosts behind it, and the modules run against it as processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import open_url

ROOT = Path(__file__).parents[3]
LAB = ROOT / "tests" / "lab"
HERE = Path(__file__).parent
COLLECTIONS = ROOT / ".cache" / "collections"
PASSWORD = "engine-secret"
DEADLINE = 30.0

# ssh and vdsm-client as the modules call them; what they reach is the model.
SSH = """#!{python}
import os, shlex, subprocess, sys
if "-O" in sys.argv:
    sys.exit(0)
words = shlex.split(sys.argv[-1])
if words[0].endswith("/engine-psql.sh"):
    words[:1] = [sys.executable, "-c", "import sys; from engine_tools.psql.main import main; sys.exit(main())"]
os.environ.update(ENGINE_TOOLS_ROOT={root!r}, PYTHONPATH={tools!r})
sys.exit(subprocess.run([word.replace("/var/log/ovirt-engine", {root!r} + "/log") for word in words]).returncode)
"""
VDSM_CLIENT = """#!{python}
import sys
sys.path[:0] = [{vdsm!r}, {lab!r}]
sys.argv[1:1] = ["-a", {address!r}, "--insecure"]
from vdsmclient.cli import main
sys.exit(main())
"""

# This machine's kernel need not speak NFS: the model's folder appears where the export would be mounted.
MOUNT = """#!{python}
import os, sys
folder = sys.argv[-1]
if os.path.basename(sys.argv[0]) == "umount":
    os.unlink(folder)
    os.mkdir(folder)
else:
    os.rmdir(folder)
    path = {root!r} + "/rhev/data-center/mnt/" + sys.argv[-2].replace("_", "__").replace("/", "_")
    os.makedirs(path, exist_ok=True)
    os.symlink(path, folder)
"""


@dataclass
class Result:
    """What a module printed."""

    value: dict[str, Any]
    stderr: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.value.get("failed"))

    @property
    def error(self) -> str:
        return str(self.value.get("error", {}).get("id", ""))


@dataclass
class Lab:
    """One engine with its state below a folder; the address is that of its first host."""

    folder: Path
    address: str = "127.0.43.1"
    host_port: int = 54321
    exports: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    port: int = 0
    vdsm_control: int = 0

    def start(self) -> None:
        from engine_sim import pki

        self.port, self.vdsm_control = free_port(), free_port()
        state = self.folder / "engine"
        pki.create(state / "etc/pki/ovirt-engine", "localhost", "test")
        self.write(state / "password", PASSWORD)
        config = {
            "listen": "127.0.0.1",
            "port": self.port,
            "fqdn": "localhost",
            "pki_dir": str(state / "etc/pki/ovirt-engine"),
            "database": str(state / "var/lib/ovirt-engine/engine.db"),
            "log_dir": str(state / "log"),
            "speed": 10.0,
            "admin_password_file": str(state / "password"),
            "install_vds": False,
            "encrypt_host_communication": False,
            "control": str(self.folder / "control"),
            **self.settings,
        }
        self.write(self.folder / "engine.json", json.dumps(config))
        # A plain interface, as a fresh host has: the management network is made while the host is added.
        plain = {"management_network": False, "capabilities": {"lastClientIface": "eth0"}}
        hosts = [{"address": self.address, **plain}]
        vdsm = {"hosts": hosts, "port": self.host_port, "control_port": self.vdsm_control}
        vdsm["defaults"] = {"seconds": {"task": 0.1, "boot": 0.1, "up": 0.2, "shutdown": 0.2}}
        if self.exports:
            vdsm["exports"] = self.exports
        self.write(self.folder / "vdsmd.json", json.dumps(vdsm))
        root = self.folder / "storage"
        self.spawn("vdsmd", ["vdsmd", "--config", str(self.folder / "vdsmd.json"), "--root", str(root)])
        self.write_programs()
        self.wait_for_port(self.address, self.host_port)
        self.start_engine()

    def start_engine(self) -> None:
        self.spawn("engine", ["engine_sim", "serve", "--config", str(self.folder / "engine.json")])
        self.wait_for_port("127.0.0.1", self.port)

    @staticmethod
    def write(path: Path, text: str, mode: int = 0o600) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def write_programs(self) -> None:
        names = {
            "python": sys.executable,
            "root": str(self.folder / "engine"),
            "tools": str(LAB / "appliance"),
            "vdsm": str(LAB / "host" / "vdsmd"),
            "lab": str(LAB),
            "address": self.address,
        }
        self.write(self.folder / "bin" / "ssh", SSH.format(**names), 0o755)
        self.write(self.folder / "bin" / "vdsm-client", VDSM_CLIENT.format(**names), 0o755)
        for name in ("mount", "umount"):
            text = MOUNT.format(python=sys.executable, root=str(self.folder / "storage"))
            self.write(self.folder / "bin" / name, text, 0o755)

    def spawn(self, name: str, words: list[str]) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{LAB}:{LAB / 'host' / 'vdsmd'}"}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", *words], env=environment, stdout=log, stderr=log)
        self.processes.append(process)

    def wait_for_port(self, address: str, port: int) -> None:
        end = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection((address, port), 1).close()
                return
            except OSError as error:
                if time.monotonic() > end or any(process.poll() is not None for process in self.processes):
                    logs = [path.read_text()[-2000:] for path in self.folder.glob("*.log")]
                    raise AssertionError(f"nobody listens at {address}:{port}: {error}\n" + "\n".join(logs)) from error
            time.sleep(0.05)

    def read(self, name: str) -> str:
        """Return the text of a file of this lab, or nothing."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    @staticmethod
    def wait_until(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.05)

    def stop(self) -> None:
        while self.processes:
            self.end(self.processes.pop())

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)

    def forget_engine(self) -> None:
        """Start the engine again with an empty database, as a second deployment on the same hosts and storage does."""
        self.end(self.processes.pop())
        for path in (self.folder / "engine/var/lib/ovirt-engine").iterdir():
            path.unlink()
        for name in ("session", "journal.json"):
            (self.folder / name).unlink(missing_ok=True)
        self.start_engine()

    def start_sshd(self) -> None:
        """Let the engine log in to the host by ssh with a key that stands in the test's authorized_keys."""
        key = self.folder / "host_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        lines = [
            f"ListenAddress {self.address}:22",
            f"HostKey {key}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "StrictModes no",
            "PasswordAuthentication no",
            "UsePAM no",
            "PidFile none",
        ]
        self.write(self.folder / "sshd_config", "\n".join(lines) + "\n")
        words = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("wb") as log:
            self.processes.insert(0, subprocess.Popen(words, stdout=log, stderr=log))
        self.wait_for_port(self.address, 22)

    # -- what a test orders and looks at

    def control(self, method: str, path: str, message: Any = None) -> Any:
        """Call the simulator's control interface on its unix socket."""
        import http.client

        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.folder / "control"))
        connection.request(method, path, json.dumps(message) if message is not None else None)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 300, body
        return json.loads(body or b"{}")

    def fault(self, step: str, **order: Any) -> None:
        self.control("POST", "/faults", {"step": step, **order})

    def counters(self) -> dict[str, int]:
        counted: dict[str, int] = self.control("GET", "/state")["counters"]
        return counted

    def tokens(self) -> int:
        """Return the number of tokens that nobody has revoked."""
        left = self.control("GET", "/state")["unrevoked_tokens"]
        return left if isinstance(left, int) else len(left)

    def host_action(self, action: str, **message: Any) -> Any:
        """Call the hosts' control interface."""
        url = f"http://127.0.0.1:{self.vdsm_control}/host/{self.address}/{action}"
        return json.load(open_url(url, data=json.dumps(message).encode(), timeout=5))

    # -- modules

    @property
    def access(self) -> dict[str, Any]:
        return {
            "engine_fqdn": f"localhost:{self.port}",
            "engine_user": "admin@internal",
            "engine_password": PASSWORD,
            "engine_ca_file": str(self.folder / "engine/etc/pki/ovirt-engine/ca.pem"),
            "session_file": str(self.folder / "session"),
            "journal": str(self.folder / "journal.json"),
            "phase": "test",
        }

    @property
    def host_arguments(self) -> dict[str, Any]:
        """What M(node0.hosted_engine.engine_host) is called with."""
        return {
            "name": "h1",
            "address": self.address,
            "authorized_keys": str(self.folder / "authorized_keys"),
            "guest": self.guest,
            "timeout": 60,
            "ready_timeout": 30,
        }

    def add_host(self) -> dict[str, Any]:
        host: dict[str, Any] = self.done("engine_host", **self.host_arguments)["host"]
        return host

    def storage_arguments(self, host: dict[str, Any], gib: int = 61) -> dict[str, Any]:
        """What M(node0.hosted_engine.engine_storage_domain) is called with."""
        return {
            "address": "nfs.example.test",
            "path": "/exports/he",
            "host": host,
            "disk_size": gib * 2**30,
            "timeout": 60,
        }

    def add_storage(self, host: dict[str, Any]) -> dict[str, Any]:
        storage: dict[str, Any] = self.done("engine_storage_domain", **self.storage_arguments(host))["storage"]
        return storage

    def vm_arguments(self, host: dict[str, Any], storage: dict[str, Any]) -> dict[str, Any]:
        """What M(node0.hosted_engine.engine_target_vm) is called with."""
        return {
            "memory": 16 * 2**30,
            "vcpus": 4,
            "mac": "00:16:3e:77:00:50",
            "disk_size": 61 * 2**30,
            "firmware": "bios",
            "host": host,
            "storage": storage,
            "guest": self.guest,
            "timeout": 60,
        }

    @property
    def guest(self) -> dict[str, Any]:
        ssh = {"key": str(self.folder / "key"), "known_hosts": str(self.folder / "known_hosts")}
        return {"address": "192.0.2.10", "uuid": "u", "ssh": ssh}

    def run(self, module: str, check: bool = False, **arguments: Any) -> Result:
        """Run a module as a process, its arguments on standard input as Ansible's own wrapper passes them.

        What is given as None is left out.
        """
        given = {key: value for key, value in {**self.access, **arguments}.items() if value is not None}
        values = {**given, "_ansible_check_mode": check}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(COLLECTIONS)}
        done = subprocess.run(
            [sys.executable, str(HERE / "run_module.py"), module],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            env=environment,
            timeout=100,
            check=False,
        )
        assert done.stdout, done.stderr
        return Result(json.loads(done.stdout), done.stderr)

    def done(self, module: str, **arguments: Any) -> dict[str, Any]:
        """Run a module that must succeed."""
        result = self.run(module, **arguments)
        assert not result.failed, json.dumps(result.value, indent=1)
        return result.value

    def refused(self, module: str, **arguments: Any) -> dict[str, Any]:
        """Run a module that must fail with a problem of the catalogue, and return that problem."""
        result = self.run(module, **arguments)
        assert result.failed, json.dumps(result.value, indent=1)
        problem: dict[str, Any] = result.value["error"]
        assert PASSWORD not in json.dumps(result.value["error"])
        return problem


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
