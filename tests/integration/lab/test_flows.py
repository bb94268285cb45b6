"""What a deployment meets besides the happy path, and what a deployed engine does, in one lab with one deployment.

The tests are steps: each begins where the one before has ended.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from driver.paths import CHECKOUT
from flow_lab import CONTROL, CORES, PASSWORDS, SECRETS, SETTINGS, Engine, FlowLab, Run, engine_session, wait_until

NODE, OTHER = "he-host1", "he-host2"
PHASES = ("initial_clean", "bootstrap_local_vm", "create_storage_domain", "create_target_vm", "final_clean")
#: All but add_host, whose hosts come later; the default scenario checks it.
NODE_0_PLAYBOOKS = sorted({path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")} - {"add_host"})
APPLIANCE = "/srv/lab/appliance/fast.ova"
CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
CA = "/etc/pki/vdsm/certs/cacert.pem"
PINNED = "/etc/apt/preferences.d/uninstallable"
# Chosen so that a run of the tests without this finds zeroes there anyway: old content must lie beyond what is scanned.
OLD_MIB, SCANNED_MIB, SLOT = 12, 8, 4096
MEMORY = 1280 * 2**20
STARTS = "grep -c 'vm-start: rc 0' /var/log/ovirt-hosted-engine-ha/agent.log"
# The HA services' own times are shown by the default scenario; here they would only be waited for.
TIMING = {
    "sanlock-io-timeout": 1,
    "loop-delay": 5,
    "history-needed": 10,
    "status-interval": 1,
    "monitor-interval": 1,
    "cpu-load-interval": 10,
}

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="needs root and systemd-nspawn"
)
pytestmark = [pytest.mark.lab, needs_root, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def lab() -> Iterator[FlowLab]:
    """A fresh lab of two hosts; the other one stays plain.

    FLOWS_KEEP in the environment leaves it up, and goes on in the one that is up.
    """
    made = FlowLab("flows-t")
    keep = "FLOWS_KEEP" in os.environ
    if not keep:
        made.driver("down")
    made.up(hosts=2, profile="fast")
    yield made
    if not keep:
        made.driver("down")


@pytest.fixture(scope="module")
def clean(lab: FlowLab) -> str:
    """The host before anything was done to it."""
    return lab.snapshot(NODE)


@pytest.fixture(scope="module")
def conf(lab: FlowLab) -> dict[str, str]:
    """hosted-engine.conf of the deployed host."""
    lines = lab.inside(NODE, f"cat {CONF}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.fixture
def engine(lab: FlowLab) -> Iterator[Engine]:
    """A session with the deployed engine."""
    with engine_session(lab, NODE, CA, PASSWORDS["he_admin_password"]) as opened:
        yield opened


def changed_since(lab: FlowLab, mark: str, *more: str) -> list[str]:
    """Files and folders of a host that are newer than another file; C(more) folders are looked at themselves."""
    paths = "/etc /root /var/lib /var/tmp /var/cache"
    left_out = "-not -path '/var/lib/systemd/*' -not -path '/root/.ansible*' -not -path /root"
    # Asking for the time wakes services of systemd that have a private folder.
    left_out += " -not -path /var/tmp -not -path '/var/tmp/systemd-private-*'"
    left_out += "".join(f" -not -path '{folder}/*'" for folder in more)
    return lab.inside(NODE, f"find {paths} {' '.join(more)} -xdev -newer {mark} {left_out}").splitlines()


# -- a clean host


def test_check_mode_tells_a_plan_and_changes_nothing(lab: FlowLab, clean: str, tmp_path: Path) -> None:
    """All playbooks of node 0 beside each other: they only look. So does a phase that is started before its time."""
    lab.inside(NODE, "touch /run/before")
    extra = {"he_appliance": APPLIANCE, "he_export_dir": str(tmp_path), "he_schema_file": str(tmp_path / "schema")}
    with ThreadPoolExecutor(3) as pool:
        early = pool.submit(lab.play, "create_target_vm", he_appliance=APPLIANCE)
        begun = {name: pool.submit(lab.play, name, "--check", **extra) for name in NODE_0_PLAYBOOKS}
        runs = {name: run.result() for name, run in begun.items()}
    assert changed_since(lab, "/run/before") == []
    assert lab.snapshot(NODE) == clean
    assert list(tmp_path.iterdir()) == []
    assert {name: run.output for name, run in runs.items() if run.status != 0} == {}
    foretold = {
        "initial_clean": ("changed=0", "remove what an earlier attempt of this collection has left half-made"),
        "bootstrap_local_vm": ("run engine-setup in it", "let the engine add this host as he-host1."),
        "create_storage_domain": ("let the engine make the storage domain hosted_storage",),
        "create_target_vm": ("let the engine make the VM HostedEngine",),
        "final_clean": ("remove the bootstrap: VM HostedEngineLocal",),
    }
    foretold["deploy"] = tuple(words for told in foretold.values() for words in told if words != "changed=0")
    foretold |= {
        "preflight": ("network.default_route", "changed=0"),
        "cleanup": ("nothing", "changed=0"),
        "export_settings": ("changed=1",),
        "schema": ("changed=1",),
        "get_network_interfaces": (lab.status["hosts"][0]["nic"], "changed=0"),
    }
    assert sorted(foretold) == NODE_0_PLAYBOOKS
    for name, told in foretold.items():
        assert [words for words in told if words not in runs[name].output] == [], runs[name].output
    assert early.result().status != 0
    assert "[journal.phase_missing]" in early.result().output


# -- a failed bootstrap and its undoing


@pytest.fixture(scope="module")
def failed(lab: FlowLab, clean: str) -> Run:
    """A deployment on a host for which one package of ovirt-host cannot be had."""
    pin = "Package: ovirt-vmconsole-host\nPin: release *\nPin-Priority: -1\n"
    lab.inside(NODE, f"printf '{pin}' > {PINNED}")
    return lab.play("deploy", he_appliance=APPLIANCE)


def test_an_uninstallable_package_is_explained(failed: Run) -> None:
    assert failed.status != 0
    end = failed.output.partition("TASK [node0.hosted_engine.he : End with the reason]")[2]
    assert "[engine.host_install_failed] The engine could not install the host." in end
    assert "task 'Install ovirt-host package' failed" in end
    assert "ovirt-host : Depends: ovirt-vmconsole-host but it is not installable" in end
    assert "What to do: Remove the reason that the failed task gives and run the same playbook again" in end
    assert "node0.hosted_engine.cleanup" in end
    assert not [name for name in SECRETS if SETTINGS[name] in failed.output]


def test_the_engine_says_install_failed_and_names_the_task(lab: FlowLab, failed: Run) -> None:
    assert failed.status != 0
    ca = lab.inside(NODE, "ls /var/tmp/localvm*/*.pem").strip()
    with engine_session(lab, NODE, ca, SETTINGS["he_admin_password"]) as bootstrap:
        (host,) = bootstrap.get("hosts")["host"]
        events = bootstrap.get("events")["event"]
    assert host["status"] == "install_failed"
    (event,) = [event for event in events if event["code"] == "505"]
    log = "/var/log/ovirt-engine/host-deploy/ovirt-host-deploy-ansible-"
    told = f"Host {host['name']} installation failed. Task Install ovirt-host package failed to execute. "
    assert event["description"].startswith(f"{told}Please check logs for more details: {log}")


def test_cleanup_leaves_the_host_as_it_was(lab: FlowLab, clean: str, failed: Run) -> None:
    assert failed.status != 0
    dirty = lab.snapshot(NODE)
    for made in ("node0-nat", "HostedEngineLocal", "from all to 192.168", "/var/tmp/localvm", "ovirt-vmconsole"):
        assert made not in clean
        assert made in dirty, "what is not made proves nothing when it is gone"
    lab.inside(NODE, f"rm {PINNED}")
    run = lab.play("cleanup")
    assert run.status == 0, run.output
    assert lab.snapshot(NODE) == clean


# -- a deployment: on the host itself, phase by phase, DHCP, appliance from its package, hard passwords, used storage


@pytest.fixture(scope="module")
def prepared(lab: FlowLab) -> None:
    """The README's lines with answer files, storage that gives volumes with old content, and quick HA services."""
    wanted = {name: value for name, value in SETTINGS.items() if not isinstance(value, str) or "{{" not in value}
    wanted = {name: value for name, value in wanted.items() if name not in SECRETS}
    wanted.update(
        he_fqdn=lab.engine["fqdn"],
        he_vm_mac_addr=lab.status["lab"]["engine_mac"],
        he_storage_domain_addr=lab.status["storage"]["nfs"]["address"],
        he_storage_domain_path=lab.status["storage"]["nfs"]["path"],
    )
    lab.make_control_node(NODE, wanted)
    old = json.dumps({"old_content_mib": OLD_MIB})
    lab.inside(NODE, f"mkdir -p /etc/vdsm/vdsmd.d && echo '{old}' > /etc/vdsm/vdsmd.d/old-content.json")
    timing = "[timing]\n" + "\n".join(f"{key} = {value}" for key, value in TIMING.items())
    lab.inside(NODE, f"printf '{timing}\n' > /etc/ovirt-hosted-engine-ha/lab-timing.conf")


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_alone_on_the_host_itself(lab: FlowLab, prepared: None, phase: str) -> None:
    if phase == "create_storage_domain":
        changed = lab.play_locally(NODE, phase, "-e", "he_vm_mac_addr=00:16:3e:00:00:01")
        assert changed.status != 0
        assert "BLOCK settings.fixed (he_vm_mac_addr)" in changed.output
        whole = lab.play_locally(NODE, "deploy", "--check")
        assert whole.status == 0, "the preflight knows what this deployment has made: " + whole.output[-4000:]
        assert "bootstrap_local_vm: nothing, it is done" in whole.output
        # The host is rebooted in the middle of the deployment: the bootstrap engine is off, its rules are gone.
        lab.inside(NODE, "virsh -q shutdown HostedEngineLocal")
        wait_until(lambda: not lab.inside(NODE, "virsh -r list --name").strip(), "the bootstrap engine is off", 60)
        lab.driver("restart", NODE)
    if phase == "create_target_vm":
        planned = lab.play_locally(NODE, phase, "--check")
        assert planned.status == 0, "a plan in the middle of a deployment: " + planned.output[-4000:]
    run = lab.play_locally(NODE, phase)
    assert run.status == 0, run.output[-4000:]
    assert not [name for name, core in CORES.items() if core in run.output]
    journal = json.loads(lab.inside(NODE, "cat /var/lib/ovirt-hosted-engine-setup/node0-journal.json"))
    assert journal["phases"][phase]["status"] == "done"


def test_the_engine_runs_from_shared_storage(lab: FlowLab, conf: dict[str, str], engine: Engine) -> None:
    health = f"curl --silent --cacert {CA} https://{lab.engine['fqdn']}/ovirt-engine/services/health"
    assert lab.inside(NODE, health) == "DB Up!Welcome to Health Status!"
    assert engine.get("hosts")["host"][0]["status"] == "up"
    assert [vm["id"] for vm in engine.get("vms")["vm"]] == [conf["vmid"]]
    status = json.loads(lab.inside(NODE, "hosted-engine --vm-status --json"))
    assert (status["1"]["engine-status"]["health"], status["1"]["score"]) == ("good", 3400)


def test_the_engines_address_was_leased(lab: FlowLab) -> None:
    acknowledged = f"DHCPACK.*{lab.engine['address']} {lab.status['lab']['engine_mac']}"
    log = (Path(lab.status["lab"]["logs"]) / "dnsmasq.log").read_text()
    assert re.search(acknowledged, log)


def test_the_appliance_came_from_its_package(lab: FlowLab) -> None:
    assert lab.inside(NODE, "dpkg-query -W -f '${Status}' ovirt-engine-appliance") == "install ok installed"
    path = lab.inside(NODE, "sed -n s/^path=//p /etc/ovirt-hosted-engine/10-appliance.conf").strip()
    index = json.loads(lab.inside(NODE, "cat /var/cache/node0-hosted-engine/appliance/index.json"))
    assert path in index


def test_only_our_slots_of_the_whiteboard_have_content(lab: FlowLab, conf: dict[str, str]) -> None:
    """Beyond what the HA services read lies what was there before us."""
    volume = f"/run/vdsm/storage/{conf['sdUUID']}/{conf['metadata_image_UUID']}/{conf['metadata_volume_UUID']}"
    script = (
        f"data = open('{volume}', 'rb').read({OLD_MIB} << 20)\n"
        f"scanned = data[:{SCANNED_MIB} << 20]\n"
        f"slots = {{i // {SLOT} for i in range(0, len(scanned), {SLOT}) if any(scanned[i:i + {SLOT}])}}\n"
        f"print(sorted(slots), len(scanned), set(data[{SCANNED_MIB} << 20:]))"
    )
    lines = lab.inside(NODE, f'python3 -c "{script}"').strip()
    assert lines in (f"[0, 1] {SCANNED_MIB << 20} {{255}}", f"[1] {SCANNED_MIB << 20} {{255}}")


def test_no_password_is_left_on_the_host(lab: FlowLab) -> None:
    lab.inside(NODE, f"rm -r {CONTROL}")
    for core in CORES.values():
        found = f"grep -rIlF --exclude-dir=images -- {core} /etc /root /tmp /var /run 2>/dev/null || true"
        assert lab.inside(NODE, found) == ""


# -- a deployed host


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"he_journal": "/var/lib/none.json"}, f"{CONF} has content"),
        ({"he_fqdn": "other.flows-t.lab.test"}, f"{CONF} is of engine.flows-t.lab.test"),
    ],
)
def test_a_deployed_host_is_refused_untouched(lab: FlowLab, asked: dict[str, str], reason: str) -> None:
    running = "systemctl show -p ActiveEnterTimestampMonotonic libvirtd vdsmd ovirt-ha-broker ovirt-ha-agent sanlock"
    same = f"{running}; virsh -r domid HostedEngine"
    before = lab.snapshot(NODE), lab.inside(NODE, same)
    lab.inside(NODE, "touch /run/before")
    run = lab.play("deploy", he_appliance=APPLIANCE, **asked)
    assert run.status != 0
    assert "deployment.exists" in run.output
    assert reason in run.output
    assert (lab.snapshot(NODE), lab.inside(NODE, same)) == before
    touched = [
        path
        for path in changed_since(lab, "/run/before", "/srv/exports/he")
        if "/var/lib/ovirt-hosted-engine-ha" not in path
    ]
    assert touched == []


def test_a_blocked_port_makes_the_host_non_responsive(lab: FlowLab, conf: dict[str, str], engine: Engine) -> None:
    (host,) = engine.get("hosts")["host"]
    rule = f"INPUT -s {lab.engine['address']} -p tcp --dport 54321 -j DROP"

    def add_disk(name: str) -> tuple[int, Any]:
        domains = {"storage_domain": [{"id": conf["sdUUID"]}]}
        wanted = {"name": name, "format": "raw", "provisioned_size": 2**20, "storage_domains": domains}
        return engine.ask("POST", "disks", wanted)

    def is_(status: str) -> bool:
        return bool(engine.get(f"hosts/{host['id']}")["status"] == status)

    lab.inside(NODE, f"iptables -I {rule}")
    try:
        wait_until(lambda: is_("non_responsive"), "non_responsive", 90)
        status, answer = add_disk("blocked")
        assert status == 409, answer
        assert "Cannot add Virtual Disk" in answer["fault"]["detail"] if "fault" in answer else answer["detail"]
    finally:
        lab.inside(NODE, f"iptables -D {rule}")
    wait_until(lambda: is_("up"), "up", 90)

    def works() -> bool:
        return add_disk("unblocked")[0] in (201, 202)

    wait_until(works, "a disk", 90)
    names = {disk["name"]: disk for disk in engine.get("disks")["disk"]}
    assert "blocked" not in names
    wait_until(lambda: engine.get(f"disks/{names['unblocked']['id']}")["status"] == "ok", "the disk is made", 60)
    assert engine.ask("DELETE", f"disks/{names['unblocked']['id']}")[0] == 200


def test_plain_curl_and_sdk_do_the_same_steps(
    lab: FlowLab, conf: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    """The lab's example, with the other host and another export: no module of the collection has a part in it."""
    other = next(host for host in lab.status["hosts"] if host["name"] == OTHER)
    (tmp_path / "ca.pem").write_text(lab.inside(NODE, f"cat {CA}"))
    (tmp_path / "password").write_text(PASSWORDS["he_admin_password"])
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "ENGINE_URL": f"https://{lab.engine['fqdn']}/ovirt-engine",
        "ENGINE_CA_FILE": str(tmp_path / "ca.pem"),
        "ENGINE_USER": engine.user,
        "ENGINE_PASSWORD_FILE": str(tmp_path / "password"),
        "HOST_NAME": other["fqdn"],
        "HOST_ADDRESS": other["fqdn"],
        "STORAGE": f"{lab.status['storage']['nfs']['address']}:/exports/data",
        "STORAGE_NAME": "example",
        "VM_NAME": "example",
        "DISK_GIB": "4",
    }

    def example(*words: str) -> subprocess.CompletedProcess[str]:
        script = CHECKOUT / "tests/lab/examples/engine_steps.sh"
        return subprocess.run(
            [script, *words], env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    lab.inside(
        OTHER, "umask 077; mkdir -p /root/.ssh; cat >>/root/.ssh/authorized_keys", example("key").stdout.encode()
    )
    done = example()
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert conf["vmid"] != made["vm"]
    stores = f"grep -rlaF {made['vm']}.ovf /srv/exports/data/*/images | wc -l"
    assert lab.inside(OTHER, stores).strip() == "2", "both OVF stores on the export tell of the VM"


def test_memory_changed_in_the_engine_reaches_the_domain(lab: FlowLab, conf: dict[str, str]) -> None:
    """The last one: at its end the engine is on its way up, and not waited for."""

    def kib() -> int:
        found = re.search("<memory unit='KiB'>([0-9]+)", lab.inside(NODE, "virsh -r dumpxml HostedEngine"))
        return int(found[1]) if found else 0

    def runs() -> bool:
        return "HostedEngine" in lab.inside(NODE, "virsh -r list --name").split()

    was = kib()
    assert was * 1024 == SETTINGS["he_mem_size_MB"] * 2**20
    with engine_session(lab, NODE, CA, PASSWORDS["he_admin_password"]) as engine:
        policy = {"guaranteed": MEMORY, "max": 4 * MEMORY}
        status, answer = engine.ask("PUT", f"vms/{conf['vmid']}", {"memory": MEMORY, "memory_policy": policy})
        assert status == 200, answer

        def updated() -> bool:
            status, answer = engine.ask("POST", f"storagedomains/{conf['sdUUID']}/updateovfstore", {})
            # The engine may be at it already.
            assert status == 200 or "operation is currently in progress" in answer["fault"]["detail"], answer
            return status == 200

        wait_until(updated, "a run over the OVF stores", 60)

        def written() -> bool:
            stores = [disk for disk in engine.get("disks")["disk"] if disk["content_type"] == "ovf_store"]
            return {disk["status"] for disk in stores} == {"ok"}

        wait_until(written, "all stores are written", 60)
    assert kib() == was, "it takes a restart"
    starts = int(lab.inside(NODE, STARTS))
    lab.inside(NODE, "hosted-engine --set-maintenance --mode=global")
    # An agent that has not seen it yet would take the end of the VM for an accident, and not start it for ten minutes.
    idle = "hosted-engine --vm-status --json | grep -c GlobalMaintenance || true"
    wait_until(lambda: lab.inside(NODE, idle).strip() != "0", "the agent in global maintenance", 60)
    lab.inside(NODE, "hosted-engine --vm-shutdown")
    wait_until(lambda: not runs(), "the end of the VM", 120)
    lab.inside(NODE, "hosted-engine --set-maintenance --mode=none")
    wait_until(runs, "its start by the agent", 180)
    assert kib() * 1024 == MEMORY
    assert int(lab.inside(NODE, STARTS)) > starts, "it was the agent who started it"
