# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One thread per host looks at it every 3 s, brings it up, notes what happens to it (engine contract 7.3)."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from ..call import Call
from ..clock import Stopped
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import domains as domain_flows
from ..vdsm.flows import host as host_flows
from ..vdsm.flows import network as network_flows
from . import capabilities, machine_monitor
from .status import DATA_CENTER, RUNNING, VM
from .status import HOST as STATUS

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("engine.monitor")
#: Seconds between looks (VdsRefreshRate), looks between saves of statistics (NumberVmRefreshesBeforeSave).
REFRESH, SAVE_EVERY = 3.0, 5
#: Seconds that a host may be silent before it counts as connecting, and as non-responsive.
CONNECTING_AFTER, LOST_AFTER = 2.0, 6.0
#: States in which a host is not looked at.
ASLEEP = [
    STATUS[name]
    for name in (
        "maintenance",
        "installing",
        "install_failed",
        "reboot",
        "pending_approval",
        "error",
        "down",
        "installing_os",
        "kdumping",
    )
]

_watched: dict[tuple[int, str], threading.Event] = {}
_guard = threading.Lock()


class NonOperational(Exception):
    """The host cannot work in its cluster: reason (lower case) and the event that tells it."""

    def __init__(self, reason: str, event: str, **texts: Any) -> None:
        super().__init__(reason)
        self.reason, self.event, self.texts = reason, event, texts


def watch(engine: Engine, host_id: str, activating: bool = False) -> None:
    """Begins to look at a host; a running watch is woken."""
    with _guard:
        known = _watched.get((id(engine), host_id))
        if known is not None:
            known.set()
            return
        _watched[(id(engine), host_id)] = threading.Event()
    engine.spawn(_run, engine, host_id, activating)


def forget(engine: Engine, host_id: str) -> None:
    with _guard:
        known = _watched.pop((id(engine), host_id), None)
    if known is not None:
        known.set()


def resume(engine: Engine) -> None:
    """After a start of the engine: every host that was in use is looked at anew."""
    for row in engine.db.rows("SELECT vds_id, status FROM vds_dynamic"):
        if row["status"] == STATUS["installing"]:
            engine.db.update("vds_dynamic", {"vds_id": row["vds_id"]}, {"status": STATUS["install_failed"]})
        elif row["status"] not in ASLEEP:
            engine.db.update("vds_dynamic", {"vds_id": row["vds_id"]}, {"status": STATUS["unassigned"]})
            watch(engine, row["vds_id"], activating=True)


def _run(engine: Engine, host_id: str, activating: bool) -> None:
    watcher = Watcher(engine, host_id)
    try:
        if not activating:
            engine.clock.sleep(REFRESH)
        while _watched.get((id(engine), host_id)) is not None and watcher.look():
            engine.clock.sleep(REFRESH)
    finally:
        with _guard:
            _watched.pop((id(engine), host_id), None)


class Watcher:
    """One host under watch."""

    def __init__(self, engine: Engine, host_id: str) -> None:
        self.engine = engine
        self.host_id = host_id
        self.call = engine.system_call()
        self.cycle = 0
        self.silent = 0.0

    def look(self) -> bool:
        """One round; false ends the watch (host gone or asleep)."""
        host = self.call.db.row("SELECT * FROM vds WHERE vds_id = ?", self.host_id)
        if host is None or host["status"] in ASLEEP:
            return False
        client = self.engine.hosts.client(host)
        try:
            if host["status"] in (
                STATUS["unassigned"],
                STATUS["initializing"],
                STATUS["connecting"],
                STATUS["non_responsive"],
            ):
                self.bring_up(host, client)
            else:
                self.refresh(host, client)
            self.silent = 0.0
        except HostUnreachable as error:
            self.unreachable(host, error)
        except VdsmError as error:
            log.info("%s: %s", host["vds_name"], error)
        return True

    def bring_up(self, host: Row, client: HostClient) -> None:
        fault = self.engine.faults.strike("host.up")
        try:
            if fault and fault.host_status:
                with self.call.db.transaction():
                    set_status(self.call, host, fault.host_status, fault.status_detail or None)
                    if fault.event:
                        self.call.event(fault.event, host=host)
                return
            first_look(self.call, self.host_id)
            connect_storage(self.call, host, client)
            host = _get(self.call, self.host_id)
            found = host_flows.come_up(client, hosted_engine=bool(host["ha_configured"]))
            capabilities.save_devices(self.call, self.host_id, found["devices"])
        except NonOperational as reason:
            about = {"host": host, "cluster": {"cluster_id": host["cluster_id"], "name": host["cluster_name"]}}
            with self.call.db.transaction():
                set_status(self.call, host, "non_operational", reason.reason)
                self.call.event(reason.event, **about, **reason.texts)
                self.call.event("VDS_SET_NONOPERATIONAL", **about)
            return
        self.refresh(host, client, save=True)
        if _get(self.call, self.host_id)["status"] in (STATUS["preparing_for_maintenance"], STATUS["maintenance"]):
            return
        pool = self.call.db.row("SELECT * FROM storage_pool WHERE id = ?", host["storage_pool_id"])
        # In one: a client that sees the host up finds the event as well.
        with self.call.db.transaction():
            set_status(self.call, host, "up")
            self.call.event("NO_FAULTY_MULTIPATHS", host=host)
            self.call.event(
                "VDS_DETECTED",
                host=host,
                data_center=pool,
                cluster={"cluster_id": host["cluster_id"], "name": host["cluster_name"]},
            )
        if pool and pool["status"] != DATA_CENTER["uninitialized"] and not pool["spm_vds_id"]:
            from .storage import elect_spm

            elect_spm(self.call, pool["id"])

    def refresh(self, host: Row, client: HostClient, save: bool = False) -> None:
        found = host_flows.statistics(client)
        self.cycle += 1
        capabilities.save_statistics(self.call, self.host_id, found["host"], full=save or self.cycle % SAVE_EVERY == 0)
        # Unknown machines are taken in with the statistics: seen 12 to 20 s after the host came up (measured 4).
        machine_monitor.take_in(self.call, host, client, found["machines"], unknown=self.cycle % SAVE_EVERY == 0)
        if save or self.cycle % SAVE_EVERY == 0:
            capabilities.save_domains(self.call, host, client)

    def unreachable(self, host: Row, error: HostUnreachable) -> None:
        if self.call.engine.clock.stopped:
            raise Stopped
        self.silent += REFRESH
        log.info("%s is silent: %s", host["vds_name"], error)
        if host["status"] == STATUS["non_responsive"]:
            return
        if self.silent < LOST_AFTER:
            if host["status"] != STATUS["connecting"]:
                set_status(self.call, host, "connecting")
            return
        with self.call.db.transaction():
            set_status(self.call, host, "non_responsive")
            for event in ("VDS_HOST_NOT_RESPONDING", "VDS_FAILURE", "VDS_ALERT_FENCE_IS_NOT_ENABLED"):
                self.call.event(event, host=host)
            self.call.db.execute("UPDATE vm_dynamic SET status = ? WHERE run_on_vds = ?", VM["unknown"], self.host_id)
        if host["spm_status"] == "spm":
            self.call.db.update(
                "storage_pool",
                {"id": host["storage_pool_id"]},
                {"spm_vds_id": None, "status": DATA_CENTER["problematic"]},
            )


def _get(call: Call, host_id: str) -> Row:
    from .host import get

    return get(call, host_id)


def set_status(call: Call, host: Row, status: str, detail: str | None = None) -> None:
    from . import host as host_commands

    host_commands.set_status(call, host["vds_id"], status, detail)


def first_look(call: Call, host_id: str) -> None:
    """Asks what the host is, gives it its management network, and judges it. Raises NonOperational, HostUnreachable."""
    host = _get(call, host_id)
    client = call.engine.hosts.client(host)
    found = host_flows.first_contact(client)
    caps = found["capabilities"]
    network = call.db.row("SELECT * FROM cluster_networks WHERE cluster_id = ? AND management = 1", host["cluster_id"])
    if network is not None and network["vdsm_name"] not in caps.get("networks", {}):
        try:
            done = network_flows.set_up_management_network(
                client, network["vdsm_name"], network["vlan_id"], network["mtu"] or 0
            )
            caps = done["capabilities"]
        except (network_flows.ManagementNetworkRefused, VdsmError) as error:
            log.warning("management network on %s: %s", host["vds_name"], error)
            capabilities.save(call, host, caps, found["hardware"])
            raise NonOperational("network_unreachable", "MANAGEMENT_NETWORK_FAILED") from error
    capabilities.save(call, host, caps, found["hardware"])
    capabilities.judge(call, _get(call, host_id), caps)


def connect_storage(call: Call, host: Row, client: HostClient) -> None:
    """Connects a host that joins a data center with storage. Raises NonOperational when it does not see a domain."""
    from .storage import connections_of, domain_states

    pool = call.db.row("SELECT * FROM storage_pool WHERE id = ?", host["storage_pool_id"])
    if pool is None or pool["status"] in (DATA_CENTER["uninitialized"], DATA_CENTER["maintenance"]):
        return
    states = domain_states(call, pool["id"])
    if not pool["master_domain_id"] or not states:
        return
    try:
        domain_flows.connect_host(
            client,
            connections_of(call, pool["id"]),
            pool["id"],
            host["vds_spm_id"],
            pool["master_domain_id"],
            pool["master_domain_version"] or 1,
            states,
        )
    except (VdsmError, RuntimeError) as error:
        log.warning("storage of %s: %s", host["vds_name"], error)
        raise NonOperational(
            "storage_domain_unreachable",
            "VDS_STORAGE_UNREACHABLE",
            data_center=pool,
            domain={"id": None, "storage_name": str(error)},
        ) from error


def go_to_maintenance(call: Call, host_id: str) -> None:
    """The way from `preparing_for_maintenance`: local HA maintenance, machines migrate, SPM and pool are left."""
    from .storage import leave_pool

    engine = call.engine
    host = _get(call, host_id)
    client = engine.hosts.client(host)
    marks = ",".join("?" * len(RUNNING))
    engine.clock.sleep(0.5)
    try:
        if host["ha_configured"]:
            host_flows.set_ha_maintenance(client, "LOCAL", True)
        for machine in call.db.rows(
            f"SELECT * FROM vms WHERE run_on_vds = ? AND status IN ({marks})", host_id, *RUNNING
        ):
            machine_monitor.migrate_away(call, host, client, machine)
        for _ in range(200):
            if not call.db.rows(f"SELECT 1 FROM vms WHERE run_on_vds = ? AND status IN ({marks})", host_id, *RUNNING):
                break
            engine.clock.sleep(REFRESH)
        leave_pool(call, host, client)
    except (HostUnreachable, VdsmError) as error:
        log.warning("maintenance of %s: %s", host["vds_name"], error)
    engine.clock.sleep(1)
    forget(engine, host_id)
    with call.db.transaction():
        set_status(call, host, "maintenance")
        call.engine.events.add("VDS_MAINTENANCE", call.correlation_id, host=host)


def machines_lost(call: Call, host: Row) -> None:
    """An administrator confirms that the host was rebooted: nothing runs there any more."""
    call.db.execute(
        "UPDATE vm_dynamic SET status = ?, run_on_vds = NULL WHERE run_on_vds = ?", VM["down"], host["vds_id"]
    )
