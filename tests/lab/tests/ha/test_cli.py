# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line without services: usage, exit codes, what is refused, the client's safety checks, the hook."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from ovirt_hosted_engine_ha.agent import agent
from ovirt_hosted_engine_ha.client.client import HAClient
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import metadata, services
from ovirt_hosted_engine_ha.lib.exceptions import ServiceNotUpError

from .support import FIXTURES

REPOSITORY = Path(__file__).resolve().parents[4]
HA = REPOSITORY / "tests" / "lab" / "host" / "ha"


class Host:
    """A directory that stands for a host."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "etc" / "ovirt-hosted-engine" / "hosted-engine.conf"
        self.conf.parent.mkdir(parents=True)
        self.tools = root / "tools"
        self.tools.mkdir()

    def deploy(self, **changes: str) -> None:
        """Lay hosted-engine.conf down."""
        lines = (FIXTURES / "hosted-engine.conf" / "good" / "nfs.conf").read_text().splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        values["conf"] = str(self.root / "vm.conf")
        self.conf.write_text("".join(f"{key}={value}\n" for key, value in {**values, **changes}.items()))

    def tool(self, name: str, script: str) -> None:
        """Put a program first in the path."""
        path = self.tools / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def run(self, *arguments: str, program: str = "hosted-engine") -> "subprocess.CompletedProcess[str]":
        """Run a program of the package."""
        environment = {
            **os.environ,
            "HE_LAB_ROOT": str(self.root),
            "PYTHONPATH": f"{HA}{os.pathsep}{REPOSITORY / 'tests' / 'lab'}",
            "PATH": os.pathsep.join([str(self.tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        return subprocess.run(
            [str(HA / "bin" / program), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["--nonsense"], ["--config-append=x"], ["vm-status"]])
def test_unknown_is_usage(host: Host, arguments: list[str]) -> None:
    done = host.run(*arguments)
    assert done.returncode == 1
    assert "Usage: " in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--help", "vm-status"], ["--vm-status", "--help"]])
def test_help(host: Host, arguments: list[str]) -> None:
    done = host.run(*arguments)
    assert done.returncode == 0
    assert "--vm-status" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["--check-deployed"],
        ["--vm-start"],
        ["--vm-start-paused"],
        ["--vm-shutdown"],
        ["--vm-poweroff"],
        ["--vm-status"],
        ["--vm-status", "--json"],
        ["--console"],
        ["--connect-storage"],
        ["--disconnect-storage"],
        ["--add-console-password", "--password=x"],
        ["--set-maintenance", "--mode=none"],
        ["--reinitialize-lockspace"],
        ["--clean-metadata"],
        ["--get-shared-config", "gateway"],
        ["--set-shared-config", "gateway", "x"],
    ],
    ids=lambda command: command[0],
)
def test_nothing_works_before_deployment(host: Host, command: list[str]) -> None:
    host.tool("virsh", "exit 1")
    done = host.run(*command)
    assert (done.returncode, done.stdout) == (1, "You must run deploy first\n")


def test_a_deployment_in_progress_is_told(host: Host) -> None:
    host.tool("virsh", '[ "$*" = "-r domstate HostedEngineLocal" ]')
    assert host.run("--vm-status").returncode == 2


def test_check_deployed(host: Host) -> None:
    host.deploy()
    assert host.run("--check-deployed").returncode == 0


@pytest.mark.parametrize(
    "command", [["--vm-status"], ["--vm-start"], ["--clean-metadata"]], ids=lambda command: command[0]
)
def test_vm_conf_is_needed(host: Host, command: list[str]) -> None:
    host.deploy()
    done = host.run(*command)
    assert done.returncode == 1
    assert "configuration has not been retrieved" in done.stderr


def test_the_configuration_is_shell_code(host: Host) -> None:
    host.deploy(password="a;vmid=")
    assert host.run("--check-deployed").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set-maintenance"], ["--set-maintenance", "--mode=some"], ["--get-shared-config"], ["--vm-status", "--xml"],
        ["--set-shared-config", "gateway", ""], ["--set-shared-config", "gateway"], ["--clean-metadata", "--force"],
        ["--get-shared-config", "gateway", "--type"], ["--reinitialize-lockspace", "--now"],
        ["--vm-start", "--vm-conf="],
    ],
)  # fmt: skip
def test_wrong_arguments_are_usage(host: Host, arguments: list[str]) -> None:
    host.deploy()
    done = host.run(*arguments)
    assert done.returncode == 1
    assert "Usage: " in done.stderr


def test_clean_up_of_metadata_where_nothing_is_configured(host: Host) -> None:
    """Exit codes of host contract 4: not configured, and a broker that is not there."""
    host.deploy(configured="False")
    (host.root / "vm.conf").write_text("memSize=1\n")
    done = host.run("--clean-metadata")
    assert (done.returncode, "Hosted engine is not configured" in done.stderr) == (255, True)
    host.deploy()
    assert host.run("--clean-metadata", "--force-cleanup", "--host-id=7").returncode == 157


@pytest.mark.parametrize(("failure", "code"), [(ServiceNotUpError("sanlock"), 254), (OSError("no storage"), 158)])
def test_clean_up_of_metadata_without_what_it_stands_on(
    failure: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise failure

    monkeypatch.setattr(services, "check", fail)
    monkeypatch.setattr(Config, "is_configured", lambda self: True)
    monkeypatch.setattr(agent, "configure_logging", lambda path: None)
    monkeypatch.setattr(sys, "argv", ["ovirt-ha-agent", "--cleanup"])
    assert agent.main() == code


def test_deploys_nothing(host: Host) -> None:
    done = host.run("--deploy", "--4")
    assert done.returncode == 1
    assert "stand-in and deploys nothing" in done.stderr


def test_status_without_a_broker(host: Host) -> None:
    host.deploy()
    (host.root / "vm.conf").write_text("memSize=1\n")
    text, as_json = host.run("--vm-status"), host.run("--vm-status", "--json")
    assert (text.returncode, text.stdout, as_json.returncode, as_json.stdout) == (1, "", 1, "")
    assert "Unable to connect the HA Broker " in text.stderr
    assert as_json.stderr.splitlines()[-1].startswith("json.decoder.JSONDecodeError: Invalid control character")


@pytest.fixture
def page() -> Iterator[SimpleNamespace]:
    """A health page whose text a test sets."""
    shown = SimpleNamespace(text="", address="")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ovirt-engine/services/health" else 404)
            self.end_headers()
            self.wfile.write(shown.text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.3.4", 0), Handler) as server:
        shown.address = f"127.0.3.4:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield shown
        server.shutdown()


@pytest.mark.parametrize(
    ("text", "code"), [("DB Up!Welcome to Health Status!", 0), ("all is DB Up", 0), ("DB Down", 1), ("", 1)]
)
def test_liveliness(host: Host, page: SimpleNamespace, text: str, code: int) -> None:
    page.text = text
    host.deploy(fqdn=page.address)
    assert host.run("--check-liveliness").returncode == code


def test_liveliness_of_nobody(host: Host) -> None:
    assert host.run("--check-liveliness").returncode == 2
    host.deploy(fqdn="")
    assert host.run("--check-liveliness").returncode == 2
    host.deploy(fqdn="127.0.3.5:1")
    assert host.run("--check-liveliness").returncode == 1


@pytest.mark.skipif(Path("/proc/1/comm").read_text() == "systemd\n", reason="this machine could be cleaned up")
def test_clean_up_stays_inside_the_lab(host: Host) -> None:
    done = host.run("-q", program="ovirt-hosted-engine-cleanup")
    assert done.returncode == 1
    assert "nothing done" in done.stderr
    assert host.run("-h", program="ovirt-hosted-engine-cleanup").returncode == 0


class Broker:
    """Slots for the client, and what it was asked."""

    def __init__(self, slots: dict[int, str]) -> None:
        self.slots = slots
        self.resets = 0

    def get_stats(self) -> dict[int, str]:
        return self.slots

    def is_host_alive(self, host_id: int) -> bool:
        return True

    def reset_lockspace(self) -> None:
        self.resets += 1


def reset(slots: dict[int, str], force: bool = False, configured: bool = True) -> tuple[int, str]:
    """Return how often the lockspace was reset, and the refusal."""
    broker = Broker(slots)
    client = HAClient(broker=broker, config=SimpleNamespace(is_configured=lambda: configured))  # type: ignore[arg-type]
    try:
        client.reset_lockspace(force)
    except RuntimeError as exc:
        return broker.resets, str(exc)
    return broker.resets, ""


def test_lockspace_is_reset_only_when_safe() -> None:
    def slot(name: str) -> str:
        return (FIXTURES / "he_metadata" / f"{name}.bin").read_bytes().decode()

    on, off = metadata.global_slot(True).decode(), metadata.global_slot(False).decode()
    stopped, running, broken = slot("slot-agent-stopped"), slot("slot-engine-up"), slot("edge-score-text")
    assert reset({0: on, 1: stopped}) == (1, "")
    assert reset({0: off, 1: stopped}) == (0, "Lockspace reset requires global maintenance")
    assert reset({0: on, 1: running}) == (0, "Lockspace reset requires all agents stopped; running on hosts [1]")
    assert reset({0: off, 1: running}, force=True) == (1, "")
    assert reset({}) == (1, "")
    # known faults: without a slot 0, and with a slot that cannot be read
    assert reset({1: stopped}) == (1, "")
    assert reset({0: off, 1: running, 2: broken}) == (1, "")
    assert reset({0: on}, configured=False) == (0, "")


def test_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (HA / "hooks" / "50_hostedengine").read_text()
    hook: dict[str, Any] = {"__name__": "hook"}
    exec(compile(script, "hook", "exec"), hook)
    domain, vm_conf = tmp_path / "domain.xml", tmp_path / "vm.conf"
    text = "<domain><uuid>u1</uuid><on_crash>restart</on_crash><devices/></domain>"
    monkeypatch.setenv("_hook_domxml", str(domain))
    hook["VM_CONF"] = str(vm_conf)

    def outcome() -> ElementTree.Element:
        domain.write_text(text)
        assert hook["main"]() == 0
        return ElementTree.fromstring(domain.read_text())

    assert outcome().find("on_reboot") is None
    vm_conf.write_text("# x\nvmId=u2\n")
    assert outcome().find("on_reboot") is None
    vm_conf.write_text("# x\nvmId=u1\n")
    changed = outcome()
    assert [changed.findtext(name) for name in ("on_poweroff", "on_reboot", "on_crash")] == ["destroy"] * 3
    targets = [target.get("name") for target in changed.findall("devices/channel/target")]
    assert targets == ["org.ovirt.hosted-engine-setup.0"]
