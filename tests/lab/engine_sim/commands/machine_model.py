# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine with all its parts, as the writers of OVF and libvirt XML take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..call import Call
from ..clock import Clock
from ..store import Row

if TYPE_CHECKING:
    from ..ovf import Vm

BLANK = "00000000-0000-0000-0000-000000000000"


def parts(call: Call, machine: Row) -> tuple[list[Row], list[Row], Row]:
    """Disks (with their attachment), NICs (with network) and cluster of a machine."""
    disks = call.db.rows(
        "SELECT disks_map.*, is_boot, disk_interface, read_only, pass_discard, is_plugged FROM disk_vm_element "
        "JOIN disks_map USING (disk_id) WHERE vm_id = ? ORDER BY is_boot DESC, disk_alias",
        machine["vm_guid"],
    )
    nics = call.db.rows(
        "SELECT vm_interface.*, vnic_profiles.name AS profile_name, network.name AS network_name, "
        "network.vdsm_name AS bridge FROM vm_interface LEFT JOIN vnic_profiles ON vnic_profiles.id = vnic_profile_id "
        "LEFT JOIN network ON network.id = network_id WHERE vm_guid = ? ORDER BY vm_interface.name",
        machine["vm_guid"],
    )
    cluster = call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", machine["cluster_id"])
    assert cluster is not None
    return disks, nics, cluster


def model(call: Call, vm_id: str, when: float | None = None) -> Vm:
    """The machine for the writers, as it is now."""
    from ..ovf import vm_from_rows

    machine = call.db.row("SELECT * FROM vms WHERE vm_guid = ?", vm_id)
    assert machine is not None, vm_id
    disks, nics, cluster = parts(call, machine)
    display = call.db.value(
        "SELECT vdsm_name FROM cluster_networks WHERE cluster_id = ? AND is_display", machine["cluster_id"]
    )
    snapshot = call.db.value("SELECT snapshot_id FROM snapshots WHERE vm_id = ? AND snapshot_type = 'active'", vm_id)
    return vm_from_rows(machine, disks, nics, cluster, when or Clock.now(), display or "ovirtmgmt", snapshot or BLANK)


def ovf_text(call: Call, vm_id: str, when: float | None = None) -> str:
    from ..ovf import build_ovf

    return str(build_ovf(model(call, vm_id, when)))


def libvirt_xml(call: Call, vm_id: str) -> str:
    from ..ovf import engine_xml

    return str(engine_xml(model(call, vm_id)))


def store_content(call: Call, domain: str, machines: list[str], when: float) -> bytes:
    from ..ovf import store_tar

    return bytes(store_tar({vm_id: ovf_text(call, vm_id, when) for vm_id in machines}, [domain], when))
