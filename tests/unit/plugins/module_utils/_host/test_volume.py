from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.volume import read_direct, write_direct


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume full of old data, on a file system that bears direct I/O."""
    path = tmp_path / "volume"
    path.write_bytes(b"\xff" * (3 * 1024**2))
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        pytest.skip("the temporary file system has no direct I/O")
    return path


def test_only_the_begin_is_replaced(volume: Path) -> None:
    data = os.urandom(1024**2 + 4096)
    write_direct(str(volume), data)
    seen = volume.read_bytes()
    assert seen == data + b"\xff" * (3 * 1024**2 - len(data))


def test_reads_any_number_of_bytes(volume: Path) -> None:
    write_direct(str(volume), bytes(4096))
    assert read_direct(str(volume), 100) == bytes(100)
    assert read_direct(str(volume), 5000) == bytes(4096) + b"\xff" * 904


def test_refuses_a_length_that_direct_io_cannot_write(volume: Path) -> None:
    with pytest.raises(ValueError, match="100 bytes"):
        write_direct(str(volume), bytes(100))


def test_does_not_make_a_volume(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_direct(str(tmp_path / "none"), bytes(4096))
