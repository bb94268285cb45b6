# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start the HA services on a host for the first time: broker, lockspace, agent."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import metadata as whiteboard
from ansible_collections.node0.hosted_engine.plugins.module_utils._conf.hosted_engine import HA_CONF, VM_CONF
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha import status as ha_status
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import systemd, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.identity import acting_as, owner_ids
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.volume import read_direct
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Look, pending, ready, wait_for

BROKER, AGENT = "ovirt-ha-broker", "ovirt-ha-agent"
SOCKET = "/var/run/ovirt-hosted-engine-ha/broker.socket"
BROKER_SECONDS = 300
LOCKSPACE = "hosted-engine"
LOCKSPACE_SECONDS = 120
START_SECONDS = 120
SLOT_PAUSE = 3.0
LOCAL_FLAGS = ("local_maintenance", "local_maintenance_manual")

BROKER_DOWN = declare(
    "ha.broker_down",
    "The HA broker does not answer",
    "Read /var/log/ovirt-hosted-engine-ha/broker.log; the storage of the hosted engine must be reachable.",
    retryable=True,
)
LOCKSPACE_NOT_WRITTEN = declare(
    "ha.lockspace_not_written",
    "The lockspace of the HA hosts was not initialised",
    "Read /var/log/ovirt-hosted-engine-ha/broker.log and /var/log/sanlock.log, then run the same playbook again.",
    retryable=True,
)
ENGINE_NOT_UP = declare(
    "ha.engine_not_up",
    "The HA services did not bring the engine up on shared storage",
    "Read /var/log/ovirt-hosted-engine-ha/agent.log and /var/log/libvirt/qemu/HostedEngine.log on this host.",
    retryable=True,
)


@dataclass(frozen=True)
class Services:
    """The HA services of this host.

    Attributes:
        host_id: this host's id among the HA hosts.
        lockspace: path of the lockspace volume.
        metadata: path of the metadata volume.
        sector: sector size of the storage domain in bytes.
    """

    host_id: int
    lockspace: str
    metadata: str
    sector: int = 512

    def start_broker(self, vm_conf: str) -> None:
        """Start and enable the broker, and give it back the vm.conf that its start removes (host contract 2.1)."""
        systemd.enable_now(BROKER, START_SECONDS)
        wait_for(_broker_answers, "the HA broker", BROKER_SECONDS, problem=BROKER_DOWN)
        uid, gid = owner_ids()
        textfile.install(VM_CONF, vm_conf, 0o640, uid, gid)

    def initialise_lockspace(self) -> None:
        """Let the broker write the lockspace, and see on the storage that it did.

        The command's exit status proves nothing (host contract 4), and a broker that was just started may not be
        ready for it yet.
        """

        def look() -> Look[bool]:
            done = run(["hosted-engine", "--reinitialize-lockspace", "--force"], timeout=120, check=False)
            proof = self._leader()
            return ready(True) if proof is None else pending(proof + " " + done.stderr.strip()[-300:])

        wait_for(
            look, "the lockspace", LOCKSPACE_SECONDS, problem=LOCKSPACE_NOT_WRITTEN, first_pause=2, longest_pause=10
        )

    def lockspace_is_written(self) -> bool:
        """Return whether the lockspace is there."""
        return self._leader() is None

    def start_agent(self) -> None:
        """Start and enable the agent, and take the host out of maintenance where it is in it."""
        systemd.enable_now(AGENT, START_SECONDS)
        if self.in_maintenance():
            run(["hosted-engine", "--set-maintenance", "--mode=none"], timeout=120)

    def in_maintenance(self) -> bool:
        """Return whether the agent would find local or global maintenance (host contract 3.3, 5.1)."""
        with acting_as():
            everywhere = read_direct(self.metadata, whiteboard.SLOT)
        return whiteboard.in_global_maintenance(everywhere) or in_local_maintenance(textfile.read(HA_CONF))

    def wait_until_up(self, seconds: float) -> dict[str, Any]:
        """Wait until this host says that the engine runs here and is healthy, and return its status.

        The slot on storage is watched, which costs nothing; the command is asked once the slot looks good.
        """

        def look() -> Look[dict[str, Any]]:
            try:
                return judge(self._slot())
            except (HostedEngineError, OSError) as error:
                # While the broker starts anew, the command has no vm.conf to read and the storage may not answer.
                return pending(str(error))

        def judge(slot: Optional[whiteboard.Slot]) -> Look[dict[str, Any]]:
            if slot is None:
                return pending("the agent has not written its slot yet")
            status = slot.engine_status or {}
            if status.get("health") != "good":
                return pending(f"state {slot.state}, score {slot.score}, engine {status or 'unknown'}")
            told = ha_status.read_status()
            own = told["hosts"].get(str(self.host_id))
            if told["global_maintenance"]:
                return pending("the HA hosts are in global maintenance")
            if own is None or not ha_status.is_good(own):
                return pending(ha_status.in_words(own) if own else f"no status of host {self.host_id}")
            return ready(own)

        what = f"the engine up and healthy on host {self.host_id}"
        return wait_for(look, what, seconds, problem=ENGINE_NOT_UP, first_pause=SLOT_PAUSE, longest_pause=SLOT_PAUSE)

    def _slot(self) -> Optional[whiteboard.Slot]:
        with acting_as():
            start = whiteboard.SLOT * self.host_id
            seen = read_direct(self.metadata, start + whiteboard.SLOT)
        return whiteboard.parse(seen[start:])

    def _leader(self) -> Optional[str]:
        """Return None when sanlock finds the lockspace initialised, else what it says.

        Its daemon is asked by its own bindings, which come with the HA services; else its command is.
        """
        try:
            import sanlock
        except ImportError:
            return self._leader_by_command()
        try:
            told = sanlock.read_lockspace(os.path.realpath(self.lockspace), sector=self.sector)
        except sanlock.SanlockException as error:
            return f"sanlock: {error}"
        name = told["lockspace"]
        return None if name in (LOCKSPACE, LOCKSPACE.encode()) else f"sanlock: the lockspace is called {name!r}"

    def _leader_by_command(self) -> Optional[str]:
        path = os.path.realpath(self.lockspace).replace(":", "\\:")
        area = f"{LOCKSPACE}:{self.host_id}:{path}:0"
        done = run(["sanlock", "direct", "read_leader", "-s", area, "-Z", str(self.sector), "-A", "1M"], check=False)
        if done.rc == 0 and LOCKSPACE in done.stdout:
            return None
        return f"sanlock direct read_leader: {(done.stdout + done.stderr).strip()[-200:] or f'exit status {done.rc}'}"


def in_local_maintenance(text: str) -> bool:
    """Return whether a ha.conf says so."""
    pairs = (line.partition("=") for line in text.splitlines())
    return any(key.strip() in LOCAL_FLAGS and whiteboard.is_true(value) for key, _e, value in pairs)


def _broker_answers() -> Look[bool]:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(SOCKET)
    except OSError as error:
        return pending(f"{SOCKET}: {error.strerror or error}")
    return ready(True)
