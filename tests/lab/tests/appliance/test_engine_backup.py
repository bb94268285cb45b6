"""engine-backup: what it writes, refuses, and what a restore changes; console as recorded on ovirt-engine 4.5.8."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import tarfile
from pathlib import Path

import pytest
from appliance.engine_tools.backup import main as backup
from appliance.engine_tools.backup.archive import ArchiveError, extract
from appliance.engine_tools.layout import Layout
from conftest import FIXTURES


def run(layout: Layout, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    status = backup.main(argv, layout)
    return status, capsys.readouterr().out


def rows(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(layout.database) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def archive(engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (engine.pki / "private").mkdir(parents=True)
    (engine.pki / "private/ca.pem").touch(0o640)
    with sqlite3.connect(engine.database) as connection:
        connection.execute("UPDATE vm_static SET origin = 6 WHERE vm_name = 'HostedEngine'")
        connection.execute("UPDATE vm_dynamic SET run_on_vds = 'h1', status = 1")
    file = tmp_path / "backup.tar.gz"
    status, said = run(engine, capsys, "--mode=backup", "--scope=all", f"--file={file}", f"--log={tmp_path}/backup.log")
    assert status == 0
    assert said == (FIXTURES / "engine-backup/console.txt").read_text().replace("/root/", f"{tmp_path}/")
    return file


def test_the_archive_has_the_real_layout_and_right_checksums(archive: Path, engine: Layout) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
        assert set(members) == {"version", "config", "os_version", "sha256sum", "files", "db/engine_backup.db"}
        read = {name: tar.extractfile(member).read() for name, member in members.items()}  # type: ignore[union-attr]
    sums = dict(reversed(line.split("  ")) for line in read.pop("sha256sum").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in read.items()}
    assert b"HostedEngine" in read["db/engine_backup.db"]
    assert [kind for (kind,) in rows(engine, "SELECT log_type FROM audit_log WHERE log_type IS NOT NULL")] == [
        9024,
        9025,
    ]


def test_a_restore_brings_back_files_modes_and_data_and_marks_them(
    archive: Path, engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Layout(tmp_path / "other")
    arguments = (
        "--mode=restore",
        f"--file={archive}",
        f"--log={tmp_path}/r.log",
        "--provision-all-databases",
        "--restore-permissions",
    )
    status, said = run(other, capsys, *arguments)
    assert status == 0, said
    assert "Provisioning PostgreSQL users/databases:\n- user 'engine', database 'engine'\n" in said
    assert (other.pki / "private/ca.pem").stat().st_mode & 0o777 == 0o640
    assert rows(other, "SELECT option_value FROM vdc_options WHERE option_name = 'DbJustRestored'") == [("1",)]
    assert rows(other, "SELECT status, run_on_vds FROM vm_dynamic") == [(0, None)]
    status, said = run(other, capsys, *arguments)
    assert status == 1 and "FATAL: Existing database 'engine' or user 'engine' found" in said


def test_the_recorded_restore_sessions(
    archive: Path, engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trunc.tar.gz").write_bytes(archive.read_bytes()[:2000])
    recorded = (FIXTURES / "engine-backup/restore-sessions.txt").read_text()
    sessions = re.findall(r"^\$ engine-backup (.*?)\n(.*?)^rc=(\d)$", recorded, re.MULTILINE | re.DOTALL)
    assert len(sessions) == 5
    varying = re.compile(r"(?<=at )[-\d]+ [:.\d]+ \+0000|/tmp/engine-backup\.\w+")
    for command, expected, status in sessions:
        found, said = run(engine, capsys, *command.replace("/root/", f"{tmp_path}/").split())
        assert found == int(status), said
        assert varying.sub("X", said).replace(f"{tmp_path}/", "/root/") == varying.sub("X", expected)


def test_the_hosted_engine_can_be_left_out(
    archive: Path, engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Layout(tmp_path / "other")
    status, said = run(
        other,
        capsys,
        "--mode=restore",
        f"--file={archive}",
        f"--log={tmp_path}/r.log",
        "--restore-permissions",
        "--he-remove-storage-vm",
        "--he-remove-hosts",
    )
    assert status == 0, said
    assert rows(other, "SELECT vm_name FROM vms") == []
    assert rows(other, "SELECT storage_name FROM storage_domain_static") == [("data",)]
    assert (
        rows(other, "SELECT disk_alias FROM base_disks") == []
        and rows(other, "SELECT * FROM image_storage_domain_map") == []
    )
    assert rows(other, "SELECT vds_name, vds_spm_id FROM vds") == [("host2", 2)]
    assert len(rows(other, "SELECT * FROM audit_log")) == 2


def test_a_changed_archive_and_another_version_are_refused(
    archive: Path, engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpacked = tmp_path / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    for name, text, words in (
        ("config", "changed\n", "sha256sum verification failed: config"),
        ("version", "4.4.10\n", "Backup was created by version '4.4'"),
    ):
        path = unpacked / name
        before = path.read_bytes()
        path.write_text(text)
        if name == "version":
            sums = unpacked / "sha256sum"
            sums.write_text(
                sums.read_text().replace(
                    hashlib.sha256(before).hexdigest(), hashlib.sha256(path.read_bytes()).hexdigest()
                )
            )
        changed = tmp_path / f"{name}.tar.gz"
        with tarfile.open(changed, "w:gz") as tar:
            tar.add(unpacked, arcname=".")
        path.write_bytes(before)
        status, said = run(engine, capsys, "--mode=verify", f"--file={changed}", f"--log={tmp_path}/v.log")
        assert status == 1 and f"FATAL: {words}" in said


def test_without_a_word_on_permissions_nothing_is_restored(
    archive: Path, engine: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(engine, capsys, "--mode=restore", f"--file={archive}", f"--log={tmp_path}/r.log")
    assert status == 1 and "FATAL: Please choose one of '--restore-permissions'" in said


def test_an_archive_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "file", arcname="../escaped")
    with tarfile.open(tmp_path / "evil.tar") as tar, pytest.raises(ArchiveError, match="escaped lies outside"):
        extract(tar, tmp_path / "target")
    assert not (tmp_path / "escaped").exists()
