"""Lay a copy of the collection where the official tools want it: below C(ansible_collections/node0/hosted_engine)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The lab is a program of its own, held to ruff, mypy and its tests.
LEFT_OUT = ("tests/lab/",)


def tracked_files() -> list[str]:
    """Return the files of the working tree that git knows or would add."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(name for name in listed if (ROOT / name).is_file())


def copy_collection(parent: Path, left_out: tuple[str, ...] = LEFT_OUT) -> Path:
    """Copy the collection below C(parent) and return its folder; only what differs is written again."""
    target = parent / "ansible_collections" / "node0" / "hosted_engine"
    wanted = [name for name in tracked_files() if not name.startswith(left_out)]
    for old in target.rglob("*"):
        inside = old.relative_to(target).as_posix()
        if old.is_file() and inside not in wanted and not inside.startswith("tests/output/"):
            old.unlink()
    for name in wanted:
        source, copy = ROOT / name, target / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    return target
