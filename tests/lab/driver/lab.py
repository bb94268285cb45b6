# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a lab up, take it down, and give single hosts a fresh start."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from driver import container, keys, mounts, network, reaper, share
from driver.build import build_parts
from driver.errors import LabError
from driver.paths import LabPaths
from driver.plan import Plan
from driver.registry import Registry, locked, remove_with_lock
from driver.run import POLL_SECONDS, run
from driver.state import State, write_json
from driver.status import inventory, plan_of, running_hosts, ssh_config, status

SETTLE_SECONDS = 10.0


@contextmanager
def _alone(paths: LabPaths) -> Iterator[None]:
    with locked(paths.lock):
        yield


def loaded(name: str) -> tuple[State, LabPaths]:
    """State of a lab that is up; raises LabError if there is none."""
    paths = LabPaths.of(name)
    state = State.load(paths.state)
    if state is None:
        raise LabError(f"there is no lab {name}: no state file {paths.state}")
    return state, paths


@contextmanager
def _changing(name: str) -> Iterator[tuple[State, LabPaths, Plan]]:
    """A lab that is up, for one command alone."""
    with _alone(LabPaths.of(name)):
        state, paths = loaded(name)
        yield state, paths, plan_of(state)


def report_of(name: str) -> dict[str, Any]:
    """The status of a lab as JSON-ready data."""
    state, paths = loaded(name)
    return status(state, paths)


def up(
    name: str,
    host_count: int,
    appliance: Path | None = None,
    packages: Sequence[str] = (),
    packaged: str | None = None,
) -> dict[str, Any]:
    """A lab with ``host_count`` hosts, each with ``packages`` of the lab's repository installed.

    ``packaged`` is the profile whose OVA the hosts can install as ``ovirt-engine-appliance``. A lab that is up already
    is only given what it lacks of ``appliance`` and ``packages``; a crashed one is reaped first. Raises LabError.
    """
    paths = LabPaths.of(name)
    appliance = appliance.resolve() if appliance else None
    with _alone(paths):
        state = State.load(paths.state)
        if state is not None and _as_asked(state, host_count):
            if appliance is not None and str(appliance) != state.facts["appliance"]:
                _offer(state, paths, appliance)
            state.facts["packages"] = sorted({*state.facts["packages"], *packages})
            state.save()
            _install(state, running_hosts(state))
            return _publish(state, paths)
        if state is not None:
            _reap_or_fail(state, paths)
        layers, repository = build_parts(packaged)
        return _raise(name, host_count, appliance, packages, packaged, paths, layers, repository)


def _offer(state: State, paths: LabPaths, appliance: Path) -> None:
    """Let a running lab offer another appliance."""
    _layers, repository = build_parts(state.facts.get("packaged"))
    share.fill(plan_of(state), paths, repository, appliance)
    state.facts["appliance"] = str(appliance)


def _as_asked(state: State, host_count: int) -> bool:
    return bool(state.facts.get("complete")) and host_count == state.facts["hosts"] == len(running_hosts(state))


def _raise(
    name: str,
    host_count: int,
    appliance: Path | None,
    packages: Sequence[str],
    packaged: str | None,
    paths: LabPaths,
    layers: list[Path],
    repository: Path,
) -> dict[str, Any]:
    begin = time.monotonic()
    paths.logs.mkdir(parents=True, exist_ok=True)
    with Registry.open() as registry:
        index = registry.claim(name, paths.root)
        plan = Plan(name, index, host_count)
        facts = {"name": name, "index": index, "hosts": host_count, "appliance": str(appliance) if appliance else None}
        facts["packages"] = list(packages)
        facts["packaged"] = packaged
        state = State(paths.state, {**facts, "layers": [str(layer) for layer in layers]})
        state.intend("registry", name=name)
    try:
        with Registry.open():
            network.name_on_this_machine(plan, state)
        keys.make_keys(plan, paths)
        share.fill(plan, paths, repository, appliance)
        network.make_bridge(plan, state)
        mounts.share_unmounts(paths, state)
        mounts.make_exports(paths, state, list(share.EXPORTS))
        for host in plan.hosts:
            container.discard(paths, host.name)
        network.start_names(plan, paths, state)
        _start(plan, paths, state, [host.name for host in plan.hosts])
    except BaseException:
        reaper.reap(state, paths)
        raise
    state.facts["complete"] = True
    state.facts["start_seconds"] = round(time.monotonic() - begin, 2)
    state.save()
    return _publish(state, paths)


def _start(plan: Plan, paths: LabPaths, state: State, names: list[str]) -> None:
    layers = [Path(layer) for layer in state.facts["layers"]]
    started = [(plan.host(name), container.start(plan.host(name), plan, paths, state, layers)) for name in names]
    for host, child in started:
        container.wait_until_up(host, child, paths)
    _read_repository(state, names)
    _install(state, names)


def _read_repository(state: State, names: list[str]) -> None:
    """Let the hosts know what the repository has; other than dnf, apt does not look by itself."""
    for name in names:
        for resource in state.of_kind("process", role="host", host=name):
            run(container.inside(resource, ["apt-get", "--quiet", "update"]))


def _install(state: State, names: list[str]) -> None:
    """What the hosts have before anybody deploys to them; nothing happens on a host that has it already."""
    packages = state.facts["packages"]
    if not packages:
        return
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes", "--no-upgrade", "install"]
    for name in names:
        for resource in state.of_kind("process", role="host", host=name):
            run(container.inside(resource, [*install, *packages]), timeout=300)


def _publish(state: State, paths: LabPaths) -> dict[str, Any]:
    report = status(state, paths)
    write_json(paths.status, report)
    write_json(paths.inventory, inventory(report))
    paths.ssh_config.write_text(ssh_config(report), encoding="utf-8")
    return report


def _reap_or_fail(state: State, paths: LabPaths) -> None:
    problems = reaper.reap(state, paths)
    if problems:
        raise LabError(f"an earlier run of lab {state.facts['name']} could not be cleared: {'; '.join(problems)}")


def down(name: str, *, keep_logs: bool = False) -> list[str]:
    """Take the lab down and remove its directory; returns what is left (nothing, if all went well)."""
    paths = LabPaths.of(name)
    with _alone(paths):
        state = State.load(paths.state)
        problems = reaper.reap(state, paths) if state is not None else []
        left = problems + _settled_leftovers(name, paths)
        if not left:
            _remove(paths, keep_logs)
    return left


def _settled_leftovers(name: str, paths: LabPaths) -> list[str]:
    """What stays; the kernel frees loop devices and interfaces of an ended host a moment later."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        left = reaper.leftovers(name, f"nl-{name}", paths)
        if not left or time.monotonic() >= end:
            return left
        time.sleep(POLL_SECONDS)


def _remove(paths: LabPaths, keep_logs: bool) -> None:
    kept = {paths.lock, paths.logs} if keep_logs else {paths.lock}
    for path in set(paths.root.iterdir()) - kept:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    remove_with_lock(paths.root, paths.lock)


def reset(name: str, hosts: list[str], *, keep_storage: bool) -> dict[str, Any]:
    """Fresh hosts: only the named ones, or all of them with what has been built since, and fresh shared storage."""
    with _changing(name) as (state, paths, plan):
        chosen = [plan.host(host).name for host in hosts] or [host.name for host in plan.hosts]
        _stop(state, chosen)
        for host in chosen:
            container.discard(paths, host)
        if not hosts:
            _renew(state, paths, plan)
            if not keep_storage:
                _fresh_storage(state, paths, plan)
        _start(plan, paths, state, chosen)
        return _publish(state, paths)


def _renew(state: State, paths: LabPaths, plan: Plan) -> None:
    """Newly built layers, packages and images."""
    layers, repository = build_parts(state.facts.get("packaged"))
    state.facts["layers"] = [str(layer) for layer in layers]
    appliance = state.facts["appliance"]
    share.fill(plan, paths, repository, Path(appliance) if appliance else None)


def _fresh_storage(state: State, paths: LabPaths, plan: Plan) -> None:
    for mount in reversed([mount for mount in state.of_kind("mount") if "image" in mount]):
        reaper.undo_mount(mount, state)
    mounts.make_exports(paths, state, list(share.EXPORTS))


def refresh(name: str) -> dict[str, Any]:
    """Newly built packages and images for the running hosts of a lab; new host layers come with the next ``up``."""
    with _changing(name) as (state, paths, plan):
        appliance = state.facts["appliance"]
        _layers, repository = build_parts(state.facts.get("packaged"))
        share.fill(plan, paths, repository, Path(appliance) if appliance else None)
        _read_repository(state, running_hosts(state))
        return _publish(state, paths)


def _stop(state: State, names: list[str]) -> None:
    for name in names:
        for resource in state.of_kind("process", role="host", host=name):
            container.stop(resource, state)


def restart(name: str, host: str, *, hard: bool) -> dict[str, Any]:
    """Power one host off (``hard``: cut its power) and on again; what it wrote stays."""
    with _changing(name) as (state, paths, plan):
        _power_off(state, plan.host(host).name, hard=hard)
        _start(plan, paths, state, [plan.host(host).name])
        return _publish(state, paths)


def power_off(name: str, host: str, *, hard: bool) -> dict[str, Any]:
    """Power one host off; ``restart`` brings it back."""
    with _changing(name) as (state, paths, plan):
        _power_off(state, plan.host(host).name, hard=hard)
        return _publish(state, paths)


def _power_off(state: State, host: str, *, hard: bool) -> None:
    for resource in state.of_kind("process", role="host", host=host):
        container.stop(resource, state, hard=hard)


def exec_argv(name: str, host: str, argv: list[str]) -> list[str]:
    """The command line that runs ``argv`` inside a host, past its network."""
    state, _paths = loaded(name)
    host_name = plan_of(state).host(host).name
    resources = state.of_kind("process", role="host", host=host_name)
    if not resources:
        raise LabError(f"{host_name} is powered off")
    return container.inside(resources[0], argv)
