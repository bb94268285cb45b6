# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual machines on a host, those the engine made and those it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..client import HostClient


def listing(host: HostClient) -> list[dict[str, Any]]:
    """Every machine of the host: [{"vmId", "status", "statusTime"}]."""
    found: list[dict[str, Any]] = host.call("Host.getVMList", {"vmList": [], "onlyUUID": False})
    return found


def domain_xmls(host: HostClient, vm_ids: Sequence[str]) -> dict[str, str]:
    """libvirt's description of machines, {id: XML}: the only full picture of one that the engine did not make."""
    found: dict[str, str] = host.call("Host.dumpxmls", {"vmList": list(vm_ids)})
    return found


def start(host: HostClient, vm_id: str, xml: str) -> dict[str, Any]:
    """Run a machine from the engine's XML (`ovf.engine_xml`); returns at once, status WaitForLaunch."""
    answer: dict[str, Any] = host.call("VM.create", {"vmID": vm_id, "vmParams": {"vmId": vm_id, "xml": xml}})
    return answer


def stop(host: HostClient, vm_id: str) -> None:
    """Power off. The host forgets the machine."""
    host.call("VM.destroy", {"vmID": vm_id, "gracefulAttempts": 0})


def shut_down(
    host: HostClient, vm_id: str, message: str = "System Administrator has initiated shutdown", delay: int = 30
) -> None:
    """Ask the guest to end; `delay` seconds until its ACPI button is pressed."""
    host.call("VM.shutdown", {"vmID": vm_id, "delay": str(delay), "message": message})


def forget_stopped(host: HostClient, vm_id: str) -> None:
    """A machine that went down by itself stays in the host's list until the engine takes note."""
    host.call("VM.destroy", {"vmID": vm_id, "gracefulAttempts": 0})
