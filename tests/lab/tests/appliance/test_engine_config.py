"""engine-config against the sessions recorded on ovirt-engine 4.5.8."""

from __future__ import annotations

import re

import pytest
from appliance.engine_tools import engine_config
from appliance.engine_tools.layout import Layout
from conftest import FIXTURES

SESSIONS = re.findall(
    r"^\$ engine-config (.*?)\n(.*?)^rc=(\d)$",
    (FIXTURES / "engine-config/sessions.txt").read_text(),
    re.MULTILINE | re.DOTALL,
)


def test_the_recorded_sessions_are_answered_byte_for_byte(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(SESSIONS) == 12
    for command, expected, status in SESSIONS:
        assert engine_config.main(command.split(" "), engine) == int(status), command
        assert capsys.readouterr().out == expected, command


def test_one_version_can_be_read_and_set(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_config.main(["--set", "LibgfApiSupported=true", "--cver=4.8"], engine) == 0
    assert engine_config.main(["--get=LibgfApiSupported", "--cver=4.8"], engine) == 0
    assert capsys.readouterr().out == "LibgfApiSupported: true version: 4.8\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "LibgfApiSupported=perhaps", "--cver=4.8"], "Cannot set value perhaps to key LibgfApiSupported. "),
        (["-s", "LibgfApiSupported=true"], "Please select a version:"),
        (["-s", "LibgfApiSupported=true", "--cver=9.9"], "No such entry with version 9.9."),
        (["-s", "WarningLowSpaceIndicator=101"], "Cannot set value 101 to key WarningLowSpaceIndicator. "),
        (["-g", "WarningLowSpaceIndicator"], "Error fetching WarningLowSpaceIndicator value"),
    ],
)
def test_what_is_refused(engine: Layout, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert engine_config.main(arguments, engine) == 1
    assert words in capsys.readouterr().out


def test_the_list_names_types(engine: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_config.main(["-l"], engine) == 0
    assert (
        'OvfUpdateIntervalInMinutes: "Number of minutes between OVF updates" (Value Type: Integer)\n'
        in capsys.readouterr().out
    )
