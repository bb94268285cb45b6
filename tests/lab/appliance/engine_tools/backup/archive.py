"""The backup archive: `version`, `config`, `os_version`, `sha256sum`, `files` (tar.xz) and `db/engine_backup.db`.

The real archive holds PostgreSQL dumps; here `db/engine_backup.db` is the SQL text of the SQLite database.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tarfile
from pathlib import Path

from .. import VERSION
from ..layout import Layout

DATABASE = "db/engine_backup.db"
FILES = "files"
_SAVED = ("etc/ovirt-engine", "etc/ovirt-engine-setup.conf.d", "etc/pki/ovirt-engine", "var/lib/ovirt-engine/.ssh")
_CONFIG = "".join(
    f"{name}DB_DUMP_COMPRESSOR=\n{name}DB_DUMP_FORMAT=plain\n" for name in ("", "DWH_", "KEYCLOAK_", "MANAGEDBLOCK_")
)


class ArchiveError(Exception):
    """The archive cannot be used; the text follows "FATAL: "."""


def save_files(layout: Layout, target: Path) -> None:
    """Pack the engine's configuration and keys, with owners and modes."""
    with tarfile.open(target, "w:xz", preset=1) as tar:
        for name in _SAVED:
            if (layout.root / name).exists():
                tar.add(layout.root / name, arcname=f"./{name}")


def restore_files(source: Path, layout: Layout) -> None:
    with tarfile.open(source, "r:*") as tar:
        extract(tar, layout.root)


def extract(tar: tarfile.TarFile, directory: Path) -> None:
    """Unpack all members with owners and modes. Raises ArchiveError for one that would land elsewhere.

    (The appliance's Python 3.11.2 does not know extraction filters yet.)
    """
    members = tar.getmembers()
    for member in members:
        if not (directory / member.name).resolve().is_relative_to(directory.resolve()):
            raise ArchiveError(f"{member.name} lies outside of the archive")
    tar.extractall(directory, members=members)


def dump(database: Path, target: Path) -> None:
    """Write the database as SQL."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60) as connection, target.open("w") as file:
        file.writelines(f"{line}\n" for line in connection.iterdump())


def load(source: Path, database: Path) -> None:
    """Make a new database from SQL. Raises ArchiveError."""
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = database.with_name(f".{database.name}.restored")
    fresh.unlink(missing_ok=True)
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        connection.executescript(source.read_text())
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise ArchiveError(f"Database engine restore failed: {error}") from error
    finally:
        connection.close()
    for leftover in ("-wal", "-shm"):
        database.with_name(database.name + leftover).unlink(missing_ok=True)
    fresh.replace(database)


def write_descriptions(directory: Path) -> None:
    """`version`, `config`, `os_version`, and the checksums of everything in `directory`."""
    (directory / "version").write_text(f"{VERSION}\n")
    (directory / "config").write_text(_CONFIG)
    (directory / "os_version").write_text("debian12\n")
    names = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
    sums = "".join(f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (directory / "sha256sum").write_text(sums)


def pack(directory: Path, target: Path) -> None:
    target.touch(0o600)
    with tarfile.open(target, "w:gz", compresslevel=6) as tar:
        for path in sorted(directory.rglob("*")):
            tar.add(path, arcname=f"./{path.relative_to(directory)}", recursive=False)


def unpack(source: Path, directory: Path) -> None:
    """Unpack and check every checksum and the version. Raises ArchiveError."""
    try:
        with tarfile.open(source, "r:*") as tar:
            extract(tar, directory)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArchiveError(f"cannot open {directory}") from error
    sums = directory / "sha256sum"
    if not sums.is_file():
        raise ArchiveError("Backup file has no sha256sum")
    for line in sums.read_text().splitlines():
        expected, _, name = line.partition("  ")
        path = directory / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise ArchiveError(f"sha256sum verification failed: {name}")
    version = (directory / "version").read_text().strip()
    ours = VERSION.rpartition(".")[0]
    if version.rpartition(".")[0] != ours:
        short = version.rpartition(".")[0] or version
        raise ArchiveError(
            f"Backup was created by version '{short}' and can not be restored using the installed version {ours}"
        )
