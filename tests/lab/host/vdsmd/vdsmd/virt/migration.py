# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Live migration to another lab host: its VDSM is told to expect the machine, then libvirt moves it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libvirt
from vdsm_rpc.client import Client, VdsmConnectionLost, VdsmTimeout, host_context

from .. import errors
from ..errors import VdsmError
from ..server import relay
from . import domain_facts, launch, substitutions
from .machine import Machine

if TYPE_CHECKING:
    from .libvirt_machines import LibvirtMachines

log = logging.getLogger("vdsmd")

PORT = 54321
#: Seconds between looks at the progress; seconds that the new host tries to get the leases.
LOOK, LEASE_PATIENCE = 0.5, 30
FLAGS = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_UNSAFE  # the shared disk is a bind mount, libvirt cannot know


def begin(machines: LibvirtMachines, machine: Machine, params: dict[str, Any]) -> None:
    """VM.migrate: connect to `dst` and go on in a thread. Raises VdsmError when the destination does not answer."""
    host, _, port = str(params.get("dst", "")).rpartition(":")
    host, port = (host.strip("[]"), port) if host else (port, str(PORT))
    try:
        context = host_context() if machines.host.fabric.config.get("tls") == "on" else None
        peer = Client(host, int(port), context, timeout=60)
    except (OSError, ValueError) as problem:
        raise VdsmError(10, f"Could not connect to peer VDS: {params.get('dst')}: {problem}") from problem
    threading.Thread(target=_run, args=(machines, machine, peer), name=f"migrate-{machine.name}", daemon=True).start()


def _run(machines: LibvirtMachines, machine: Machine, peer: Client) -> None:
    machines.set_status(machine, "Migration Source")
    told = False
    try:
        with peer:
            domain = machines.link.domain(machine.id)
            xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE)
            answer = peer.call("VM.migrationCreate", {"vmID": machine.id, "params": {"xml": xml}})
            told = True
            _move(machines, machine, domain, peer, _with_console(xml, answer["params"]["console"]))
    except (VdsmError, VdsmConnectionLost, VdsmTimeout, libvirt.libvirtError, OSError) as problem:
        log.warning("%s: migration failed: %s", machine.name, problem)
        if told:
            _forget_there(machines, machine, peer)
        if machine.status == "Migration Source":
            machines.set_status(machine, "Up")


def _move(machines: LibvirtMachines, machine: Machine, domain: Any, peer: Client, xml: str) -> None:
    done = threading.Event()
    threading.Thread(target=_watch, args=(machines, machine, domain, done), daemon=True).start()
    try:
        with peer_libvirt(machines, peer.host, peer.port) as remote:
            parameters = {libvirt.VIR_MIGRATE_PARAM_DEST_XML: xml, libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{peer.host}"}
            domain.migrate3(remote, parameters, FLAGS)
    finally:
        done.set()
    machine.progress = 100


def _watch(machines: LibvirtMachines, machine: Machine, domain: Any, done: threading.Event) -> None:
    """Tell the progress."""
    while not done.wait(LOOK):
        try:
            job = domain.jobStats()
        except libvirt.libvirtError:
            return  # it has moved
        total = job.get("data_total", 0)
        machine.progress = int(100 * job.get("data_processed", 0) / total) if total else machine.progress
        told = {"progress": machine.progress, "downtime": 0, "mode": "precopy"}
        machines.host.emit(f"|virt|VM_migration_status|{machine.id}", {machine.id: told})


def _forget_there(machines: LibvirtMachines, machine: Machine, peer: Client) -> None:
    try:
        context = host_context() if machines.host.fabric.config.get("tls") == "on" else None
        with Client(peer.host, peer.port, context, timeout=30) as again:
            again.call("VM.destroy", {"vmID": machine.id})
    except (VdsmError, VdsmTimeout, OSError) as problem:
        log.warning("%s: the destination still knows it: %s", machine.name, problem)


def _with_console(xml: str, address: str) -> str:
    """The console listens on the new host's address."""
    root = ET.fromstring(xml)
    for graphics in root.iterfind("devices/graphics"):
        graphics.attrib.pop("listen", None)
        for listen in graphics.findall("listen"):
            listen.set("address", address)
    return ET.tostring(root, encoding="unicode")


@contextlib.contextmanager
def peer_libvirt(machines: LibvirtMachines, host: str, port: int) -> Iterator[Any]:
    """A connection to the peer's libvirt through its VDSM. Raises libvirt.libvirtError."""
    context = host_context() if machines.host.fabric.config.get("tls") == "on" else None
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="relay", daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="vdsm-relay-", dir="/run/vdsm") as folder:
        path = Path(folder, "libvirt")
        server = asyncio.run_coroutine_threadsafe(relay.listen(path, host, port, context), loop).result(10)
        try:
            remote = libvirt.open(f"qemu+unix:///system?socket={path}")
            try:
                yield remote
            finally:
                remote.close()
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)


# -- on the new host


def expect(machines: LibvirtMachines, vm_id: str, params: dict[str, Any]) -> dict[str, Any]:
    """VM.migrationCreate: prepare the volumes and know the machine. Raises VMExists, VdsmError."""
    root = ET.fromstring(params["xml"])
    old = machines.known.get(vm_id)
    if old is not None and old.status != "Down":
        raise errors.error("VMExists", repr({"vmId": vm_id}))
    lab = launch.laboratory(machines.host)
    substitutions.disks(root, lab)
    substitutions.sockets(root, lab)
    for directory in lab.made:
        directory.mkdir(parents=True, exist_ok=True)
    machine = domain_facts.from_xml(root, params["xml"])
    machine.status = "Migration Destination"
    machines.known[vm_id] = machine
    machines.tell(machine)
    return {"migrationPort": 0, "params": {"console": lab.console_address}, "status": {"code": 0, "message": "Done"}}


def arrived(machines: LibvirtMachines, machine: Machine) -> None:
    """The machine runs here now: take its leases as soon as the old host has let them go."""
    deadline = time.monotonic() + LEASE_PATIENCE
    while not launch.hold_leases(machines.host, machines.leases, machine):
        if time.monotonic() > deadline:
            log.error("%s: migrated here, but its leases are held elsewhere", machine.name)
            return
        time.sleep(LOOK)
