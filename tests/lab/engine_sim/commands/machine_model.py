"""A machine with all its parts, as the writers of OVF and libvirt XML take it."""

from __future__ import annotations

from ..call import Call
from ..store import Row


def parts(call: Call, machine: Row) -> tuple[list[Row], list[Row], Row]:
    """Disks (with their attachment), NICs (with network) and cluster of a machine."""
    disks = call.db.rows("SELECT disks_map.*, is_boot, disk_interface, read_only, pass_discard, is_plugged FROM disk_vm_element "
                         "JOIN disks_map USING (disk_id) WHERE vm_id = ? ORDER BY is_boot DESC, disk_alias", machine["vm_guid"])
    nics = call.db.rows("SELECT vm_interface.*, vnic_profiles.name AS profile_name, network.name AS network_name, "
                        "network.vdsm_name AS bridge FROM vm_interface LEFT JOIN vnic_profiles ON vnic_profiles.id = vnic_profile_id "
                        "LEFT JOIN network ON network.id = network_id WHERE vm_guid = ? ORDER BY vm_interface.name", machine["vm_guid"])
    cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", machine["cluster_id"])
    assert cluster is not None
    return disks, nics, cluster


def ovf_text(call: Call, vm_id: str) -> str:
    from ..ovf import build_ovf

    machine = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", vm_id)
    assert machine is not None, vm_id
    disks, nics, cluster = parts(call, machine)
    return str(build_ovf(machine, disks, nics, cluster))


def libvirt_xml(call: Call, vm_id: str) -> str:
    from ..ovf import engine_xml

    machine = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", vm_id)
    assert machine is not None, vm_id
    disks, nics, cluster = parts(call, machine)
    return str(engine_xml(machine, disks, nics, cluster))


def store_content(call: Call, domain: str, machines: list[str], when: float) -> bytes:
    from ..ovf import store_tar

    return bytes(store_tar({vm_id: ovf_text(call, vm_id) for vm_id in machines}, domain, when))
