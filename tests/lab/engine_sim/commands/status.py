# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers of states as the engine's database keeps them."""

from __future__ import annotations

HOST = {
    "unassigned": 0,
    "down": 1,
    "maintenance": 2,
    "up": 3,
    "non_responsive": 4,
    "error": 5,
    "installing": 6,
    "install_failed": 7,
    "reboot": 8,
    "preparing_for_maintenance": 9,
    "non_operational": 10,
    "pending_approval": 11,
    "initializing": 12,
    "connecting": 13,
    "installing_os": 14,
    "kdumping": 15,
}
VM = {
    "unassigned": -1,
    "down": 0,
    "up": 1,
    "powering_up": 2,
    "paused": 4,
    "migrating": 5,
    "unknown": 7,
    "not_responding": 8,
    "wait_for_launch": 9,
    "reboot_in_progress": 10,
    "saving_state": 11,
    "restoring_state": 12,
    "suspended": 13,
    "image_illegal": 14,
    "image_locked": 15,
    "powering_down": 16,
}
DATA_CENTER = {"uninitialized": 0, "up": 1, "maintenance": 2, "not_operational": 3, "problematic": 4, "contend": 5}
DOMAIN = {
    "unknown": 0,
    "uninitialized": 1,
    "unattached": 2,
    "active": 3,
    "inactive": 4,
    "locked": 5,
    "maintenance": 6,
    "preparing_for_maintenance": 7,
    "detaching": 8,
    "activating": 9,
}
IMAGE = {"ok": 1, "locked": 2, "illegal": 4}
ORIGIN = {
    "rhev": 0,
    "vmware": 1,
    "xen": 2,
    "ovirt": 3,
    "external": 4,
    "hosted_engine": 5,
    "managed_hosted_engine": 6,
    "kvm": 7,
    "physical_machine": 8,
    "hyperv": 9,
    "kubevirt": 10,
}
CONTENT = {
    "data": 0,
    "ovf_store": 1,
    "memory_dump_volume": 2,
    "memory_metadata_volume": 3,
    "iso": 4,
    "hosted_engine": 5,
    "hosted_engine_sanlock": 6,
    "hosted_engine_metadata": 7,
    "hosted_engine_configuration": 8,
    "backup_scratch": 9,
}
#: What vdsm calls the states of a machine.
VDSM_VM = {
    "WaitForLaunch": "wait_for_launch",
    "Powering up": "powering_up",
    "Up": "up",
    "Powering down": "powering_down",
    "Down": "down",
    "Paused": "paused",
    "Saving State": "saving_state",
    "Restoring state": "restoring_state",
    "Migration Source": "migrating",
    "Migration Destination": "migrating",
    "RebootInProgress": "reboot_in_progress",
    "Unknown": "unknown",
}
#: States in which a machine uses its host.
RUNNING = tuple(
    VM[name]
    for name in (
        "up",
        "powering_up",
        "paused",
        "migrating",
        "unknown",
        "not_responding",
        "wait_for_launch",
        "reboot_in_progress",
        "saving_state",
        "restoring_state",
        "powering_down",
    )
)


def name_of(table: dict[str, int], number: int) -> str:
    """`NonOperational` for 10: how texts of the engine spell a state."""
    word = next(name for name, value in table.items() if value == number)
    return "".join(part.capitalize() for part in word.split("_"))
