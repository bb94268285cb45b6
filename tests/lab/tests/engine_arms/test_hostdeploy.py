"""Host-deploy against a real sshd: its tasks, what it leaves on the host, its failures and its log."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_sim import pki
from engine_sim.hostdeploy import (
    DeploySettings,
    HostDeployFailed,
    HostedEngineConfig,
    HostTarget,
    deploy,
    fetch_he_config,
    remove,
    undeploy,
    write_he_config,
)

from .conftest import free_port
from .sandbox import PASSWORD, Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists(), reason="needs root and sshd")

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures/engine/host-deploy"
CORRELATION = "30f283a6-ac23-4076-84b9-81fd66bf85e6"
#: The start of every deployment, as event 559 told it for a real engine (engine measured 10).
MEASURED = [
    "Gathering Facts",
    "set host_action var",
    "ansible.builtin.include_tasks",
    "Detect host operating system",
    "Fetch installed packages",
    "Check if vdsm is preinstalled",
    "Parse operating system release",
    "Detect if host is a prebuilt image",
    "Setup Ansible Python interpreter",
    "Include packages, vdsmid, pki, configure, and restart services tasks",
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.create(tmp_path_factory.mktemp("pki"), "engine.lab.test", "lab.test")


@pytest.fixture
def sandbox(tmp_path: Path, engine: pki.Pki) -> Iterator[Sandbox]:
    (tmp_path / "host").mkdir()
    made = Sandbox(tmp_path / "host", engine.ssh_public_key())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, engine: pki.Pki) -> DeploySettings:
    return DeploySettings(engine, CORRELATION, log_dir=tmp_path / "log", started=1795572610)


@pytest.fixture
def host(sandbox: Sandbox, engine: pki.Pki, tmp_path: Path) -> HostTarget:
    return sandbox.target(engine.ssh_key, known_hosts=tmp_path / "known_hosts")


def openssl(*argv: object) -> str:
    return subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, text=True).stdout


def entries(log: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r"UTC - (\{\n.*?\n\})\n", log, re.DOTALL)]


def test_a_deployed_host(sandbox: Sandbox, host: HostTarget, settings: DeploySettings, engine: pki.Pki) -> None:
    heard: list[str] = []
    result = deploy(host, settings, heard.append)

    assert heard[: len(MEASURED)] == MEASURED
    assert heard[len(MEASURED)] == "Install ovirt-hosted-engine-setup package"
    assert {"Configure host for vdsm", "Start and enable services"} <= set(heard)
    assert result["packages"]["vdsm"] == "4.50.5.1-1"

    calls = sandbox.calls()
    installs = [call.split()[-1] for call in calls if call.startswith("apt-get") and " install " in call]
    assert installs[:2] == ["ovirt-hosted-engine-setup", "ovirt-host"]
    assert "vdsm-tool configure --force" in calls
    assert "systemctl enable --now vdsmd.service" in calls
    assert calls.index("vdsm-tool configure --force") < calls.index("systemctl enable --now vdsmd.service")

    etc = sandbox.state / "etc"
    assert (etc / "vdsm/vdsm.id").read_text() == result["vdsm_id"]
    assert (etc / "vdsm/vdsm.conf").read_text().split() == [
        "[vars]",
        "ssl=",
        "true",
        "[addresses]",
        "management_port=",
        "54321",
    ]
    assert "qemu+tls://127.0.0.1/system" in (etc / "default/libvirt-guests").read_text()

    vdsm = etc / "pki/vdsm"
    openssl("verify", "-CAfile", vdsm / "certs/cacert.pem", "-verify_ip", "127.0.0.1", vdsm / "certs/vdsmcert.pem")
    openssl("verify", "-CAfile", vdsm / "libvirt-migrate/ca-cert.pem", vdsm / "libvirt-migrate/client-cert.pem")
    assert openssl("x509", "-in", vdsm / "certs/vdsmcert.pem", "-noout", "-pubkey") == openssl(
        "pkey", "-in", vdsm / "keys/vdsmkey.pem", "-pubout"
    )
    for authority in (vdsm / "certs/cacert.pem", etc / "pki/CA/cacert.pem"):
        assert authority.read_bytes() == engine.ca_file.read_bytes()
    for path, expected in {
        "certs/vdsmcert.pem": (0o644, 0, 36),
        "certs/cacert.pem": (0o644, 0, 36),
        "keys/vdsmkey.pem": (0o440, 36, 36),
        "libvirt-migrate/server-key.pem": (0o440, 0, 107),
        "libvirt-spice/server-key.pem": (0o440, 36, 36),
        "libvirt-vnc/server-key.pem": (0o440, 36, 36),
        "certs": (0o755, 36, 36),
    }.items():
        assert sandbox.stat(f"/etc/pki/vdsm/{path}") == expected, path

    private = (vdsm / "keys/vdsmkey.pem").read_text().splitlines()[1]
    assert private not in Path(result["log_path"]).read_text()
    assert private not in "".join(path.read_text() for path in engine.directory.rglob("*") if path.is_file())
    run = subprocess.run(
        [
            "ssh",
            "-F",
            "/dev/null",
            "-i",
            str(engine.ssh_key),
            "-p",
            str(sandbox.port),
            "-o",
            f"UserKnownHostsFile={host.known_hosts}",
            "root@127.0.0.1",
            "ls /run",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "vdsm-keys" not in run


def test_a_second_run_keeps_the_id_and_installs_nothing(
    sandbox: Sandbox, host: HostTarget, settings: DeploySettings
) -> None:
    first = deploy(host, settings, lambda _: None)
    before = len(sandbox.calls())
    second = deploy(host, replace(settings, correlation_id="another"), lambda _: None)
    assert first["vdsm_id"] == second["vdsm_id"]
    assert not [call for call in sandbox.calls()[before:] if call.startswith("apt-get")]


def test_an_uninstallable_package_names_task_and_log(
    sandbox: Sandbox, host: HostTarget, settings: DeploySettings
) -> None:
    (sandbox.state / "uninstallable").write_text("ovirt-hosted-engine-setup\n")
    heard: list[str] = []
    with pytest.raises(HostDeployFailed) as caught:
        deploy(host, settings, heard.append)
    log = settings.log_dir / f"ovirt-host-deploy-ansible-20261125021010-127.0.0.1-{CORRELATION}.log"
    assert str(caught.value) == (
        f"Task Install ovirt-hosted-engine-setup package failed to execute. Please check logs for more details: {log}"
    )
    assert heard == MEASURED
    assert (sandbox.state / "updated").exists(), "the lists were read anew before giving up"
    assert "E: Unable to locate package ovirt-hosted-engine-setup" in log.read_text()


def test_the_log_has_the_form_of_the_engines(sandbox: Sandbox, host: HostTarget, settings: DeploySettings) -> None:
    (sandbox.state / "uninstallable").write_text("ovirt-hosted-engine-setup\n")
    with pytest.raises(HostDeployFailed) as caught:
        deploy(host, settings, lambda _: None)
    real = (FIXTURES / "ovirt-host-deploy-ansible.log").read_text()
    ours = caught.value.log_path.read_text()

    def headers(log: str) -> list[str]:
        return re.findall(r"UTC - (TASK \[.*)", log)

    assert headers(ours) == headers(real)
    pairs = list(zip(entries(ours), entries(real), strict=True))
    for mine, theirs in pairs:
        assert list(mine) == list(theirs)
        assert mine["event"] == theirs["event"]
        assert mine["event_data"]["task"] == theirs["event_data"]["task"]
        assert set(theirs["event_data"]) - set(mine["event_data"]) <= {"ignore_errors"}
        assert mine["stdout"].split(":")[0] == (theirs["stdout"].split(":")[0] or mine["stdout"].split(":")[0])
    assert ours.count('"event" : "runner_on_failed"') == real.count('"event" : "runner_on_failed"') == 2
    assert {len(line) for line in headers(ours)} == {len(line) for line in headers(real)}


def test_any_task_can_be_made_to_fail(host: HostTarget, settings: DeploySettings) -> None:
    heard: list[str] = []
    with pytest.raises(HostDeployFailed) as caught:
        deploy(host, replace(settings, fail_at="Configure host for vdsm"), heard.append)
    assert caught.value.task_name == "Configure host for vdsm"
    assert "Add vdsm key files" in heard
    assert "Start and enable services" not in heard


def test_a_host_that_is_gone_fails_at_the_first_task(settings: DeploySettings, engine: pki.Pki) -> None:
    gone = HostTarget("gone", "127.0.0.1", free_port(), key_file=engine.ssh_key)
    with pytest.raises(HostDeployFailed) as caught:
        deploy(gone, settings, lambda _: None)
    assert caught.value.task_name == "Gathering Facts"
    assert "refused" in caught.value.reason


def test_an_unknown_system_fails_where_a_real_one_does(
    sandbox: Sandbox, host: HostTarget, settings: DeploySettings
) -> None:
    (sandbox.state / "etc/os-release").write_text('ID=slackware\nPRETTY_NAME="Slackware 15"\n')
    with pytest.raises(HostDeployFailed) as caught:
        deploy(host, settings, lambda _: None)
    assert caught.value.task_name == "Install ovirt-hosted-engine-setup package"
    assert "Slackware 15" in caught.value.reason


def test_a_further_hosted_engine_host(sandbox: Sandbox, host: HostTarget, settings: DeploySettings) -> None:
    text = "fqdn=engine.lab.test\nhost_id=1\nvmid=99642496-37b4-4fb0-94c3-75b6969a46df\n"
    heard: list[str] = []
    deploy(host, replace(settings, hosted_engine=HostedEngineConfig(text, 2)), heard.append)
    assert heard[-1] == "Start ovirt-ha-agent service"
    conf = "/etc/ovirt-hosted-engine/hosted-engine.conf"
    assert (sandbox.state / conf.lstrip("/")).read_text() == text.replace("host_id=1", "host_id=2")
    assert sandbox.stat(conf) == (0o440, 36, 36)
    assert sandbox.calls()[-1] == "systemctl restart ovirt-ha-agent.service"

    assert "host_id=2" in fetch_he_config(host)
    write_he_config(host, "fqdn=engine.lab.test\n", 3)
    assert fetch_he_config(host) == "fqdn=engine.lab.test\nhost_id=3\n"
    undeploy(host)
    assert not (sandbox.state / conf.lstrip("/")).exists()


def test_ports_are_opened_where_firewalld_runs(sandbox: Sandbox, host: HostTarget, settings: DeploySettings) -> None:
    heard: list[str] = []
    deploy(host, settings, heard.append)
    assert "Enable firewalld rules" not in heard
    (sandbox.state / "active-firewalld.service").touch()
    deploy(host, settings, heard.append)
    assert "Enable firewalld rules" in heard
    calls = [call for call in sandbox.calls() if call.startswith("firewall-cmd --permanent")]
    assert calls == [
        f"firewall-cmd --permanent --add-port={sandbox.port}/tcp",
        "firewall-cmd --permanent "
        + " ".join(f"--add-service={name}" for name in ("cockpit", "libvirt-tls", "snmp", "vdsm")),
        "firewall-cmd --permanent --add-port=54322/tcp --add-port=2223/tcp --add-port=6081/udp",
    ]
    assert [call.replace(" --permanent", "") for call in calls] == [
        call for call in sandbox.calls() if call.startswith("firewall-cmd --add")
    ]


def test_el9_gets_the_monolithic_libvirt(sandbox: Sandbox, host: HostTarget, settings: DeploySettings) -> None:
    (sandbox.state / "etc/os-release").write_text('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="9"\n')
    (sandbox.state / "etc/sysconfig").mkdir(exist_ok=True)
    heard: list[str] = []
    deploy(host, settings, heard.append)
    assert {
        "mask libvirt modular daemon units",
        "enable libvirtd monolithic daemon unit",
        "Configure LVM filter",
    } <= set(heard)
    calls = sandbox.calls()
    assert any(call.startswith("systemctl mask virtqemud.service virtqemud.socket") for call in calls)
    assert calls.index("vdsm-tool config-lvm-filter -y") < calls.index("vdsm-tool configure --force")
    assert (sandbox.state / "etc/sysconfig/libvirt-guests").exists()


def test_after_a_password_the_engine_comes_in_by_its_key(
    sandbox: Sandbox, settings: DeploySettings, tmp_path: Path, engine: pki.Pki
) -> None:
    keys = sandbox.state / "root/.ssh/authorized_keys"
    for _turn in range(2):
        deploy(sandbox.target(None, PASSWORD, tmp_path / "new/known_hosts"), settings, lambda _: None)
        assert keys.read_text() == engine.ssh_public_key() + "\n"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in "".join(path.read_text() for path in settings.log_dir.iterdir())


def test_remove_keeps_the_configuration_aside(sandbox: Sandbox, host: HostTarget, settings: DeploySettings) -> None:
    write_he_config(host, "host_id=1\n", 1)
    remove(host, settings, lambda _: None)
    folder = sandbox.state / "etc/ovirt-hosted-engine"
    assert [path.name for path in folder.iterdir()] == ["hosted-engine.conf.undeployed"]
    assert "systemctl disable --now vdsmd.service" in sandbox.calls()
    assert [path.name.split("-2026")[0] for path in settings.log_dir.iterdir()] == ["ovirt-host-remove-ansible"]
