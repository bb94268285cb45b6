# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a deployment writes down for the HA services, put together from the settings and from what was made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import hosted_engine, members

MIB = 1024**2
GIB = 1024**3

Facts = Mapping[str, Any]


def hosted_engine_conf(settings: Facts, host: Facts, storage: Facts, vm: Facts, disks: Facts) -> str:
    """Return hosted-engine.conf of this host (host contract 1.2).

    Args:
        settings: the frozen settings.
        host: what C(engine_host) returned.
        storage: what C(engine_storage_domain) returned.
        vm: the target VM as C(engine_target_vm) returned it.
        disks: the four hosted engine disks by name, each with C(id) and C(image_id).
    """
    network = settings["network"]
    tcp = network["test"] == "tcp"
    values = {
        "fqdn": settings["engine"]["fqdn"],
        "vmid": vm["id"],
        "storage": connection(settings["storage"]),
        "nfs_version": settings["storage"]["nfs_version"],
        "mnt_options": settings["storage"]["mount_options"],
        "conf": hosted_engine.VM_CONF,
        "host_id": host["host_id"],
        "console": settings["vm"]["console"],
        "domainType": settings["storage"]["type"],
        "spUUID": hosted_engine.BLANK_UUID,
        "sdUUID": storage["id"],
        "connectionUUID": storage.get("connection_id") or _connection_uuid(storage["id"]),
        "vdsm_use_ssl": "true",
        "gateway": network["gateway"],
        "bridge": settings["cluster"]["management_network"],
        "network_test": network["test"],
        "tcp_t_address": network["tcp_address"] if tcp else None,
        "tcp_t_port": network["tcp_port"] if tcp else None,
        "vm_disk_id": disks["he_virtio_disk"]["id"],
        "vm_disk_vol_id": disks["he_virtio_disk"]["image_id"],
        "metadata_image_UUID": disks["he_metadata"]["id"],
        "metadata_volume_UUID": disks["he_metadata"]["image_id"],
        "lockspace_image_UUID": disks["he_sanlock"]["id"],
        "lockspace_volume_UUID": disks["he_sanlock"]["image_id"],
        "conf_image_UUID": disks["HostedEngineConfigurationImage"]["id"],
        "conf_volume_UUID": disks["HostedEngineConfigurationImage"]["image_id"],
    }
    return hosted_engine.render(values)


def vm_conf(settings: Facts, host: Facts, storage: Facts, vm: Facts, disks: Facts) -> str:
    """Return the fallback vm.conf."""
    return members.vm_conf(
        {
            "vm_id": vm["id"],
            "name": settings["vm"]["name"],
            "memory_mib": settings["vm"]["memory"] // MIB,
            "vcpus": settings["vm"]["vcpus"],
            "max_vcpus": max(settings["vm"]["vcpus"], host.get("cpus") or 0),
            "mac": vm["mac"],
            "console": settings["vm"]["console"],
            "cpu": host["cpu_verb"],
            "machine": settings["vm"]["emulated_machine"] or host["emulated_machine"],
            "network": settings["cluster"]["management_network"],
            "domain_id": storage["id"],
            "image_id": disks["he_virtio_disk"]["id"],
            "volume_id": disks["he_virtio_disk"]["image_id"],
        }
    )


def first_host_answers(settings: Facts, storage: Facts, vm: Facts) -> str:
    """Return fhanswers.conf; the archive must carry it, secrets it does not carry (host contract 2.3)."""
    network, address = settings["network"], settings["network"]["address"]
    return members.answers(
        {
            "OVEHOSTED_CORE/deployProceed": True,
            "OVEHOSTED_CORE/screenProceed": True,
            "OVEHOSTED_CORE/enableKeycloak": settings["engine"]["keycloak"],
            "OVEHOSTED_ENGINE/clusterName": settings["cluster"]["name"],
            "OVEHOSTED_ENGINE/datacenterName": settings["cluster"]["data_center"],
            "OVEHOSTED_NETWORK/bridgeName": settings["cluster"]["management_network"],
            "OVEHOSTED_NETWORK/fqdn": settings["engine"]["fqdn"],
            "OVEHOSTED_NETWORK/gateway": network["gateway"],
            "OVEHOSTED_NETWORK/network_test": network["test"],
            "OVEHOSTED_NETWORK/network_test_tcp_address": network["tcp_address"],
            "OVEHOSTED_NETWORK/network_test_tcp_port": str(network["tcp_port"]) if network["tcp_port"] else None,
            "OVEHOSTED_NOTIF/destEmail": settings["mail"]["destination"],
            "OVEHOSTED_NOTIF/smtpPort": str(settings["mail"]["port"]),
            "OVEHOSTED_NOTIF/smtpServer": settings["mail"]["server"],
            "OVEHOSTED_NOTIF/sourceEmail": settings["mail"]["source"],
            "OVEHOSTED_STORAGE/domainType": settings["storage"]["type"],
            "OVEHOSTED_STORAGE/imgSizeGB": str(settings["vm"]["disk_size"] // GIB),
            "OVEHOSTED_STORAGE/mntOptions": settings["storage"]["mount_options"] or None,
            "OVEHOSTED_STORAGE/nfsVersion": settings["storage"]["nfs_version"],
            "OVEHOSTED_STORAGE/sdUUID": storage["id"],
            "OVEHOSTED_STORAGE/storageDomainConnection": connection(settings["storage"]),
            "OVEHOSTED_STORAGE/storageDomainName": settings["storage"]["name"],
            "OVEHOSTED_VM/cloudinitVMDNS": ",".join(network["dns"]) if address and network["dns"] else False,
            "OVEHOSTED_VM/cloudinitVMETCHOSTS": network["etc_hosts"],
            "OVEHOSTED_VM/cloudinitVMStaticCIDR": f"{address}/{network['prefix']}" if address else False,
            "OVEHOSTED_VM/cloudinitVMTZ": settings["vm"]["time_zone"],
            "OVEHOSTED_VM/rootSshAccess": settings["access"]["root_ssh_access"],
            "OVEHOSTED_VM/vmMACAddr": vm["mac"],
            "OVEHOSTED_VM/vmMemSizeMB": settings["vm"]["memory"] // MIB,
            "OVEHOSTED_VM/vmUUID": vm["id"],
            "OVEHOSTED_VM/vmVCpus": str(settings["vm"]["vcpus"]),
        }
    )


def connection(storage: Facts) -> str:
    """Return the connection as C(storage=) wants it; an IPv6 address stands in brackets."""
    address = str(storage["address"])
    return f"[{address}]:{storage['path']}" if ":" in address else f"{address}:{storage['path']}"


def _connection_uuid(domain_id: str) -> str:
    """Return an id of the connection that is this deployment's own and the same in every run."""
    return str(uuid.uuid5(uuid.UUID(domain_id), "connection"))
