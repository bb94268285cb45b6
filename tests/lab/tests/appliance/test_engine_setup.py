"""engine-setup on plain files: answers, refusals, files, secrets; the service is a stand-in that makes the database."""

from __future__ import annotations

import io
import re
import sqlite3
from pathlib import Path

import pytest
from appliance.engine_tools import config_query, otopi
from appliance.engine_tools.layout import Layout
from appliance.engine_tools.setup import work
from appliance.engine_tools.setup.dialog import Dialog
from appliance.engine_tools.setup.main import Setup
from conftest import FIXTURES, make_database

PASSWORD = "canary-Adm1n-57c1"
DATABASE_PASSWORD = "canary-db-90ee"
ANSWERS = (
    f"OVESETUP_CONFIG/adminPassword=str:{PASSWORD}",
    "OVESETUP_CONFIG/fqdn=str:localhost",
    "OVESETUP_CONFIG/keycloakEnable=bool:False",
    "OVESETUP_PKI/organization=str:lab.test",
    f"OVESETUP_DB/password=str:{DATABASE_PASSWORD}",
)


class Service:
    """Stands in for systemctl: starting the engine makes its database, as the real service does."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.calls: list[str] = []

    def __call__(self, *arguments: str) -> str:
        self.calls.append(arguments[0])
        if arguments[0] == "start" and not self.layout.database.exists():
            make_database(self.layout.database)
        return "ActiveState=active\nNRestarts=0\n"


def setup(
    layout: Layout, tmp_path: Path, *answers: str, options: tuple[str, ...] = ("--accept-defaults", "--offline")
) -> tuple[int, str, Service]:
    """Exit status, console and the service of one run with these answers."""
    file = tmp_path / "answers.conf"
    file.write_text("[environment:default]\n" + "\n".join(answers) + "\n")
    out, service = io.StringIO(), Service(layout)
    status = Setup(layout, Dialog(layout.log_dir, out), service).run([f"--config-append={file}", *options])
    return status, out.getvalue(), service


def query(layout: Layout, key: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert config_query.main(["query", "-k", key, "-f", str(layout.setup_conf)]) == 0
    return capsys.readouterr().out.strip()


def test_a_fresh_installation(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, console, service = setup(layout, tmp_path, *ANSWERS)
    assert status == 0, console
    assert console.endswith("[ INFO  ] Execution of setup completed successfully\n")
    assert "Please use the user 'admin@internal' and password specified" in console
    assert service.calls[:2] == ["enable", "start"]
    assert (layout.pki / "ca.pem").exists()
    settings = layout.simulator_config.read_text()
    assert 'fqdn = "localhost"' in settings and 'admin_user = "admin@internal"' in settings
    assert layout.simulator_config.stat().st_mode & 0o777 == 0o600
    assert query(layout, "OVESETUP_CONFIG/keycloakEnable", capsys) == "False"
    assert query(layout, "OVESETUP_PKI/organization", capsys) == "lab.test"


def test_the_stages_are_those_of_the_recorded_console(layout: Layout, tmp_path: Path) -> None:
    recorded = (FIXTURES / "engine-setup/console-unprivileged.txt").read_text()
    _status, console, _seen = setup(layout, tmp_path, *ANSWERS)
    stages = re.compile(r"^\[ INFO  \] Stage: (.*)$", re.MULTILINE)
    assert stages.findall(console) == stages.findall(recorded)
    titles = re.compile(r"--== (.*) ==--")
    assert titles.findall(console) == titles.findall(recorded)


def test_the_password_is_checked_by_the_simulator_and_written_nowhere(layout: Layout, tmp_path: Path) -> None:
    _status, console, _seen = setup(layout, tmp_path, *ANSWERS)
    stored = re.search(r'admin_password_hash = "(.*)"', layout.simulator_config.read_text())
    from engine_sim.config import verify_password

    assert stored and verify_password(PASSWORD, stored[1]) and not verify_password("other", stored[1])
    texts = [console, *(path.read_text(errors="replace") for path in layout.root.rglob("*") if path.is_file())]
    for secret in (PASSWORD, DATABASE_PASSWORD):
        assert not [text for text in texts if secret in text]


def test_keycloak_is_the_default_and_decides_the_user(
    layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, console, _seen = setup(layout, tmp_path, *ANSWERS[:2])
    assert status == 0
    assert "admin@ovirt@internalsso" in console and "admin@ovirt@internalsso" in layout.simulator_config.read_text()
    assert query(layout, "OVESETUP_CONFIG/keycloakEnable", capsys) == "True"


def test_later_answers_win_over_earlier_ones(layout: Layout, tmp_path: Path) -> None:
    first = tmp_path / "first.conf"
    first.write_text(
        "[environment:default]\nOVESETUP_CONFIG/fqdn=str:wrong.example\nOVESETUP_PKI/organization=str:first\n"
    )
    status, console, _seen = setup(layout, tmp_path, *ANSWERS[:2], options=("--accept-defaults",))
    assert status == 0, console


@pytest.mark.parametrize(
    ("answers", "options", "stage", "reason"),
    [
        (ANSWERS[1:], ("--accept-defaults",), "Environment customization", "End of file"),
        (ANSWERS, (), "Environment customization", "End of file"),
        (
            (ANSWERS[0], "OVESETUP_CONFIG/fqdn=str:no_name"),
            ("--accept-defaults",),
            "Environment customization",
            "not a valid host name",
        ),
        (
            (ANSWERS[0], "OVESETUP_CONFIG/fqdn=str:nobody.invalid"),
            ("--accept-defaults",),
            "Environment customization",
            "did not resolve",
        ),
        (("OVESETUP_CONFIG/fqdn=text:x",), ("--accept-defaults",), "Environment setup", "Invalid variable type text"),
        (ANSWERS, ("--accept-defaults", "--config-append=/nowhere"), "Environment setup", "'/nowhere' does not exist"),
    ],
)
def test_refusals_name_stage_and_reason_and_change_nothing(
    layout: Layout, tmp_path: Path, answers: tuple[str, ...], options: tuple[str, ...], stage: str, reason: str
) -> None:
    status, console, service = setup(layout, tmp_path, *answers, options=options)
    assert status == 1
    assert re.search(rf"\[ ERROR \] Failed to execute stage '{stage}': .*{re.escape(reason)}", console), console
    assert console.endswith("[ ERROR ] Execution of setup failed\n")
    assert not service.calls and not layout.pki.exists() and not layout.simulator_config.exists()


def test_a_second_run_keeps_data_pki_and_password(layout: Layout, tmp_path: Path) -> None:
    setup(layout, tmp_path, *ANSWERS)
    before = [
        (layout.pki / "ca.pem").read_bytes(),
        re.findall("admin_password_hash.*", layout.simulator_config.read_text()),
    ]
    with sqlite3.connect(layout.database) as connection:
        connection.execute("UPDATE storage_pool SET name = 'Mine'")
    status, console, service = setup(layout, tmp_path, "OVESETUP_CONFIG/continueSetupOnHEVM=bool:True")
    assert status == 0, console
    assert service.calls[0] == "stop"
    assert before == [
        (layout.pki / "ca.pem").read_bytes(),
        re.findall("admin_password_hash.*", layout.simulator_config.read_text()),
    ]
    with sqlite3.connect(layout.database) as connection:
        assert connection.execute("SELECT name FROM storage_pool").fetchone() == ("Mine",)


@pytest.mark.parametrize(("global_maintenance", "restored", "status"), [(0, "0", 1), (1, "0", 0), (0, "1", 0)])
def test_a_live_hosted_engine_needs_global_maintenance(
    layout: Layout, tmp_path: Path, global_maintenance: int, restored: str, status: int
) -> None:
    setup(layout, tmp_path, *ANSWERS)
    with sqlite3.connect(layout.database) as connection:
        connection.execute("UPDATE vm_dynamic SET run_on_vds = 'h1', status = 1")
        connection.execute("UPDATE vds_statistics SET ha_global_maintenance = ?", (global_maintenance,))
        connection.execute("UPDATE vdc_options SET option_value = ? WHERE option_name = 'DbJustRestored'", (restored,))
    result, console, service = setup(layout, tmp_path)
    assert result == status, console
    if status:
        assert "Hosted Engine setup detected, but Global Maintenance is not set." in console
        assert not service.calls


def test_the_options_of_a_real_installation_are_added(layout: Layout, tmp_path: Path) -> None:
    setup(layout, tmp_path, *ANSWERS)
    with sqlite3.connect(layout.database) as connection:
        rows = dict(connection.execute("SELECT option_name, option_value FROM vdc_options WHERE version = 'general'"))
        doubled = connection.execute(
            "SELECT option_name FROM vdc_options GROUP BY option_name, version HAVING count(*) > 1"
        ).fetchall()
    assert (
        len(rows) > 400 and rows["SSHInactivityTimeoutSeconds"] == "300" and rows["OvfUpdateIntervalInMinutes"] == "60"
    )
    assert not doubled


def test_a_service_that_dies_is_an_error_at_once(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(work.SetupError, match="Failed to start service 'ovirt-engine': no module"):
        work.wait_for_database(layout, lambda: "no module")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("str:a:b=c", "a:b=c"),
        ("bool:True", True),
        ("bool:no", False),
        ("int:5432", 5432),
        ("none:None", None),
        ("multi-str:a\nb", ["a", "b"]),
    ],
)
def test_typed_values(text: str, value: otopi.Value) -> None:
    assert otopi.parse_value(text) == value


def test_config_query_matches_and_reports_what_is_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "setup.conf"
    file.write_text("[environment:default]\nA/b=bool:False\n")
    (tmp_path / "setup.conf.d").mkdir()
    (tmp_path / "setup.conf.d/20.conf").write_text("[environment:default]\nA/b=bool:True\n")
    common = ["-k", "A/b", "-f", str(file)]
    assert config_query.main(["match", *common, "-v", "bool:True"]) == 0
    assert config_query.main(["match", *common, "-v", "bool:False"]) == 1
    assert config_query.main(["match", "-k", "A/c", "-f", str(file), "-v", "bool:False"]) == 2
    assert config_query.main(["query", "-t", *common]) == 0
    assert config_query.main(["query", "-k", "A/c", "-f", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "bool:True\n" and "NoOptionError" in captured.err
