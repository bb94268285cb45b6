"""What the checks ask with: each is tried with the real kernel, a real server on loopback, or a real image."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import socket
import struct
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    child,
    dns_query,
    echo,
    interfaces,
    qcow2,
    routes,
    storage_trial,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import network, probe, registry
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")


# --- child


def test_a_child_returns_what_it_found_and_is_counted() -> None:
    before = _run.processes_started()

    def function() -> dict[str, Any]:
        _run.run(["true"])
        return {"pid": os.getpid()}

    told = child.Child(function, 20)
    assert told.result()["pid"] != os.getpid()
    assert told.result() is told.result()
    assert _run.processes_started() - before == 2


def test_a_child_that_fails_or_hangs_says_so() -> None:
    def fails() -> dict[str, Any]:
        raise OSError(errno.EIO, "broken")

    def sleeps() -> dict[str, Any]:
        time.sleep(60)
        return {}

    assert "broken" in child.Child(fails, 20).result()["error"]
    begun = time.monotonic()
    hangs = child.Child(sleeps, 0.3)
    assert hangs.result() == {"error": "no answer within 0.3 s", "silent": True}
    assert time.monotonic() - begun < 10
    with pytest.raises(ChildProcessError):
        os.waitpid(hangs._pid, 0)


@needs_root
def test_mounts_of_its_own_are_not_seen(tmp_path: Path) -> None:
    def function() -> dict[str, Any]:
        child.own_mounts()
        _run.run(["mount", "-t", "tmpfs", "inside", str(tmp_path)])
        child.become(36, 36)
        return {"there": "inside" in Path("/proc/self/mounts").read_text(), "who": os.getresuid()}

    try:
        told = child.Child(function, 20).result()
    finally:
        mounts = Path("/proc/self/mounts").read_text()
    assert told == {"there": True, "who": [36, 36, 36]}
    assert str(tmp_path) not in mounts


# --- DNS


def answer(question: bytes, verdict: int, records: list[tuple[int, bytes]]) -> bytes:
    """Return an answer in which the name is a pointer to the question, as servers write it."""
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | verdict, 1, len(records), 0, 0)
    body = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data for kind, data in records)
    return head + question[12:] + body


class NameServer:
    """Answers over UDP and TCP on one port of loopback with what a function makes of the question."""

    def __init__(self, reply: Callable[[bytes], bytes]) -> None:
        self.reply = reply
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            question, place = self.udp.recvfrom(4096)
            self.udp.sendto(self.reply(question), place)

    def _serve_tcp(self) -> None:
        while True:
            link, _place = self.tcp.accept()
            with link:
                told = self.reply(link.recv(4096)[2:])
                link.sendall(struct.pack("!H", len(told)) + told)


@pytest.mark.parametrize("tcp", [False, True])
def test_a_name_server_answers(tcp: bool) -> None:
    alias = b"\x03eng\xc0\x0c"
    server = NameServer(
        lambda question: answer(question, 0, [(5, alias), (1, bytes([10, 0, 0, 9])), (12, b"\x03eng\x03lab\x00")])
    )
    said = dns_query.ask("127.0.0.1", "engine.lab", dns_query.A, tcp=tcp, port=server.port)
    assert said == dns_query.Answer("no error", ("10.0.0.9",))
    said = dns_query.ask("127.0.0.1", dns_query.reverse_name("10.0.0.9"), dns_query.PTR, tcp=tcp, port=server.port)
    assert said.values == ("eng.lab",)


def test_a_name_server_refuses_or_says_nonsense_or_nothing() -> None:
    refuses = NameServer(lambda question: answer(question, 5, []))
    assert dns_query.ask("127.0.0.1", ".", dns_query.NS, port=refuses.port).verdict == "refused"
    for nonsense in (b"", b"x" * 40, b"\0" * 12):
        server = NameServer(lambda _question, said=nonsense: said)  # type: ignore[misc]
        with pytest.raises(OSError, match="no answer"):
            dns_query.ask("127.0.0.1", "a.b", dns_query.A, port=server.port, seconds=0.5)
    loops = NameServer(lambda question: answer(question, 0, [(12, b"\xc0\x21")]))
    with pytest.raises(OSError):
        dns_query.ask("127.0.0.1", "a.b", dns_query.PTR, port=loops.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"0\.2 s"):
            dns_query.ask("127.0.0.1", "a.b", dns_query.A, port=silent.getsockname()[1], seconds=0.2)


# --- the kernel


@needs_root
def test_loopback_answers_to_an_echo_and_nobody_elsewhere() -> None:
    assert echo.answers("127.0.0.1", payload=1400)
    assert echo.answers("127.0.0.1", interface="lo")
    try:
        nobody = echo.answers("192.0.2.77", 0.2, "lo")
    except OSError:
        nobody = False
    assert nobody is False


def test_routes_and_neighbours_of_this_machine() -> None:
    told = subprocess.run(["ip", "-4", "-o", "route"], capture_output=True, text=True, check=True).stdout
    wanted = {line.split()[0] for line in told.splitlines() if line[0].isdigit()}
    known = {str(prefix) for prefix, _why in routes.ipv4_routes()}
    assert {one if "/" in one else f"{one}/32" for one in wanted} <= known
    assert all(len(mac) == 17 for mac in routes.neighbours().values())


def test_prefixes_of_libvirt_networks(tmp_path: Path) -> None:
    for name, bridge, address in (("default", "virbr0", "192.168.122.1"), ("node0-bootstrap", "node0-nat", "10.9.9.1")):
        (tmp_path / f"{name}.xml").write_text(
            f"<network><name>{name}</name><bridge name='{bridge}'/>"
            f"<ip address='{address}' netmask='255.255.255.0'/>"
            "<ip family='ipv6' address='fd00::1' prefix='64'/></network>"
        )
    found = [(str(prefix), why) for prefix, why in network.libvirt_prefixes(f"{tmp_path}/*.xml")]
    assert found == [("192.168.122.0/24", "libvirt network default")]


# --- interfaces


def made(name: str, kind: str = "ethernet", **changes: Any) -> dict[str, Any]:
    address = [{"address": "192.0.2.4", "prefix": 24, "family": 4}]
    return {"name": name, "type": kind, "up": True, "carrier": True, "master": "", "addresses": address, **changes}


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    for name, mode, ports in (("bond0", "balance-rr 0", "eth2 eth3"), ("bond1", "active-backup 1", "")):
        folder = tmp_path / name / "bonding"
        folder.mkdir(parents=True)
        (folder / "mode").write_text(f"{mode}\n")
        (folder / "slaves").write_text(f"{ports}\n")
    (tmp_path / "wlan0" / "wireless").mkdir(parents=True)
    (tmp_path / "bond0.5").mkdir()
    (tmp_path / "bond0.5" / "lower_bond0").touch()
    return tmp_path


def test_why_an_interface_cannot_carry_the_management_network(sysfs: Path) -> None:
    world = [
        made("lo", "loopback"),
        made("eth0"),
        made("eth1", addresses=[], master="ovirtmgmt"),
        made("ovirtmgmt", "bridge"),
        made("eth2", addresses=[], master="bond0"),
        made("bond0", "bond"),
        made("bond1", "bond"),
        made("bond0.5", "vlan"),
        made("storage", "vlan"),
        made("team0", "team"),
        made("wlan0"),
        made("eth9", up=False, carrier=False, addresses=[{"address": "fe80::1", "prefix": 64, "family": 6}]),
    ]
    found = {one["name"]: interfaces.reasons_against(one, world, str(sysfs)) for one in world}
    assert {name: set(reasons) for name, reasons in found.items()} == {
        "lo": {"kind"},
        "eth0": set(),
        "eth1": set(),
        "ovirtmgmt": {"kind"},
        "eth2": {"port"},
        "bond0": {"bond_mode"},
        "bond1": {"bond_ports"},
        "bond0.5": {"bond_mode"},
        "storage": {"vlan_name"},
        "team0": {"kind"},
        "wlan0": {"kind"},
        "eth9": {"down", "address"},
    }
    told = interfaces.candidates(world, str(sysfs))
    assert [one["name"] for one in told if one["usable"]] == ["eth0", "eth1"]
    assert all(one["reasons"] for one in told if not one["usable"]) and len(told) == len(world) - 1


# --- storage


def test_a_folder_is_tried_out_and_left_as_it_was(tmp_path: Path) -> None:
    before = os.stat(tmp_path)
    seen = storage_trial.look_at(str(tmp_path))
    assert seen["trial"] in ({}, {"step": "direct_io", "errno": "EINVAL", "words": "Invalid argument"})
    assert seen["entries"] == [] and seen["free"] <= seen["total"]
    assert os.listdir(tmp_path) == [] and os.stat(tmp_path).st_mtime_ns == before.st_mtime_ns


@needs_root
def test_a_folder_where_36_may_nothing() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)

        def function() -> dict[str, Any]:
            child.become(36, 36)
            return storage_trial.look_at(folder)

        told = child.Child(function, 20).result()
    assert told["trial"] == {"step": "create", "errno": "EACCES", "words": "Permission denied"}


def test_storage_that_holds_something(tmp_path: Path) -> None:
    name = "11111111-2222-3333-4444-555555555555"
    (tmp_path / name / "dom_md").mkdir(parents=True)
    (tmp_path / name / "dom_md" / "metadata").write_text("DESCRIPTION=old\nPOOL_UUID=p\n")
    for other in ("__DIRECT_IO_TEST__", "notes.txt"):
        (tmp_path / other).touch()
    seen = storage_trial.look_at(str(tmp_path))
    assert seen["domains"] == [{"id": name, "name": "old", "pools": ["p"], "images": 0}]
    assert seen["entries"] == ["notes.txt"]


def test_a_server_is_knocked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert storage_trial.knock("127.0.0.1", listening.getsockname()[1]) == {}
        port = listening.getsockname()[1]
    assert storage_trial.knock("127.0.0.1", port) == {}, "a refused connection is an answer"
    assert storage_trial.knock("nobody.invalid")["unknown"] is True


def test_the_version_of_nfs_is_read_from_the_mounts(tmp_path: Path) -> None:
    path = tmp_path / "mounts"
    path.write_text("/dev/x / ext4 rw 0 0\nnas:/he /mnt nfs4 rw,relatime,vers=4.2,rsize=1 0 0\n")
    assert storage_trial.negotiated_version("/mnt", str(path)) == "4.2"
    assert storage_trial.negotiated_version("/", str(path)) == ""


# --- images


def boot_sector() -> bytes:
    return b"boot".ljust(510, b"\0") + b"\x55\xaa"


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Path]:
    raw = tmp_path / "raw"
    raw.write_bytes(boot_sector() + bytes((16 << 20) - 512))
    for name, options in (
        ("plain", []),
        ("packed", ["-c"]),
        ("small", ["-o", "cluster_size=4k"]),
        ("old", ["-o", "compat=0.10"]),
    ):
        subprocess.run(["qemu-img", "convert", "-q", "-O", "qcow2", *options, raw, tmp_path / name], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", tmp_path / "empty", "16M"], check=True)
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "plain", "-F", "qcow2", tmp_path / "layer"], check=True
    )
    yield tmp_path


@needs_qemu_img
def test_what_the_guest_sees_first_is_read_without_qemu(images: Path) -> None:
    for name in ("plain", "packed", "small", "old"):
        with open(images / name, "rb") as stream:
            found = qcow2.header(stream.read(qcow2.HEADER_SIZE))
            assert (found.virtual_size, found.incomplete, found.broken) == (16 << 20, "", ""), name
            stream.seek(0)
            start = qcow2.guest_start(stream, 1 << 20)
        assert start == boot_sector() + bytes((1 << 20) - 512), name
    with open(images / "empty", "rb") as stream:
        assert qcow2.guest_start(stream, 1 << 20) == bytes(1 << 20)
    with open(images / "layer", "rb") as stream:
        assert qcow2.header(stream.read(qcow2.HEADER_SIZE)).incomplete == "it has a backing file"
    whole = (images / "plain").read_bytes()
    with pytest.raises(ValueError):
        qcow2.guest_start(io.BytesIO(whole[:200]), 1 << 20)
    for length in (4, 64):
        with pytest.raises(ValueError):
            qcow2.header(whole[:length])


def ova(folder: Path, image: Path, name: str, **options: Any) -> Path:
    path = folder / name
    with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
        archive.add(image, "images/one/two")
        archive.addfile(tarfile.TarInfo("images/one/two.meta"))
    return path


@needs_qemu_img
def test_appliances_are_looked_into(images: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not os.stat(folder).st_mode & 0o001:
            os.chmod(folder, os.stat(folder).st_mode | 0o005)

    def about(path: Path, **settings: Any) -> dict[str, str]:
        given = {"appliance": str(path), "appliance_cache": str(tmp_path / "cache"), "disk_size": 16 << 20, **settings}
        context = registry.Context(Settings(**given), {})
        asked = [name for name in probe.ORDER if name.startswith(("appliance", "vm.disk"))]
        told = registry.run_all(context, names=asked)
        assert not [each for each in told if each.status == registry.BROKEN]
        return {one["id"]: one["severity"] for each in told for one in each.findings}

    packed, plain = ova(tmp_path, images / "plain", "a.ova.gz"), ova(tmp_path, images / "raw", "a.ova")
    assert about(images / "plain") == about(packed) == about(plain) == {}
    assert about(images / "plain", disk_size=1 << 20) == {"vm.disk.too_small": "block"}
    assert about(packed, disk_size=1 << 20) == {"vm.disk.too_small": "block"}
    assert about(images / "plain", firmware="uefi").keys() >= {"appliance.firmware.differs"}
    assert about(images / "plain", appliance_checksum="sha256:" + "0" * 64) == {"appliance.checksum.wrong": "block"}
    assert about(images / "layer") == {"appliance.image.unusable": "block"}
    assert about(images / "empty") == {"appliance.firmware.none": "block"}
    cut = tmp_path / "cut"
    for whole in (packed, plain):
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2 + 1])
        assert about(cut) == {"appliance.image.damaged": "block"}, whole
    cut.write_bytes(gzip.compress(b"x" * 1024))
    assert about(cut) == {"appliance.image.damaged": "block"}
    cut.write_bytes(b"hello")
    assert about(cut) == {"appliance.file.unknown_format": "block"}
