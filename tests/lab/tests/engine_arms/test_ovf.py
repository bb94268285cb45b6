"""OVF, libvirt XML and OVF store, rebuilt from their parameters, against what a real engine wrote."""

from __future__ import annotations

import calendar
import io
import json
import re
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_sim.ovf import Cluster, Devices, Disk, Nic, Vm, build_ovf, engine_xml, store_tar, vm_from_rows
from engine_sim.vdsm.flows import disks, ovf_store
from lxml import etree

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures/engine/ovf-store"
DOMAIN = "913730ec-f5fc-4b2e-933e-1dbe87903b5e"
WRITTEN = calendar.timegm(time.strptime("2026-11-25 02:10:52", "%Y-%m-%d %H:%M:%S"))


def at(text: str) -> float:
    return calendar.timegm(time.strptime(f"2026-11-25 {text}", "%Y-%m-%d %H:%M:%S"))


CLUSTER = Cluster(
    "Default",
    "Icelake-Server-noTSX,+arch-capabilities,+rdctl-no,+ibrs-all,+skip-l1dfl-vmentry,+mds-no,+pschange-mc-no,-mpx",
    emulated_machine="",  # an artefact of the simulated host behind the recorded engine
    quota_id="eb477822-e86f-11f1-a3b5-02fc00000001",
)
RECORDED = Vm(
    id="99642496-37b4-4fb0-94c3-75b6969a46df",
    name="HostedEngine",
    cluster=CLUSTER,
    memory=16384,
    pool_id="e3d2955e-e86f-11f1-877d-02fc00000001",
    description="Hosted engine VM",
    delete_protected=True,
    created=at("02:10:30"),
    exported=at("02:10:34"),
    created_by="4bc1a538-e870-11f1-8693-02fc00000001",
    snapshot_id="ef112975-3767-4d75-8544-53e16e2d4643",
    generation=5,
    disks=(
        Disk(
            image_id="b855a4d3-1f81-4a89-8799-d7db52d4db6e",
            volume_id="426bff26-ffa2-4ea9-b1dc-63a2a2b2444d",
            domain_id=DOMAIN,
            alias="he_virtio_disk",
            size=65498251264,
            description="Hosted-Engine disk",
            created=at("02:09:51"),
        ),
    ),
    nics=(Nic("47856532-e492-4827-95b3-863af0c4db6a", "vnet0", "00:16:3e:11:22:33", "ovirtmgmt"),),
    own_devices=Devices(
        rng="5bf370e3-fb86-4819-a282-4484cb69b11d",
        virtio_serial="685d5a18-06f5-4820-992a-93903599162c",
        sound="bb7ad7c9-37ec-42f9-a103-57a7ec533ccc",
        balloon="c0f0c5e7-ede1-4028-9f64-02966b755758",
        usb="c22016db-53fc-413a-b445-a07887c3b4e8",
        graphics="d9a8f9cb-b7cb-4268-8345-672ba7de8d92",
        scsi="da025edf-9200-450e-9150-202a2272e066",
        console="dde278fd-49db-4075-81a2-6725af02403a",
        video="e646a4cb-3b02-4232-b920-e770f6be4cdb",
        cdrom="9464abe0-c92c-43b1-81ac-5807975fd262",
    ),
)
#: What the same machine is on a cluster that is not simulated.
REAL = replace(RECORDED, cluster=replace(CLUSTER, emulated_machine="pc-q35-rhel9.6.0"))


def flat(document: str) -> list[tuple[str, dict[str, str], str]]:
    return [
        (str(element.tag), dict(element.attrib), element.text or "")
        for element in etree.fromstring(document.encode()).iter()
    ]


def test_engine_xml_is_the_recorded_one() -> None:
    recorded = (FIXTURES / "HostedEngine.engine.xml").read_text()
    assert flat(engine_xml(RECORDED)) == flat(recorded)
    assert engine_xml(RECORDED) == recorded


def test_ovf_is_the_recorded_one() -> None:
    recorded = (FIXTURES / "HostedEngine.ovf").read_text()
    assert flat(build_ovf(RECORDED)) == flat(recorded)
    assert build_ovf(RECORDED) == recorded


def test_rows_of_the_database_tell_the_same_machine() -> None:
    disk, nic = RECORDED.disks[0], RECORDED.nics[0]
    made = vm_from_rows(
        {
            "vm_guid": RECORDED.id,
            "vm_name": "HostedEngine",
            "mem_size_mb": 16384,
            "storage_pool_id": RECORDED.pool_id,
            "num_of_sockets": 1,
            "cpu_per_socket": 4,
            "threads_per_cpu": 1,
            "description": "Hosted engine VM",
            "free_text_comment": None,
            "origin": 6,
            "vm_type": "server",
            "os": "rhel_8x64",
            "bios_type": "q35_sea_bios",
            "priority": 1,
            "is_delete_protected": 1,
            "auto_startup": 0,
            "is_console_enabled": 1,
            "creation_date": RECORDED.created,
            "created_by_user_id": RECORDED.created_by,
            "db_generation": 5,
            "quota_id": CLUSTER.quota_id,
        },
        [
            {
                "disk_id": disk.image_id,
                "image_guid": disk.volume_id,
                "storage_domain_id": DOMAIN,
                "size": disk.size,
                "disk_alias": "he_virtio_disk",
                "disk_description": "Hosted-Engine disk",
                "is_boot": 0,
                "creation_date": disk.created,
                "volume_format": "raw",
                "volume_type": "sparse",
            }
        ],
        [
            {
                "id": nic.id,
                "name": "vnet0",
                "mac_addr": nic.mac,
                "network_name": "ovirtmgmt",
                "linked": 1,
                "is_plugged": 1,
            }
        ],
        {
            "name": "Default",
            "cpu_verb": CLUSTER.cpu_verb,
            "emulated_machine": None,
            "compatibility_version": "4.8",
            "bios_type": "q35_sea_bios",
        },
        exported=RECORDED.exported,
        snapshot_id=RECORDED.snapshot_id,
    )
    assert build_ovf(replace(made, own_devices=RECORDED.own_devices)) == (FIXTURES / "HostedEngine.ovf").read_text()


def test_store_is_the_recorded_one() -> None:
    recorded = (FIXTURES / "ovf_store.tar").read_bytes()
    ours = store_tar({RECORDED.id: build_ovf(RECORDED)}, [DOMAIN], WRITTEN)
    assert len(ours) == len(recorded)
    with tarfile.open(fileobj=io.BytesIO(ours)) as mine, tarfile.open(fileobj=io.BytesIO(recorded)) as theirs:
        assert mine.getnames() == theirs.getnames()
        for left, right in zip(mine.getmembers(), theirs.getmembers(), strict=True):
            assert (left.size, left.uid, left.gid, left.type) == (right.size, right.uid, right.gid, right.type)
            assert abs(left.mtime - right.mtime) <= 1
            assert mine.extractfile(left).read() == theirs.extractfile(right).read()  # type: ignore[union-attr]


def test_several_domains_in_info() -> None:
    with tarfile.open(fileobj=io.BytesIO(store_tar({}, ["a", "b"], WRITTEN))) as tar:
        info = tar.extractfile("info.json").read()  # type: ignore[union-attr]
        assert json.loads(info) == {
            "Last Updated": "Wed Nov 25 02:10:52 UTC 2026",
            "Storage Domains": [{"uuid": "a"}, {"uuid": "b"}],
        }
        assert json.loads(tar.extractfile("metadata.json").read()) == {"VM Status": {}}  # type: ignore[union-attr]


def test_descriptions_are_the_recorded_ones() -> None:
    def recorded(name: str) -> str:
        found = re.search(r"(?m)^DESCRIPTION=(.*)$", (FIXTURES / name).read_text())
        assert found
        return found.group(1)

    assert ovf_store.store_description([DOMAIN], 23552, WRITTEN) == recorded("ovf_store.meta")
    assert disks.description("he_virtio_disk", "Hosted-Engine disk") == recorded("he_virtio_disk.meta")


def test_a_q35_machine_has_its_cdrom_on_sata() -> None:
    domain = etree.fromstring(engine_xml(REAL).encode())
    assert domain.find("os/type").get("machine") == "pc-q35-rhel9.6.0"  # type: ignore[union-attr]
    target = domain.find("devices/disk[@device='cdrom']/target")
    assert target is not None
    assert dict(target.attrib) == {"dev": "sdc", "bus": "sata"}


@pytest.mark.parametrize(
    ("bios", "number", "loader", "secure"),
    [("q35_sea_bios", "1", False, None), ("q35_ovmf", "2", True, "no"), ("q35_secure_boot", "3", True, "yes")],
)
def test_firmware(bios: str, number: str, loader: bool, secure: str | None) -> None:
    machine = replace(REAL, bios_type=bios)
    found = etree.fromstring(engine_xml(machine).encode()).find("os/loader")
    assert (found is not None) == loader
    if found is not None:
        assert found.get("secure") == secure
    assert f"<BiosType>{number}</BiosType>" in build_ovf(machine)


def test_sizes_follow_the_machine() -> None:
    domain = etree.fromstring(engine_xml(replace(REAL, memory=8192, cores=2, max_memory=0)).encode())
    assert domain.findtext("memory") == str(8192 * 1024)
    assert domain.findtext("maxMemory") == str(4 * 8192 * 1024)
    assert domain.find("vcpu").get("current") == "2"  # type: ignore[union-attr]
    assert domain.findtext("vcpu") == "32"
    assert domain.find("cpu/numa/cell").get("cpus") == "0-31"  # type: ignore[union-attr]


def test_an_ordinary_machine_has_a_pool_and_no_lease() -> None:
    domain = engine_xml(replace(REAL, origin=3))
    assert f"/rhev/data-center/{REAL.pool_id}/{DOMAIN}/images/" in domain
    assert "<lease>" not in domain
    assert "exclusive" not in domain


def test_without_console_there_is_no_serial_port() -> None:
    machine = replace(REAL, console=False)
    assert "ovirt-vmconsole-console" not in engine_xml(machine)
    assert RECORDED.devices.console not in build_ovf(machine)


def test_device_ids_are_the_same_in_each_ovf() -> None:
    machine = replace(REAL, own_devices=None)
    assert engine_xml(machine) == engine_xml(replace(machine, memory=machine.memory))
    assert machine.devices.video not in engine_xml(replace(machine, id=DOMAIN))


def test_texts_are_escaped() -> None:
    odd = replace(REAL, description='<&">', name="größe")
    document = etree.fromstring(build_ovf(odd).encode())
    assert document.findtext("Content/Description") == '<&">'
    inner = etree.fromstring(document.findtext("Content/EngineXml").encode())  # type: ignore[union-attr]
    assert inner.findtext("name") == "größe"


@pytest.mark.parametrize(
    ("attachments", "attributes", "orders"),
    [([False], ["false"], [1]), ([True], ["true"], [1]), ([False, True], ["false", "true"], [0, 1])],
)
def test_the_disk_that_boots(attachments: list[bool], attributes: list[str], orders: list[int]) -> None:
    """Recorded: a bootable attachment gives `ovf:boot="true"`; without one the first disk has the order too."""
    boots = attachments.index(True) if True in attachments else 0
    disks = tuple(
        replace(RECORDED.disks[0], image_id=f"image-{number}", bootable=bootable, boots=number == boots)
        for number, bootable in enumerate(attachments)
    )
    tree = etree.fromstring(build_ovf(replace(RECORDED, disks=disks)).encode())
    found = [disk.get("{http://schemas.dmtf.org/ovf/envelope/1/}boot") for disk in tree.iter("Disk")]
    assert found == attributes
    items = [
        item for item in tree.iter("Item") if item.findtext("Device") == "disk" and item.findtext("Type") == "disk"
    ]
    assert [int(item.findtext("BootOrder") or 0) for item in items] == orders
