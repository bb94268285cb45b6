# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VM that the engine will live in: made, protected, wired, and at last marked as the hosted engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults, search
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import Notes, Shell
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import types
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.waits import when_free
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

VM_FOREIGN = declare(
    "engine.vm_foreign",
    "The engine already has a VM of this name that this deployment did not make",
    "Remove or rename that VM in the engine, or choose another he_vm_name.",
)
MAC_IN_USE = declare(
    "engine.mac_in_use",
    "The MAC address of the engine VM is in use",
    "Choose another he_vm_mac_addr, or remove the VM that has it.",
)
NO_PROFILE = declare(
    "engine.no_vnic_profile",
    "The management network has no vNIC profile",
    "Add a vNIC profile to the management network in the engine and run the same playbook again.",
)
ORIGIN_NOT_SET = declare(
    "engine.origin_not_set",
    "The engine's database did not take the VM for the hosted engine",
    "Look at the database on the engine's machine: engine-psql.sh -c 'SELECT vm_name, origin FROM vm_static'.",
)

BLANK_TEMPLATE = "00000000-0000-0000-0000-000000000000"
MANAGED = "managed_hosted_engine"
ORIGIN_NUMBER = 6
PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
NIC_NAME = "vnet0"
KIND = "target_vm"

# The target VM must be able to start what the appliance's image was made for; unknown means BIOS.
BIOS_TYPES = {
    "": "q35_sea_bios",
    "bios": "q35_sea_bios",
    "uefi": "q35_ovmf",
    "uefi-secure": "q35_secure_boot",
}


@dataclass(frozen=True)
class WantedVm:
    """The engine VM as it shall be; memory in bytes."""

    name: str
    memory: int
    vcpus: int
    mac: str
    firmware: str
    cluster_id: str
    network: str
    network_id: str

    def entity(self) -> Any:
        """Return the VM as the SDK sends it; it is protected from the first moment."""
        return types.Vm(
            name=self.name,
            description="Hosted Engine Virtual Machine",
            cluster=types.Cluster(id=self.cluster_id),
            template=types.Template(id=BLANK_TEMPLATE),
            type=types.VmType.SERVER,
            os=types.OperatingSystem(type="rhel_8x64"),
            bios=types.Bios(type=types.BiosType(BIOS_TYPES[self.firmware])),
            memory=self.memory,
            cpu=types.Cpu(topology=types.CpuTopology(sockets=1, cores=self.vcpus)),
            high_availability=types.HighAvailability(enabled=False, priority=1),
            console=types.Console(enabled=False),
            delete_protected=True,
        )


class TargetVm:
    """The engine VM in the engine.

    Args:
        session: session with the engine.
        notes: the journal.
        wanted: the VM as it shall be.
        disk_id: id of the disk that it starts from.

    Attributes:
        entity: the VM as the engine described it last, or None.
        configuration_disk_noted: whether the engine's options took the id of the configuration disk.
    """

    def __init__(self, session: Session, notes: Notes, wanted: WantedVm, disk_id: str) -> None:
        self._session = session
        self._notes = notes
        self._wanted = wanted
        self._disk_id = disk_id
        self._fresh = False
        self._attached: list[str] = []
        self.entity: Any = None
        self.configuration_disk_noted = False

    @property
    def id(self) -> str:
        """Id of the VM; the engine makes it (engine contract 7.8)."""
        return str(self.entity.id)

    @property
    def is_managed(self) -> bool:
        """Whether the engine already takes it for the hosted engine."""
        return self.entity is not None and self.entity.origin == MANAGED

    def find(self) -> bool:
        """Look for the VM and return whether it is there.

        Raises:
            HostedEngineError: C(engine.vm_foreign) when a VM of this name has other disks.
        """
        condition = search.equals("name", self._wanted.name)
        with self._session.step("look for the engine VM"):
            found = self._session.system.vms_service().list(search=condition)
        self.entity = search.named(found, self._wanted.name)
        if self.entity is None:
            return False
        with self._session.step("read the disks of the engine VM"):
            attachments = self._service().disk_attachments_service().list()
        disks = self._attached = [attachment.id for attachment in attachments]
        if any(disk != self._disk_id for disk in disks) or self.entity.cluster.id != self._wanted.cluster_id:
            raise HostedEngineError(
                VM_FOREIGN,
                expected=f"{self._wanted.name} without other disks, in the host's cluster",
                observed=f"VM {self.entity.id} with disks {', '.join(disks) or 'none'}",
            )
        return True

    def create(self) -> bool:
        """Make the VM when it is not there, and return whether it was made."""
        if self.entity is not None:
            return False
        with self._notes.making(KIND, self._wanted.name) as entry:
            with self._session.step(f"create VM {self._wanted.name}", "target-vm"):
                self.entity = self._session.system.vms_service().add(self._wanted.entity())
            entry["id"] = self.id
        self._fresh = True
        return True

    def wire(self) -> bool:
        """Give the VM its network interface and its console; return whether anything was missing."""
        added = self._add_nic()
        return self._set_console() or added

    def attach(self) -> bool:
        """Attach the disk as the one to start from, and return whether it was not attached yet."""
        if self._disk_id in self._attached:
            return False
        wish = types.DiskAttachment(
            disk=types.Disk(id=self._disk_id), interface=types.DiskInterface.VIRTIO, bootable=True, active=True
        )
        service = self._service().disk_attachments_service()
        when_free(self._session, "attach the engine VM's disk", "attach-disk", lambda: service.add(wish))
        return True

    def mark(self, shell: Shell, configuration_disk: str) -> bool:
        """Set the VM's origin in the database, last of all; return whether that was needed.

        The API refuses it, and refuses nearly everything else once it is set (engine contract 8, measured 7).
        C(engine-psql.sh) ends with 0 even when SQL fails, so that only its words count. The configuration disk is noted
        in the engine's options as well, in the same call: older tools read it there, engine 4.5.8 does not, and
        nothing depends on it.

        Raises:
            HostedEngineError: C(engine.origin_not_set).
        """
        if self.is_managed:
            return False
        option = "option_name='HostedEngineConfigurationImageGuid' AND version='general'"
        origin = f"UPDATE vm_static SET origin={ORIGIN_NUMBER} WHERE vm_guid='{self.id}'"
        note = f"UPDATE vdc_options SET option_value='{configuration_disk}' WHERE {option}"
        done = shell.run([PSQL, "-c", origin, "-c", note])
        said = done.stdout.split("\n")
        if said[0].strip() != "UPDATE 1":
            words = (done.stdout + done.stderr).strip()
            raise HostedEngineError(ORIGIN_NOT_SET, expected="UPDATE 1", observed=words or "nothing")
        self.configuration_disk_noted = said[1:2] == ["UPDATE 1"]
        return True

    def publish(self) -> None:
        """Change the VM, so that the engine writes its OVF at once (engine contract 9).

        Raises:
            HostedEngineError: C(engine.origin_not_set) when the engine still holds it for an ordinary VM.
        """
        wish = types.Vm(description="Hosted engine VM", console=types.Console(enabled=True))
        service, doing = self._service(), "have the engine VM's OVF written"
        self.entity = when_free(self._session, doing, "target-vm-ovf", lambda: service.update(wish))
        if not self.is_managed:
            raise HostedEngineError(
                ORIGIN_NOT_SET, expected=f"origin {MANAGED}", observed=f"origin {self.entity.origin}"
            )

    def _service(self) -> Any:
        return self._session.system.vms_service().vm_service(self.id)

    def _add_nic(self) -> bool:
        service, mac = self._service().nics_service(), self._wanted.mac.lower()
        if not self._fresh:
            with self._session.step("read the network interfaces of the engine VM"):
                if any(nic.mac and nic.mac.address.lower() == mac for nic in service.list()):
                    return False
        wish = types.Nic(
            name=NIC_NAME,
            interface=types.NicInterface.VIRTIO,
            mac=types.Mac(address=mac),
            vnic_profile=types.VnicProfile(id=self._profile()),
        )
        try:
            with self._session.step("give the engine VM its network interface", "nic"):
                service.add(wish)
        except HostedEngineError as error:
            if error.evidence.get("kind") == faults.CONFLICT and "already in use" in error.observed:
                raise HostedEngineError(MAC_IN_USE, observed=error.observed, evidence=error.evidence) from error
            raise
        return True

    def _profile(self) -> str:
        """Return the vNIC profile of the management network; there is no search for profiles."""
        with self._session.step("read the vNIC profiles"):
            profiles = self._session.system.vnic_profiles_service().list()
        ours = [profile for profile in profiles if profile.network.id == self._wanted.network_id]
        chosen = search.named(ours, self._wanted.network) or (ours[0] if ours else None)
        if chosen is None:
            raise HostedEngineError(NO_PROFILE, observed=f"none of {len(profiles)} belongs to {self._wanted.network}")
        return str(chosen.id)

    def _set_console(self) -> bool:
        """Let the VM have VNC and nothing else."""
        service = self._service().graphics_consoles_service()
        vnc = types.GraphicsType.VNC
        with self._session.step("set the console of the engine VM"):
            consoles = service.list()
            others = [console for console in consoles if console.protocol != vnc]
            missing = len(others) == len(consoles)
            if missing:
                service.add(types.GraphicsConsole(protocol=vnc))
            for console in others:
                service.console_service(console.id).remove()
        return missing or bool(others)
