# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent of one host: monitors, lockspace, vm.conf, state machine, own slot (host contract 3, 5, 6)."""

import logging
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from ..env import config_constants as const
from ..env import constants
from ..env.config import Config
from ..env.config_ovf import VmConf
from ..env.timing import Timing
from ..lib import metadata, monotonic, services, util
from ..lib.brokerlink import BrokerLink
from ..lib.exceptions import (
    BrokerConnectionError,
    DisconnectionError,
    HostIdLockedError,
    MetadataTooNewError,
    ServiceNotUpError,
)
from ..lib.vdsm_api import SharedVdsm
from . import score, states
from .monitors import CONVERTERS, MonitorSpec, required_monitors
from .state_data import LocalStats
from .state_machine import Collected, EngineStateMachine
from .vm_actions import CommandLineVm

_log = logging.getLogger(__name__)

_BROKER_ATTEMPTS = 12


def local_hostname() -> str:
    """Return the name for the slot: that of vdsm's certificate, else gethostname().

    OpenSSL prints no slash before CN since 1.1, so it is always the latter (known fault, host contract 3.4).
    """
    done = subprocess.run(
        ["openssl", "x509", "-in", constants.VDSM_CERT_FILE, "-noout", "-subject"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"/CN=([A-Za-z0-9-_\.]+)", done.stdout)
    return found[1] if found else socket.gethostname()


class HostedEngine:
    """Runs until told to end; what goes wrong in a loop ends it, and systemd starts it again."""

    def __init__(self, config: Config, timing: Timing, broker: BrokerLink | None = None) -> None:
        self._config = config
        self._timing = timing
        self._broker = broker or BrokerLink()
        self._vdsm = SharedVdsm()
        self._vm_conf = VmConf(self._vdsm, config)
        self._hostname = local_hostname()
        self._host_id = config.host_id() or 0
        self._monitors: list[tuple[MonitorSpec, int]] = []
        self._domain_monitored = False
        self._machine: EngineStateMachine | None = None
        self.ended = threading.Event()

    # -- start ---------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Wait for what is needed, then loop; publishes ``stopped`` at the end, however it comes."""
        self._wait_for_maintenance_end()
        self._wait_for_services()
        if self.ended.is_set():
            return
        self._wait_for_broker()
        self._start_monitors()
        self.check_storage_images()
        self.lock_host_id(self._host_id)
        self._vm_conf.refresh()
        self._machine = EngineStateMachine(
            self._host_id, self._collect, CommandLineVm(), self._timing, score.load_config()
        )
        try:
            self._loop(self._machine)
        except Exception:
            _log.exception("Unhandled monitoring loop exception")
            raise
        finally:
            self._publish_stopped()
            self._vdsm.close()

    def _in_local_maintenance(self) -> bool:
        values = self._config.ha_values()
        return any(
            util.to_bool(values.get(key, "False")) for key in (const.LOCAL_MAINTENANCE, const.LOCAL_MAINTENANCE_MANUAL)
        )

    def _wait_for_maintenance_end(self) -> None:
        """Wait before anything is touched or published: the slot keeps old data meanwhile (host contract 5.1)."""
        said = False
        while self._in_local_maintenance() and not self.ended.is_set():
            if not said:
                _log.info("Local maintenance is set, waiting for its end")
                said = True
            self.ended.wait(self._timing.local_maintenance_delay)

    def _wait_for_services(self) -> None:
        while not self.ended.is_set():
            try:
                services.check()
                return
            except ServiceNotUpError as exc:
                _log.error("Service %s is not running, waiting", exc)
                self.ended.wait(self._timing.missing_service_delay)

    def _wait_for_broker(self) -> None:
        for attempt in range(1, _BROKER_ATTEMPTS + 1):
            try:
                self._broker.get_stats()
                return
            except BrokerConnectionError as exc:
                if attempt == _BROKER_ATTEMPTS or self.ended.is_set():
                    raise
                _log.warning("Failed to connect to the broker, attempt %d: %s", attempt, exc)
                self.ended.wait(self._timing.lockspace_retry_delay)

    def _start_monitors(self) -> None:
        self._monitors = [
            (spec, self._broker.start_monitor(spec.monitor, spec.options)) for spec in required_monitors(self._config)
        ]

    def check_storage_images(self) -> None:
        """Raise DisconnectionError if the broker does not watch the domain; its result is taken as it is: the text
        ``False`` is as good as any (known fault, host contract 4)."""
        if not self._broker.status_monitor("storage-domain"):
            raise DisconnectionError("Storage disconnected")

    def lock_host_id(self, host_id: int) -> None:
        """Acquire a host id; raises HostIdLockedError."""
        if not self._broker.lock_host_id(host_id):
            raise HostIdLockedError(f"Cannot lock host id {host_id}, see the log of the broker")

    # -- loop ----------------------------------------------------------------------------------------------------------

    def _loop(self, machine: EngineStateMachine) -> None:
        while not self.ended.is_set():
            # a clean-up of this slot, even one that was refused, has given the host id back
            self.lock_host_id(self._host_id)
            self._vm_conf.refresh()
            old, state, delay = machine.next()
            self._publish(state)
            self._watch_domain(state)
            if state.name != old:
                self._broker.notify("state_transition", f"{old}-{state.name}", {"hostname": self._hostname})
            self.ended.wait(delay)

    def _watch_domain(self, state: states.State) -> None:
        """Have vdsm monitor the domain, but not in local maintenance without the VM (host contract 5.1)."""
        health = state.snapshot.local.engine_health
        wanted = state.name != "LocalMaintenance" or bool(health and health["vm"] == "up")
        if wanted and not self._domain_monitored:
            self._domain_monitored = self._broker.start_domain_monitor(self._host_id)
        elif self._domain_monitored and not wanted:
            self._broker.stop_domain_monitor()
            self._domain_monitored = False

    def _monitor_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for spec, monitor in self._monitors:
            text = self._broker.status_monitor(monitor)
            if text is None:
                raise DisconnectionError(f"The broker does not know monitor {spec.monitor} any more")
            values[spec.field] = None if text == "None" else CONVERTERS[spec.converter](text)
        return values

    def _collect(self) -> Collected:
        now = monotonic.time()
        values = self._monitor_values()
        remote: dict[int, metadata.HostMetadata] = {}
        global_maintenance = False
        for host_id, text in self._broker.get_stats().items():
            try:
                parsed = metadata.parse_for_agent(_log, host_id, text)
            except MetadataTooNewError as exc:
                _log.error("%s", exc)
                continue
            if host_id == 0:
                global_maintenance = bool(parsed.get("maintenance", False))
            elif parsed and host_id != self._host_id:
                remote[host_id] = parsed
        local = LocalStats(
            network=values["network"],
            bridge=values["bridge"],
            mem_free=values["mem-free"],
            cpu_load=values["cpu-load"],
            engine_health=values["engine-health"],
            storage_domain=values["storage-domain"],
            maintenance=self._in_local_maintenance(),
        )
        return Collected(
            now, local, remote, global_maintenance, self._vm_conf.memory_needed(), self._config.is_up_to_date()
        )

    # -- own slot ------------------------------------------------------------------------------------------------------

    def _publish(self, state: states.State) -> None:
        snapshot = state.snapshot
        slot = metadata.HostSlot(
            timestamp=snapshot.time if not state.stopped else monotonic.time(),
            host_id=self._host_id,
            score=state.score,
            engine_status=snapshot.local.engine_health,
            hostname=self._hostname,
            maintenance=state.name == "LocalMaintenance",
            stopped=state.stopped,
            conf_on_shared_storage=self._vm_conf.on_shared_storage,
            local_conf_timestamp=self._vm_conf.refreshed,
            state=state.name,
            epoch=monotonic.epoch(),
            timeout_end=state.timeout_end,
        )
        self._broker.put_stats(self._host_id, slot.blocks())
        alive = {host_id: host_id in snapshot.alive for host_id in snapshot.remote}
        self._broker.push_hosts_state({self._host_id: True, **alive})

    def _publish_stopped(self) -> None:
        state = self._machine.stopped() if self._machine is not None else None
        if state is None:
            return
        try:
            self.lock_host_id(self._host_id)
            self._publish(state)
        except (BrokerConnectionError, HostIdLockedError) as exc:
            _log.error("The end of the agent cannot be published: %s", exc)

    # -- clean-up of a slot --------------------------------------------------------------------------------------------

    def clean(self, host_id: int, force: bool) -> None:
        """Write a slot of zeros: that of an agent that stopped, or any with ``force`` (host contract 4).

        Refusing is only logged. Raises as lock_host_id and check_storage_images.
        """
        self.check_storage_images()
        self.lock_host_id(host_id)
        try:
            self._clean_locked(host_id, force)
        finally:
            self._broker.release_host_id(host_id)

    def _clean_locked(self, host_id: int, force: bool) -> None:
        if not force:
            text = self._broker.get_stats().get(host_id)
            if text is None:
                _log.error("Metadata for current host missing.")
                return
            if not metadata.parse_for_agent(_log, host_id, text).get("stopped"):
                _log.error("Cannot clean unclean metadata block. Consider --force-clean.")
                return
        self._broker.put_stats(host_id, bytes(constants.HOST_SEGMENT_BYTES))
        _wait_for(lambda: host_id not in self._broker.get_stats(), 2 * self._timing.status_interval)
        _log.info("Metadata of host %d cleaned", host_id)


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the broker has written; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not written within {seconds:g} s")
        time.sleep(0.1)
