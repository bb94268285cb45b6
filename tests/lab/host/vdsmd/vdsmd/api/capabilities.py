# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of identity and capabilities. Types are those on which the engine's parsers insist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..facts import CLUSTER_LEVELS
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


@verb("Host.ping", "Host.ping2", "Host.confirmConnectivity", unlocked=True)
def ping(host: Host) -> bool:
    host.network.confirm()
    return True


@verb("Host.echo")
def echo(host: Host, message: Any) -> Any:
    return message


def processors(host: Host) -> dict[str, Any]:
    """The processor part."""
    count = host.facts.cpus
    return {
        "kvmEnabled": "true",
        "cpuCores": str(max(1, count // 2)),
        "cpuThreads": str(count),
        "cpuSockets": "1",
        "onlineCpus": ",".join(map(str, range(count))),
        "cpuSpeed": "2600.000",
        "cpuModel": host.facts.cpu_name,
        "cpuTopology": [
            {"cpu_id": cpu, "numa_cell_id": 0, "socket_id": 0, "die_id": 0, "core_id": cpu // 2} for cpu in range(count)
        ],
        "cpuFlags": ",".join(host.facts.cpu_flags),
        "vdsmToCpusAffinity": [1],
        "kernelFeatures": {"PTI": 1, "IBRS": 0, "RETP": 1, "SSBD": 1, "SPECTRE_V2": "Mitigation: Retpolines"},
        "tscFrequency": "2600000000",
        "tscScaling": False,
        "nestedVirtualization": False,
    }


def memory(host: Host) -> dict[str, Any]:
    """The memory part."""
    size = str(host.facts.memory_mb)
    return {
        "memSize": size,
        "reservedMem": "321",
        "guestOverhead": "65",
        "hugepages": [2048, 1048576],
        "numaNodes": {"0": {"cpus": list(range(host.facts.cpus)), "totalMemory": size, "hugepages": {}}},
        "numaNodeDistance": {"0": [10]},
        "autoNumaBalancing": 0,
    }


def software(host: Host) -> dict[str, Any]:
    """Versions and what they can do."""
    packages = host.facts.packages
    return {
        "operatingSystem": host.facts.operating_system,
        "packages2": packages,
        "realtimeKernel": False,
        "kernelArgs": host.facts.kernel_arguments,
        "emulatedMachines": host.facts.machines,
        "hooks": {},
        "vmTypes": ["kvm"],
        "rngSources": ["random", "hwrng"],
        "selinux": {"mode": "1"},
        "kdumpStatus": 0,
        "liveSnapshot": "true",
        "liveMerge": "true",
        "deferred_preallocation": True,
        "hostdevPassthrough": "false",
        "additionalFeatures": ["libgfapi_supported"],
        "vncEncrypted": False,
        "backupEnabled": True,
        "coldBackupEnabled": True,
        "clearBitmapsEnabled": True,
        "fipsEnabled": False,
        "ovnConfigured": False,
        "connector_info": {},
        "openstack_binding_host_ids": {},
        "replicate_extend": True,
        "measure_subchain": True,
        "measure_active": True,
        "mailbox_events": False,
        "zerocopy_migrations": True,
        "cd_change_pdiv": True,
        "refresh_disk_supported": True,
        "qemu_image_info_bitmaps": True,
        "domain_versions": [0, 2, 3, 4, 5],
        "supported_block_size": {
            "FCP": [512],
            "ISCSI": [512],
            "NFS": [512],
            "LOCALFS": [0, 512, 4096],
            "POSIXFS": [512],
            "GLUSTERFS": [0, 512, 4096],
        },
        "version_name": "Snow Man",
        "software_version": packages["vdsm"]["version"].rsplit(".", 1)[0],
        "software_revision": "1",
        "supportedENGINEs": ["4.2", "4.3", "4.4", "4.5"],
        "clusterLevels": list(host.config.get("cluster_levels", CLUSTER_LEVELS)),
    }


def client_interface(host: Host, told: dict[str, Any]) -> str:
    """The device with the address on which the client reached this host; the engine builds its network there."""
    kinds = [told[kind] for kind in ("bridges", "bondings", "vlans", "nics")]
    devices = [(name, device) for kind in kinds for name, device in kind.items()]
    for name, device in devices:
        if host.server_address in (device["addr"], *(text.partition("/")[0] for text in device["ipv6addrs"])):
            return str(name)
    return str(next((name for name, device in devices if device["ipv4defaultroute"]), next(iter(told["nics"]), "")))


@verb("Host.getCapabilities")
def get_capabilities(host: Host) -> dict[str, Any]:
    initiator = host.facts.initiator
    networks = host.network.capabilities()
    return {
        **processors(host),
        **memory(host),
        **software(host),
        "uuid": host.uuid,
        "boot_uuid": host.facts.boot_uuid,
        "ISCSIInitiatorName": initiator,
        "HBAInventory": {"iSCSI": [{"InitiatorName": initiator}], "FC": []},
        "hostedEngineDeployed": host.ha.deployed,
        "netConfigDirty": "False",
        "lastClientIface": client_interface(host, networks),
        **networks,
        **host.config.get("capabilities", {}),
    }


@verb("Host.getHardwareInfo")
def get_hardware_info(host: Host) -> dict[str, str]:
    return host.facts.hardware()
