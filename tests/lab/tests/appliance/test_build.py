"""The builder's parts that need no root: digests, cache, OVA, apt sources."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from appliance import base, cache, ova, payload
from appliance.__main__ import image_digest, link, tree_digest
from appliance.profiles import FAITHFUL, FAST


def test_an_ova_has_the_layout_of_the_real_one(tmp_path: Path) -> None:
    disk = tmp_path / "disk.qcow2"
    disk.write_bytes(b"QFI\xfb" + b"\0" * 100_000)
    target = tmp_path / "appliance.ova"
    ova.build_ova(disk, 3 << 30, "abc", target)
    first = target.read_bytes()
    with tarfile.open(target, "r:gz") as tar:
        names = tar.getnames()
        volume = next(name for name in names if name.startswith("images/") and not name.endswith(".meta"))
        vm = names[0].split("/")[2]
        assert names == [f"master/vms/{vm}/{vm}.ovf", volume, f"{volume}.meta"]
        assert tar.extractfile(volume).read() == disk.read_bytes()  # type: ignore[union-attr]
        meta = dict(
            line.split("=", 1) for line in tar.extractfile(f"{volume}.meta").read().decode().splitlines() if "=" in line
        )  # type: ignore[union-attr]
        document = ElementTree.fromstring(tar.extractfile(names[0]).read())  # type: ignore[union-attr]
    assert int(meta["SIZE"]) * 512 == 3 << 30 and meta["FORMAT"] == "COW" and meta["IMAGE"] == volume.split("/")[1]
    reference = document.find("References/File")
    assert (
        reference is not None
        and "images/" + next(value for key, value in reference.items() if key.endswith("href")) == volume
    )
    ova.build_ova(disk, 3 << 30, "abc", target)
    assert target.read_bytes() == first


def test_digests_follow_content_names_and_modes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    seen = {cache.digest([file], tmp_path)}
    file.write_text("2")
    seen.add(cache.digest([file], tmp_path))
    file.chmod(0o755)
    seen.add(cache.digest([file], tmp_path))
    seen.add(cache.digest([file.rename(tmp_path / "b")], tmp_path))
    assert len(seen) == 4


def test_the_profiles_differ_and_the_simulator_belongs_to_the_image_only() -> None:
    assert tree_digest(FAST) != tree_digest(FAITHFUL) and image_digest(FAST) != image_digest(FAITHFUL)
    names = {path.name for path in payload.source_files(FAST)}
    assert {"engine-setup", "reader.py", "config.py"} <= names and not any(name.endswith(".pyc") for name in names)


def test_the_cache_keeps_two_results_and_drops_half_built_ones(tmp_path: Path) -> None:
    for number in range(3):
        partial = tmp_path / f"disk-fast-{number}.qcow2.partial"
        partial.write_text("x")
        cache.publish(partial, tmp_path / f"disk-fast-{number}.qcow2")
        os.utime(tmp_path / f"disk-fast-{number}.qcow2", (number, number))
    (tmp_path / "disk-faithful-0.qcow2").touch()
    (tmp_path / "tree-fast-9.partial").mkdir()
    with cache.locked(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "disk-faithful-0.qcow2",
            "disk-fast-1.qcow2",
            "disk-fast-2.qcow2",
            "lock",
        ]


def test_apt_sources_are_the_machines_own() -> None:
    for path in base.apt_sources():
        assert str(path).startswith("/etc/apt/") and "bookworm" in path.read_text()


@pytest.mark.parametrize(
    "path", sorted(path for path in (payload.HERE / "rootfs").rglob("*") if path.is_file()), ids=lambda path: path.name
)
def test_scripts_of_the_image_are_executable(path: Path) -> None:
    assert (path.read_bytes()[:2] == b"#!") == bool(path.stat().st_mode & 0o100) or path.name == "network"


def test_a_result_is_linked_and_replaced_without_leftovers(tmp_path: Path) -> None:
    for text in ("one", "one", "two"):
        source = tmp_path / f"disk-{text}.qcow2"
        source.write_text(text)
        for _turn in range(2):
            assert link(source, tmp_path / "out/fast.qcow2").read_text() == text
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fast.qcow2"]
