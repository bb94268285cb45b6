"""The table of substitutions, VDSM's sections in other files, settings, and facts of this machine."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from vdsm_tool import sections
from vdsmd import settings, system
from vdsmd.storage import connections
from vdsmd.virt import substitutions
from vdsmd.virt.substitutions import Lab

ENGINE_XML = Path(__file__).resolve().parents[3] / "fixtures/engine/ovf-store/HostedEngine.engine.xml"
SD, IMAGE, VOLUME = (
    "913730ec-f5fc-4b2e-933e-1dbe87903b5e",
    "b855a4d3-1f81-4a89-8799-d7db52d4db6e",
    "426bff26-ffa2-4ea9-b1dc-63a2a2b2444d",
)


def laboratory(**more: Any) -> tuple[Lab, list[tuple[str, ...]]]:
    prepared: list[tuple[str, ...]] = []

    def prepare(*ids: str) -> str:
        prepared.append(ids)
        return "/run/vdsm/storage/volume"

    return Lab(prepare=prepare, console_address="192.0.2.11", host_id="host-id", **more), prepared


@pytest.fixture
def engine_xml() -> str:
    return ENGINE_XML.read_text(encoding="utf-8")


def test_what_the_engine_decides_stays(engine_xml: str) -> None:
    lab, prepared = laboratory()
    before, after = ET.fromstring(engine_xml), substitutions.substitute(engine_xml, lab)
    for path in ("name", "uuid", "memory", "currentMemory", "maxMemory", "vcpu"):
        old, new = before.find(path), after.find(path)
        assert old is not None
        assert new is not None
        assert (old.text, old.attrib) == (new.text, new.attrib)
    for path in (
        "devices/interface/mac",
        "devices/interface/source",
        "devices/disk/boot",
        "devices/disk/serial",
        "cpu/topology",
        "cpu/numa/cell",
    ):
        assert [e.attrib for e in before.iterfind(path)] == [e.attrib for e in after.iterfind(path)]
    assert prepared == [("00000000-0000-0000-0000-000000000000", SD, IMAGE, VOLUME)]


def test_what_the_lab_changes(engine_xml: str) -> None:
    lab, _calls = laboratory()
    after = substitutions.substitute(engine_xml, lab)

    def one(path: str) -> ET.Element:
        found = after.find(path)
        assert found is not None, path
        return found

    assert after.get("type") == "qemu"
    assert one("os/type").get("machine") == "q35"
    assert one("cpu").attrib == {"mode": "maximum"}
    assert after.find("cpu/model") is None
    assert one("devices/disk[@device='disk']/source").attrib == {"file": "/run/vdsm/storage/volume"}
    assert after.find("devices/disk[@device='cdrom']/source") is None
    assert one("devices/disk[@device='cdrom']/target").attrib == {"dev": "sdc", "bus": "sata"}
    assert after.find("devices/lease") is None
    assert substitutions.volume_leases(ET.fromstring(engine_xml)) == [(SD, VOLUME)]
    assert one("devices/graphics/listen").attrib == {"type": "address", "address": "192.0.2.11"}
    assert after.find("devices/interface/driver") is None
    assert [entry.text for entry in after.iterfind("sysinfo/system/entry[@name='serial']")] == ["host-id"]
    assert Path("/var/lib/libvirt/qemu/channels") in lab.made


def test_lease_is_filled_in_where_sanlock_manages(engine_xml: str) -> None:
    lab, _calls = laboratory(lease=lambda space, key: (f"/{space}/{key}.lease", 0))
    target = substitutions.substitute(engine_xml, lab).find("devices/lease/target")
    assert target is not None
    assert target.attrib == {"path": f"/{SD}/{VOLUME}.lease", "offset": "0"}


def test_path_names_the_volume_where_the_metadata_does_not() -> None:
    lab, prepared = laboratory()
    substitutions.substitute(
        f"""<domain type='kvm'><devices><disk type='file' device='disk'>
        <source file='/rhev/data-center/pool/{SD}/images/{IMAGE}/{VOLUME}'/><target dev='vda' bus='virtio'/>
        </disk></devices></domain>""",
        lab,
    )
    assert prepared == [("pool", SD, IMAGE, VOLUME)]


@pytest.mark.parametrize(
    ("name", "becomes"),
    [("pc-q35-rhel9.6.0", "q35"), ("", "q35"), ("pc-i440fx-rhel7.6.0", "pc"), ("pc-q35-7.2", "pc-q35-7.2")],
)
def test_machine(name: str, becomes: str) -> None:
    root = ET.fromstring(f"<domain><os><type machine='{name}'>hvm</type></os></domain>")
    substitutions.machine(root, laboratory()[0])
    assert root.find("os/type").get("machine") == becomes  # type: ignore[union-attr]


# -- sections


def test_section_is_written_once_and_removed_whole(tmp_path: Path) -> None:
    path = tmp_path / "qemu.conf"
    path.write_text('user = "root"')
    section = sections.Section(path, ("a=1",))
    assert sections.write(section)
    assert path.read_text() == (
        'user = "root"\n## beginning of configuration section by vdsm-4.40.0\na=1\n'
        "## end of configuration section by vdsm-4.40.0\n"
    )
    assert not sections.write(section)
    assert sections.is_written(section)
    assert sections.write(section._replace(lines=("a=2",)))
    assert path.read_text().count("beginning") == 1
    assert sections.remove(path)
    assert path.read_text() == 'user = "root"\n'
    assert not sections.remove(path)


def test_section_of_an_older_vdsm_is_replaced() -> None:
    mark = "of configuration section by vdsm-4.20.0\n"
    old = f"x\n## beginning {mark}b\n## end {mark}y\n"
    assert sections.without_section(old) == "x\ny\n"


def test_all_four_files_have_their_section(tmp_path: Path) -> None:
    names = [str(section.path.relative_to(tmp_path)) for section in sections.sections("id", tmp_path)]
    assert names == [
        "etc/libvirt/libvirtd.conf",
        "etc/libvirt/qemu.conf",
        "etc/libvirt/qemu-sanlock.conf",
        "etc/sysconfig/libvirtd",
    ]


# -- settings and facts


@pytest.mark.parametrize(
    ("text", "tls", "port"),
    [("", "on", 54321), ("[vars]\nssl = false\n[addresses]\nmanagement_port = 1234\n", "off", 1234)],
)
def test_vdsm_conf_decides(tmp_path: Path, text: str, tls: str, port: int) -> None:
    (tmp_path / "vdsm.conf").write_text(text)
    config: dict[str, Any] = {"vdsm_conf": str(tmp_path / "vdsm.conf"), "hosts": [{}], "pki": "/pki"}
    settings.apply_vdsm_conf(config)
    assert (config["tls"], config["port"]) == (tls, port)
    if tls == "on":
        assert (config["ca"], config["verify_client"]) == ("/pki/certs/cacert.pem", True)


def test_facts_of_this_machine() -> None:
    host: Any = SimpleNamespace(config={}, address="::", index=1, uuid="0", name="x")
    facts = system.SystemFacts(host)
    assert 1 <= facts.cpus <= 4096
    assert 0 < facts.memory_free_mb(0) <= facts.memory_mb
    assert "model_Cascadelake-Server-noTSX" in facts.cpu_flags
    times = facts.processor_times()
    assert len(times) == facts.cpus
    assert all(isinstance(value, str) for told in times.values() for key, value in told.items() if key != "nodeIndex")
    assert facts.packages["vdsm"]["version"] >= "4.50"


def test_one_server_is_mounted_once_however_many_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts: list[str] = []

    def mount(command: list[str]) -> int:
        time.sleep(0.05)
        mounts.append(command[-1])
        return 0

    layout = SimpleNamespace(mount_point=lambda remote, kind: tmp_path / remote.replace("/", "_"))
    made = connections.RealConnections(cast("Any", SimpleNamespace(fabric=SimpleNamespace(layout=layout))), {})
    monkeypatch.setattr(made, "_run", mount)
    monkeypatch.setattr(Path, "is_mount", lambda path: str(path) in mounts)
    monkeypatch.setattr(connections, "vdsm_may_use", lambda point: True)
    servers = [{"connection": f"nas.test:/{name}"} for name in ("he", "data")] * 3
    with ThreadPoolExecutor(len(servers)) as pool:
        assert set(pool.map(lambda server: made.connect("NFS", server), servers)) == {0}
    assert sorted(mounts) == sorted({str(tmp_path / "nas.test:_he"), str(tmp_path / "nas.test:_data")})
