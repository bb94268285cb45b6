# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine as far as OVF and libvirt XML tell of it. Times are seconds since the epoch, sizes as each field says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields

BLANK = "00000000-0000-0000-0000-000000000000"
#: Most sockets that the engine lets a running machine grow to.
MAX_SOCKETS = 16
#: Number of a machine's origin that makes it the engine's own (engine contract 8).
MANAGED_HOSTED_ENGINE = 6

#: Firmware by the API's name: the number in the OVF.
BIOS_TYPES = {"i440fx_sea_bios": 0, "q35_sea_bios": 1, "q35_ovmf": 2, "q35_secure_boot": 3}
VM_TYPES = {"desktop": 0, "server": 1, "high_performance": 2}


@dataclass(frozen=True)
class Cluster:
    """What a machine takes from its cluster.

    `cpu_verb`: a ServerCPUList verb ("Icelake-Server-noTSX,+arch-capabilities,-mpx"); `emulated_machine` and
    `bios_type` hold for machines without their own; `display_network` is the one that consoles listen on.
    """

    name: str
    cpu_verb: str
    emulated_machine: str
    version: str = "4.8"
    bios_type: str = "q35_sea_bios"
    display_network: str = "ovirtmgmt"
    quota_id: str = ""


@dataclass(frozen=True)
class Disk:
    """An attached image disk. `size` and `actual_size` in bytes.

    bootable: the attachment says so (recorded: `ovf:boot`); boots: the machine boots from it, which without a bootable
    attachment is its first disk (OVF of a real engine: `ovf:boot="false"` with boot order 1).
    """

    image_id: str
    volume_id: str
    domain_id: str
    alias: str
    size: int
    description: str = ""
    actual_size: int = 0
    bootable: bool = False
    boots: bool = True
    created: float = 0.0
    modified: float = 0.0
    raw: bool = True
    sparse: bool = True
    interface: str = "virtio"


@dataclass(frozen=True)
class Nic:
    """A virtual network interface on a bridge of its network's name."""

    id: str
    name: str
    mac: str
    network: str
    mtu: int = 1500
    linked: bool = True
    plugged: bool = True
    network_filter: str = "vdsm-no-mac-spoofing"


@dataclass(frozen=True)
class Devices:
    """Ids of the devices that each machine has: the aliases by which vdsm tells the devices of a running machine."""

    rng: str
    virtio_serial: str
    sound: str
    balloon: str
    usb: str
    graphics: str
    scsi: str
    console: str
    video: str
    cdrom: str

    @classmethod
    def of(cls, vm_id: str) -> Devices:
        """Ids that follow from the machine's, so that they are the same in each OVF without being stored."""
        space = uuid.UUID(vm_id)
        return cls(**{part.name: str(uuid.uuid5(space, part.name)) for part in fields(cls)})


@dataclass(frozen=True)
class Vm:
    """One machine. Memory in MiB; `generation` is the OVF's version, one more with each change of the machine."""

    id: str
    name: str
    cluster: Cluster
    memory: int
    pool_id: str
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    own_devices: Devices | None = None
    sockets: int = 1
    cores: int = 4
    threads: int = 1
    max_memory: int = 0
    guaranteed_memory: int = 0
    description: str = ""
    comment: str = ""
    origin: int = MANAGED_HOSTED_ENGINE
    vm_type: str = "server"
    os_type: str = "rhel_8x64"
    bios_type: str = ""
    time_zone: str = "Etc/GMT"
    priority: int = 1
    delete_protected: bool = False
    highly_available: bool = False
    console: bool = True
    created: float = 0.0
    exported: float = 0.0
    created_by: str = BLANK
    snapshot_id: str = BLANK
    generation: int = 1

    @property
    def devices(self) -> Devices:
        """`own_devices`, or those that follow from the id."""
        return self.own_devices or Devices.of(self.id)

    @property
    def hosted_engine(self) -> bool:
        """Whether the machine is the engine's own: exclusive disks with a lease, no pool."""
        return self.origin == MANAGED_HOSTED_ENGINE

    @property
    def cpus(self) -> int:
        """CPUs it starts with."""
        return self.sockets * self.cores * self.threads

    @property
    def max_cpus(self) -> int:
        """CPUs it can grow to."""
        return MAX_SOCKETS * self.cores * self.threads

    @property
    def maximum_memory(self) -> int:
        """MiB it can grow to: four times its memory when nothing else was said."""
        return self.max_memory or 4 * self.memory

    @property
    def minimum_memory(self) -> int:
        """MiB that are guaranteed."""
        return self.guaranteed_memory or self.memory

    @property
    def firmware(self) -> str:
        """Its own BIOS type or the cluster's."""
        return self.bios_type or self.cluster.bios_type
