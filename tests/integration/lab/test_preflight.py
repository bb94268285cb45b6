"""The preflight on a lab host: every bad input is one finding with its id, the run fails, and the host is as before."""

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
from preflight_cases import BLOCKING, TOLD, Case

LAB = "preflt"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="needs root and systemd-nspawn"
)
pytestmark = [pytest.mark.lab, needs_root, pytest.mark.timeout(1200)]

# Files with size, time, mode and owner; mounts; addresses, routes, rules; what runs. Logs and Ansible's folder move;
# services that are started when they are asked something come and go; a new address is tentative for a moment.
STATE = """
kept="-path /var/log -o -path /root/.ansible -o -path /var/lib/systemd -o -path /srv/lab -o -path /var/lib/private"
moves="! -path /tmp ! -path /var/tmp ! -path /root ! -path */systemd-private-*"
set -f
find /etc /root /home /opt /srv /var /tmp /mnt /usr/local -xdev '(' $kept ')' -prune \\
    -o $moves -printf '%p %s %T@ %m %U:%G\\n' | sort
find /srv/exports -printf '%p %s %T@ %m %U:%G\\n' | sort
grep -v /run/user/ /proc/1/mounts | sort
for what in address route rule; do ip -o $what | sed 's/valid_lft.*//; s/ tentative//'; done
systemctl list-units --no-legend --plain --state=running | awk '{print $1}' |
    grep -v -e session- -e user@ -e ^systemd- -e dispatcher -e polkit | sort
"""


def driver(*arguments: str) -> str:
    argv = [sys.executable, "-m", "driver", arguments[0], "--lab", LAB, *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def inside(script: str) -> str:
    return driver("exec", "he-host1", "--", "bash", "-c", script)


class Ran:
    """What one run of a playbook came to."""

    def __init__(self, logs: Path, *words: str, playbook: str = "preflight.yml") -> None:
        self.logs = logs
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "inventories/lab",
            f"playbooks/{playbook}",
        ]
        environment = {
            **os.environ,
            "LAB": LAB,
            "NODE0_LOG_DIR": str(logs),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        }
        done = subprocess.run(
            [*command, *words], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
        )
        self.status = done.returncode
        self.printed = done.stdout + done.stderr

    def json(self, kind: str) -> dict[str, Any]:
        """Return the report of a kind that this run has written."""
        (path,) = self.logs.glob(f"node0-{kind}-*.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def log(self) -> str:
        """Return the log of the phase."""
        (path,) = self.logs.glob("ovirt-hosted-engine-setup-ansible-preflight-*.log")
        return path.read_text()

    def findings(self, severity: str) -> list[str]:
        return [one["id"] for one in self.json("preflight")["findings"] if one["severity"] == severity]


# Runs at the same time; each waits most of its time for what does not answer.
AT_ONCE = 4
# Each run gives the folder that it tries its time back; of runs side by side, one gives back that of another's trial.
TIME_OF_A_TRIED_FOLDER = re.compile(r"^(/srv/exports/[^/ ]+ \d+) \S+")


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    build = [sys.executable, "-m", "appliance", "build", "--profile", "faithful"]
    subprocess.run(build, env=environment, check=True, capture_output=True, timeout=600)
    report: dict[str, Any] = json.loads(driver("up", "--hosts", "1"))
    # The first contact makes what stays: Ansible's folder, the user's session.
    report["host_mac"] = inside("cat /sys/class/net/host0/address").strip()
    yield report
    driver("down")


def in_lab(settings: dict[str, Any], lab: dict[str, Any]) -> str:
    text = json.dumps(settings)
    bridge = Path(f"/sys/class/net/{lab['lab']['bridge']}/address").read_text().strip()
    for word, value in (
        ("SUBNET", lab["engine"]["address"].rpartition(".")[0]),
        ("DOMAIN", lab["lab"]["domain"]),
        ("GATEWAY_MAC", bridge),
        ("HOST_MAC", lab["host_mac"]),
    ):
        text = text.replace(word, value)
    return text


class Together:
    """Cases that do not see each other, run beside each other."""

    def __init__(self, lab: dict[str, Any], folder: Path, asked: set[str]) -> None:
        cases = [case for case in (*BLOCKING, *TOLD) if case.name in asked and not (case.before and case.alone)]
        for case in cases:
            if case.before:
                inside(case.before)
        self.before = self._state()
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            run = [
                pool.submit(Ran, folder / str(number), "-e", in_lab(case.settings, lab))
                for number, case in enumerate(cases)
            ]
            self.runs = {case.name: future.result() for case, future in zip(cases, run, strict=True)}
        self.after = self._state()
        for case in cases:
            if case.after:
                inside(case.after)

    @staticmethod
    def _state() -> list[str]:
        return [TIME_OF_A_TRIED_FOLDER.sub(r"\1", line) for line in inside(STATE).splitlines()]


@pytest.fixture(scope="module")
def together(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Together:
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    asked = {item.callspec.params["case"].name for item in items if "case" in item.callspec.params}
    return Together(lab, tmp_path_factory.mktemp("together"), asked)


def outcome(case: Case, lab: dict[str, Any], logs: Path, request: pytest.FixtureRequest) -> Ran:
    """Return the run with a bad input, of which it is sure that the host is as it was."""
    if case.before and case.alone:
        return tried(case, lab, logs)
    together: Together = request.getfixturevalue("together")
    assert together.after == together.before
    return sane(together.runs[case.name])


def sane(ran: Ran) -> Ran:
    assert "Traceback" not in ran.printed
    assert ran.json("report")["totals"]["changed"] == 0
    return ran


def tried(case: Case, lab: dict[str, Any], logs: Path) -> Ran:
    """Run the preflight with a bad input, and make sure that the host is as it was."""
    if case.before:
        inside(case.before)
    try:
        before = inside(STATE)
        ran = Ran(logs, "-e", in_lab(case.settings, lab))
        assert inside(STATE).splitlines() == before.splitlines()
    finally:
        if case.after:
            inside(case.after)
    return sane(ran)


def test_a_good_host_is_told_so_at_little_cost(lab: dict[str, Any], tmp_path: Path) -> None:
    ran = tried(Case("good", ""), lab, tmp_path)
    assert ran.status == 0, ran.printed
    assert ran.findings("block") == []
    report = ran.json("report")
    assert report["totals"]["modules"] + report["totals"]["processes"] <= 9
    assert report["totals"]["modules"] == 2
    told = ran.json("preflight")
    assert {one["status"] for one in told["checks"]} <= {"passed", "found", "not_needed"}, "no check broke"
    # In an nspawn container nobody sets the clock.
    assert ran.findings("warn") == ["host.clock"]


@pytest.mark.parametrize("case", BLOCKING, ids=lambda case: case.name.replace(" ", "-"))
def test_bad_input_is_found_before_anything_is_changed(
    case: Case, lab: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ran = outcome(case, lab, tmp_path, request)
    assert ran.status != 0
    assert case.finding in ran.findings("block"), ran.printed[-3000:]


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case.name.replace(" ", "-"))
def test_what_is_doubtful_is_told_and_does_not_stop(
    case: Case, lab: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ran = outcome(case, lab, tmp_path, request)
    assert ran.status == 0, ran.printed[-3000:]
    assert case.finding in [*ran.findings("warn"), *ran.findings("info")]


FIVE = {
    "he_fqdn": "oneway.DOMAIN",
    "he_vm_ip_addr": "SUBNET.60",
    "he_vm_mac_addr": "01:16:3e:00:00:01",
    "he_gateway": "SUBNET.77",
    "he_storage_domain_path": "/exports/readonly",
    "he_disk_size_GB": 1,
}


def test_five_mistakes_come_back_in_one_report(lab: dict[str, Any], tmp_path: Path) -> None:
    """The whole deployment is asked for: it ends before it has begun."""
    before = inside(STATE)
    ran = Ran(tmp_path, "-e", in_lab(FIVE, lab), playbook="deploy.yml")
    assert inside(STATE) == before
    assert ran.status != 0
    found = {one["id"]: one for one in ran.json("preflight")["findings"]}
    assert {
        "names.engine.reverse",
        "settings.mac",
        "network.gateway.silent",
        "storage.nfs.access.read_only",
        "vm.disk.too_small",
    } <= set(found)
    for one in found.values():
        assert one["expected"] and one["observed"] and one["resolution"]
        assert one["id"] in ran.printed and one["id"] in ran.log(), "people see it too"
    report = ran.json("report")
    assert [phase["name"] for phase in report["phases"]] == ["preflight"]
    assert report["totals"]["changed"] == 0


def test_a_server_that_is_silent_is_given_up(lab: dict[str, Any], tmp_path: Path) -> None:
    table = Path(lab["lab"]["exports_table"])
    original = table.read_text()
    address = f"{lab['engine']['address'].rpartition('.')[0]}.11"
    exports = json.loads(original)
    exports["servers"][address] = "silent"
    table.write_text(json.dumps(exports))
    try:
        case = Case("silent", "", {"he_storage_domain_addr": address})
        ran = tried(case, lab, tmp_path)
    finally:
        table.write_text(original)
    assert "storage.nfs.mount.silent" in ran.findings("block")


def test_what_is_left_out_is_not_found(lab: dict[str, Any], tmp_path: Path) -> None:
    skip = ["network.gateway.silent", "network.test", "names.engine"]
    settings = {"he_gateway": "SUBNET.77", "he_preflight_skip": skip, "he_fqdn": "nobody.DOMAIN"}
    ran = tried(Case("skip", "", settings), lab, tmp_path)
    assert ran.status == 0, ran.printed
    status = {one["id"]: one["status"] for one in ran.json("preflight")["checks"]}
    assert (status["network.gateway"], status["network.test"], status["names.engine"]) == (
        "passed",
        "skipped",
        "skipped",
    )
