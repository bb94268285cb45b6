from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import pytest
from fake_engine import Answer, FakeEngine, Ticking, fault, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import disks, ovf
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StoreVolume
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.target_vm import (
    PSQL,
    TargetVm,
    WantedVm,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

SESSIONS = Path(__file__).parents[4] / "fixtures" / "engine" / "engine-psql" / "sessions.txt"
SD = "7a5afea0-0bb8-406b-ad8a-eb4817dc5a10"
DC = "1aaa1bbd-2510-40aa-bbd9-0b39f2c6129d"
VM = "7f83f5f7-97fa-40d5-833a-439e9a572503"
CLUSTER = "9d4dc3b0-e071-48c7-b1bd-37fe8fe1f167"
NETWORK = "36ba3538-3d07-42cb-8fcd-4b0e91be9f7f"
DISKS = f"/api/storagedomains/{SD}/disks"
FOUR = disks.wanted(SD, 10 * 2**30)
BUSY = "[Cannot ${action} Storage. Related operation is currently in progress. Please try again later.]"
MAC = "00:16:3E:00:00:01"
WANTED = WantedVm("cf_he", 2**34, 4, MAC, "uefi", CLUSTER, "ovirtmgmt", NETWORK)


class Database:
    """The engine's machine whose psql says what it is told to say."""

    def __init__(self, *said: str) -> None:
        self.said = list(said)
        self.ran: list[list[str]] = []

    def run(
        self, argv: Sequence[str], stdin: Optional[str] = None, timeout: float = 60.0, check: bool = True
    ) -> Completed:
        self.ran.append(list(argv))
        return Completed(tuple(argv), 0, self.said.pop(0), "")


def disk(wanted: disks.Disk, status: str = "ok", size: int = 0) -> str:
    return (
        f'<disk id="{wanted.id}"><name>{wanted.name}</name><image_id>{wanted.image_id}</image_id>'
        f"<provisioned_size>{size or wanted.size}</provisioned_size><status>{status}</status></disk>"
    )


def disk_list(*texts: str) -> Answer:
    return Answer(200, f"<disks>{''.join(texts)}</disks>")


def target(session: Session, journal: Journal) -> TargetVm:
    return TargetVm(session, journal, WANTED, FOUR[0].id)


def test_four_disks_are_asked_for_together(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("POST", "/api/disks", golden("disks/add-he"))
    missing = disks.request(session, journal, FOUR, [])
    assert [wanted.name for wanted in missing] == [wanted.name for wanted in FOUR]
    sent = [request.body for request in engine.asked("POST", "/api/disks")]
    assert len(sent) == 4
    for wanted, body in zip(FOUR, sent):
        for piece in (f'<disk id="{wanted.id}">', f"<image_id>{wanted.image_id}</image_id>", wanted.content_type):
            assert piece in body
    assert len({request.headers["correlation-id"] for request in engine.asked("POST", "/api/disks")}) == 1
    assert {entry["status"] for entry in journal.made("disk")} == {"made"}
    assert session.exchanges == 5


def test_disks_that_exist_are_not_asked_for_again(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("GET", DISKS, disk_list(disk(FOUR[0]), disk(FOUR[2])))
    engine.plan("POST", "/api/disks", golden("disks/add-he"))
    missing = disks.request(session, journal, FOUR, disks.read(session, SD))
    assert [wanted.name for wanted in missing] == ["he_sanlock", "he_metadata"]


def test_another_size_is_refused(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("GET", DISKS, disk_list(disk(FOUR[0], size=2**30)))
    with pytest.raises(HostedEngineError) as failure:
        disks.request(session, journal, FOUR, disks.read(session, SD))
    assert failure.value.problem.id == "engine.disk_differs"
    assert (failure.value.expected, failure.value.observed) == ("he_virtio_disk of 10.0 GiB", "1.0 GiB")


def test_disks_are_waited_for_with_one_exchange_a_look(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    locked = disk_list(*[disk(wanted, "locked") for wanted in FOUR])
    some = disk_list(*[disk(wanted, "ok" if wanted is FOUR[0] else "locked") for wanted in FOUR])
    engine.plan("GET", DISKS, locked, some, disk_list(*[disk(wanted) for wanted in FOUR]))
    disks.wait(session, FOUR, 60)
    assert len(engine.asked("GET", DISKS)) == 3
    assert clock.pauses == [0.5, 0.75]


@pytest.mark.parametrize("status", ["illegal", "gone"])
def test_a_disk_that_failed_ends_the_wait(engine: FakeEngine, session: Session, clock: Ticking, status: str) -> None:
    rest = [disk(wanted) for wanted in FOUR[1:]]
    engine.plan("GET", DISKS, disk_list(*rest, *([disk(FOUR[0], "illegal")] if status == "illegal" else [])))
    text, severity = "Add-Disk operation failed to complete.", "<severity>error</severity>"
    engine.plan(
        "GET",
        "/api/events",
        Answer(200, f"<events><event id='9'><description>{text}</description>{severity}</event></events>"),
    )
    with pytest.raises(HostedEngineError) as failure:
        disks.wait(session, FOUR, 60)
    assert failure.value.problem.id == "engine.disk_failed"
    assert failure.value.observed == f"it is {status}"
    assert failure.value.evidence["events"] == [text]
    assert clock.pauses == []


def plan_new_vm(engine: FakeEngine) -> None:
    engine.plan("GET", "/api/vms", Answer(200, "<vms/>"))
    engine.plan("POST", "/api/vms", golden("vms/add-he"))
    engine.plan("GET", "/api/vnicprofiles", golden("vms/find-profile"))
    engine.plan("POST", f"/api/vms/{VM}/nics", golden("vms/add-nic"))
    engine.plan("GET", f"/api/vms/{VM}/graphicsconsoles", golden("vms/consoles"))
    engine.plan("POST", f"/api/vms/{VM}/diskattachments", golden("vms/attach-he-disk"))
    engine.plan("PUT", f"/api/vms/{VM}", golden("hosted-engine/vm-update"))


def test_a_new_vm_is_made_wired_and_attached(engine: FakeEngine, session: Session, journal: Journal) -> None:
    plan_new_vm(engine)
    vm = target(session, journal)
    assert not vm.find()
    assert vm.create()
    assert vm.wire()
    assert vm.attach()
    assert vm.id == VM
    sent = engine.asked("POST", "/api/vms")[0].body
    for piece in (
        "<type>q35_ovmf</type>",
        "<delete_protected>true</delete_protected>",
        f"<memory>{2**34}</memory>",
        "<cores>4</cores>",
        f'<cluster id="{CLUSTER}"',
    ):
        assert piece in sent
    assert "<origin>" not in sent
    nic = engine.asked("POST", f"/api/vms/{VM}/nics")[0].body
    assert MAC.lower() in nic
    assert 'id="e6acae9f-7ddc-4837-b7dc-16a87acca5b6"' in nic
    attached = engine.asked("POST", f"/api/vms/{VM}/diskattachments")[0].body
    assert "<bootable>true</bootable>" in attached
    assert "<interface>virtio</interface>" in attached
    assert engine.asked("POST", f"/api/vms/{VM}/graphicsconsoles") == []
    assert journal.made("target_vm")[0]["id"] == VM


def test_a_disk_that_is_still_locked_is_attached_a_little_later(
    engine: FakeEngine, session: Session, journal: Journal, clock: Ticking
) -> None:
    plan_new_vm(engine)
    busy = fault(
        409, "[Cannot attach Virtual Disk. Related operation is currently in progress. Please try again later.]"
    )
    path = f"/api/vms/{VM}/diskattachments"
    engine.plan("POST", path, busy, busy, golden("vms/attach-he-disk"))
    vm = target(session, journal)
    vm.create()
    assert vm.attach()
    assert clock.pauses == [0.5, 0.75]
    engine.plan("POST", path, busy)
    with pytest.raises(HostedEngineError, match="Related operation") as failure:
        vm.attach()
    assert failure.value.problem.id == "wait.deadline"


def test_another_refusal_is_final(engine: FakeEngine, session: Session, journal: Journal, clock: Ticking) -> None:
    plan_new_vm(engine)
    path = f"/api/vms/{VM}/diskattachments"
    engine.plan("POST", path, fault(409, "[Cannot attach Virtual Disk. The disk is already attached to VM.]"))
    vm = target(session, journal)
    vm.create()
    with pytest.raises(HostedEngineError, match="already attached"):
        vm.attach()
    assert clock.pauses == []


def test_our_vm_is_found_again(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("GET", "/api/vms", golden("vms/search-he"))
    attachments = f'<disk_attachments><disk_attachment id="{FOUR[0].id}"/></disk_attachments>'
    engine.plan("GET", f"/api/vms/{VM}/diskattachments", Answer(200, attachments))
    nic = f"<nics><nic id='n'><mac><address>{MAC.lower()}</address></mac></nic></nics>"
    engine.plan("GET", f"/api/vms/{VM}/nics", Answer(200, nic))
    engine.plan("GET", f"/api/vms/{VM}/graphicsconsoles", golden("vms/consoles"))
    vm = target(session, journal)
    assert vm.find()
    assert not vm.create()
    assert not vm.wire()
    assert not vm.attach()
    assert engine.asked("GET", "/api/vms")[0].query == {"search": 'name="cf_he"'}


def test_a_vm_with_other_disks_is_not_ours(engine: FakeEngine, session: Session, journal: Journal) -> None:
    engine.plan("GET", "/api/vms", golden("vms/search-he"))
    attachments = '<disk_attachments><disk_attachment id="another"/></disk_attachments>'
    engine.plan("GET", f"/api/vms/{VM}/diskattachments", Answer(200, attachments))
    with pytest.raises(HostedEngineError) as failure:
        target(session, journal).find()
    assert failure.value.problem.id == "engine.vm_foreign"


def test_a_console_of_another_kind_is_replaced(engine: FakeEngine, session: Session, journal: Journal) -> None:
    plan_new_vm(engine)
    path = f"/api/vms/{VM}/graphicsconsoles"
    engine.plan("GET", path, golden("vms/consoles", vnc="spice"))
    engine.plan("POST", path, Answer(201, "<graphics_console id='1'><protocol>vnc</protocol></graphics_console>"))
    engine.plan("DELETE", f"{path}/766e63", Answer(200, "<action><status>complete</status></action>"))
    vm = target(session, journal)
    vm.create()
    assert vm.wire()
    assert "<protocol>vnc</protocol>" in engine.asked("POST", path)[0].body
    assert len(engine.asked("DELETE", f"{path}/766e63")) == 1


def test_a_mac_that_is_taken_is_explained(engine: FakeEngine, session: Session, journal: Journal) -> None:
    plan_new_vm(engine)
    detail = "[MAC Address 00:16:3e:00:00:01 is already in use by VM or snapshot: old.]"
    engine.plan("POST", f"/api/vms/{VM}/nics", fault(409, detail))
    vm = target(session, journal)
    vm.create()
    with pytest.raises(HostedEngineError) as failure:
        vm.wire()
    assert failure.value.problem.id == "engine.mac_in_use"
    assert "old" in failure.value.observed


def recorded(statement: str) -> str:
    """Return what psql printed for a recorded statement."""
    for block in SESSIONS.read_text().split("$ engine-psql.sh ")[1:]:
        command, _newline, rest = block.partition("\n")
        if statement in command.replace("\\", ""):
            return rest.partition("rc=")[0]
    raise AssertionError(f"{statement} was not recorded")


def made(engine: FakeEngine, session: Session, journal: Journal) -> TargetVm:
    plan_new_vm(engine)
    vm = target(session, journal)
    vm.create()
    return vm


def test_the_origin_is_set_once(engine: FakeEngine, session: Session, journal: Journal) -> None:
    vm = made(engine, session, journal)
    shell = Database(recorded("origin=6 WHERE vm_guid='99642496") + recorded("HostedEngineConfigurationImageGuid"))
    assert vm.mark(shell, "d1")
    origin, note = shell.ran[0][2], shell.ran[0][4]
    assert shell.ran == [[PSQL, "-c", origin, "-c", note]]
    assert origin == f"UPDATE vm_static SET origin=6 WHERE vm_guid='{VM}'"
    assert "option_value='d1'" in note
    assert vm.configuration_disk_noted
    vm.publish()
    assert vm.is_managed
    assert not vm.mark(Database(), "d1")
    sent = engine.asked("PUT", f"/api/vms/{VM}")[0].body
    assert "<description>Hosted engine VM</description>" in sent


def test_nothing_depends_on_the_note_of_the_configuration_disk(
    engine: FakeEngine, session: Session, journal: Journal
) -> None:
    vm = made(engine, session, journal)
    assert vm.mark(Database(recorded("origin=6 WHERE vm_guid='99642496")), "d1")
    assert not vm.configuration_disk_noted


@pytest.mark.parametrize("statement", ["vm_guid='00000000-0000-0000-0000-0000000000ff'", "nocolumn", "SELEC "])
def test_a_statement_that_changed_nothing_is_seen_though_psql_ends_with_0(
    engine: FakeEngine, session: Session, journal: Journal, statement: str
) -> None:
    vm = made(engine, session, journal)
    with pytest.raises(HostedEngineError) as failure:
        vm.mark(Database(recorded(statement) + "UPDATE 1\n"), "d1")
    assert failure.value.problem.id == "engine.origin_not_set"


def test_an_engine_that_ignored_the_origin_is_noticed(engine: FakeEngine, session: Session, journal: Journal) -> None:
    vm = made(engine, session, journal)
    engine.plan("PUT", f"/api/vms/{VM}", Answer(200, golden("vms/add-he").body))
    with pytest.raises(HostedEngineError) as failure:
        vm.publish()
    assert failure.value.observed == "origin ovirt"


class Stores:
    """OVF stores whose content changes with every look."""

    def __init__(self, *states: tuple[str, bool]) -> None:
        self.states = list(states)

    def ovf(self, _store: StoreVolume, vm_id: str) -> str:
        assert vm_id == VM
        return self.states[0][0]

    def is_updated(self, _store: StoreVolume) -> bool:
        return self.states.pop(0)[1] if len(self.states) > 1 else self.states[0][1]


HE, ORDINARY = "<Envelope><Origin>6</Origin></Envelope>", "<Envelope><Origin>3</Origin></Envelope>"


def wait(session: Session, reader: Any, seconds: float = 60) -> list[StoreVolume]:
    return ovf.StoreWait(session, reader, DC, SD, VM).wait(seconds)


def test_both_stores_are_awaited(engine: FakeEngine, session: Session) -> None:
    ready = golden("storage/ovf-disks")
    engine.plan("GET", DISKS, golden("storage/disks-none"), Answer(200, ready.body.replace(">ok<", ">locked<")), ready)
    stores = wait(session, Stores((HE, False), (HE, True)))
    assert {store.disk_id for store in stores} == {
        "4e8cf348-efb2-44f5-913f-33d9c8c37b84",
        "dc95c3d0-cc72-4fd2-85d3-0255e65410c3",
    }
    assert len(engine.asked("GET", DISKS)) == 3
    assert engine.asked("POST", f"/api/storagedomains/{SD}/updateovfstore") == []


@pytest.mark.parametrize(("text", "updated"), [("", True), (ORDINARY, True), (HE, False)])
def test_a_stale_store_is_asked_for_again_and_told_at_last(
    engine: FakeEngine, session: Session, text: str, updated: bool
) -> None:
    engine.plan("GET", DISKS, golden("storage/ovf-disks"))
    path = f"/api/storagedomains/{SD}/updateovfstore"
    engine.plan("POST", path, fault(409, BUSY), golden("hosted-engine/update-ovf-store"))
    with pytest.raises(HostedEngineError) as failure:
        wait(session, Stores((text, updated)), 60)
    assert failure.value.problem.id == "engine.ovf_stores_stale"
    assert failure.value.observed == "0 of 2 OVF stores hold the engine VM"
    assert 2 <= len(engine.asked("POST", path)) <= 3


def test_another_refusal_of_the_update_is_raised(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", DISKS, golden("storage/disks-none"))
    detail = "[Cannot update OVF. The relevant Storage Domain's status is Maintenance.]"
    engine.plan("POST", f"/api/storagedomains/{SD}/updateovfstore", fault(409, detail))
    with pytest.raises(HostedEngineError, match="status is Maintenance"):
        wait(session, Stores((HE, True)), 60)


def test_one_store_is_not_enough() -> None:
    reader = Stores((HE, True))
    store = StoreVolume(DC, SD, "d", "v")
    assert ovf.all_hold(reader, [store, store], VM)
    assert not ovf.all_hold(reader, [store], VM)
    assert not ovf.all_hold(reader, [], VM)
