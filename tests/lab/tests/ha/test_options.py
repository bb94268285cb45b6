# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every option of `hosted-engine` on a host that runs the engine: output and exit code (host contract 9.1).

The tests share one host and run in their order; the engine VM is up before the first.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .stage import HA, Stage

#: The options of the real command, host contract 9.1.
OPTIONS = (
    "--help",
    "--deploy",
    "--check-deployed",
    "--check-liveliness",
    "--vm-start",
    "--vm-start-paused",
    "--vm-shutdown",
    "--vm-poweroff",
    "--vm-status",
    "--add-console-password",
    "--console",
    "--connect-storage",
    "--disconnect-storage",
    "--set-maintenance",
    "--get-shared-config",
    "--set-shared-config",
    "--reinitialize-lockspace",
    "--clean-metadata",
)
UP = {"vm": "up", "health": "good", "detail": "Up"}

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="he-") as directory:
        made = Stage(Path(directory))
        tools = made.root / "tools"
        tools.mkdir()
        # The last step of --console takes the terminal over: here it only tells how it was called.
        for name in ("virsh", "socat"):
            (tools / name).write_text(f'#!/bin/bash\necho {name} "$@"\n')
            (tools / name).chmod(0o755)
        made.environment["PATH"] = f"{tools}:{made.environment['PATH']}"
        made.start("broker")
        made.start("agent")
        made.wait(lambda: made.own().get("engine-status") == UP and made.state() == "EngineUp", "a healthy engine")
        yield made
        made.end()


def outcome(done: Done) -> tuple[int, str, str]:
    """Return exit code, standard output, standard error."""
    return done.returncode, done.stdout, done.stderr


def sent(stage: Stage, verb: str) -> list[dict[str, Any]]:
    """Return the parameters of each call of a verb that vdsm got."""
    calls = [json.loads(line) for line in (stage.root / "calls.jsonl").read_text().splitlines()]
    return [call["params"] for call in calls if call.get("verb", call.get("method")) == verb]


def vm_state(stage: Stage) -> str:
    """Return vdsm's status of the engine VM, nothing where it does not know it."""
    return next((vm["status"] for vm in stage.call("Host.getVMList") if vm["vmId"] == stage.made.vm), "")


def test_these_are_all_options_there_are(stage: Stage) -> None:
    declared = re.findall(r"^    \[(--[a-z-]+)\]=", (HA / "bin" / "hosted-engine").read_text(), re.M)
    assert sorted(declared) == sorted(OPTIONS)
    offered = re.findall(r"^    (--[a-z-]+) ", stage.cli("--help").stdout, re.M)
    assert sorted(offered) == sorted(OPTIONS)
    # Each has a test of its own below, or in the files that show it with its services.
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [option for option in OPTIONS if f'("{option}"' not in tests and f'["{option}"' not in tests] == []


@pytest.mark.parametrize("option", OPTIONS)
def test_each_explains_itself(stage: Stage, option: str) -> None:
    code, text, errors = outcome(stage.cli("--help", option.removeprefix("--")))
    shown = option.replace("--clean-metadata", "--clean_metadata")
    assert (code, errors) == (0, "")
    assert f" {shown} " in text or text.rstrip().endswith(shown) or f" {shown}\n" in text


def test_deploy_is_refused(stage: Stage) -> None:
    code, text, errors = outcome(stage.cli("--deploy", "--restore-from-file=/root/backup"))
    assert (code, text) == (1, "")
    assert "deploys nothing" in errors


def test_checks(stage: Stage) -> None:
    assert outcome(stage.cli("--check-deployed")) == (0, "Hosted engine has been configured\n", "")
    assert outcome(stage.cli("--check-liveliness")) == (0, "Hosted Engine is up!\n", "")
    stage.health.good = False
    code, text, _errors = outcome(stage.cli("--check-liveliness"))
    stage.health.good = True
    assert (code, text) == (1, "Hosted Engine is not up!\n")


def test_the_console_of_the_host_that_runs_the_vm(stage: Stage) -> None:
    auth = f"{stage.root}/etc/ovirt-hosted-engine/virsh_auth.conf"
    called = f"virsh -c qemu:///system?authfile={auth} console HostedEngine\n"
    assert outcome(stage.cli("--console")) == (0, f"The engine VM is running on this host\n{called}", "")


@pytest.mark.parametrize("how", ["option", "environment", "prompt"])
def test_a_console_password(stage: Stage, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--password=s3cret"] if how == "option" else []
    if how == "environment":
        monkeypatch.setitem(stage.environment, "OVIRT_HOSTED_ENGINE_CONSOLE_PASSWORD", "s3cret")
    code, text, errors = outcome(stage.cli("--add-console-password", *words, stdin="s3cret\n"))
    assert (code, errors) == (0, "")
    where = r"You can now connect the hosted-engine VM with VNC at [0-9.]+:59\d\d\n"
    assert re.fullmatch(("\n" if how == "prompt" else "") + where, text)
    params = sent(stage, "VM.updateDevice")[-1]["params"]
    assert (params["deviceType"], params["graphicsType"], params["ttl"]) == ("graphics", "vnc", "120")
    assert "s3cret" not in text


def test_storage_is_connected(stage: Stage) -> None:
    assert outcome(stage.cli("--connect-storage")) == (0, "", "")
    last = sent(stage, "StoragePool.connectStorageServer")[-1]
    assert (last["domainType"], last["connectionParams"][0]["connection"]) == (1, stage.made.export)
    assert sent(stage, "StorageDomain.getStats")[-1] == {"storagedomainID": stage.made.domain}


@pytest.mark.parametrize("kind", ["he_local", "he_shared"])
def test_shared_configuration_is_told(stage: Stage, kind: str) -> None:
    told = stage.cli("--get-shared-config", "bridge", f"--type={kind}")
    assert outcome(told) == (0, f"\nbridge : ovirtmgmt, type : {kind}\n\n", "")


def test_shared_configuration_is_changed(stage: Stage) -> None:
    key = "email.smtp-server"
    assert outcome(stage.cli("--get-shared-config", key, "--type=broker"))[1].startswith(f"\n{key} : ")
    assert outcome(stage.cli("--set-shared-config", key, "mail.example.com", "--type=broker")) == (0, "", "")
    told = stage.cli("--get-shared-config", key)
    assert outcome(told) == (0, f"\n{key} : mail.example.com, type : broker\n\n", "")


def test_shared_configuration_that_is_ambiguous_or_unknown(stage: Stage) -> None:
    code, text, errors = outcome(stage.cli("--get-shared-config", "bridge"))
    assert (code, text) == (1, "")
    assert "Duplicate key" in errors
    code, text, errors = outcome(stage.cli("--get-shared-config", "no-such-key"))
    assert (code, text) == (1, "")
    assert re.search(r"^he_local : \[.*'gateway'", errors, re.M)
    assert re.search(r"^ha : \[.*'local_maintenance'", errors, re.M)


def test_the_lockspace_of_a_cluster_in_use_stays(stage: Stage) -> None:
    code, text, errors = outcome(stage.cli("--reinitialize-lockspace"))
    assert (code, text) == (1, "")
    assert "Lockspace reset requires" in errors


@pytest.mark.parametrize("option", ["--vm-start", "--vm-start-paused"])
def test_a_vm_that_runs_is_not_started_again(stage: Stage, option: str) -> None:
    assert outcome(stage.cli(option)) == (1, "VM exists and its status is Up\n", "")


def in_global_maintenance(stage: Stage) -> None:
    """Keep the agent's hands off the VM."""
    stage.wait(
        lambda: (
            stage.cli("--set-maintenance", "--mode=global").returncode == 0 and stage.state() == "GlobalMaintenance"
        ),
        "global maintenance",
    )


def test_shutdown(stage: Stage) -> None:
    in_global_maintenance(stage)
    assert outcome(stage.cli("--vm-shutdown")) == (0, "", "")
    assert sent(stage, "VM.shutdown")[-1]["delay"] == "120"
    stage.wait(lambda: vm_state(stage) in ("Down", ""), "the guest to shut down")


def test_start_clears_a_vm_that_is_down(stage: Stage) -> None:
    code, text, errors = outcome(stage.cli("--vm-start"))
    assert (code, errors) == (0, "")
    assert text in ("VM exists and is down, cleaning up and restarting\nVM in WaitForLaunch\n", "VM in WaitForLaunch\n")
    stage.wait(lambda: vm_state(stage) == "Up", "the VM")


def test_poweroff(stage: Stage) -> None:
    assert outcome(stage.cli("--vm-poweroff")) == (0, "", "")
    assert vm_state(stage) == ""
    code, text, errors = outcome(stage.cli("--vm-poweroff"))
    assert (code, text) == (1, "")
    assert errors == (
        f"Command VM.destroy with args {{'vmID': '{stage.made.vm}'}} failed:\n"
        f"(code=1, message=Virtual machine does not exist: {{'vmId': '{stage.made.vm}'}})\n"
    )


def test_the_console_of_another_host(stage: Stage) -> None:
    assert outcome(stage.cli("--console")) == (0, "The engine VM is not on this host\n", "")


def test_start_paused(stage: Stage) -> None:
    conf = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf")
    before = conf.read_text()
    assert outcome(stage.cli("--vm-start-paused")) == (0, "VM in WaitForLaunch\n", "")
    assert "launchPaused>true" in json.dumps(sent(stage, "VM.create")[-1])
    assert conf.read_text().partition("vmId")[2] == before.partition("vmId")[2], "the agent's file stays as it is"
    stage.wait(lambda: vm_state(stage) == "Paused", "the paused VM")
    assert outcome(stage.cli("--vm-start-paused")) == (1, "VM exists and its status is Paused\n", "")


def test_start_replaces_a_paused_vm_by_that_of_a_file(stage: Stage) -> None:
    custom = stage.root / "custom.conf"
    text = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf").read_text()
    custom.write_text(text.replace("memSize=16384", "memSize=8192"))
    done = stage.cli("--vm-start", f"--vm-conf={custom}")
    assert outcome(done) == (0, "VM exists and is paused, cleaning up and restarting\nVM in WaitForLaunch\n", "")
    # libvirt's XML is in the file, and wins over every other line of it
    assert set(sent(stage, "VM.create")[-1]["vmParams"]) == {"xml"}
    stage.wait(lambda: vm_state(stage) == "Up", "the VM")


def test_start_from_a_file_without_xml(stage: Stage) -> None:
    assert stage.cli("--vm-poweroff").returncode == 0
    custom = stage.root / "custom.conf"
    lines = stage.path("/var/run/ovirt-hosted-engine-ha/vm.conf").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("xmlBase64=")]
    custom.write_text("\n".join(kept).replace("memSize=16384", "memSize=8192") + "\n")
    assert outcome(stage.cli("--vm-start", f"--vm-conf={custom}")) == (0, "VM in WaitForLaunch\n", "")
    params = sent(stage, "VM.create")[-1]["vmParams"]
    assert (params["memSize"], "xml" in params) == ("8192", False)


def test_start_from_a_file_that_is_not_there(stage: Stage) -> None:
    assert stage.cli("--vm-poweroff").returncode == 0
    code, text, errors = outcome(stage.cli("--vm-start", "--vm-conf=/no/such/file"))
    assert (code, text) == (1, "")
    assert "/no/such/file" in errors


def test_the_lockspace_is_written_by_force(stage: Stage) -> None:
    assert outcome(stage.cli("--reinitialize-lockspace", "--force")) == (0, "", "")


def test_end_of_maintenance(stage: Stage) -> None:
    stage.wait(
        lambda: not stage.cli("--set-maintenance", "--mode=none").returncode and stage.own().get("engine-status") == UP,
        "the engine again",
        60,
    )
    assert stage.cli("--vm-status").returncode == 0


def test_storage_is_disconnected(stage: Stage) -> None:
    assert stage.stop("agent") == 0
    stage.wait(lambda: stage.own().get("stopped"), "the end to be published")
    # a slot is cleaned while the broker still runs the monitors of its agent
    assert stage.cli("--clean-metadata").returncode == 0
    stage.stop("broker")
    assert outcome(stage.cli("--disconnect-storage")) == (0, "", "")
    assert sent(stage, "StoragePool.disconnectStorageServer")[-1]["domainType"] == 1
