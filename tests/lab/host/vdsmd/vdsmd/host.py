# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One host: identity, back ends, tasks and the dispatch of verbs."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import errors
from .errors import VdsmError
from .storage.connections import Connections, RealConnections
from .storage.monitor import Monitor
from .storage.sanlock import Lockspaces, NoLockspaces, lockspaces
from .tasks import Task
from .verbs import VERBS, Verb

if TYPE_CHECKING:
    from .fabric import Fabric
    from .facts import Facts
    from .ha import HostedEngineState
    from .journal import Journal
    from .net.backend import Network
    from .virt.backend import Machines

log = logging.getLogger("vdsmd")

#: Base of the times in events (VDSM: a monotonic clock that never looks like the epoch's).
EVENT_BASE = 2**31 - 1
#: Seconds that the model pretends.
MODEL_SECONDS = {"boot": 2.0, "up": 4.0, "shutdown": 4.0, "task": 0.5, "migrate": 4.0}


def event_time() -> int:
    """Milliseconds, for notify_time and statusTime."""
    return EVENT_BASE + int(time.monotonic() * 1000)


class Host:
    """The state of a host and its ways into the world. Back ends are set by `backends.attach`."""

    facts: Facts
    machines: Machines
    network: Network
    ha: HostedEngineState
    connections: Connections
    lockspaces: Lockspaces
    journal: Journal

    def __init__(self, fabric: Fabric, config: dict[str, Any], address: str, index: int) -> None:
        self.fabric = fabric
        self.lock = fabric.lock
        self.address = address
        self.config = config
        self.index = index
        self.name: str = config.get("name", f"host{index}")
        self.uuid: str = config.get("uuid", str(uuid.uuid5(uuid.NAMESPACE_DNS, f"vdsmd.{address}")))
        self.saved = fabric.saved_hosts.get(address, {})
        self.tasks: dict[str, Task] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pools: dict[str, int] = dict(self.saved.get("host_ids", {}))  # pool -> host id
        self.mom: dict[str, Any] = {}
        self.secrets: dict[str, Any] = {}
        self.broken_domains: set[str] = set()
        self.server_address = address  # on which the last request came in
        self.faults: list[dict[str, Any]] = []
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        self.unknown: str = config.get("unknown", "error")
        self.seconds: dict[str, float] = {**MODEL_SECONDS, **config.get("seconds", {})}
        self.monitor = Monitor(self)
        self._recovering_until = time.monotonic() + float(config.get("recovery_seconds", 0))

    def connect_storage(self, backend: str) -> None:
        """Choose between modelled and real mounts and leases."""
        if backend == "real":
            self.connections = RealConnections(self, self.saved)
            self.lockspaces = lockspaces(int(self.config.get("sanlock_io_timeout", 10)))
        else:
            self.connections = Connections(self, self.saved)
            self.lockspaces = NoLockspaces()

    @property
    def sanlock_io_timeout(self) -> int | None:
        """Written into new lockspaces, in seconds; None for sanlock's own 10."""
        return int(self.config["sanlock_io_timeout"]) if "sanlock_io_timeout" in self.config else None

    def persistent(self) -> dict[str, Any]:
        """What survives a restart of the program."""
        return {
            **self.connections.persistent(),
            "host_ids": self.pools,
            **self.network.persistent(),
            "ha": self.ha.persistent(),
        }

    # -- calls

    def call(self, name: str, params: dict[str, Any]) -> Any:
        """Run a verb. Returns the result or raises VdsmError. The caller logs."""
        self._suffer(name)
        if time.monotonic() < self._recovering_until and name != "Host.ping":
            raise errors.error("RecoveryInProgress")
        found = VERBS.get(name)
        if found is None:
            self.journal.gap(self, name, params, "unknown verb")
            if self.unknown == "success":
                return True
            raise errors.method_not_found(name)
        result = self._run(name, found, params)
        return True if result is None else result

    def _run(self, name: str, found: Verb, params: dict[str, Any]) -> Any:
        if found.unlocked:
            result = self._invoke(name, found, params)
            with self.lock:
                self.fabric.save()
            return result
        with self.lock:
            before = self.fabric.persistent()
            try:
                return self._invoke(name, found, params)
            finally:
                if before != self.fabric.persistent():
                    self.fabric.save()

    def _invoke(self, name: str, found: Verb, params: dict[str, Any]) -> Any:
        import inspect

        try:
            inspect.signature(found.function).bind(self, **params)
        except TypeError as problem:
            self.journal.gap(self, name, params, f"wrong parameters: {problem}")
            raise VdsmError(-32602, f"Invalid method parameter(s): {problem}") from None
        return found.function(self, **params)

    def _suffer(self, name: str) -> None:
        """Faults that a test asked for."""
        for fault in list(self.faults):
            if fault.get("verb") not in (name, "*"):
                continue
            if fault.get("times") is not None:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self.faults.remove(fault)
            if fault.get("delay"):
                time.sleep(float(fault["delay"]))
            if fault.get("code"):
                raise VdsmError(int(fault["code"]), fault.get("message", "injected fault"))
            return

    # -- asynchronous things

    def later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run a function under the lock after some time; its failure is written to the log."""

        def run() -> None:
            try:
                with self.lock:
                    function()
            except Exception:
                log.exception("%s: timer", self.name)

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()

    def emit(self, method: str, params: dict[str, Any]) -> None:
        """Send an event to all who listen."""
        told = {**params, "notify_time": event_time()}
        self.journal.event(self, method, told)
        for listener in list(self.listeners):
            listener(method, told)

    # -- relations

    def sees_block(self, group: dict[str, Any]) -> bool:
        """Whether this host can reach a volume group's LUNs."""
        kinds = {self.fabric.lun(guid).get("type", "iSCSI") for guid in group["luns"]}
        return kinds == {"FCP"} or bool(self.connections.sessions)

    def peer(self, address: str) -> Host | None:
        """Another host of this process by address or name."""
        for host in self.fabric.hosts:
            if address in (host.address, host.name, host.config.get("fqdn")):
                return host
        return None
