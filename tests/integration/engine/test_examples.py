"""The example of plain HTTP and SDK calls: it uses no module of the collection, so it judges the engine by itself."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from engine_lab import LAB, Lab

EXAMPLE = LAB / "examples" / "engine_steps.sh"
# The engine's database without a shell on the engine's machine.
SQL = "import sqlite3, sys; link = sqlite3.connect(sys.argv[1]); link.execute(sys.argv[2]); link.commit()"


def example(settings: dict[str, str], *words: str, seconds: int = 90) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, **settings}
    return subprocess.run(
        [EXAMPLE, *words], env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def settings_of(lab: Lab, **more: str) -> dict[str, str]:
    database = lab.folder / "engine/var/lib/ovirt-engine/engine.db"
    return {
        "ENGINE_URL": f"https://localhost:{lab.port}/ovirt-engine",
        "ENGINE_CA_FILE": lab.access["engine_ca_file"],
        "ENGINE_USER": "admin@internal",
        "ENGINE_PASSWORD_FILE": str(lab.folder / "engine/password"),
        "ENGINE_SQL": shlex.join([sys.executable, "-c", SQL, str(database)]),
        "HOST_NAME": "host1",
        "HOST_ADDRESS": lab.address,
        "STORAGE": "nfs.example.test:/exports/he",
        "POLL_SECONDS": "0.1",
        **more,
    }


def volumes_with(storage: Path, member: str) -> int:
    """So many files below a storage domain are an OVF store that holds this member."""
    count = 0
    for path in storage.rglob("images/*/*"):
        with path.open("rb") as file:
            if file.read(262)[257:] == b"ustar":
                with tarfile.open(path, "r:") as tar:
                    count += member in tar.getnames()
    return count


def test_all_steps_against_the_simulator(lab: Lab) -> None:
    done = example(settings_of(lab))
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    for said in (
        "Welcome to Health Status",
        "event 42: Host host1 was added",
        "was set to Up",
        "OVF stores: ['ok', 'ok']",
    ):
        assert said in done.stderr
    assert sorted(made["disks"]) == ["HostedEngineConfigurationImage", "he_metadata", "he_sanlock", "he_virtio_disk"]
    assert len(set(made["ovf_stores"])) == 2
    assert volumes_with(lab.folder / "storage", f"{made['vm']}.ovf") == 2
    assert (lab.counters()["logins"], lab.tokens()) == (1, 0)


def test_a_refusal_is_told_in_the_engines_words(lab: Lab) -> None:
    wrong = lab.folder / "wrong"
    wrong.write_text("not the password")
    refused = example(settings_of(lab, ENGINE_PASSWORD_FILE=str(wrong)))
    assert refused.returncode != 0 and "access_denied" in refused.stderr
    lab.fault("host.up", host_status="non_operational", status_detail="kvm_not_running")
    failed = example(settings_of(lab))
    assert failed.returncode != 0 and "host1 is non_operational: kvm_not_running" in failed.stderr
    assert lab.tokens() == 0
