# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes `installation.json` from recorded answers of a fresh engine.

    python -m engine_sim.store.extract ../../conformance/golden

Only what an installation brings is taken: CPU types, machine types, operating systems, roles, scheduling,
filters, templates, groups.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from lxml import etree

VERSIONS = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8")
#: Machine types of levels that were not recorded; 4.7 by its first entry (engine contract 7.6).
MACHINES = {
    "4.7": "[pc-q35-rhel8.6.0, pc-q35-rhel8.4.0, pc-i440fx-rhel7.6.0, pseries-rhel8.5.0, s390-ccw-virtio-rhel8.6.0]",
    "4.6": "[pc-q35-rhel8.4.0, pc-q35-rhel8.3.0, pc-i440fx-rhel7.6.0, pseries-rhel8.4.0, s390-ccw-virtio-rhel8.4.0]",
    "4.5": "[pc-q35-rhel8.3.0, pc-q35-rhel8.2.0, pc-i440fx-rhel7.6.0, pseries-rhel8.3.0]",
    "4.4": "[pc-q35-rhel8.1.0, pc-i440fx-rhel7.6.0, pseries-rhel8.1.0]",
    "4.3": "[pc-q35-rhel7.6.0, pc-i440fx-rhel7.6.0, pseries-rhel7.6.0]",
    "4.2": "[pc-i440fx-rhel7.3.0, pseries-rhel7.5.0]",
}


def load(folder: Path, name: str) -> etree._Element:
    answer = yaml.safe_load((folder / "defaults" / f"{name}.yaml").read_text())
    return etree.fromstring(answer["response"]["body"].encode())


def text(element: etree._Element, path: str) -> str | None:
    return element.findtext(path)


def boolean(element: etree._Element, path: str) -> int:
    return int(element.findtext(path) == "true")


def properties(element: etree._Element) -> str:
    return json.dumps(
        [{"name": text(p, "name"), "value": text(p, "value")} for p in element.findall("properties/property")]
    )


def seconds(stamp: str | None) -> float | None:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() if stamp else None


def options(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for value in load(folder, "option-cpu-list-all").findall("values/system_option_value"):
        rows.append(("ServerCPUList", text(value, "value"), text(value, "version")))
    rows.append(
        (
            "ClusterEmulatedMachines",
            text(load(folder, "option-emulated-machines"), "values/system_option_value/value"),
            "4.8",
        )
    )
    rows += [("ClusterEmulatedMachines", value, version) for version, value in MACHINES.items()]
    rows.append(("UserSessionTimeOutInterval", "30", "general"))
    return [
        {"option_name": name, "option_value": value, "default_value": value, "version": version, "exposed": 1}
        for name, value, version in rows
    ]


def templates(folder: Path) -> list[dict[str, Any]]:
    found = []
    for kind, name in (("TEMPLATE", "templates"), ("INSTANCE_TYPE", "instance-types")):
        for item in load(folder, name):
            row: dict[str, Any] = {
                "vm_guid": item.get("id"),
                "vm_name": text(item, "name"),
                "description": text(item, "description"),
                "entity_type": kind,
                "mem_size_mb": int(text(item, "memory") or 0) // 2**20,
                "origin": 3 if kind == "TEMPLATE" else 0,
                "min_allocated_mem": int(text(item, "memory_policy/guaranteed") or 0) // 2**20,
                "max_memory_size_mb": int(text(item, "memory_policy/max") or 0) // 2**20,
                "num_of_sockets": int(text(item, "cpu/topology/sockets") or 1),
                "cpu_per_socket": int(text(item, "cpu/topology/cores") or 1),
                "creation_date": seconds(text(item, "creation_time")),
                "default_display_type": text(item, "display/type"),
                "num_of_io_threads": int(text(item, "io/threads") or 0),
            }
            found.append(row)
    return found


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        "vdc_options": options(folder),
        "network_filter": [
            {
                "filter_id": f.get("id"),
                "filter_name": text(f, "name"),
                "version": f"{text(f, 'version/major')}.{text(f, 'version/minor')}",
            }
            for f in load(folder, "network-filters")
        ],
        "cluster_policies": [
            {
                "id": p.get("id"),
                "name": text(p, "name"),
                "is_default": boolean(p, "default_policy"),
                "is_locked": boolean(p, "locked"),
                "properties": properties(p),
            }
            for p in load(folder, "scheduling-policies")
        ],
        "policy_units": [
            {
                "id": u.get("id"),
                "name": text(u, "name"),
                "description": text(u, "description"),
                "enabled": boolean(u, "enabled"),
                "is_internal": boolean(u, "internal"),
                "type": text(u, "type"),
                "properties": properties(u),
            }
            for u in load(folder, "scheduling-units")
        ],
        "os_info": [
            {
                "id": o.get("id"),
                "name": text(o, "name"),
                "description": text(o, "description"),
                "architecture": text(o, "architecture"),
                "tpm_support": text(o, "tpm_support"),
                "large_icon_id": getattr(o.find("large_icon"), "attrib", {}).get("id"),
                "small_icon_id": getattr(o.find("small_icon"), "attrib", {}).get("id"),
            }
            for o in load(folder, "operating-systems")
        ],
        "roles": [
            {
                "id": r.get("id"),
                "name": text(r, "name"),
                "description": text(r, "description"),
                "administrative": boolean(r, "administrative"),
                "mutable": boolean(r, "mutable"),
            }
            for r in load(folder, "roles")
        ],
        "permits": [
            {"id": int(p.get("id") or 0), "name": text(p, "name"), "administrative": boolean(p, "administrative")}
            for p in load(folder, "cluster-level").findall("permits/permit")
        ],
        "ad_groups": [
            {
                "name": text(g, "name"),
                "namespace": text(g, "namespace"),
                "external_id_hex": text(g, "domain_entry_id"),
            }
            for g in load(folder, "groups")
        ],
        "icons": [
            {"id": key, "media_type": "image/png", "data": ""}
            for key in sorted(
                {
                    icon.get("id") or ""
                    for os in load(folder, "operating-systems")
                    for icon in os
                    if icon.tag.endswith("icon")
                }
            )
        ],
    }


if __name__ == "__main__":
    source = Path(sys.argv[1])
    content = {"versions": VERSIONS, "tables": tables(source), "templates": templates(source)}
    Path(__file__).with_name("installation.json").write_text(
        json.dumps(content, indent=0, separators=(",", ":")) + "\n"
    )
