"""The report of the preflight: one shape for all findings, a table for people, JSON that keeps to its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _preflight
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding

ROOT = Path(__file__).resolve().parents[4]
MAC = Finding("settings.mac", "he_vm_mac_addr", "a unicast address", "01:00:00:00:00:00", "Make the first byte even.")
CLOCK = {
    "id": "host.clock",
    "check": "host.clock",
    "severity": "warn",
    "source": "",
    "expected": "a synchronized clock",
    "observed": "not synchronized",
    "resolution": "Start chronyd.",
    "seconds": 0.002,
}
GATEWAY = {**CLOCK, "id": "network.gateway.silent", "check": "network.gateway", "severity": "block", "seconds": 1.5}
HOST: dict[str, Any] = {
    "findings": [CLOCK, GATEWAY],
    "checks": [
        {"check": name, "title": name, "severity": "block", "status": status, "observed": "", "seconds": seconds}
        for name, status, seconds in (
            ("host.clock", "found", 0.002),
            ("network.gateway", "found", 1.5),
            ("storage.fc", "not_needed", 0.0),
            ("host.cpus", "skipped", 0.0),
            ("host.tools", "broken", 11.0),
        )
    ],
}


def test_the_report_keeps_to_its_schema_and_tells_the_worst_first() -> None:
    told = _preflight.report([MAC.as_dict()], HOST)
    schema = json.loads((ROOT / "docs" / "preflight.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(told, schema)
    assert [one["id"] for one in told["findings"]] == ["settings.mac", "network.gateway.silent", "host.clock"]
    assert (told["verdict"], told["counts"]) == ("block", {"block": 2, "warn": 1, "info": 0})
    assert told["findings"][0]["resolution"] == MAC.advice and told["findings"][0]["source"] == MAC.source
    assert told["checks"][1]["resolution"] == GATEWAY["resolution"]
    assert _preflight.report([], {**HOST, "findings": [CLOCK]})["verdict"] == "ok"


def test_the_table_has_a_line_for_each_check_and_all_of_each_finding() -> None:
    told = _preflight.report([MAC.as_dict()], HOST)
    lines = _preflight.table(told, all_checks=True)
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["host.clock", "warn"],
        ["network.gateway", "BLOCK"],
        ["storage.fc", "-"],
        ["host.cpus", "skipped"],
        ["host.tools", "broken"],
    ]
    assert "BLOCK settings.mac (he_vm_mac_addr)" in lines
    assert lines[-1] == "preflight: 5 checks of the host in 11.0 s; 2 block, 1 warn, 0 info"
    short = _preflight.table(told)
    assert short[0].startswith("BLOCK settings.mac") and set(short) < set(lines)
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    ("version", "python", "ids"),
    [
        ("2.14.0", (3, 9), []),
        ("2.21.3rc1", (3, 13), []),
        ("2.13.9", (3, 9), ["controller.ansible"]),
        ("2.22.0.dev0", (3, 12), ["controller.ansible.untested"]),
        ("2.16.1", (3, 8), ["controller.python"]),
    ],
)
def test_what_runs_on_the_control_node_is_judged_too(version: str, python: tuple[int, int], ids: list[str]) -> None:
    assert [one["id"] for one in _preflight.controller(version, python)] == ids
