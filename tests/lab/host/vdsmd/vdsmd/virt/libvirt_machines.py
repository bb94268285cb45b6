# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual machines of a lab host: libvirt's domains. Those without the engine's metadata are external."""

from __future__ import annotations

import logging
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import libvirt

from .. import errors
from ..errors import VdsmError
from . import console, domain_facts, domxml, launch
from .backend import Machines
from .leases import Leases
from .libvirt_link import LibvirtLink
from .machine import (
    ADMIN_SHUTDOWN,
    DOMAIN_MISSING,
    GENERIC_ERROR,
    LOST_QEMU,
    MIGRATED,
    SAVED,
    USER_SHUTDOWN,
    End,
    Machine,
    stats,
)

if TYPE_CHECKING:
    from ..host import Host

log = logging.getLogger("vdsmd")

ADMIN_TEXT, USER_TEXT = "Admin shut down from the engine", "User shut down from within the guest"
_ENDS = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: End(1, LOST_QEMU, "Lost connection with qemu process"),
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: End(1, LOST_QEMU, "Lost connection with qemu process"),
    libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED: End(0, MIGRATED, "Migration succeeded"),
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: End(0, SAVED, "SaveState succeeded"),
}


class LibvirtMachines(Machines):
    """The host's domains. `known` holds those of VDSM and the external ones that were seen."""

    def __init__(self, host: Host) -> None:
        self._guard = threading.RLock()
        self._asked_down: set[str] = set()
        super().__init__(host)
        self.leases = Leases()
        self.link = LibvirtLink(self._life_cycle, self._rebooted)
        try:
            self._synchronise()
        except libvirt.libvirtError as problem:
            log.warning("libvirt does not answer yet: %s", problem)

    # -- asking

    def all(self) -> list[Machine]:
        """Every machine; first looks which domains there are."""
        try:
            self._synchronise()
        except libvirt.libvirtError as problem:
            log.warning("libvirt does not answer: %s", problem)
        with self._guard:
            return list(self.known.values())

    def get(self, vm_id: str) -> Machine:
        """One machine. Raises NoSuchVM."""
        if vm_id not in self.known:
            self.all()
        return super().get(vm_id)

    def stats(self, machine: Machine) -> dict[str, Any]:
        """Statistics, measured now."""
        domain = self.link.domain(machine.id) if machine.status != "Down" else None
        if domain is not None:
            try:
                domain_facts.measure(machine, domain)
            except libvirt.libvirtError as problem:
                log.info("%s: %s", machine.name, problem)
        told = stats(machine, self._now())
        told.pop("_cpu", None)
        return told

    def xmls(self, wanted: Iterable[str]) -> dict[str, str]:
        """Domain XML as libvirt has it now."""
        chosen, told = set(wanted), {}
        for machine in self.all():
            if not chosen or machine.id in chosen:
                domain = self.link.domain(machine.id)
                if domain is not None:
                    domain_facts.refresh(machine, domain)
                told[machine.id] = machine.xml
        return told

    def _synchronise(self) -> None:
        """Learn of domains that others started, and of those that went while nobody looked."""
        active = {domain.UUIDString(): domain for domain in self.link.active()}
        with self._guard:
            for vm_id, domain in active.items():
                if vm_id not in self.known:
                    machine = domain_facts.describe(domain, not domain_facts.is_ours(domain.XMLDesc(0)))
                    self.known[vm_id] = machine
                    log.info("domain %s is %s", machine.name, "external" if machine.external else "taken over again")
                    if not machine.external:
                        launch.hold_leases(self.host, self.leases, machine)
            gone = [
                machine
                for machine in self.known.values()
                if machine.id not in active and machine.status not in ("Down", "WaitForLaunch", "Migration Destination")
            ]
        for machine in gone:
            self._ended(machine, End(1, DOMAIN_MISSING, "Failed to find the libvirt domain"))

    # -- living

    def create(self, vm_id: str, params: dict[str, Any]) -> Machine:
        """Accept the machine and start it in a thread; what goes wrong then is told in its end. Raises VMExists."""
        xml = params.get("xml") or launch.legacy_xml(vm_id, params)
        root = ET.fromstring(xml)
        vm_id = root.findtext("uuid") or vm_id
        with self._guard:
            old = self.known.get(vm_id)
            if old is not None or self.link.domain(vm_id) is not None:
                raise errors.error("VMExists", repr({"vmId": vm_id}))
            machine = domain_facts.from_xml(root, xml)
            machine.id = vm_id
            self.known[vm_id] = machine
        paused = domxml.launch_paused(root, params)
        name = f"launch-{machine.name}"
        threading.Thread(target=self._launch, args=(machine, xml, paused), name=name, daemon=True).start()
        return machine

    def _launch(self, machine: Machine, xml: str, paused: bool) -> None:
        try:
            launch.start(self.host, self.link, self.leases, machine, xml, paused)
        except (VdsmError, libvirt.libvirtError, OSError, ET.ParseError) as problem:
            text = problem.message if isinstance(problem, VdsmError) else str(problem)
            log.warning("%s: does not start: %s", machine.name, text)
            self.leases.release(machine.id)
            machine.finish(End(1, GENERIC_ERROR, text))
            self.tell(machine)

    def shutdown(self, machine: Machine, reboot: bool = False, delay: float = 0) -> None:
        """ACPI power button, or a reset for a reboot without an agent. Raises VdsmError."""
        domain = self._domain(machine)
        if reboot:
            self.set_status(machine, "RebootInProgress")
            domain.reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
            return
        self._asked_down.add(machine.id)
        self.set_status(machine, "Powering down")
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)

    def destroy(self, machine: Machine) -> None:
        """Kill the domain if it runs, and forget the machine. Raises VdsmError."""
        self._asked_down.add(machine.id)
        domain = self.link.domain(machine.id)
        if domain is not None and domain.isActive():
            try:
                domain.destroy()
            except libvirt.libvirtError as problem:
                if problem.get_error_code() not in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                    raise errors.error("GeneralException", str(problem)) from problem
            if domain_is_defined(self.link, machine.id):
                self.link.domain(machine.id).undefineFlags(
                    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
                )
        self._ended(machine, End(0, ADMIN_SHUTDOWN, ADMIN_TEXT))
        with self._guard:
            self.known.pop(machine.id, None)

    def pause(self, machine: Machine) -> None:
        """Stop the processors."""
        self._domain(machine).suspend()

    def resume(self, machine: Machine) -> None:
        """Let them run."""
        self._domain(machine).resume()

    def reset(self, machine: Machine) -> None:
        """Press the reset button."""
        self._domain(machine).reset()

    def hibernate(self, machine: Machine, volume: Any) -> None:
        """Not here: the memory volumes of the engine are not wired."""
        raise errors.error("MethodNotImplemented", "hibernation")

    def migrate(self, machine: Machine, params: dict[str, Any]) -> None:
        """To another host of the lab. Raises VdsmError when the destination refuses."""
        from . import migration

        migration.begin(self, machine, params)

    def expect(self, vm_id: str, params: dict[str, Any]) -> dict[str, Any]:
        """A machine will come from another host. Raises VdsmError."""
        from . import migration

        return migration.expect(self, vm_id, params)

    def change(self, machine: Machine, verb: str, params: dict[str, Any]) -> dict[str, Any]:
        """Console passwords; other changes of devices are refused."""
        domain = self._domain(machine)
        try:
            if verb == "setTicket":
                console.set_password(domain, params)
            elif verb == "updateDevice":
                asked = params.get("params", params)
                if asked.get("deviceType") != "graphics":
                    raise errors.error("MethodNotImplemented", f"updateDevice of {asked.get('deviceType')}")
                console.set_password(domain, asked)
            else:
                raise errors.error("MethodNotImplemented", "changes of devices")
        except libvirt.libvirtError as problem:
            raise errors.error("UpdateDeviceFailed", str(problem)) from problem
        machine.revision += 1
        domain_facts.refresh(machine, domain)
        return {"vmId": machine.id, "status": machine.status, "xml": machine.xml, "vmList": {}}

    def _domain(self, machine: Machine) -> Any:
        domain = self.link.domain(machine.id)
        if domain is None or not domain.isActive():
            raise errors.error("VMNotRunning", repr({"vmId": machine.id}))
        return domain

    # -- libvirt's events

    def _life_cycle(self, vm_id: str, event: int, detail: int) -> None:
        machine = self.known.get(vm_id)
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            if machine is not None:
                self._ended(machine, self._end(vm_id, detail))
        elif event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self._started(vm_id, detail)
        elif machine is None:
            return
        elif event == libvirt.VIR_DOMAIN_EVENT_SUSPENDED:
            if machine.status not in ("Migration Source", "Migration Destination", "Down"):
                self.set_status(machine, "Paused")
        elif event == libvirt.VIR_DOMAIN_EVENT_RESUMED:
            domain = self.link.domain(vm_id)
            if domain is not None:
                domain_facts.refresh(machine, domain)
            if machine.status == "Migration Destination":
                from . import migration

                self.set_status(machine, "Up")
                migration.arrived(self, machine)
            elif machine.status not in ("Migration Source", "WaitForLaunch", "Powering up"):
                self.set_status(machine, "Up")

    def _started(self, vm_id: str, detail: int) -> None:
        self._asked_down.discard(vm_id)
        self._synchronise()
        machine = self.known.get(vm_id)
        if machine is None or machine.external or detail == libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED:
            return
        if machine.status == "WaitForLaunch":
            self.set_status(machine, "Powering up")

            def up() -> None:
                if machine.status == "Powering up":
                    self.set_status(machine, "Up")

            self.host.later(self.host.seconds["up"], up)

    def _rebooted(self, vm_id: str) -> None:
        machine = self.known.get(vm_id)
        if machine is not None and machine.status not in ("Down", "Powering down"):
            self.set_status(machine, "Up")

    def _end(self, vm_id: str, detail: int) -> End:
        if detail in _ENDS:
            return _ENDS[detail]
        if vm_id in self._asked_down or detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
            return End(0, ADMIN_SHUTDOWN, ADMIN_TEXT)
        return End(0, USER_SHUTDOWN, USER_TEXT)

    def _ended(self, machine: Machine, end: End) -> None:
        """Once per machine, whoever notices first."""
        with self._guard:
            if machine.status == "Down":
                return
            machine.finish(end)
            self._asked_down.discard(machine.id)
            if machine.external:
                self.known.pop(machine.id, None)
        self.leases.release(machine.id)
        self.tell(machine)


def domain_is_defined(link: LibvirtLink, vm_id: str) -> bool:
    """Whether libvirt keeps the domain although it does not run."""
    domain = link.domain(vm_id)
    return domain is not None and bool(domain.isPersistent())
