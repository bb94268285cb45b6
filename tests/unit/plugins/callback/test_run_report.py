from __future__ import annotations

from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._run_report import RunReport


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def _report(**options: Any) -> RunReport:
    return RunReport(Ticks(), **options)


def test_tasks_belong_to_the_phase_of_their_role() -> None:
    report = _report()
    report.task_started("node0.hosted_engine.preflight")
    report.task_started("node0.hosted_engine.bootstrap_local_vm")
    report.task_started("node0.hosted_engine.he")
    assert {name: phase.tasks for name, phase in report.phases.items()} == {"preflight": 1, "bootstrap_local_vm": 2}


def test_only_what_runs_on_the_host_counts_as_a_module() -> None:
    report = _report()
    report.task_started("node0.hosted_engine.create_target_vm")
    report.result_arrived("ansible.builtin.set_fact", {"changed": False})
    report.result_arrived("node0.hosted_engine.disk_copy", {"changed": True, "processes": 4})
    report.result_arrived("node0.hosted_engine.engine_target_vm", {"changed": True, "exchanges": 21, "logins": 1})
    assert report.as_dict()["totals"] == {
        "tasks": 1,
        "modules": 2,
        "processes": 4,
        "exchanges": 21,
        "logins": 1,
        "changed": 2,
    }


def test_the_first_failure_is_the_reason() -> None:
    report = _report()
    report.task_started("node0.hosted_engine.bootstrap_local_vm")
    report.result_arrived("m", {"error": {"id": "engine.refused"}}, failed=True)
    report.result_arrived("ansible.builtin.fail", {"msg": "phase failed"}, failed=True)
    assert report.as_dict()["failure"] == {"phase": "bootstrap_local_vm", "id": "engine.refused"}
    assert report.as_dict()["outcome"] == "failed"


def test_secrets_are_replaced_at_any_depth() -> None:
    report = _report(secrets={"tops3cret"})
    assert report.redact({"a": ["x tops3cret y", {"b": "tops3cret"}], "n": 5}) == {
        "a": ["x ******** y", {"b": "********"}],
        "n": 5,
    }


def test_the_table_has_a_row_a_phase_and_a_sum() -> None:
    report = _report()
    report.task_started("node0.hosted_engine.preflight")
    report.result_arrived("m", {"processes": 2})
    lines = report.as_table()
    assert len(lines) == 3
    assert lines[-1].split() == ["total", "1.0", "1", "1", "2", "0"]
