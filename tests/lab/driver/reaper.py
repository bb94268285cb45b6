# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo what a state file lists, whether the run that wrote it ended well or crashed."""

from pathlib import Path

from driver import cgroups, mounts, network, processes
from driver.errors import LabError
from driver.paths import LabPaths
from driver.registry import DIRECTORY, Registry
from driver.run import run
from driver.state import Resource, State

_NSPAWN_DIRECTORIES = tuple(f"/run/systemd/nspawn{part}" for part in ("/propagate", "/unix-export", "/locks", ""))


def reap(state: State, paths: LabPaths) -> list[str]:
    """Undo every resource, newest first; the texts tell what could not be undone (it stays in the state file)."""
    problems: list[str] = []
    _ask_hosts_to_end(state)
    for resource in reversed(list(state.resources)):
        said = _undo(resource, state, paths)
        if said:
            problems.append(said)
        else:
            state.forget(resource)
    _remove_empty_nspawn_directories()
    return problems


def _ask_hosts_to_end(state: State) -> None:
    """TERM to all hosts first, so that they power off beside each other."""
    for resource in state.of_kind("process", role="host"):
        if resource.get("pid"):
            processes.ask(int(resource["pid"]), int(resource["start"]))


def _undo(resource: Resource, state: State, paths: LabPaths) -> str | None:
    kind = resource["kind"]
    try:
        if kind == "process":
            return _end_process(resource)
        if kind == "mount":
            _unmount(Path(str(resource["path"])))
        elif kind == "cgroup":
            cgroups.remove(str(resource["machine"]))
            network.remove_cable(str(resource["machine"]))
        elif kind == "bridge":
            if Path(f"/sys/class/net/{resource['name']}").exists():
                run(["ip", "link", "delete", str(resource["name"])])
        elif kind == "hosts_block":
            with Registry.open():
                network.unname_on_this_machine(str(resource["name"]))
        elif kind == "registry":
            with Registry.open() as registry:
                registry.release(str(resource["name"]), paths.root)
        else:
            return f"{state.path} lists a {kind!r}, which this driver does not know"
    except (LabError, OSError) as error:
        return f"{kind}: {error}"
    return None


def _end_process(resource: Resource) -> str | None:
    grace = float(resource["grace"])
    if resource.get("pid"):
        return processes.end(int(resource["pid"]), int(resource["start"]), grace=grace)
    # The run ended between writing the intent and learning the number: the lab's own path tells the process.
    for pid in processes.with_argument(str(resource["marker"])):
        start = processes.start_time(pid)
        said = processes.end(pid, start, grace=grace) if start is not None else None
        if said:
            return said
    return None


def _unmount(path: Path) -> None:
    for point in reversed(mounts.mounted_below(path)):
        run(["umount", point])


def undo_mount(resource: Resource, state: State) -> None:
    """Unmount one noted mount and forget it."""
    _unmount(Path(str(resource["path"])))
    state.forget(resource)


def _remove_empty_nspawn_directories() -> None:
    for name in _NSPAWN_DIRECTORIES:
        path = Path(name)
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def leftovers(name: str, bridge: str, paths: LabPaths) -> list[str]:
    """What of the lab is still on the machine; empty after a clean ``down``."""
    found = [f"process {pid} names {paths.root}" for pid in processes.with_argument(f"{paths.root}/")]
    found += [f"mount {point}" for point in mounts.mounted_below(paths.root)]
    found += [f"loop device {loop}" for loop in mounts.loops_of(paths.root)]
    if Path(f"/sys/class/net/{bridge}").exists():
        found.append(f"bridge {bridge}")
    found += [f"interface {veth.name}" for veth in Path("/sys/class/net").glob(network.cable(f"{name}-h*"))]
    hosts = network.HOSTS_FILE.read_text(encoding="utf-8")
    if network.without_block(hosts, name) != hosts:
        found.append(f"names of the lab in {network.HOSTS_FILE}")
    for parent in cgroups.of_machine(""):
        found += [f"control group {group}" for group in parent.glob(f"{name}-h*")]
    if (DIRECTORY / "labs.json").exists() and name in Registry(DIRECTORY / "labs.json").labs:
        found.append(f"entry in {DIRECTORY}")
    return found
