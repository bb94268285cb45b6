"""Appliance images that the user gives: arbitrary paths, told by content, offered in both formats."""

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from appliance.ova import build_ova
from driver.errors import LabError
from driver.given import both_formats, format_of
from driver.paths import LabPaths
from driver.plan import Plan
from driver.share import appliance_in_host, fill

SIZE = 5 << 20


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def qcow2(tmp_path: Path) -> Path:
    """A qcow2 image with something in it, under a name that does not tell its format."""
    raw = tmp_path / "raw"
    raw.write_bytes(b"engine" * 1000)
    with raw.open("ab") as file:
        file.truncate(SIZE)
    image = tmp_path / "some where" / "my engine.img"
    image.parent.mkdir()
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image], check=True)
    return image


def content(image: Path) -> str:
    flat = image.with_name("flat")
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, flat], check=True)
    return hashlib.sha256(flat.read_bytes()).hexdigest()


def disk_in(ova: Path) -> tarfile.TarInfo:
    with tarfile.open(ova) as tar:
        (disk,) = (entry for entry in tar if entry.name.startswith("images/") and not entry.name.endswith(".meta"))
    return disk


def test_a_qcow2_is_also_offered_as_an_ova(qcow2: Path) -> None:
    found = both_formats(qcow2)
    assert found["qcow2"] == qcow2 and format_of(found["ova"]) == "ova"
    assert disk_in(found["ova"]).size == qcow2.stat().st_size


def test_an_ova_is_also_offered_as_a_qcow2(qcow2: Path, tmp_path: Path) -> None:
    ova = tmp_path / "appliance-4.5"
    build_ova(qcow2, SIZE, "x", ova)
    found = both_formats(ova)
    assert found["ova"] == ova and content(found["qcow2"]) == content(qcow2)


def test_an_ova_with_a_raw_disk_gives_a_qcow2_too(qcow2: Path, tmp_path: Path) -> None:
    ova = tmp_path / "raw.ova"
    with tarfile.open(ova, "w:gz") as tar:
        tar.add(tmp_path / "raw", "images/a/b")
    assert content(both_formats(ova)["qcow2"]) == content(qcow2)


def test_what_was_made_is_kept_until_the_file_changes(qcow2: Path) -> None:
    first = both_formats(qcow2)["ova"]
    made = first.stat().st_mtime_ns
    assert both_formats(qcow2)["ova"] == first and first.stat().st_mtime_ns == made
    subprocess.run(["qemu-img", "resize", "-q", qcow2, "+1M"], check=True)
    assert both_formats(qcow2)["ova"] != first


def test_what_is_no_appliance_is_refused(qcow2: Path, tmp_path: Path) -> None:
    (tmp_path / "text.qcow2").write_text("not an image")
    empty = tmp_path / "empty.ova"
    with tarfile.open(empty, "w:gz") as tar:
        tar.add(tmp_path / "text.qcow2", "readme")
    overlay = tmp_path / "overlay.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", qcow2, overlay], check=True)
    for path, said in (
        (tmp_path / "missing", "no such file"),
        (tmp_path / "text.qcow2", "its content is neither"),
        (empty, "no disk below images/"),
        (overlay, "overlay of"),
    ):
        with pytest.raises(LabError, match=said):
            both_formats(path)


def test_the_given_image_wins_over_the_profiles_in_both_formats(qcow2: Path, tmp_path: Path) -> None:
    profile = tmp_path / "cache" / "appliance" / "faithful.qcow2"
    profile.parent.mkdir(parents=True)
    profile.write_text("the profile's")
    repository = tmp_path / "repository"
    repository.mkdir()
    paths = LabPaths(tmp_path / "lab")
    fill(Plan("unit", 9, 1), paths, repository, qcow2)
    offered = appliance_in_host(paths, str(qcow2))
    assert offered == {
        "qcow2": "/srv/lab/appliance/given/my-engine.qcow2",
        "ova": "/srv/lab/appliance/given/my-engine.ova",
    }
    shared = paths.share / "appliance"
    info = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", shared / "given/my-engine.qcow2"]))
    assert info["virtual-size"] == SIZE and disk_in(shared / "given/my-engine.ova").size
    assert (shared / "faithful.qcow2").read_text() == "the profile's"
