#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage domain, disks, the engine's own VM and OVF stores of a node-0 deployment, by the SDK alone.

The second half of engine_steps.sh, which logs in and adds the host; the settings are described there. In addition
ENGINE_TOKEN_FILE (the token) and HOST_ID.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import ovirtsdk4 as sdk
from ovirtsdk4 import types

GIB = 2**30
POLL_SECONDS = float(os.environ.get("POLL_SECONDS", "2"))
DISK_GIB = int(os.environ.get("DISK_GIB", "61"))
VM_NAME = os.environ.get("VM_NAME", "HostedEngine")
DISKS = (
    ("he_virtio_disk", types.DiskContentType.HOSTED_ENGINE, DISK_GIB * GIB, True),
    ("he_sanlock", types.DiskContentType.HOSTED_ENGINE_SANLOCK, GIB, False),
    ("HostedEngineConfigurationImage", types.DiskContentType.HOSTED_ENGINE_CONFIGURATION, GIB, False),
    ("he_metadata", types.DiskContentType.HOSTED_ENGINE_METADATA, 128 * 2**20, False),
)


def say(text: str) -> None:
    """Tell progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def wait(what: str, look: Callable[[], tuple[bool, object]], seconds: float) -> None:
    """Look until it is so; raises TimeoutError with what was seen last."""
    end = time.monotonic() + seconds
    while True:
        done, seen = look()
        if done:
            say(f"{what}: {seen}")
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s, last seen: {seen}")
        time.sleep(POLL_SECONDS)


def add_storage_domain(system: Any, name: str, data_center_id: str) -> types.StorageDomain:
    """A data domain on NFS, attached to the data centre and active there."""
    address, _, path = os.environ["STORAGE"].partition(":")
    storage = types.HostStorage(type=types.StorageType.NFS, address=address, path=path)
    host = types.Host(id=os.environ["HOST_ID"])
    wanted = types.StorageDomain(name=name, type=types.StorageDomainType.DATA, host=host, storage=storage)
    domain = system.storage_domains_service().add(wanted)
    say(f"storage domain {name}: {domain.id}")
    attached = system.data_centers_service().data_center_service(data_center_id).storage_domains_service()
    attached.add(types.StorageDomain(id=domain.id))

    def active() -> tuple[bool, object]:
        status = attached.storage_domain_service(domain.id).get().status
        return status == types.StorageDomainStatus.ACTIVE, status

    wait(f"storage domain {name}", active, 300)
    return domain


def add_disks(system: Any, domain_id: str) -> dict[str, types.Disk]:
    """The four disks of a hosted engine; returned when all of them are usable."""
    disks = system.disks_service()
    made = {}
    for name, content, size, sparse in DISKS:
        disk = types.Disk(
            name=name,
            content_type=content,
            provisioned_size=size,
            sparse=sparse,
            format=types.DiskFormat.RAW,
            storage_domains=[types.StorageDomain(id=domain_id)],
        )
        made[name] = disks.add(disk)

    def usable() -> tuple[bool, object]:
        states = {name: disks.disk_service(disk.id).get().status for name, disk in made.items()}
        if types.DiskStatus.ILLEGAL in states.values():
            raise RuntimeError(f"a disk could not be made: {states}")
        return set(states.values()) == {types.DiskStatus.OK}, {name: str(state) for name, state in states.items()}

    wait("disks", usable, 600)
    return made


def add_vm(system: Any, cluster: types.Cluster, disk_id: str) -> types.Vm:
    """The engine's VM with its disk, and a NIC in the management network of the cluster."""
    vms = system.vms_service()
    wanted = types.Vm(
        name=VM_NAME,
        description="Hosted Engine Virtual Machine",
        cluster=types.Cluster(id=cluster.id),
        template=types.Template(id="00000000-0000-0000-0000-000000000000"),
        type=types.VmType.SERVER,
        memory=4 * GIB,
        cpu=types.Cpu(topology=types.CpuTopology(cores=2, sockets=1, threads=1)),
        bios=types.Bios(type=types.BiosType.Q35_SEA_BIOS),
        os=types.OperatingSystem(type="rhel_8x64"),
        delete_protected=True,
        high_availability=types.HighAvailability(enabled=False, priority=1),
    )
    vm = vms.add(wanted)
    say(f"VM {VM_NAME}: {vm.id}")
    service = vms.vm_service(vm.id)
    attachment = types.DiskAttachment(
        disk=types.Disk(id=disk_id), interface=types.DiskInterface.VIRTIO, bootable=True, active=True
    )
    service.disk_attachments_service().add(attachment)
    networks = system.clusters_service().cluster_service(cluster.id).networks_service().list()
    (management,) = (network.id for network in networks if types.NetworkUsage.MANAGEMENT in (network.usages or []))
    profile = next(profile for profile in system.vnic_profiles_service().list() if profile.network.id == management)
    nic = types.Nic(name="vnet0", interface=types.NicInterface.VIRTIO, vnic_profile=types.VnicProfile(id=profile.id))
    service.nics_service().add(nic)

    def down() -> tuple[bool, object]:
        status = service.get().status
        return status == types.VmStatus.DOWN, status

    wait(f"VM {VM_NAME}", down, 300)
    return vm


def make_it_the_engine(vm_id: str) -> None:
    """Let the engine know that this VM is its own; there is no call of the API for that."""
    command = os.environ.get("ENGINE_SQL")
    if command is None:
        say("ENGINE_SQL is not set: the VM stays an ordinary one")
        return
    subprocess.run([*shlex.split(command), f"UPDATE vm_static SET origin = 6 WHERE vm_guid = '{vm_id}'"], check=True)


def write_ovf_stores(system: Any, vm_id: str, domain_id: str) -> list[str]:
    """A change of the VM makes the engine write both OVF stores; ids of their disks when they are current."""
    domain = system.storage_domains_service().storage_domain_service(domain_id)
    vm = system.vms_service().vm_service(vm_id)
    vm.update(types.Vm(description="Hosted engine VM", console=types.Console(enabled=True)))
    try:
        domain.update_ovf_store()
    except sdk.Error as error:
        if error.code != 409:  # the engine does it already
            raise
    found: list[str] = []

    def current() -> tuple[bool, object]:
        stores = [disk for disk in domain.disks_service().list() if disk.name == "OVF_STORE"]
        found[:] = [disk.id for disk in stores]
        states = [str(disk.status) for disk in stores]
        return states == ["ok", "ok"], states

    wait("OVF stores", current, 300)
    return found


def main() -> int:
    """Everything in order; the ids as JSON on standard output."""
    with open(os.environ["ENGINE_TOKEN_FILE"], encoding="ascii") as file:
        token = file.read().strip()
    connection = sdk.Connection(
        url=f"{os.environ['ENGINE_URL']}/api", token=token, ca_file=os.environ["ENGINE_CA_FILE"]
    )
    try:
        system = connection.system_service()
        host = system.hosts_service().host_service(os.environ["HOST_ID"]).get()
        cluster = system.clusters_service().cluster_service(host.cluster.id).get()
        domain = add_storage_domain(system, os.environ.get("STORAGE_NAME", "hosted_storage"), cluster.data_center.id)
        disks = add_disks(system, domain.id)
        vm = add_vm(system, cluster, disks["he_virtio_disk"].id)
        make_it_the_engine(vm.id)
        stores = write_ovf_stores(system, vm.id, domain.id)
        made = {
            "data_center": cluster.data_center.id,
            "cluster": cluster.id,
            "host": host.id,
            "storage_domain": domain.id,
            "disks": {name: disk.id for name, disk in disks.items()},
            "vm": vm.id,
            "ovf_stores": stores,
        }
    finally:
        connection.close(logout=False)  # the script that logged in revokes the token
    print(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
