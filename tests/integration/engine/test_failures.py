"""What goes wrong, by the simulator's orders, is told in the engine's words and leaves nothing half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_lab import Lab

EXPORTS = [
    {"path": "nfs.example.test:/exports/he", "size_gib": 70},
    {"path": "nfs.example.test:/exports/large", "size_gib": 200},
    {"path": "nfs.example.test:/exports/closed", "denied": ["127.0.43.1"]},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose server has a small, a large and a closed export."""
    made = Lab(tmp_path, exports=EXPORTS)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose engine installs hosts over ssh; what is ordered keeps it from really doing so."""
    made = Lab(tmp_path, settings={"install_vds": True})
    try:
        made.start()
        made.start_sshd()
        yield made
    finally:
        made.stop()


def test_a_refused_login_is_not_repeated(lab: Lab) -> None:
    problem = lab.refused("engine_host", **lab.host_arguments, engine_password="wrong")
    assert problem["id"] == "engine.login_refused"
    assert "Cannot authenticate user 'admin@internal'" in problem["observed"]
    assert lab.counters()["refused_logins"] == 1


def test_an_engine_that_starts_is_waited_for(lab: Lab) -> None:
    lab.control("POST", "/close", {"seconds": 3})
    assert lab.done("engine_host", **lab.host_arguments)["changed"]


def test_a_session_that_died_is_renewed(lab: Lab) -> None:
    host = lab.add_host()
    lab.control("POST", "/expire", {})
    made = lab.done("engine_storage_domain", **lab.storage_arguments(host))
    assert made["logins"] == 1


def test_a_failure_leaves_no_token(lab: Lab) -> None:
    lab.fault("POST */hosts", status=409, detail="[Cannot add Host. Host with the same UUID already exists.]")
    problem = lab.refused("engine_host", **lab.host_arguments)
    assert problem["id"] == "engine.host_refused"
    assert problem["observed"] == "Cannot add Host. Host with the same UUID already exists."
    assert "vdsm.id" in problem["advice"]
    assert lab.tokens() == 0
    assert not (lab.folder / "session").exists()
    assert lab.done("engine_host", **lab.host_arguments)["changed"]


def test_a_host_that_is_not_operational_is_told_at_once(lab: Lab) -> None:
    lab.fault("host.up", host_status="non_operational", status_detail="network_unreachable", times=0)
    problem = lab.refused("engine_host", **lab.host_arguments)
    assert problem["id"] == "engine.host_non_operational"
    assert "network_unreachable" in problem["observed"]
    assert problem["evidence"]["events"]
    lab.control("DELETE", "/faults")
    assert lab.done("engine_host", **lab.host_arguments)["changed"]


def test_vdsm_that_is_silent_for_a_while_is_borne(lab: Lab) -> None:
    lab.host_action("power", state="off")
    arguments = {**lab.host_arguments, "timeout": 8}
    problem = lab.refused("engine_host", **arguments)
    assert problem["id"] == "engine.host_not_up"
    assert "non_responsive" in problem["observed"] or "connecting" in problem["observed"]
    lab.host_action("power", state="on")
    assert lab.done("engine_host", **lab.host_arguments)["host"]["host_id"] == 1


def made(kind: str, lab: Lab) -> bool:
    """Return whether the journal says that a thing of this kind is made."""
    entries = json.loads(lab.read("journal.json") or '{"made": []}')["made"]
    return any((entry["kind"], entry["status"]) == (kind, "made") for entry in entries)


def test_an_engine_that_restarts_meanwhile_is_borne(lab: Lab) -> None:
    """The host cannot come up before the engine has been away and back."""
    lab.host_action("power", state="off")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lab.done, "engine_host", **lab.host_arguments)
        lab.wait_until(
            lambda: '"engine_host"' in lab.read("journal.json") and '"making"' not in lab.read("journal.json")
        )
        lab.end(lab.processes.pop())
        lab.start_engine()
        lab.host_action("power", state="on")
        added = running.result(timeout=90)
    assert added["host"]["host_id"] == 1
    assert lab.tokens() == 1
    lab.add_storage(added["host"])


def test_ssh_decides_about_a_host(secured: Lab) -> None:
    arguments = {**secured.host_arguments, "authorize_engine": False}
    problem = secured.refused("engine_host", **arguments)
    assert problem["id"] == "engine.host_refused"
    assert "SSH authentication failed" in problem["observed"]
    assert "PermitRootLogin" in problem["advice"]

    secured.fault("host.deploy", task="Gathering Facts")
    problem = secured.refused("engine_host", **secured.host_arguments)
    assert problem["id"] == "engine.host_install_failed"
    assert "task 'Gathering Facts' failed" in problem["observed"]
    assert problem["evidence"]["log"].startswith("/")
    assert "failure injected" in problem["evidence"]["failure"]["message"]
    assert 505 in [event["code"] for event in problem["evidence"]["events"]]


def test_storage_that_cannot_be_mounted(shop: Lab) -> None:
    host = shop.add_host()
    arguments = {**shop.storage_arguments(host), "path": "/exports/closed"}
    problem = shop.refused("engine_storage_domain", **arguments)
    assert problem["id"] == "storage.not_mounted"
    assert "Problem while trying to mount target" in problem["observed"]
    assert "36:36" in problem["advice"]
    arguments["path"] = "/exports/large"
    assert shop.done("engine_storage_domain", **arguments)["changed"]


def test_storage_that_is_too_small_is_left_empty(shop: Lab) -> None:
    host = shop.add_host()
    problem = shop.refused("engine_storage_domain", **shop.storage_arguments(host))
    assert problem["id"] == "storage.too_small"
    assert "71.0 GiB" in problem["expected"]
    assert problem["evidence"]["available"] < 71 * 2**30
    assert list((shop.folder / "storage").rglob("dom_md")) == []
    smaller = shop.done("engine_storage_domain", **shop.storage_arguments(host, gib=50))
    assert smaller["changed"]


def test_a_path_with_a_domain_is_refused_and_left_alone(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    metadata = next((lab.folder / "storage").rglob(f"{storage['id']}/dom_md/metadata"))
    before = metadata.read_bytes()

    lab.forget_engine()
    second = lab.add_host()
    problem = lab.refused("engine_storage_domain", **lab.storage_arguments(second))
    assert problem["id"] == "storage.not_empty"
    assert storage["id"] in problem["observed"]
    assert f"belongs to data center {storage['data_center_id']}" in problem["observed"]
    assert metadata.read_bytes() == before
    other = {**lab.storage_arguments(second), "path": "/exports/empty"}
    assert lab.done("engine_storage_domain", **other)["changed"]


def test_names_and_paths_that_are_taken(lab: Lab) -> None:
    host = lab.add_host()
    lab.add_storage(host)
    elsewhere = {**lab.storage_arguments(host), "path": "/exports/other"}
    assert lab.refused("engine_storage_domain", **elsewhere)["id"] == "storage.name_taken"
    renamed = {**lab.storage_arguments(host), "name": "other"}
    assert lab.refused("engine_storage_domain", **renamed)["id"] == "storage.path_taken"


def test_a_disk_that_fails_is_told(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    lab.fault("disk.create", error="no room for it")
    problem = lab.refused("engine_target_vm", **lab.vm_arguments(host, storage))
    assert problem["id"] == "engine.disk_failed"
    assert problem["observed"] == "it is illegal"
    assert problem["evidence"]["events"]


def test_a_mac_address_that_is_taken(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    taken = "[MAC Address 00:16:3e:77:00:50 is already in use by VM or snapshot: V.]"
    lab.fault("POST */vms/*/nics", status=409, detail=taken)
    arguments = lab.vm_arguments(host, storage)
    assert lab.refused("engine_target_vm", **arguments)["id"] == "engine.mac_in_use"
    assert lab.done("engine_target_vm", **arguments)["changed"]


def test_a_vm_of_that_name_is_not_taken_over(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    made = lab.done("engine_target_vm", **lab.vm_arguments(host, storage))
    (lab.folder / "journal.json").unlink()
    another = {**storage, "id": "7a5afea0-0bb8-406b-ad8a-eb4817dc5a10"}
    problem = lab.refused("engine_target_vm", **lab.vm_arguments(host, another))
    assert problem["id"] == "engine.vm_foreign"
    assert made["vm"]["id"] in problem["observed"]


def test_the_engines_own_vm_must_be_there(lab: Lab) -> None:
    host = lab.add_host()
    storage = lab.add_storage(host)
    made: dict[str, Any] = lab.done("engine_target_vm", **lab.vm_arguments(host, storage))
    cleanup = {"local_vm_uuid": "4d7ac9d8-2a4b-4d10-8a4c-0b8d9f6a7c11", "host": host, "target_vm": made["vm"]}
    problem = lab.refused("engine_cleanup", **cleanup, timeout=3)
    assert problem["id"] == "engine.vm_not_up"
    assert problem["observed"] == "VM HostedEngine is down"
    assert lab.tokens() == 0
