"""The command line and the three modes."""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from ..layout import Layout
from ..setup.checks import has_database
from . import archive, surgery
from .archive import ArchiveError

_LINE = "-" * 78
_EVENTS = {"started": (9024, 0), "completed": (9025, 0), "failed": (9026, 2)}


class Backup:
    """One run; prints as it goes, and the same into its log."""

    def __init__(self, layout: Layout, options: argparse.Namespace) -> None:
        self._layout, self._options = layout, options
        stamp = time.strftime("%Y%m%d%H%M%S")
        self._file: Path = (
            options.file or layout.root / f"var/lib/ovirt-engine-backup/ovirt-engine-backup-{stamp}.backup"
        )
        self._log_path: Path = (
            options.log or layout.root / f"var/log/ovirt-engine-backup/ovirt-engine-{options.mode}-{stamp}.log"
        )

    def run(self) -> int:
        """0, or 1 after FATAL."""
        options = self._options
        if options.mode != "backup" and not self._file.is_file():
            print(f"FATAL: {self._file} does not exist")
            return 1
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("a") as self._log:
            self._say(
                f"Start of engine-backup with mode '{options.mode}'",
                f"scope: {options.scope}",
                f"archive file: {self._file}",
                f"log file: {self._log_path}",
            )
            try:
                with tempfile.TemporaryDirectory(prefix="engine-backup.") as scratch:
                    {"backup": self._backup, "restore": self._restore, "verify": self._verify}[options.mode](
                        Path(scratch)
                    )
            except (ArchiveError, OSError, sqlite3.Error) as error:
                self._say(f"FATAL: {error}")
                if options.mode == "backup":
                    self._notify("failed")
                return 1
            self._say("Done.")
            return 0

    def _say(self, *lines: str) -> None:
        for line in lines:
            print(line, flush=True)
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    @property
    def _with_files(self) -> bool:
        return self._options.scope in ("all", "files")

    @property
    def _with_database(self) -> bool:
        return self._options.scope in ("all", "db")

    def _backup(self, scratch: Path) -> None:
        self._say("Backing up:", "Notifying engine")
        self._notify("started")
        (scratch / "db").mkdir()
        if self._with_files:
            self._say("- Files")
            archive.save_files(self._layout, scratch / archive.FILES)
        if self._with_database:
            self._say("- Engine database 'engine'")
            archive.dump(self._layout.database, scratch / archive.DATABASE)
        archive.write_descriptions(scratch)
        self._say(f"Packing into file '{self._file}'")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        archive.pack(scratch, self._file)
        self._say("Notifying engine")
        self._notify("completed")

    def _notify(self, what: str) -> None:
        """Tell the engine by an event in its log, if there is an engine."""
        if not has_database(self._layout.database):
            return
        number, severity = _EVENTS[what]
        message = f"Backup {what}. scope: {self._options.scope}; log: {self._log_path}"
        with sqlite3.connect(self._layout.database, timeout=60) as connection:
            connection.execute(
                "INSERT INTO audit_log (log_time, log_type_name, log_type, severity, message, origin) "
                "VALUES (?, ?, ?, ?, ?, 'oVirt')",
                (time.time(), f"ENGINE_BACKUP_{what.upper()}", number, severity, message),
            )

    def _verify(self, scratch: Path) -> None:
        self._say("Verifying:", f"- Unpacking file '{self._file}'")
        archive.unpack(self._file, scratch)
        if self._with_database and (scratch / archive.DATABASE).is_file():
            self._say("- Engine database 'engine'")
            archive.load(scratch / archive.DATABASE, scratch / "verified.db")

    def _restore(self, scratch: Path) -> None:
        options = self._options
        if not (options.restore_permissions or options.no_restore_permissions) and self._with_database:
            raise ArchiveError("Please choose one of '--restore-permissions' or '--no-restore-permissions'")
        self._say("Preparing to restore:", f"- Unpacking file '{self._file}'")
        archive.unpack(self._file, scratch)
        self._require_quiet_engine()
        self._say("Restoring:")
        if self._with_files:
            self._say("- Files")
            archive.restore_files(scratch / archive.FILES, self._layout)
        if self._with_database:
            if options.provision_db:
                self._say(
                    "Provisioning PostgreSQL users/databases:", "- user 'engine', database 'engine'", "Restoring:"
                )
            self._restore_database(scratch / archive.DATABASE)
        self._say("You should now run engine-setup.")

    def _require_quiet_engine(self) -> None:
        """Refuse while the engine runs, and refuse to write over a database that is in use for something."""
        if self._layout.root == Path("/"):
            state = subprocess.run(["systemctl", "is-active", "--quiet", "ovirt-engine"], check=False)
            if state.returncode == 0:
                raise ArchiveError("Engine service is active - can not restore backup")
        if self._with_database and self._options.provision_db and has_database(self._layout.database):
            raise ArchiveError(
                "Existing database 'engine' or user 'engine' found and temporary ones created - "
                "Please clean up everything and try again"
            )

    def _restore_database(self, dump: Path) -> None:
        made = datetime.fromtimestamp(dump.stat().st_mtime, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f000 +0000")
        self._say("- Engine database 'engine'")
        archive.load(dump, self._layout.database)
        with sqlite3.connect(self._layout.database, timeout=60) as connection:
            self._say(
                "  - Cleaning up temporary tables in engine database 'engine'",
                "  - Updating DbJustRestored VdcOption in engine database",
            )
            surgery.mark_restored(connection)
            self._say("  - Resetting HA VM status")
            surgery.reset_engine_vm(connection)
            self._say(
                _LINE,
                "Please note:",
                "",
                f"The engine database was backed up at {made} .",
                "",
                "Objects that were added, removed or changed after this date, such as virtual",
                "machines, disks, etc., are missing in the engine, and will probably require",
                "recovery or recreation.",
                _LINE,
            )
            self._remove_hosted_engine(connection)

    def _remove_hosted_engine(self, connection: sqlite3.Connection) -> None:
        if self._options.he_remove_storage_vm:
            self._say("  - Removing the hosted-engine storage domain, all its entities and the hosted-engine VM.")
            try:
                surgery.remove_storage_vm(connection)
            except ValueError as error:
                raise ArchiveError(f"Failed to remove the hosted-engine storage domain: {error}") from error
        if self._options.he_remove_hosts:
            self._say(
                "  - Removing all the hosted-engine hosts.",
                "  - Please redeploy already existing HE hosts IMMEDIATELY after restore, "
                "to avoid possible SPM deadlocks.",
            )
            surgery.remove_hosts(connection)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="engine-backup", description="engine-backup: backup and restore ovirt-engine environment"
    )
    parser.add_argument("--mode", choices=("backup", "restore", "verify"), default="backup")
    parser.add_argument(
        "--scope", choices=("all", "files", "db", "dwhdb", "cinderlibdb", "keycloakdb", "grafanadb"), default="all"
    )
    parser.add_argument("--file", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--provision-all-databases", "--provision-db", dest="provision_db", action="store_true")
    for name in (
        "restore-permissions",
        "no-restore-permissions",
        "he-remove-storage-vm",
        "he-remove-hosts",
        "keep-temporary-data",
    ):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, layout: Layout | None = None) -> int:
    """Entry point of engine-backup."""
    return Backup(layout or Layout.installed(), parse(sys.argv[1:] if argv is None else argv)).run()
