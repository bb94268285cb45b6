# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state machine in simulated time, step by step against the golden data."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ovirt_hosted_engine_ha.agent import constants
from ovirt_hosted_engine_ha.agent.state_data import LocalStats
from ovirt_hosted_engine_ha.agent.state_machine import Collected, EngineStateMachine
from ovirt_hosted_engine_ha.env.timing import Timing
from ovirt_hosted_engine_ha.lib import engine, metadata
from ovirt_hosted_engine_ha.lib.exceptions import MetadataTooNewError

from .support import FIXTURES, load

SEQUENCES: dict[str, Any] = load(FIXTURES / "agent" / "state-sequences.json")
DOWN = engine.status("down", "bad", "unknown", engine.Reason.NOT_RUNNING)
STARTING = engine.status("up", "bad", "Powering up", engine.Reason.NOT_LIVE)
UP = engine.status("up", "good", "Up")
BAD = engine.status("up", "bad", "Up", engine.Reason.NOT_LIVE)

log = logging.getLogger("bench")


@dataclass
class World:
    """One metadata volume, seen by all hosts."""

    slots: dict[int, str] = field(default_factory=dict)


@dataclass
class Host:
    """One host: monitors that say what the scenario wants, and a real state machine."""

    host_id: int
    world: World
    start_works: bool = True
    health: engine.EngineStatus | None = field(default_factory=lambda: dict(DOWN))
    network: float = 1.0
    maintenance: bool = False
    silent: bool = False
    now: int = 0
    actions: list[str] = field(default_factory=list)
    last: tuple[Any, ...] | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = EngineStateMachine(self.host_id, self.collect, self, Timing(), dict(constants.SCORE_DEFAULTS))

    def start(self) -> bool:
        self.actions.append("START_VM")
        if self.start_works:
            self.health = dict(STARTING)
        return self.start_works

    def stop(self, force: bool) -> bool:
        self.actions.append("STOP_VM(force)" if force else "STOP_VM")
        if force:
            self.health = dict(DOWN)
        return True

    def collect(self) -> Collected:
        remote: dict[int, metadata.HostMetadata] = {}
        maintenance = False
        for host_id, text in self.world.slots.items():
            try:
                parsed = metadata.parse_for_agent(log, host_id, text)
            except MetadataTooNewError:
                continue
            if host_id == 0:
                maintenance = parsed.get("maintenance", False)
            elif parsed and host_id != self.host_id:
                remote[host_id] = parsed
        local = LocalStats(self.network, True, 32000.0, 0.1, self.health, True, self.maintenance)
        return Collected(self.now, local, remote, maintenance, 16384, True)

    def step(self, now: int) -> float:
        """Run one loop; return the seconds to the next."""
        self.now, self.actions = now, []
        try:
            old, state, delay = self.machine.next()
        except Exception as exc:
            self.changes.append(
                {
                    "t": now,
                    "host": self.host_id,
                    "event": "exception",
                    "exception": type(exc).__name__,
                    "message": str(exc),
                }
            )
            return 10
        self.publish(now)
        alive = sorted(state.snapshot.alive)
        seen = (
            state.name,
            state.score,
            delay,
            tuple(self.actions),
            state.timeout_start is not None,
            state.snapshot.retries,
            tuple(alive),
        )
        if seen != self.last or state.name != old:
            self.changes.append(
                {
                    "t": now,
                    "host": self.host_id,
                    "from": old,
                    "state": state.name,
                    "score": state.score,
                    "delay": delay,
                    "actions": self.actions,
                    "timeout_running": state.timeout_start is not None,
                    "retries": state.snapshot.retries,
                    "alive_hosts": alive,
                }
            )
        self.last = seen
        return delay

    def publish(self, now: int) -> None:
        state = self.machine.state
        assert state is not None
        slot = metadata.HostSlot(
            now,
            self.host_id,
            state.score,
            self.health,
            f"host{self.host_id}",
            state.name == "LocalMaintenance",
            False,
            True,
            0,
            state.name,
            0.0,
            state.timeout_end,
        )
        self.world.slots[self.host_id] = slot.blocks().decode().ljust(4096, "\0")


Apply = Callable[[World, dict[int, Host]], None]


def foreign_slot(**changes: str) -> str:
    """Return a valid slot of host 2 with one field replaced and the checksum made right."""
    slot = metadata.HostSlot(1, 2, 3400, DOWN, "host2", False, False, True, 0, "EngineDown", 0.0)
    tokens = slot.line().split("|")
    for place, text in changes.items():
        tokens[int(place[1:])] = text
    tokens[9] = metadata._checksum(tokens)
    return "|".join(tokens).ljust(4096, "\0")


def event(name: str, text: str) -> list[Apply]:
    """Turn the words of the golden data into changes."""
    done: list[Apply] = []
    for part in text.split("; "):
        if found := re.fullmatch(r"engine-health of host (\d) becomes (.*)", part):
            host, health = int(found[1]), json.loads(found[2])
            done.append(lambda world, hosts, host=host, health=health: setattr(hosts[host], "health", health))
        elif found := re.fullmatch(r"host (\d): \{'start_ok': False\}", part):
            done.append(lambda world, hosts, host=int(found[1]): setattr(hosts[host], "start_works", False))
        elif found := re.fullmatch(r"ha.conf of host (\d): local_maintenance=(True|False)", part):
            host, flag = int(found[1]), found[2] == "True"
            done.append(lambda world, hosts, host=host, flag=flag: setattr(hosts[host], "maintenance", flag))
        elif found := re.fullmatch(r"global maintenance (True|False)", part):
            data = metadata.global_slot(found[1] == "True").decode()
            done.append(lambda world, hosts, data=data: world.slots.__setitem__(0, data))
        elif found := re.fullmatch(r"monitor of host (\d) returns \{'network': ([\d.]+)\}", part):
            host, ratio = int(found[1]), float(found[2])
            done.append(lambda world, hosts, host=host, ratio=ratio: setattr(hosts[host], "network", ratio))
        elif part == "monitor of host 1 returns {'engine_health': None}":
            done.append(lambda world, hosts: setattr(hosts[1], "health", None))
        elif part == "see description":
            done.append(described(name))
        else:
            raise AssertionError(f"unknown event {part!r}")
    return done


def described(name: str) -> Apply:
    if name == "newer-metadata-in-another-slot":
        return lambda world, hosts: world.slots.__setitem__(2, foreign_slot(_0="2"))
    if name == "malformed-number-in-another-slot":
        return lambda world, hosts: world.slots.__setitem__(2, foreign_slot(_4="x"))
    assert name == "host-dies"
    return lambda world, hosts: setattr(hosts[1], "silent", True)


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(name: str) -> None:
    sequence = SEQUENCES[name]
    world = World()
    ids = sorted({change["host"] for change in sequence["changes"]})
    hosts = {host_id: Host(host_id, world) for host_id in ids}
    due = dict.fromkeys(ids, 0.0)
    events = [(item["t"], event(name, item["what"])) for item in sequence["events"]]
    steps = 0
    while True:
        host_id = min(ids, key=lambda host: (due[host], host))
        now = int(due[host_id])
        if now >= sequence["simulated_seconds"]:
            break
        while events and events[0][0] <= now:
            for apply in events.pop(0)[1]:
                apply(world, hosts)
        host = hosts[host_id]
        delay = 10 if host.silent else host.step(now)
        due[host_id] += delay + sequence["loop_execution_seconds"]
        steps += 1
        assert steps < 2000, "the machine turns without sleeping"
    found = sorted((change for host in hosts.values() for change in host.changes), key=lambda c: (c["t"], c["host"]))
    expected = sorted(sequence["changes"], key=lambda c: (c["t"], c["host"]))
    for mine, theirs in zip(found, expected, strict=False):
        assert mine == theirs
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("here", "state", "actions"),
    [(UP, "EngineUp", []), (BAD, "EngineStop", ["STOP_VM"])],
    ids=["as-healthy", "not-healthy"],
)
def test_a_slot_that_tells_of_another_healthy_engine(here: engine.EngineStatus, state: str, actions: list[str]) -> None:
    """After a migration the source's slot does so for a loop; only a VM that is worse gives way to it."""
    world = World()
    source, target = Host(1, world, health=dict(UP)), Host(2, world)
    now = 0
    while now < 110 or target.changes[-1]["state"] != "EngineUp":
        if now == 110:
            target.health = dict(UP)
        for host in (source, target):
            host.step(now)
        now += 11
    assert source.changes[-1]["state"] == "EngineUp"
    target.health = dict(here)
    target.step(now)
    target.step(now + 11)
    assert (target.changes[-1]["state"], target.actions) == (state, actions)
