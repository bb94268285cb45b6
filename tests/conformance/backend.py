# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scenario folder's variables ask of a server: model hosts, exports, an iSCSI target, LUNs.

Everything follows from the names of the variables (`TOOL.md`, "Replay"), nothing from their values: `host*_address` are
hosts that can be added, `*dead_address` is an address where nobody listens, `nfs*_path*` are exports on `nfs*_address`
(one with `bad`, `refused` or `denied` in its name is left out, one with `small` is small), `iscsi_*` a portal with its
target, `*lun*` its free units, `fc*lun*` units of fibre channel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HOST = re.compile(r"host\w*_address")
REFUSED = re.compile(r"bad|refused|denied|dead")
GIB = 2**30
#: The recorded hosts' operating system; its name is compared.
SYSTEM = {"operating_system": {"pretty_name": "CentOS Stream 9 (fake)"}}
EXPORT_GIB, LUN_GIB, SMALL_GIB = 200, 100, 20


@dataclass
class Backend:
    """hosts: names of the variables that are a host's address, in their order; world: members of vdsmd's configuration;
    external_vm: the machine that runs on the first host unknown to the engine, empty for none."""

    hosts: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    world: dict[str, Any] = field(default_factory=dict)
    external_vm: str = ""


def load(folder: Path, fallback: Path) -> dict[str, str]:
    """The variables of a folder of scenarios, or those of `fallback` where it has none.

    Raises ValueError when the file is no mapping, OSError when there is none at all.
    """
    path = next((place / "vars.yaml" for place in (folder, fallback) if (place / "vars.yaml").exists()), None)
    if path is None:
        raise FileNotFoundError(f"neither {folder} nor {fallback} has a vars.yaml")
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict):
        raise ValueError(f"{path}: a mapping is expected")
    return {str(name): "" if value is None else str(value) for name, value in found.items()}


def plan(variables: dict[str, str]) -> Backend:
    """What these variables need. An empty variable is "not offered"."""
    given = {name: value for name, value in variables.items() if value}
    hosts = [name for name in given if HOST.fullmatch(name) and not REFUSED.search(name)]
    world: dict[str, Any] = {"defaults": SYSTEM, "exports": _exports(given), "luns": _units(given)}
    if "iscsi_target" in given:
        target: dict[str, Any] = {
            "address": given.get("iscsi_address", "127.0.0.1"),
            "port": int(given.get("iscsi_port", 3260)),
            "tpgt": 1,
            "iqn": given["iscsi_target"],
        }
        for member in ("user", "password"):
            secret = given.get(f"iscsi_{member}") or given.get(f"iscsi_{'username' if member == 'user' else member}")
            if secret:
                target[member] = secret
        world["iscsi_targets"] = [target]
    dead = [name for name in given if name.endswith("dead_address") and not name.startswith("iscsi")]
    return Backend(sorted(hosts), dead, world, given.get("external_vm", ""))


def _exports(given: dict[str, str]) -> list[dict[str, Any]]:
    servers = {
        name.removesuffix("_address"): value
        for name, value in given.items()
        if re.fullmatch(r"(nfs|gluster|posix)\w*_address", name)
    }
    found = []
    for name, value in given.items():
        match = re.fullmatch(r"((?:nfs|gluster|posix)\w*?)(?:_\w+?)?_path\w*", name)
        if match is None or REFUSED.search(name):
            continue
        server = servers.get(match[1]) or next(
            (value for prefix, value in servers.items() if name.startswith(prefix[:3])), ""
        )
        size = SMALL_GIB if "small" in name else EXPORT_GIB
        found.append({"path": f"{server}:{value}", "size_gib": size})
    return found


def _units(given: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for name, value in given.items():
        if "lun" not in name.split("_", 1)[-1] or REFUSED.search(name):
            continue
        unit: dict[str, Any] = {"guid": value, "size": LUN_GIB * GIB, "vendor": "FAKEVDSM", "product": "FAKE_DISK"}
        if name.startswith("fc"):
            unit["type"] = "FCP"
        elif "used" in name:
            unit["used"] = True
        found.append(unit)
    return found


def port_of(golden: Path) -> int:
    """The port at which the recorded engine was reached: it is part of texts that are compared. 443 when none shows."""
    about = golden / "recording.yaml"
    name = (
        str((yaml.safe_load(about.read_text()) or {}).get("variables", {}).get("engine_fqdn") or "")
        if about.exists()
        else ""
    )
    if not name:
        return 443
    pattern = re.compile(rf"https://{re.escape(name)}(?::(\d+))?/")
    for path in sorted(golden.glob("*/*.yaml")):
        match = pattern.search(path.read_text())
        if match:
            return int(match[1] or 443)
    return 443
