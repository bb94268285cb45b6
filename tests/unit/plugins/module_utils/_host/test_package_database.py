"""Installed packages out of dpkg's status file, out of rpm's bindings, and by rpm's command without them."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import package_database

# Recorded on Debian 12, and shortened.
STATUS = """Package: sanlock
Status: install ok installed
Priority: optional
Version: 3.8.5-1
Description: Shared storage lock manager
 Status: is told by sanlock client status
 .
 Version: none

Package: vdsm
Status: deinstall ok config-files
Version: 4.50.5.1
"""
NAMES = ("sanlock", "vdsm", "nothing")


def test_what_dpkg_has_installed(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS)
    assert package_database.versions(NAMES, str(status)) == {"sanlock": "3.8.5-1"}


@pytest.mark.parametrize("bindings", [True, False])
def test_what_rpm_has(bindings: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def match(tag: str, name: str) -> list[dict[str, str]]:
        assert tag == "name"
        return [{"version": "3.8.4", "release": "4.el9"}] if name == "sanlock" else []

    def run(argv: Sequence[str], **_options: Any) -> _run.Completed:
        assert not bindings
        printed = "sanlock 3.8.4-4.el9 installed\npackage vdsm is not installed\n"
        return _run.Completed(tuple(argv), 2, printed, "")

    module: Any = types.ModuleType("rpm")
    module.TransactionSet = lambda: types.SimpleNamespace(dbMatch=match)
    monkeypatch.setitem(sys.modules, "rpm", module if bindings else None)
    monkeypatch.setattr(package_database, "run", run)
    assert package_database.versions(NAMES, str(tmp_path / "none")) == {"sanlock": "3.8.4-4.el9"}


def test_the_database_with_packages_decides_about_the_module(tmp_path: Path) -> None:
    status, tools = tmp_path / "status", tmp_path / "bin"
    tools.mkdir()
    assert package_database.manager(str(status), str(tools)) == "auto"
    for name in ("apt-get", "dnf-3"):
        (tools / name).touch()
    status.touch()
    assert package_database.manager(str(status), str(tools)) == "dnf"
    status.write_text(STATUS)
    assert package_database.manager(str(status), str(tools)) == "apt"
