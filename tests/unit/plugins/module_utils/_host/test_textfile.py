"""Files put in place: whole, with their mode and owner, and only when they differ."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile


def test_installs_what_differs(tmp_path: Path) -> None:
    path, me = tmp_path / "new" / "ha.conf", (os.getuid(), os.getgid())
    assert textfile.install(str(path), "", 0o440, *me)
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert not textfile.install(str(path), "", 0o440, *me)
    assert textfile.install(str(path), "a=b\n", 0o440, *me)
    assert textfile.install(str(path), "a=b\n", 0o640, *me)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a=b\n", 0o640)
    assert [entry.name for entry in path.parent.iterdir()] == ["ha.conf"]


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ha.conf"
    path.write_text("before\n")

    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(textfile.os, "chown", refuse)
    with pytest.raises(PermissionError):
        textfile.install(str(path), "after\n", 0o440, 36, 36)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("ha.conf", "before\n")]
