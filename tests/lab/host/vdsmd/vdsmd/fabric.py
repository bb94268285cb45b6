# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the hosts of one process share: layout of the storage tree, the model's exports, LUNs and volume groups."""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .storage.files import GIB, MIB, Layout

if TYPE_CHECKING:
    from .host import Host

DEFAULT_LUNS = [
    {"guid": f"36001405000000000000000000000000{n}", "size": size * GIB, "serial": f"SMODEL_LUN{n}"}
    for n, size in ((1, 100), (2, 200), (3, 50))
]
DEFAULT_TARGETS = [{"address": "127.0.0.1", "port": 3260, "tpgt": 1, "iqn": "iqn.2026-11.test.vdsmd:he"}]
#: Size of a model's export that names none, in GiB.
DEFAULT_EXPORT_GIB = 500


class Fabric:
    """Shared model. `lock` guards everything, also the hosts' own state: verbs are short, or take it themselves."""

    def __init__(self, config: dict[str, Any], root: Path, state: Path) -> None:
        self.config = config
        self.layout = Layout(root)
        self.lock = threading.RLock()
        self.vgs: dict[str, dict[str, Any]] = {}  # vg uuid -> description
        self.tickets: dict[str, dict[str, Any]] = {}
        self.exports: list[dict[str, Any]] | None = config.get("exports")  # None: everything may be mounted
        self.targets: list[dict[str, Any]] = config.get("iscsi_targets", DEFAULT_TARGETS)
        self.luns: list[dict[str, Any]] = config.get("luns", DEFAULT_LUNS)
        self.hosts: list[Host] = []
        self._state = state / "state.json"
        saved = json.loads(self._state.read_text()) if self._state.exists() else {}
        self.vgs.update(saved.get("vgs", {}))
        self.saved_hosts: dict[str, dict[str, Any]] = saved.get("hosts", {})

    def persistent(self) -> str:
        """What survives a restart, as text."""
        data = {"vgs": self.vgs, "hosts": {host.address: host.persistent() for host in self.hosts}}
        return json.dumps(data, indent=1, sort_keys=True)

    def save(self) -> None:
        """Write the state file."""
        new = self._state.with_suffix(".new")
        new.write_text(self.persistent())
        new.replace(self._state)

    def export_size(self, remote: str) -> int:
        """Bytes of a model's export."""
        for export in self.exports or ():
            if export["path"].rstrip("/") == remote and "size_gib" in export:
                return int(export["size_gib"]) * GIB
        return int(self.config.get("domain_size_gib", DEFAULT_EXPORT_GIB)) * GIB

    # -- devices of the model

    def find_target(self, address: Any, port: Any, iqn: Any) -> dict[str, Any] | None:
        """The iSCSI target at that portal, if there is one."""
        for target in self.targets:
            here = target["address"] in (address, "*") and str(target.get("port", 3260)) == str(port or 3260)
            if here and target["iqn"] == iqn:
                return target
        return None

    def lun(self, guid: str) -> dict[str, Any]:
        """A LUN by its GUID. Raises KeyError."""
        for lun in self.luns:
            if lun["guid"] == guid:
                return lun
        raise KeyError(guid)

    def has_lun(self, guid: str) -> bool:
        """Whether there is such a LUN."""
        return any(lun["guid"] == guid for lun in self.luns)

    def vg_of(self, guid: str) -> dict[str, Any] | None:
        """The volume group on a LUN, if there is one."""
        return next((group for group in self.vgs.values() if guid in group["luns"]), None)

    def lun_info(
        self, lun: dict[str, Any], status: bool = True, sessions: set[str] | None = None, devtype: str = "iSCSI"
    ) -> dict[str, Any]:
        """One entry of Host.getDeviceList. The engine's parsers take sizes only as text."""
        group, number = self.vg_of(lun["guid"]), self.luns.index(lun)
        paths = [
            target
            for target in self.targets
            if devtype == "iSCSI"
            and lun.get("iqn") in (None, target["iqn"])
            and (sessions is None or target["iqn"] in sessions)
        ]
        size = int(lun["size"])
        info: dict[str, Any] = {
            "GUID": lun["guid"],
            "capacity": str(size),
            "devtype": devtype,
            "fwrev": "0001",
            "logicalblocksize": "512",
            "physicalblocksize": "512",
            "pathlist": [
                {
                    "connection": target["address"],
                    "initiatorname": "default",
                    "iqn": target["iqn"],
                    "port": str(target.get("port", 3260)),
                    "portal": str(target.get("tpgt", 1)),
                    "user": target.get("user", ""),
                    "password": "",
                }
                for target in paths
            ],
            "pathstatus": [
                {
                    "capacity": str(size),
                    "lun": str(number),
                    "state": "active",
                    "type": devtype,
                    "physdev": "sd" + chr(ord("b") + number + 8 * i),
                }
                for i in range(max(1, len(paths)))
            ],
            "productID": lun.get("product", "MODEL_DISK"),
            "vendorID": lun.get("vendor", "VDSMD"),
            "serial": lun.get("serial", "S" + lun["guid"][-8:]),
            "pvUUID": group["pvs"][lun["guid"]] if group else "",
            "pvsize": str(size - 384 * MIB) if group else "",
            "vgUUID": group["uuid"] if group else "",
            "discard_max_bytes": 0,
            "discard_zeroes_data": 0,
            "status": ("used" if group or lun.get("used") else "free") if status else "unknown",
        }
        if group:
            info.update(vgName=group["name"], pe_count=str(size // (128 * MIB)), pe_alloc_count="30")
        return info


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())
