"""Every bad input through a real `ansible-playbook` that needs settings, up to the finding that ends it.

One run has a host for each case. The hosts' addresses are of a network that does not exist: a host that is contacted
is unreachable, one whose settings are refused has failed. So nothing on a host can have changed. The phases begin with
the preflight, which tells the same findings together with those about the host; it is tried on a few.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bad_input import CASES, Case
from playbook_run import GOOD, LOCAL, NOWHERE, ROOT, Run, inventory

# Each of these is run alone too: the exit status is that of one deployment.
ALONE = ("fqdn-missing", "password-open-brace", "iscsi-password-shell", "otopi-bom", "yaml-python", "json-surrogate")


class BadRun(Run):
    """One run of a playbook with a host for each case."""

    def __init__(self, folder: Path, cases: list[Case], playbook: str = "export_settings", local: bool = False) -> None:
        self.folder = folder
        self.marker = folder / "marker"
        hosts = {case.name: self._variables(case) for case in cases}
        super().__init__(
            folder, ROOT / "playbooks" / f"{playbook}.yml", inventory(folder, hosts, LOCAL if local else NOWHERE)
        )

    def _variables(self, case: Case) -> dict[str, Any]:
        variables: dict[str, Any] = {**GOOD, **self._marked(case.variables)}
        for name in case.without:
            del variables[name]
        if case.file is not None:
            # An encoding other than UTF-8 is left alone.
            path = self.folder / f"answers-{case.name}{case.suffix}"
            path.write_bytes(case.file.replace(b"{marker}", str(self.marker).encode()))
            path.chmod(0o600)
            variables["he_answer_file"] = str(path)
            for name in ("he_cluster", "he_vcpus"):
                variables.pop(name, None)
        return variables

    def _marked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._marked(inner) for name, inner in value.items()}
        return value.replace("{marker}", str(self.marker)) if isinstance(value, str) else value

    def of(self, case: Case) -> list[dict[str, Any]]:
        """Return the outcomes on the host of a case, without those that only include a role."""
        mine = [outcome for outcome in self.outcomes if outcome["host"] == case.name]
        return [outcome for outcome in mine if outcome["task"] != "Validate the settings and read the host"]


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadRun]:
    yield BadRun(tmp_path_factory.mktemp("bad"), CASES)


def test_there_are_enough_and_each_has_a_name() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_is_found_and_nothing_is_changed(all_of_them: BadRun, case: Case) -> None:
    outcomes = all_of_them.of(case)
    # The first task failed and no other one ran; the host was not contacted.
    assert [(outcome["outcome"], outcome["task"]) for outcome in outcomes] == [
        ("failed", "node0.hosted_engine.he : Validate the settings")
    ]
    (outcome,) = outcomes
    findings = outcome["findings"] or []
    blocking = [(one["id"], one["source"]) for one in findings if one["severity"] == "block"]
    assert any(id == case.finding and case.about in source for id, source in blocking), findings
    for one in findings:
        assert all(isinstance(one[key], str) and one[key] for key in ("id", "source", "expected", "seen", "advice"))
    assert case.finding in outcome["msg"]
    assert "Traceback" not in json.dumps(outcome)


def test_the_run_ends_with_a_failure_and_without_a_traceback(all_of_them: BadRun) -> None:
    assert all_of_them.status == 2
    assert "Traceback" not in all_of_them.printed
    assert "unreachable=1" not in all_of_them.printed


def test_nothing_that_was_injected_was_executed(all_of_them: BadRun) -> None:
    assert not all_of_them.marker.exists()


def test_no_secret_was_shown(all_of_them: BadRun) -> None:
    written = [all_of_them.printed, json.dumps(all_of_them.outcomes)]
    written += [path.read_text() for path in (all_of_them.folder / "logs").glob("*")]
    secrets = [
        "canary-admin-9f3k",
        "canary-root-7d2m",
        "a;reboot",
        "$HOME and more",
        "p" * 51,
        "s3cret-db",
        "one\\ntwo",
    ]
    assert not [secret for secret in secrets if any(secret in text for text in written)]


def test_the_preflight_tells_them_with_what_is_wrong_with_the_host(tmp_path: Path) -> None:
    """On this machine, which it only looks at; what is wrong with it for a hosted engine does not matter here."""
    cases = [case for case in CASES if case.name in ALONE]
    run = BadRun(tmp_path, cases, "preflight", local=True)
    assert run.status == 2
    assert not run.marker.exists()
    assert "Traceback" not in run.printed
    for case in cases:
        outcomes = run.of(case)
        assert outcomes[-1]["outcome"] == "failed"
        assert outcomes[-1]["task"].endswith("Stop before anything is changed")
        assert case.finding in outcomes[-1]["msg"]
        told = next(outcome["report"] for outcome in outcomes if outcome["report"])
        assert any(one["id"] == case.finding and case.about in one["source"] for one in told["findings"])


def test_they_are_told_of_a_host_that_cannot_be_reached(tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.name == ALONE[0])
    outcomes = BadRun(tmp_path, [case], "preflight").of(case)
    assert [outcome["outcome"] for outcome in outcomes] == ["ok", "unreachable", "failed"]
    assert case.finding in outcomes[-1]["msg"]


@pytest.mark.parametrize("case", [case for case in CASES if case.name in ALONE], ids=lambda case: case.name)
def test_a_run_of_its_own_ends_with_a_failure(tmp_path: Path, case: Case) -> None:
    run = BadRun(tmp_path, [case])
    assert run.status == 2
    assert case.finding in run.printed
    assert not run.marker.exists()


def test_the_good_settings_pass(tmp_path: Path) -> None:
    """Without this, a rule that refuses everything would pass all of the above."""
    good = Case("good", "", "")
    first, *others = BadRun(tmp_path, [good]).of(good)
    assert (first["outcome"], first["findings"]) == ("ok", [])
    # The next task contacts the host, which is not there.
    assert [outcome["outcome"] for outcome in others] == ["unreachable"]


def test_all_mistakes_come_together(tmp_path: Path) -> None:
    mistakes = {
        "he_vm_mac_addr": "01:00:5e:00:00:01",
        "he_fqdn": "engine",
        "he_gateway": "198.51.100.1",
        "he_disk_size_GB": 20,
        "he_storage_domain_path": "exports",
        "he_admin_password": "pass{{word",
    }
    many = Case("many", "", "", mistakes)
    (outcome,) = BadRun(tmp_path, [many]).of(many)
    blocking = {one["source"] for one in outcome["findings"] if one["severity"] == "block"}
    assert blocking == set(mistakes)


def test_yaml_of_the_sample_inventory_is_good(tmp_path: Path) -> None:
    sample = yaml.safe_load((ROOT / "inventories" / "sample" / "group_vars" / "node0.yml").read_text())
    case = Case("sample", "", "", sample)
    assert BadRun(tmp_path, [case]).of(case)[0]["outcome"] == "ok"
