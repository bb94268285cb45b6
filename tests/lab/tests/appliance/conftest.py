"""An engine installation on plain files, as the appliance's commands see it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[4]
LAB = REPOSITORY / "tests/lab"
FIXTURES = REPOSITORY / "tests/fixtures/engine"
ROOTFS = LAB / "appliance/rootfs"
for entry in (LAB, Path(__file__).parent):
    if str(entry) not in sys.path:
        sys.path.insert(0, str(entry))

from appliance.engine_tools.layout import Layout

SCHEMA = (Path(__file__).parent / "engine_database.sql").read_text()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An installation as the image has it, before engine-setup."""
    root = tmp_path / "root"
    for name in ("etc/ovirt-engine", "etc/ovirt-engine-setup.conf.d"):
        shutil.copytree(ROOTFS / "common" / name, root / name)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.0.1 localhost.localdomain\n")
    (root / "var/lib/ovirt-engine").mkdir(parents=True)
    return Layout(root)


@pytest.fixture
def engine(layout: Layout) -> Layout:
    """The same with the database of an engine that has one host and the hosted-engine VM."""
    make_database(layout.database)
    return layout


def make_database(path: Path) -> None:
    """The engine's database as the simulator makes it (the columns that the commands touch)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()
