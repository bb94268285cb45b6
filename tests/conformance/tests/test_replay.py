# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame around the tool: what a folder's variables ask for, and how deviations count."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import backend
import verdict


def test_the_backend_of_these_scenarios() -> None:
    plan = backend.plan(backend.load(HERE / "scenarios", HERE))
    assert plan.hosts == ["host1_address", "host2_address"] and plan.dead == ["dead_address"]
    assert [export["path"] for export in plan.world["exports"]] == [
        "storage.example.test:/exports/cf-one",
        "storage.example.test:/exports/cf-two",
    ]
    assert [unit["guid"] for unit in plan.world["luns"]] == ["360014050000000000000000000000001"]
    assert plan.world["iscsi_targets"][0]["port"] == 3261


def test_a_backend_of_other_variables() -> None:
    plan = backend.plan(
        {
            "host_a_address": "192.0.2.1",
            "host_b_address": "192.0.2.2",
            "host_c_address": "",
            "no_dead_address": "192.0.2.9",
            "nfs_address": "one.test",
            "nfs_path": "/a",
            "nfs_small_path": "/small",
            "nfs_denied_path": "/no",
            "nfs2_address": "two.test",
            "nfs2_path": "/b",
            "iscsi_target": "iqn.x:y",
            "iscsi_username": "u",
            "iscsi_password": "p",
            "iscsi_lun": "36001",
            "iscsi_used_lun": "36002",
            "fc_lun": "36003",
        }
    )
    assert plan.hosts == ["host_a_address", "host_b_address"] and plan.dead == ["no_dead_address"]
    sizes = {export["path"]: export["size_gib"] for export in plan.world["exports"]}
    assert sizes == {"one.test:/a": 200, "one.test:/small": 20, "two.test:/b": 200}
    assert plan.world["iscsi_targets"] == [
        {"address": "127.0.0.1", "port": 3260, "tpgt": 1, "iqn": "iqn.x:y", "user": "u", "password": "p"}
    ]
    kinds = {unit["guid"]: (unit.get("type"), unit.get("used", False)) for unit in plan.world["luns"]}
    assert kinds == {"36001": (None, False), "36002": (None, True), "36003": ("FCP", False)}
    assert plan.external_vm == ""


def test_the_port_is_that_of_the_recording(tmp_path: Path) -> None:
    assert backend.port_of(HERE / "golden") == 8443
    (tmp_path / "a").mkdir()
    (tmp_path / "recording.yaml").write_text("variables: {engine_fqdn: e.test}\n")
    (tmp_path / "a" / "b.yaml").write_text("x: https://e.test/ovirt-engine\n")
    assert backend.port_of(tmp_path) == 443


def step(name: str, state: str, level: str = "must") -> dict[str, str]:
    scenario, _slash, name = name.partition("/")
    return {"scenario": scenario, "step": name, "level": level, "state": state}


STEPS = [step("a/1", "ok"), step("a/2", "differs", "should"), step("b/1", "skipped"), step("b/2", "ok")]


@pytest.mark.parametrize(
    ("known", "good", "last"),
    [
        ({"a/2": "reason"}, True, "2 passed, 0 failed"),
        ({}, False, "2 passed, 1 failed"),
        ({"a/2": "reason", "b/2": "reason"}, False, "1 passed, 1 failed"),
        ({"a/2": "reason", "z/9": "not replayed here"}, True, "2 passed, 0 failed"),
    ],
)
def test_only_accepted_deviations_are_skipped(known: dict[str, str], good: bool, last: str) -> None:
    result = verdict.judge(STEPS, known)
    assert result.good is good
    assert verdict.report(result)[-1] == last
    assert result.figures["a"]["must"]["ok"] == 1


def test_nothing_replayed_is_no_success() -> None:
    assert not verdict.judge([], {}).good


def test_a_deviation_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text("a/2:\n")
    with pytest.raises(ValueError, match="reason"):
        verdict.accepted(path)


def test_the_report_says_what_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    verdict.relay(
        ["DIFFERS  should a/2  (1 warnings)\n", "ERROR    must   a/3\n", "1 passed, 2 failed\n"], {"a/2": "because"}
    )
    assert capsys.readouterr().out.splitlines() == [
        "skipped  should a/2  (accepted: because)  (1 warnings)",
        "ERROR    must   a/3",
    ]


def test_the_table_of_the_lab_is_current() -> None:
    import table

    text = table.README.read_text()
    assert table.renewed(text) == text, "run tests/conformance/table.py"
    assert table.expected()[-1] == "| **all** | 442/442 | 330/330 |"
