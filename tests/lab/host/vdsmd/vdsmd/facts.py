# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is: processors, memory, software, identity. `Facts` is the model's, `SystemFacts` this machine's."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .host import Host

# Satisfy every plain and most "Secure" Intel families of cluster levels 4.7 and 4.8.
CPU_FLAGS = [
    "fpu",
    "vme",
    "de",
    "pse",
    "tsc",
    "msr",
    "pae",
    "mce",
    "cx8",
    "apic",
    "sep",
    "mtrr",
    "pge",
    "mca",
    "cmov",
    "pat",
    "pse36",
    "clflush",
    "mmx",
    "fxsr",
    "sse",
    "sse2",
    "ss",
    "ht",
    "syscall",
    "nx",
    "pdpe1gb",
    "rdtscp",
    "lm",
    "constant_tsc",
    "pni",
    "pclmulqdq",
    "vmx",
    "ssse3",
    "fma",
    "cx16",
    "pcid",
    "sse4_1",
    "sse4_2",
    "x2apic",
    "movbe",
    "popcnt",
    "aes",
    "xsave",
    "avx",
    "f16c",
    "rdrand",
    "hypervisor",
    "lahf_lm",
    "abm",
    "3dnowprefetch",
    "spec_ctrl",
    "ssbd",
    "md_clear",
    "ibpb",
    "stibp",
    "arch-capabilities",
    "rdctl-no",
    "ibrs-all",
    "skip-l1dfl-vmentry",
    "mds-no",
    "pschange-mc-no",
    "fsgsbase",
    "bmi1",
    "avx2",
    "smep",
    "bmi2",
    "erms",
    "invpcid",
    "avx512f",
]
CPU_MODELS = [
    "Nehalem",
    "Nehalem-IBRS",
    "Westmere",
    "Westmere-IBRS",
    "SandyBridge",
    "SandyBridge-IBRS",
    "IvyBridge",
    "IvyBridge-IBRS",
    "Haswell-noTSX",
    "Haswell-noTSX-IBRS",
    "Haswell",
    "Broadwell-noTSX",
    "Broadwell-noTSX-IBRS",
    "Broadwell",
    "Skylake-Client",
    "Skylake-Client-IBRS",
    "Skylake-Client-noTSX-IBRS",
    "Skylake-Server",
    "Skylake-Server-IBRS",
    "Skylake-Server-noTSX-IBRS",
    "Cascadelake-Server",
    "Cascadelake-Server-noTSX",
    "Icelake-Server-noTSX",
    "kvm64",
    "qemu64",
]
MACHINES = [
    "pc-q35-rhel9.6.0",
    "pc-q35-rhel9.4.0",
    "pc-q35-rhel9.2.0",
    "pc-q35-rhel9.0.0",
    "pc-q35-rhel8.6.0",
    "pc-q35-rhel8.4.0",
    "pc-q35-rhel8.3.0",
    "pc-q35-rhel8.1.0",
    "pc-i440fx-rhel7.6.0",
    "pc-i440fx-2.12",
    "pc-q35-4.1",
    "q35",
    "pc",
]
CLUSTER_LEVELS = ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"]
#: Software that the engine looks for, as an EL9 host has it: name, version, release.
PACKAGES = (
    ("vdsm", "4.50.5.1", "1.el9"),
    ("kernel", "5.14.0", "570.el9.x86_64"),
    ("qemu-kvm", "9.1.0", "15.el9"),
    ("libvirt", "10.10.0", "7.el9"),
    ("spice-server", "0.14.3", "4.el9"),
    ("mom", "0.6.4", "1.el9"),
    ("librbd1", "16.2.4", "5.el9"),
    ("glusterfs-cli", "11.1", "1.el9"),
    ("openvswitch", "3.3", "1.el9"),
    ("nmstate", "2.2.44", "1.el9"),
    ("ovirt-hosted-engine-ha", "2.5.1", "1.el9"),
)


class Facts:
    """A modelled host, from its configuration."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._config = host.config
        self.boot_time = time.time() - 3600
        self.boot_uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"boot{host.address}"))

    @property
    def cpus(self) -> int:
        """Logical processors."""
        return int(self._config.get("cpus", 16))

    @property
    def memory_mb(self) -> int:
        """Memory in MiB."""
        return int(self._config.get("memory_mb", 65536))

    @property
    def cpu_name(self) -> str:
        """As /proc/cpuinfo names it."""
        return "Intel(R) Xeon(R) Fake CPU @ 2.60GHz"

    @property
    def cpu_flags(self) -> list[str]:
        """Flags and "model_X" of every CPU model that guests may have; they decide the cluster's CPU type."""
        models = self._config.get("cpu_models", CPU_MODELS)
        return [*CPU_FLAGS, *(f"model_{model}" for model in models), *self._config.get("extra_cpu_flags", [])]

    @property
    def machines(self) -> list[str]:
        """Emulated machine types."""
        return list(self._config.get("machines", MACHINES))

    @property
    def operating_system(self) -> dict[str, str]:
        """As capabilities tell it."""
        return {
            "name": "RHEL",
            "version": "9",
            "release": "9.6.0.el9",
            "pretty_name": "CentOS Stream 9 (model)",
            **self._config.get("operating_system", {}),
        }

    @property
    def kernel_arguments(self) -> str:
        """Kernel command line."""
        return "BOOT_IMAGE=/vmlinuz quiet"

    @property
    def packages(self) -> dict[str, dict[str, Any]]:
        """Software and versions."""
        told = {
            name: {"version": version, "release": release, "buildtime": 1700000000}
            for name, version, release in PACKAGES
        }
        return {**told, **self._config.get("packages", {})}

    @property
    def initiator(self) -> str:
        """iSCSI initiator name."""
        return str(self._config.get("initiator", f"iqn.1994-05.com.redhat:host{self._host.index}"))

    def hardware(self) -> dict[str, str]:
        """Answer of Host.getHardwareInfo."""
        host_id = self._host.uuid
        return {
            "systemManufacturer": "vdsmd",
            "systemProductName": "MODEL",
            "systemVersion": "1",
            "systemSerialNumber": host_id[:8],
            "systemFamily": "Model",
            "systemUUID": host_id.upper() if self._config.get("upper_uuid") else host_id,
        }

    def memory_free_mb(self, used_by_machines: int) -> int:
        """Free memory in MiB."""
        return max(1024, self.memory_mb - 2048 - used_by_machines)

    def swap_mb(self) -> tuple[int, int]:
        """Swap in all and free, in MiB."""
        return 8191, 8191

    def load(self) -> str:
        """Load average of the last minute."""
        return "0.10"

    def processor_times(self) -> dict[str, dict[str, Any]]:
        """Per processor: percent idle, user, system. The engine takes text only."""
        return {
            str(cpu): {"cpuIdle": "97.50", "cpuUser": "1.50", "cpuSys": "1.00", "nodeIndex": 0}
            for cpu in range(self.cpus)
        }
