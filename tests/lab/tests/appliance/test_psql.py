"""engine-psql.sh against the sessions recorded on ovirt-engine 4.5.8, and what restores and curious people send."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from appliance.engine_tools.layout import Layout
from appliance.engine_tools.psql import main as psql
from appliance.engine_tools.psql import translate
from conftest import FIXTURES

SESSIONS = [
    match.groups()
    for match in re.finditer(
        r"^\$ engine-psql\.sh (.*?) ?\n(.*?)^rc=(\d)$",
        (FIXTURES / "engine-psql/sessions.txt").read_text(),
        re.MULTILINE | re.DOTALL,
    )
]


def run(engine: Layout, capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Standard output, then standard error."""
    assert psql.main(argv, engine) == 0
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_the_recorded_sessions_are_answered_byte_for_byte(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(SESSIONS) == 10
    for command, expected, status in SESSIONS:
        assert run(engine, capsys, *shlex.split(command)) == expected, command
        assert status == "0"


def test_bundled_options_and_several_commands(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(engine, capsys, "-Atc", "SELECT vds_name FROM vds ORDER BY 1", "-c", "SELECT count(*) FROM vds")
    assert answer == "host1\nhost2\n2\n"


def test_the_deletion_functions_take_all_rows_but_the_log(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    run(engine, capsys, "-c", "UPDATE vm_static SET origin=6 WHERE vm_name='HostedEngine'")
    answer = run(engine, capsys, "-c", "SELECT deletevm(vm_guid) FROM (SELECT vm_guid FROM vms WHERE origin=6) t")
    assert answer == " deletevm \n----------\n \n(1 row)\n\n"
    run(
        engine,
        capsys,
        "-c",
        "SELECT deletevds(vds_id) FROM (SELECT vds_id FROM vds WHERE upper(vds_name)=upper('HOST1')) t",
    )
    tables = ("vms", "vm_device", "disk_vm_element", "permissions")
    assert [run(engine, capsys, "-Atc", f"SELECT count(*) FROM {table}") for table in tables] == ["0\n"] * 4
    assert run(engine, capsys, "-Atc", "SELECT vds_name, vds_spm_id FROM vds") == "host2|2\n"
    assert run(engine, capsys, "-Atc", "SELECT count(*) FROM audit_log") == "1\n"


def test_the_statements_of_a_restore(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        engine,
        capsys,
        "-c",
        "UPDATE vm_dynamic SET run_on_vds = (SELECT vds_id FROM vds WHERE vds_name='host1'), status=1",
    )
    stopped = (
        "UPDATE vm_dynamic SET run_on_vds = NULL, status=0 "
        "WHERE run_on_vds IN (SELECT vds_id FROM vds WHERE vds_unique_id='AAAA')"
    )
    assert run(engine, capsys, "-c", stopped) == "UPDATE 1\n"
    renamed = (
        "UPDATE storage_domain_static SET storage_name='hosted_storage'||'_old_20261125' "
        "WHERE storage_name='hosted_storage'"
    )
    assert run(engine, capsys, "-c", renamed) == "UPDATE 1\n"
    assert (
        run(engine, capsys, "-Atc", "SELECT storage_name FROM storage_domain_static ORDER BY id")
        == "hosted_storage_old_20261125\ndata\n"
    )


def test_dialect_casts_schema_booleans_and_case_rules(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    query = (
        "SELECT vm_name::text, is_delete_protected FROM public.vm_static "
        "WHERE vm_guid='99642496-37b4-4fb0-94c3-75b6969a46df'::uuid"
    )
    assert run(
        engine, capsys, "-c", query
    ) == " vm_name | is_delete_protected \n---------+---------------------\n HostedEngine | t\n(1 row)\n\n".replace(
        " vm_name | ", "   vm_name    | "
    ).replace("---------+-", "--------------+-")
    assert run(engine, capsys, "-Atc", "SELECT count(*) FROM vms WHERE vm_name LIKE 'hosted%'") == "0\n"
    assert run(engine, capsys, "-Atc", "SELECT count(*) FROM vms WHERE vm_name ILIKE 'hosted%'") == "1\n"
    assert run(engine, capsys, "-Atc", "SELECT count(*) FROM vms WHERE vm_name ~ '^Hosted'") == "1\n"


def test_a_file_and_the_error_in_it(engine: Layout, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = tmp_path / "work.sql"
    script.write_text(
        "UPDATE vds_static SET vds_name = 'a;b' WHERE vds_id = 'h2'; -- a remark;\n"
        "SELECT nocolumn;\nSELECT vds_name FROM vds_static;\n"
    )
    answer = run(engine, capsys, "-At", "-f", str(script))
    assert answer.startswith("UPDATE 1\nhost1\na;b\n")
    assert f'psql:{script}:1: ERROR:  column "nocolumn" does not exist' in answer


def test_a_failing_statement_changes_nothing(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    run(engine, capsys, "-c", "INSERT INTO vds_static (vds_id, vds_name) VALUES ('h3', 'x'), ('h1', 'y')")
    assert run(engine, capsys, "-Atc", "SELECT count(*) FROM vds_static") == "2\n"


def test_without_a_database_it_says_so_as_psql(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Connection refused" in run(layout, capsys, "-c", "SELECT 1")
    assert not layout.database.exists()


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("SELECT 1; SELECT ';' ;", ["SELECT 1", "SELECT ';'"]),
        ("-- only; a comment\n", []),
        ("/* a;b */ SELECT 'it''s; fine'", ["SELECT 'it''s; fine'"]),
    ],
)
def test_scripts_are_split_outside_of_texts(script: str, statements: list[str]) -> None:
    assert translate.split(script) == statements


@pytest.mark.parametrize(
    ("postgres", "sqlite"),
    [
        ("SELECT a::varchar(20), b::timestamp with time zone FROM t", "SELECT a, b FROM t"),
        ("SELECT '::text' FROM public.t", "SELECT '::text' FROM t"),
        ("SELECT x::uuid[] , y", "SELECT x , y"),
    ],
)
def test_casts_go_but_texts_stay(postgres: str, sqlite: str) -> None:
    assert translate.to_sqlite(postgres) == sqlite
