# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the verbs ask of a host's virtual machines, and the model: a life by timers, without a hypervisor."""

from __future__ import annotations

import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .. import errors
from ..errors import VdsmError
from . import domxml
from .machine import ADMIN_SHUTDOWN, MIGRATED, SAVED, USER_SHUTDOWN, End, Machine, network_stats, stats

if TYPE_CHECKING:
    from ..host import Host

MODEL_MAC = "00:16:3e:7a:11:22"


class Machines:
    """The model of one host's machines."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.known: dict[str, Machine] = {}
        for spec in host.config.get("external_vms", []):
            self.add_external({"name": spec} if isinstance(spec, str) else dict(spec))

    # -- asking

    def all(self) -> list[Machine]:
        """Every machine, external ones included."""
        return list(self.known.values())

    def get(self, vm_id: str) -> Machine:
        """One machine. Raises NoSuchVM."""
        if vm_id not in self.known:
            raise errors.no_such_vm(vm_id)
        return self.known[vm_id]

    def stats(self, machine: Machine) -> dict[str, Any]:
        """Statistics of one machine."""
        return stats(machine, self._now())

    def xmls(self, wanted: Iterable[str]) -> dict[str, str]:
        """Domain XML by id; of all machines when none are named."""
        chosen = set(wanted)
        return {machine.id: machine.xml for machine in self.all() if not chosen or machine.id in chosen}

    # -- living

    def create(self, vm_id: str, params: dict[str, Any]) -> Machine:
        """VM.create from the engine's XML. Raises VMExists."""
        if vm_id in self.known:
            raise errors.error("VMExists", repr({"vmId": vm_id}))
        name, memory, xml, cpus = params.get("vmName", vm_id), int(params.get("memSize", 1024)), "", 1
        root = ET.fromstring(params["xml"]) if params.get("xml") else None
        paused = domxml.launch_paused(root, params)
        if root is not None:
            name, memory, cpus = root.findtext("name", vm_id), domxml.memory_kib(root) // 1024, domxml.vcpus(root)
            xml = domxml.with_addresses(root)
        machine = self._new(vm_id, name, xml, memory, cpus)
        self.known[vm_id] = machine

        def step(status: str) -> None:
            if self.known.get(vm_id) is machine and machine.status in ("WaitForLaunch", "Powering up"):
                self.set_status(machine, status)

        self.host.later(self.host.seconds["boot"], lambda: step("Paused" if paused else "Powering up"))
        self.host.later(self.host.seconds["up"], lambda: step("Up"))
        return machine

    def shutdown(self, machine: Machine, reboot: bool = False, delay: float = 0) -> None:
        """Ask the guest to power off or reboot."""
        if reboot:
            machine.started = time.time()
            self.set_status(machine, "RebootInProgress")
            self.host.later(self.host.seconds["shutdown"], lambda: self.set_status(machine, "Up"))
            return
        self.set_status(machine, "Powering down")

        def down() -> None:
            if self.known.get(machine.id) is machine:
                self.power_off(machine, End(0, USER_SHUTDOWN, "User shut down from within the guest"))

        self.host.later(self.host.seconds["shutdown"], down)

    def destroy(self, machine: Machine) -> None:
        """Pull the plug and forget it."""
        self.known.pop(machine.id, None)
        if machine.status != "Down":
            machine.finish(End(0, ADMIN_SHUTDOWN, "Admin shut down from the engine"))
            self.tell(machine)

    def pause(self, machine: Machine) -> None:
        """Stop the processors."""
        self.set_status(machine, "Paused")

    def resume(self, machine: Machine) -> None:
        """Let them run."""
        self.set_status(machine, "Up")

    def hibernate(self, machine: Machine, volume: Any) -> None:
        """Save the state and power off."""
        self.set_status(machine, "Saving State")
        end = End(0, SAVED, "SaveState succeeded")
        self.host.later(self.host.seconds["shutdown"], lambda: self.power_off(machine, end))

    def reset(self, machine: Machine) -> None:
        """Press the reset button."""

    def change(self, machine: Machine, verb: str, params: dict[str, Any]) -> dict[str, Any]:
        """Hot-plug and other changes of devices."""
        machine.revision += 1
        return {"vmId": machine.id, "status": machine.status, "xml": machine.xml}

    def migrate(self, machine: Machine, params: dict[str, Any]) -> None:
        """To another host of this process. Raises VdsmError when there is none at `dst`."""
        destination = str(params.get("dst", ""))
        target = self.host.peer(destination.rsplit(":", 1)[0].strip("[]")) or self.host.peer(destination)
        if target is None:
            raise VdsmError(10, f"Could not connect to peer VDS: {destination}")
        twin = self._new(machine.id, machine.name, machine.xml, machine.memory_mb, machine.vcpus)
        target.machines.known[machine.id] = twin
        target.machines.set_status(twin, "Migration Destination")
        self.set_status(machine, "Migration Source")

        def half() -> None:
            machine.progress = twin.progress = 50
            told = {machine.id: {"progress": 50, "downtime": 0, "mode": "precopy"}}
            self.host.emit(f"|virt|VM_migration_status|{machine.id}", told)

        def done() -> None:
            machine.progress = twin.progress = 100
            target.machines.set_status(twin, "Up")
            machine.finish(End(0, MIGRATED, "Migration succeeded"))
            self.tell(machine)

        self.host.later(self.host.seconds["migrate"] / 2, half)
        self.host.later(self.host.seconds["migrate"], done)

    def expect(self, vm_id: str, params: dict[str, Any]) -> dict[str, Any]:
        """VM.migrationCreate; modelled hosts migrate inside their process."""
        raise errors.error("MethodNotImplemented", "migration from outside")

    # -- for tests

    def add_external(self, spec: dict[str, Any]) -> Machine:
        """A domain that nobody created through VDSM, such as HostedEngineLocal during a deployment."""
        name = spec.get("name", "HostedEngineLocal")
        vm_id = spec.get("id") or str(uuid.uuid5(uuid.NAMESPACE_DNS, self.host.address + name))
        memory, cpus = int(spec.get("memory_mb", 16384)), int(spec.get("vcpus", 4))
        xml = spec.get("xml") or domxml.EXTERNAL_XML.format(
            name=name,
            id=vm_id,
            kib=memory * 1024,
            vcpus=cpus,
            mac=spec.get("mac", MODEL_MAC),
            machine=spec.get("machine", "pc-q35-rhel9.6.0"),
            seed="/var/tmp/localvm/seed.iso",
            disk=spec.get("disk", "/var/tmp/localvm/images/engine/disk"),
        )
        machine = self._new(vm_id, name, xml, memory, cpus)
        machine.status, machine.external = spec.get("status", "Up"), True
        self.known[vm_id] = machine
        return machine

    def power_off(self, machine: Machine, end: End) -> None:
        """The machine ends by itself; external ones are forgotten with it."""
        if machine.external:
            self.known.pop(machine.id, None)
        machine.finish(end)
        self.tell(machine)

    # -- events

    def set_status(self, machine: Machine, status: str) -> None:
        """Change the status and tell."""
        machine.status = status
        self.tell(machine)

    def tell(self, machine: Machine) -> None:
        """Send the status event."""
        details: dict[str, Any] = {"status": machine.status, "hash": machine.hash, "elapsedTime": machine.elapsed}
        if machine.status == "Down" and machine.end:
            details.update(exitCode=machine.end.code, exitMessage=machine.end.message, exitReason=machine.end.reason)
        self.host.emit(f"|virt|VM_status|{machine.id}", {machine.id: details})

    def _new(self, vm_id: str, name: str, xml: str, memory: int, cpus: int) -> Machine:
        return Machine(
            vm_id,
            name,
            xml,
            memory,
            cpus,
            display_address=self.host.address,
            display_port="5900",
            pid=4242,
            client={"network": {"vnet0": network_stats("vnet0", MODEL_MAC)}},
        )

    @staticmethod
    def _now() -> int:
        from ..host import event_time

        return event_time()
