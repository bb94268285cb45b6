# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of block devices and host devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


@verb("Host.getDeviceList")
def get_device_list(host: Host, storageType: Any = None, guids: Any = (), checkStatus: Any = True) -> list[Any]:
    wanted = {"2": "FCP", "FCP": "FCP", "3": "iSCSI", "ISCSI": "iSCSI"}.get(str(storageType).upper())
    sessions, result = host.connections.sessions, []
    for lun in host.fabric.luns:
        kind = lun.get("type", "iSCSI")
        if wanted not in (None, kind) or (guids and lun["guid"] not in guids):
            continue
        if kind == "iSCSI" and not any(lun.get("iqn") in (None, iqn) for iqn in sessions):
            continue
        result.append(host.fabric.lun_info(lun, checkStatus, sessions if kind == "iSCSI" else None, kind))
    return result


@verb("Host.getDeviceInfo")
def get_device_info(host: Host, guid: str) -> dict[str, Any]:
    if not host.fabric.has_lun(guid):
        raise errors.error("GeneralException", f"no device {guid}")
    return host.fabric.lun_info(host.fabric.lun(guid), True, host.connections.sessions)


@verb("Host.getDevicesVisibility")
def get_devices_visibility(host: Host, guidList: list[str]) -> dict[str, bool]:
    seen = {device["GUID"] for device in get_device_list(host)}
    return {guid: guid in seen for guid in guidList}


@verb("ISCSIConnection.discoverSendTargets")
def discover_send_targets(
    this: Host, /, host: str, port: Any = "3260", user: str = "", password: str = "", ipv6_enabled: Any = False
) -> list[str]:
    found = [
        f"{target['address']}:{target.get('port', 3260)},{target.get('tpgt', 1)} {target['iqn']}"
        for target in this.fabric.targets
        if target["address"] in (host, "*") and str(target.get("port", 3260)) == str(port)
    ]
    if not found:
        raise errors.error("iSCSIDiscoveryError", f"portal {host}:{port}")
    return found


@verb("Host.hostdevListByCaps", "Host.getHostdevListByCaps")
def hostdev_list_by_caps(host: Host, caps: Any = ()) -> dict[str, Any]:
    system = {"capability": "system", "is_assignable": "false", "product": host.facts.hardware()["systemProductName"]}
    pci = {
        "capability": "pci",
        "is_assignable": "true",
        "parent": "computer",
        "vendor": "Model Corporation",
        "vendor_id": "0x8086",
        "product": "SATA Controller",
        "product_id": "0x2922",
        "driver": "ahci",
        "address": {"domain": "0", "bus": "0", "slot": "31", "function": "2"},
    }
    return {"computer": {"params": system}, "pci_0000_00_1f_2": {"params": pci}}


@verb("Host.hostdevChangeNumvfs")
def hostdev_change_numvfs(host: Host, deviceName: str, numvfs: Any) -> None:
    raise errors.error("MethodNotImplemented", "virtual functions")
