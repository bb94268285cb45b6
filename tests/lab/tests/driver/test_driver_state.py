"""The state file, and what is undone by it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from driver import processes, reaper
from driver.errors import LabError
from driver.paths import LabPaths
from driver.state import State

SLEEPER = "import sys, time; print('up', flush=True); time.sleep(120)"


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths(tmp_path)


@pytest.fixture
def state(paths: LabPaths) -> State:
    return State(paths.state, {"name": "unit", "index": 250, "hosts": 1})


def sleeper(marker: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", SLEEPER, str(marker)]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


def test_an_intent_is_on_disk_before_the_action(state: State) -> None:
    state.intend("bridge", name="nl-unit")
    assert json.loads(state.path.read_text())["resources"] == [{"kind": "bridge", "name": "nl-unit"}]


def test_loaded_as_saved(state: State) -> None:
    resource = state.intend("process", role="dnsmasq", marker="x")
    state.settle(resource, pid=1, start=2)
    loaded = State.load(state.path)
    assert loaded is not None
    assert (loaded.facts, loaded.resources) == (state.facts, state.resources)


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert State.load(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"facts": {}}', "[]"])
def test_a_broken_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(LabError, match="cannot be read"):
        State.load(path)


def test_a_recorded_process_is_ended(state: State, paths: LabPaths, tmp_path: Path) -> None:
    child = sleeper(tmp_path / "marker")
    state.intend("process", role="x", marker="m", grace=5, pid=child.pid, start=processes.start_time(child.pid))
    assert reaper.reap(state, paths) == []
    assert child.wait(timeout=5) == -15
    assert state.resources == []


def test_a_number_used_again_is_left_alone(state: State, paths: LabPaths, tmp_path: Path) -> None:
    child = sleeper(tmp_path / "marker")
    start = processes.start_time(child.pid)
    assert start is not None
    state.intend("process", role="x", marker="m", grace=5, pid=child.pid, start=start - 1)
    assert reaper.reap(state, paths) == []
    assert child.poll() is None
    child.kill()
    child.wait(timeout=5)


def test_a_process_whose_number_was_never_noted_is_found_by_its_argument(
    state: State, paths: LabPaths, tmp_path: Path
) -> None:
    child = sleeper(tmp_path / "marker")
    state.intend("process", role="x", marker=str(tmp_path / "marker"), grace=5)
    assert reaper.reap(state, paths) == []
    assert child.wait(timeout=5) == -15


def test_who_called_the_driver_is_nothing_left(tmp_path: Path) -> None:
    marker = str(tmp_path / "answers.conf")
    look = f"from driver import processes; print(processes.with_argument({str(tmp_path)!r}))"
    # Two commands, or the shell would become the first one.
    script = f'"{sys.executable}" -c "{look}"; true'
    path = str(Path(processes.__file__).parents[1])
    done = subprocess.run(
        ["bash", "-c", script, marker], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_was_only_intended_needs_no_undoing(state: State, paths: LabPaths, tmp_path: Path) -> None:
    state.intend("mount", path=str(tmp_path / "never"))
    state.intend("bridge", name="nl-never-made")
    state.intend("cgroup", machine="unit-never-made")
    assert reaper.reap(state, paths) == []
    assert state.resources == []


def test_an_unknown_kind_is_told_and_kept(state: State, paths: LabPaths) -> None:
    state.intend("satellite", name="x")
    assert "satellite" in reaper.reap(state, paths)[0]
    assert len(state.resources) == 1


def test_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    start = processes.start_time(child.pid)
    assert start is not None
    assert processes.end(child.pid, start, grace=0.1) is None
    assert not processes.alive(child.pid, start)


def test_leftovers_name_what_stays(paths: LabPaths, tmp_path: Path) -> None:
    child = sleeper(tmp_path / "marker")
    assert reaper.leftovers("unit", "nl-unit", paths) == [f"process {child.pid} names {tmp_path}"]
    child.kill()
    child.wait(timeout=5)
    assert reaper.leftovers("unit", "nl-unit", paths) == []
