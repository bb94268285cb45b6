from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import copy, identity, progress

MIB = 1024**2


@pytest.fixture(autouse=True)
def ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has no account vdsm: whoever runs the test stands in for it."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")
    me = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(copy, "VDSM_USER", me)
    monkeypatch.setattr(copy, "VDSM_GROUP", None)
    monkeypatch.setattr(copy, "owner_ids", lambda: (os.geteuid(), os.getegid()))
    monkeypatch.setattr(copy, "acting_as", identity.contextlib.nullcontext)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An overlay with data of its own over a base with data of its own."""
    folder = tmp_path / "localvm"
    folder.mkdir()
    base, overlay = folder / "base.qcow2", folder / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "16M"], check=True)
    subprocess.run(["qemu-io", "-c", "write -P 0x11 1M 1M", base], check=True, capture_output=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", overlay], check=True)
    subprocess.run(["qemu-io", "-c", "write -P 0x22 5M 1M", overlay], check=True, capture_output=True)
    return overlay


def _target(tmp_path: Path, size: int = 16 * MIB) -> Path:
    path = tmp_path / "volume"
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def test_copies_the_whole_chain_and_writes_data_only(source: Path, tmp_path: Path) -> None:
    target = _target(tmp_path)
    copied = copy.copy_disk(str(source), str(target), "nfs", 60)
    nothing, base, overlay = bytes(MIB), b"\x11" * MIB, b"\x22" * MIB
    assert target.read_bytes() == nothing + base + nothing * 3 + overlay + nothing * 10
    assert copied.virtual_size == 16 * MIB
    assert copied.allocated <= 3 * MIB


def test_old_data_on_the_target_does_not_shine_through(source: Path, tmp_path: Path) -> None:
    target = _target(tmp_path)
    target.write_bytes(b"\xee" * (16 * MIB))
    copy.copy_disk(str(source), str(target), "nfs", 60)
    assert b"\xee" not in target.read_bytes()


def test_a_small_volume_is_refused_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    target = _target(tmp_path, 8 * MIB)
    with pytest.raises(HostedEngineError) as caught:
        copy.copy_disk(str(source), str(target), "nfs", 60)
    assert caught.value.problem.id == "disk_copy.target_too_small"
    assert target.stat().st_blocks == 0


def test_a_disk_that_is_no_qcow2_image(source: Path, tmp_path: Path) -> None:
    source.write_bytes(bytes(4096))
    with pytest.raises(HostedEngineError) as caught:
        copy.copy_disk(str(source), str(_target(tmp_path)), "nfs", 60)
    assert caught.value.problem.id == "disk_copy.source_unknown"


def test_a_larger_volume_is_fine(source: Path, tmp_path: Path) -> None:
    assert copy.copy_disk(str(source), str(_target(tmp_path, 32 * MIB)), "nfs", 60).virtual_size == 16 * MIB


def test_a_copy_that_differs_is_found(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(tmp_path)
    real_run = progress.run

    def spoil_after_convert(argv: list[str], **options: object) -> object:
        done = real_run(argv, **options)  # type: ignore[arg-type]
        if "convert" in argv:
            with target.open("r+b") as stream:
                stream.seek(5 * MIB)
                stream.write(b"\x00")
        return done

    monkeypatch.setattr(progress, "run", spoil_after_convert)
    with pytest.raises(HostedEngineError) as caught:
        copy.copy_disk(str(source), str(target), "nfs", 60)
    assert caught.value.problem.id == "disk_copy.differs"
    assert caught.value.observed == f"Content mismatch at offset {5 * MIB}!"


def test_says_how_far_it_is_and_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []
    before = sorted(source.parent.iterdir())
    # A command that goes on only when what it has said was heard.
    wait = f"while [ ! -e {tmp_path}/heard ]; do sleep 0.01; done"
    script = f"printf '    (12.50/100%%)\\r    (40.00/100%%)\\r'; {wait}; echo bye"

    def tell(percent: float) -> None:
        told.append(("copy", percent))
        (tmp_path / "heard").touch()

    me = pwd.getpwuid(os.geteuid()).pw_name
    owner = (os.geteuid(), os.getegid())
    done = progress.run_told(["sh", "-c", script], str(source.parent), tell, 30, me, None, owner, pause=0.01)
    assert told == [("copy", 40.0)]
    assert (done.rc, done.stdout.strip()) == (0, "bye")
    assert sorted(source.parent.iterdir()) == before
