"""The appliance: real OVAs and images made by qemu-img and tar, small."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    appliance,
    appliance_file,
    disk_image,
    ova,
    qcow2,
)

MBR_BOOT = b"\xfa\x31\xc0".ljust(446, b"\0")


def mbr(kind: int, code: bytes = MBR_BOOT) -> bytes:
    entry = struct.pack("<8BII", 0x80, 0, 0, 0, kind, 0, 0, 0, 2048, 4096)
    return code + entry + bytes(48) + b"\x55\xaa"


def gpt(partition: str) -> bytes:
    header = b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, 128, 128)
    entry = uuid.UUID(partition).bytes_le.ljust(128, b"\0")
    return mbr(0xEE) + header.ljust(512, b"\0") + entry


ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A qcow2 image of 4 MiB with a boot sector."""
    raw, image = tmp_path / "raw", tmp_path / "disk.qcow2"
    raw.write_bytes(mbr(0x83).ljust(4 << 20, b"\0"))
    subprocess.run(["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw, image], check=True)
    raw.unlink()
    return image


def pack(target: Path, members: dict[str, bytes], compressed: bool) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    target.write_bytes(gzip.compress(plain.getvalue(), 1) if compressed else plain.getvalue())
    return target


@pytest.fixture(params=[True, False], ids=["gzip", "tar"])
def archive(request: pytest.FixtureRequest, tmp_path: Path, disk: Path) -> Path:
    members = {
        "master/vms/u/u.ovf": b"<ovf/>",
        "images/i/v.meta": b"SIZE=8192\n" * 40000,
        "images/i/small": b"x" * 1000,
        "images/i/v": disk.read_bytes(),
        "images/i/later": b"y" * 2000,
    }
    return pack(tmp_path / "appliance.ova", members, request.param)


def test_unpacks_the_largest_image_in_one_pass(archive: Path, disk: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    digests = ova.unpack(str(archive), archive.read_bytes()[:2] == b"\x1f\x8b", str(target), ["sha256", "sha1"])
    assert target.read_bytes() == disk.read_bytes()
    assert digests["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert digests["sha1"] == hashlib.sha1(archive.read_bytes()).hexdigest()


def test_a_truncated_archive_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * 2 // 3])
    target = tmp_path / "out"
    with pytest.raises(HostedEngineError) as caught:
        ova.unpack(str(archive), archive.read_bytes()[:2] == b"\x1f\x8b", str(target), ["sha256"])
    assert caught.value.problem.id == "appliance.damaged"
    assert not target.exists()


def test_damage_inside_the_compressed_data_leaves_nothing(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.ova", {"images/i/v": os.urandom(200_000)}, True)
    content = bytearray(path.read_bytes())
    content[100_000:100_064] = bytes(byte ^ 0xFF for byte in content[100_000:100_064])
    path.write_bytes(content)
    with pytest.raises(HostedEngineError) as caught:
        ova.unpack(str(path), True, str(tmp_path / "out"), ["sha256"])
    assert caught.value.problem.id == "appliance.damaged"
    assert not (tmp_path / "out").exists()


def test_an_archive_without_image(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.ova", {"master/x.ovf": b"x"}, True)
    with pytest.raises(HostedEngineError, match="no disk image"):
        ova.unpack(str(path), True, str(tmp_path / "out"), ["sha256"])


def test_no_room_is_found_out_before_writing(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(ova.os, "statvfs", lambda _path: os.statvfs_result((real[0], real[1], 100, 10, 10, *real[5:])))
    written: list[Any] = []
    monkeypatch.setattr(ova, "_write", lambda *arguments: written.append(arguments))
    with pytest.raises(HostedEngineError) as caught:
        ova.unpack(str(archive), archive.read_bytes()[:2] == b"\x1f\x8b", str(tmp_path / "out"), ["sha256"])
    assert caught.value.problem.id == "appliance.no_space"
    assert written == []


def test_prepares_once_and_then_reads_nothing(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    digest = "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()
    assert appliance.prepare(str(archive), str(cache), dry_run=True) == (None, True)
    assert not cache.exists()
    image, changed = appliance.prepare(str(archive), str(cache))
    assert changed and image is not None
    assert (image.format, image.virtual_size, image.firmware, image.digest) == ("qcow2", 4 << 20, "bios", digest)
    assert sorted(path.name for path in cache.iterdir()) == [f"{digest[7:]}.img", "index.json"]
    monkeypatch.setattr(appliance, "_learn", lambda *_arguments: pytest.fail("read again"))
    assert appliance.prepare(str(archive), str(cache)) == (image, False)
    assert appliance.prepare(str(archive), str(cache), dry_run=True) == (image, False)
    assert appliance.prepare(str(archive), str(cache), checksum=digest[7:]) == (image, False)


def test_a_file_that_changed_or_an_image_that_is_gone_is_read_again(archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    image, _changed = appliance.prepare(str(archive), str(cache))
    assert image is not None
    os.unlink(image.path)
    assert appliance.prepare(str(archive), str(cache)) == (image, True)
    os.utime(archive, (1, 1))
    assert appliance.prepare(str(archive), str(cache)) == (image, True)


def test_a_wrong_checksum_leaves_no_image(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(HostedEngineError) as caught:
        appliance.prepare(str(archive), str(tmp_path / "cache"), checksum="sha1:" + "0" * 40)
    assert caught.value.problem.id == "appliance.checksum"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_qcow2_is_used_where_it_is(disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appliance, "reachable", lambda _path: None)
    image, changed = appliance.prepare(str(disk), str(tmp_path / "cache"))
    assert changed and image is not None
    assert (image.path, image.digest) == (str(disk), "")
    assert appliance.prepare(str(disk), str(tmp_path / "cache")) == (image, False)
    digest = "sha256:" + hashlib.sha256(disk.read_bytes()).hexdigest()
    verified, changed = appliance.prepare(str(disk), str(tmp_path / "cache"), checksum=digest)
    assert changed and verified is not None and verified.digest == digest
    assert appliance.prepare(str(disk), str(tmp_path / "cache"), checksum=digest, firmware="uefi")[1] is False


def test_a_qcow2_where_qemu_cannot_read_it(disk: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(HostedEngineError) as caught:
        appliance.prepare(str(disk.rename(closed / "d.qcow2")), str(tmp_path / "cache"))
    assert caught.value.problem.id == "appliance.unreachable_for_qemu"


def test_the_header_says_what_qemu_says(disk: Path, tmp_path: Path) -> None:
    def read(path: Path) -> tuple[int, bool]:
        found = qcow2.read_header(str(path))
        assert found is not None
        return found.virtual_size, found.partial

    told = json.loads(
        subprocess.run(["qemu-img", "info", "--output=json", disk], check=True, capture_output=True).stdout
    )
    assert read(disk) == (told["virtual-size"], False)
    old, outside = tmp_path / "old.qcow2", tmp_path / "outside.qcow2"
    for path, options in ((old, "compat=0.10"), (outside, f"data_file={tmp_path / 'data'}")):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "5M"], check=True)
    assert read(old) == (5 << 20, False)
    assert read(outside) == (5 << 20, True)
    short = tmp_path / "short"
    short.write_bytes(b"QF")
    assert qcow2.read_header(str(short)) is None


def test_an_image_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "disk.vmdk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", other, "5M"], check=True)
    with pytest.raises(HostedEngineError) as caught:
        disk_image.inspect(str(other))
    assert caught.value.observed.endswith("is vmdk")


def test_an_overlay_or_a_damaged_image_is_refused(disk: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, overlay], check=True)
    with pytest.raises(HostedEngineError, match="only a part"):
        disk_image.inspect(str(overlay))
    os.truncate(disk, 200000)
    with pytest.raises(HostedEngineError) as caught:
        disk_image.inspect(str(disk))
    assert caught.value.problem.id == "appliance.unusable_image"


@pytest.mark.parametrize(
    ("start", "firmware"),
    [(mbr(0x83), "bios"), (mbr(0xEF), "uefi"), (gpt(ESP), "uefi"), (gpt(LINUX), "bios")],
    ids=["mbr", "mbr with esp", "gpt with esp", "gpt with bios boot"],
)
def test_firmware_by_partition_table(start: bytes, firmware: str) -> None:
    assert disk_image.firmware(start.ljust(1 << 20, b"\0")) == firmware


@pytest.mark.parametrize("start", [bytes(512), mbr(0x83, code=bytes(446))], ids=["empty", "no loader"])
def test_what_does_not_boot(start: bytes) -> None:
    with pytest.raises(HostedEngineError) as caught:
        disk_image.firmware(start.ljust(1 << 20, b"\0"))
    assert caught.value.problem.id == "appliance.unusable_image"


def test_the_installed_package_is_found(tmp_path: Path) -> None:
    wanted = tmp_path / "new.ova"
    wanted.write_bytes(b"x")
    (tmp_path / "10-appliance.conf").write_text("description=old\npath=/nowhere\n")
    text = f"description=The oVirt Engine Appliance\nversion=4.5\npath={wanted}\nsha1sum={'A' * 40}\n"
    (tmp_path / "20-appliance.conf").write_text(text)
    found = appliance_file.find("", pattern=str(tmp_path / "*-appliance.conf"))
    assert found == appliance_file.Source(str(wanted), "sha1:" + "a" * 40)


def test_a_newer_package_describes_its_appliance_by_distribution(tmp_path: Path) -> None:
    wanted = tmp_path / "el9.ova"
    wanted.touch()
    for name, path in (("10-appliance-el9", wanted), ("10-appliance-el10", "/nowhere"), ("10-appliance", "/gone")):
        (tmp_path / f"{name}.conf").write_text(f"path={path}\n")
    assert appliance_file.find("", pattern=str(tmp_path / Path(appliance_file.CONF_PATTERN).name)).path == str(wanted)


def test_no_appliance_at_all(tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "missing.ova")):
        with pytest.raises(HostedEngineError) as caught:
            appliance_file.find(path, pattern=str(tmp_path / "*-appliance.conf"))
        assert caught.value.problem.id == "appliance.missing"


def test_content_decides_what_a_file_is(archive: Path, disk: Path, tmp_path: Path) -> None:
    assert appliance_file.kind(str(disk)) == "qcow2"
    assert appliance_file.kind(str(archive)) in ("gzip", "tar")
    page = tmp_path / "appliance.ova"
    page.write_text("<html>404")
    with pytest.raises(HostedEngineError) as caught:
        appliance_file.kind(str(page))
    assert caught.value.problem.id == "appliance.unknown_format"


@pytest.mark.parametrize("text", ["md5:" + "0" * 32, "sha1:" + "0" * 64, "zz", "0" * 10])
def test_a_checksum_that_is_none(text: str) -> None:
    with pytest.raises(HostedEngineError) as caught:
        appliance_file.normal_checksum(text)
    assert caught.value.problem.id == "appliance.unknown_format"
