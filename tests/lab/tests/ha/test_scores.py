# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scores and their settings against the golden data: every row."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.agent import constants, states
from ovirt_hosted_engine_ha.agent import score as scoring
from ovirt_hosted_engine_ha.agent.state_data import LocalStats, Point, Snapshot
from ovirt_hosted_engine_ha.env.timing import Timing
from ovirt_hosted_engine_ha.lib import engine, util

from .support import FIXTURES, load, stored

FOLDER = FIXTURES / "agent"


def state(name: str, config: dict[str, float] | None = None, **changes: Any) -> states.State:
    """Return a state on a host where all is well, but for the changes."""
    load_value = changes.get("cpu_load", 0.0)
    snapshot = Snapshot(
        time=1000,
        host_id=1,
        local=LocalStats(
            network=changes.get("network_ratio", 1.0),
            bridge=changes.get("bridge_up", True),
            mem_free=changes.get("mem_free", 32000.0),
            cpu_load=load_value,
            engine_health=None,
            storage_domain=True,
            maintenance=False,
        ),
        remote={},
        global_maintenance=False,
        history=changes.get("history", (Point(1000, load_value, {}), Point(990, load_value, {}))),
        timing=Timing(),
        score_config={**constants.SCORE_DEFAULTS, **(config or {})},
        memory_needed=changes.get("memory_needed", 16384),
        conf_up_to_date=changes.get("conf_uptodate", True),
        retries=changes.get("start_retries", 0),
    )
    return getattr(states, name)(snapshot)


def number(text: str) -> float | None:
    return float(text) if text else None


def rows(name: str) -> list[dict[str, str]]:
    with stored(FOLDER / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_grid() -> None:
    found = rows("scores-grid.csv")
    assert len(found) == 1920
    for row in found:
        made = state(
            row["state"],
            network_ratio=number(row["network_ratio"]),
            cpu_load=number(row["cpu_load"]),
            mem_free=number(row["mem_free_mib"]),
            memory_needed=int(row["mem_required_mib"]),
            bridge_up=row["bridge_up"] == "1",
            conf_uptodate=row["conf_uptodate"] == "1",
            start_retries=int(row["start_retries"]),
        )
        assert made.score == int(row["score"]), row


def single_changes(factor: str, value: str) -> dict[str, Any]:
    if factor in ("none", "everything_bad", "network_and_bridge_down"):
        return {
            "none": {},
            "network_and_bridge_down": {"network_ratio": 0.0, "bridge_up": False},
            "everything_bad": {
                "network_ratio": 0.0,
                "bridge_up": False,
                "cpu_load": 1.0,
                "mem_free": 0.0,
                "conf_uptodate": False,
            },
        }[factor]
    if factor.startswith("mem_free"):
        return {"mem_free": number(value)}
    if factor == "start_retries":
        return {factor: int(value)}
    if factor in ("conf_uptodate", "bridge_up"):
        return {factor: value == "True"}
    return {factor: number(value)}


@pytest.mark.parametrize("row", rows("scores-single.csv"), ids=lambda row: "-".join(row.values()))
def test_single(row: dict[str, str]) -> None:
    assert state(row["state"], **single_changes(row["factor"], row["value"])).score == int(row["score"])


@pytest.mark.parametrize("case", load(FOLDER / "scores-config-variants.json"), ids=json.dumps)
def test_other_weights(case: dict[str, Any]) -> None:
    keys = {"cpu": "cpu_load", "network": "network_ratio", "bridge": "bridge_up"}
    changes = {keys[key]: value for key, value in case["inputs"].items()}
    assert state("EngineDown", case["config"], **changes).score == case["score"]


@pytest.mark.parametrize("case", load(FOLDER / "cpu-load-average.json"), ids=json.dumps)
def test_load_average(case: dict[str, Any]) -> None:
    history = [tuple(point) for point in case["history_newest_first_[time,load]"]]
    assert scoring.load_factor(history) == pytest.approx(case["load_factor"], abs=1e-12)
    points = tuple(Point(when, value, {}) for when, value in history)
    assert state("EngineDown", history=points).score == case["score_EngineDown"]


def test_default_weights(tmp_path: Path) -> None:
    assert scoring.load_config(str(tmp_path / "absent")) == load(FOLDER / "score-config.json")["defaults"]


@pytest.mark.parametrize("case", load(FOLDER / "agent-conf-parsing.json"), ids=lambda case: case["name"])
def test_agent_conf(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "agent.conf"
    if case["name"] == "package-default":
        path.write_text("[score]\n" + "".join(f"{key}={value}\n" for key, value in constants.SCORE_DEFAULTS.items()))
    else:
        path.write_text(case["agent_conf"])
    expected = case["differences_from_defaults"]
    if "exception" in expected:
        with pytest.raises(Exception) as caught:
            scoring.load_config(str(path))
        assert type(caught.value).__name__ == expected["exception"].rpartition(".")[2]
        assert str(caught.value).splitlines()[0] == expected["message"].splitlines()[0]
        return
    config = scoring.load_config(str(path))
    defaults = constants.SCORE_DEFAULTS
    assert {key: value for key, value in config.items() if defaults.get(key) != value} == expected


@pytest.mark.parametrize(("text", "expected"), load(FOLDER / "to-bool.json").items())
def test_flags(text: str, expected: Any) -> None:
    if isinstance(expected, dict):
        with pytest.raises(ValueError) as caught:
            util.to_bool(text)
        assert str(caught.value) == expected["message"]
    else:
        assert util.to_bool(text) is expected


@pytest.mark.parametrize("case", load(FOLDER / "engine-status-rank.json"), ids=json.dumps)
def test_rank(case: dict[str, Any]) -> None:
    if isinstance(case["rank"], dict):
        with pytest.raises(ValueError) as caught:
            engine.rank(case["status"])
        assert str(caught.value) == case["rank"]["message"]
    else:
        assert engine.rank(case["status"]) == case["rank"]


@pytest.mark.parametrize("case", load(FOLDER / "engine-status-parsing.json"), ids=json.dumps)
def test_status_text(case: dict[str, Any]) -> None:
    assert engine.parse(case["text"]) == case["parsed"]
