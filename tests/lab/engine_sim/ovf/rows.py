# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine from rows of the engine's database, by the names of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .model import BLANK, Cluster, Disk, Nic, Vm

Row = Mapping[str, Any]


def vm_from_rows(
    machine: Row,
    disks: Sequence[Row],
    nics: Sequence[Row],
    cluster: Row,
    exported: float,
    display_network: str = "ovirtmgmt",
    snapshot_id: str = BLANK,
) -> Vm:
    """`machine`: view vms; `disks`: images with their attachment; `nics`: interfaces with `network_name`, `bridge`.

    Sizes are in bytes (disks) and MiB (memory), times in epoch seconds. `exported` is the time of writing. A machine's
    own emulated machine and CPU go before the cluster's.
    """
    boot = next((row for row in disks if row["is_boot"]), disks[0] if disks else None)
    return Vm(
        id=machine["vm_guid"],
        name=machine["vm_name"],
        cluster=Cluster(
            name=cluster["name"],
            cpu_verb=machine.get("custom_cpu_name") or cluster["cpu_verb"] or "",
            emulated_machine=machine.get("custom_emulated_machine") or cluster["emulated_machine"] or "",
            version=str(cluster["compatibility_version"]),
            bios_type=cluster["bios_type"],
            display_network=display_network,
            quota_id=machine.get("quota_id") or "",
        ),
        memory=int(machine["mem_size_mb"]),
        pool_id=machine["storage_pool_id"],
        disks=tuple(_disk(row, row is boot) for row in disks),
        nics=tuple(map(_nic, nics)),
        sockets=int(machine["num_of_sockets"]),
        cores=int(machine["cpu_per_socket"]),
        threads=int(machine["threads_per_cpu"]),
        max_memory=int(machine.get("max_memory_size_mb") or 0),
        guaranteed_memory=int(machine.get("min_allocated_mem") or 0),
        description=machine.get("description") or "",
        comment=machine.get("free_text_comment") or "",
        origin=int(machine["origin"]),
        vm_type=machine["vm_type"],
        os_type=machine["os"],
        bios_type="" if machine["bios_type"] == "cluster_default" else machine["bios_type"] or "",
        time_zone=machine.get("time_zone") or "Etc/GMT",
        priority=int(machine.get("priority") or 0),
        delete_protected=bool(machine["is_delete_protected"]),
        highly_available=bool(machine["auto_startup"]),
        console=bool(machine["is_console_enabled"]),
        created=float(machine["creation_date"] or 0),
        exported=exported,
        created_by=machine.get("created_by_user_id") or BLANK,
        snapshot_id=snapshot_id,
        generation=int(machine["db_generation"]),
    )


def _disk(row: Row, boots: bool) -> Disk:
    return Disk(
        image_id=row["disk_id"],
        volume_id=row["image_guid"],
        domain_id=row["storage_domain_id"],
        alias=row["disk_alias"],
        size=int(row["size"]),
        description=row.get("disk_description") or "",
        actual_size=int(row.get("actual_size") or 0),
        bootable=bool(row["is_boot"]),
        boots=boots,
        created=float(row.get("creation_date") or 0),
        modified=float(row.get("lastmodified") or 0),
        raw=row["volume_format"] == "raw",
        sparse=row["volume_type"] == "sparse",
        interface=row.get("disk_interface") or "virtio",
    )


def _nic(row: Row) -> Nic:
    return Nic(
        id=row["id"],
        name=row["name"],
        mac=row["mac_addr"],
        network=row.get("bridge") or row["network_name"] or "",
        mtu=int(row.get("mtu") or 1500),
        linked=bool(row["linked"]),
        plugged=bool(row["is_plugged"]),
    )
