# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an installation brings: options, operating systems, cluster levels, scheduling, filters, instance types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..store import Row, schema
from .base import Field, Resource
from .cluster import cpu_list
from .common import VERSIONS, Version, empty, ref
from .types import BOOL, Computed, Type

if TYPE_CHECKING:
    from ..call import Call

for _name, _key in (
    ("network_filter", "filter_id"),
    ("cluster_policies", "id"),
    ("policy_units", "id"),
    ("os_info", "id"),
):
    schema.table(_name, f"{_key} TEXT PRIMARY KEY")
schema.table(
    "vdc_options",
    "option_id INTEGER PRIMARY KEY",
    "option_name TEXT",
    "option_value TEXT",
    "default_value TEXT",
    "version TEXT",
    "exposed BOOLEAN DEFAULT 0",
)
schema.table("permits", "id INTEGER PRIMARY KEY", "name TEXT", "administrative BOOLEAN")
schema.table("icons", "id TEXT PRIMARY KEY", "media_type TEXT", "data TEXT")


class Properties(Type):
    """Name and value pairs, kept as JSON."""

    def show(self, value: Any, row: Row) -> Any:
        pairs = json.loads(value)
        return {"property": pairs} if pairs else None


# -- options: only those that clients may see, the version is a parameter


def _option_rows(call: Call, parent: str | None) -> list[Row]:
    version = call.query.get("version")
    found: dict[str, Row] = {}
    for row in call.db.rows("SELECT * FROM vdc_options WHERE exposed ORDER BY option_name, version"):
        if version in (None, row["version"]):
            found.setdefault(row["option_name"], {"option_name": row["option_name"], "values": []})["values"].append(
                row
            )
    return list(found.values())


OPTION = Resource(
    tag="system_option",
    plural="system_options",
    source=_option_rows,
    key="option_name",
    href="options/{option_name}",
    fields=(
        Field("name", Computed(lambda row, call: row["option_name"])),
        Field(
            "values",
            Computed(
                lambda row, call: {
                    "system_option_value": [
                        {"value": value["option_value"], "version": value["version"]} for value in row["values"]
                    ]
                }
            ),
        ),
    ),
)

OPERATING_SYSTEM = Resource(
    tag="operating_system",
    plural="operation_systems",
    source="os_info",
    key="id",
    tables=("os_info",),
    href="operatingsystems/{id}",
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("architecture", column="architecture"),
        Field("large_icon", Computed(lambda row, call: ref("icons", row["large_icon_id"]))),
        Field("small_icon", Computed(lambda row, call: ref("icons", row["small_icon_id"]))),
        Field("tpm_support", column="tpm_support"),
    ),
)
schema.table("os_info", "large_icon_id TEXT", "small_icon_id TEXT")
ICON = Resource(
    tag="icon",
    plural="icons",
    source="icons",
    key="id",
    tables=("icons",),
    href="icons/{id}",
    fields=(Field("data", column="data"), Field("media_type", column="media_type")),
)


# -- cluster levels: worked out from the option with the CPU types


def _level_rows(call: Call, parent: str | None) -> list[Row]:
    return [{"id": version} for version in VERSIONS]


def _cpu_types(row: Row, call: Call) -> Any:
    return {
        "cpu_type": [
            {"name": cpu["name"], "level": int(cpu["level"]), "architecture": cpu["arch"]}
            for cpu in cpu_list(call, row["id"])
        ]
    }


def _permits(row: Row, call: Call) -> Any:
    return {
        "permit": [
            {"@id": str(p["id"]), "name": p["name"], "administrative": bool(p["administrative"])}
            for p in call.db.rows("SELECT * FROM permits ORDER BY id")
        ]
    }


CLUSTER_LEVEL = Resource(
    tag="cluster_level",
    plural="cluster_levels",
    source=_level_rows,
    key="id",
    href="clusterlevels/{id}",
    fields=(Field("cpu_types", Computed(_cpu_types)), Field("permits", Computed(_permits))),
)
CLUSTER_LEVEL.subs = {"clusterfeatures": empty("cluster_feature", "cluster_features")}

NETWORK_FILTER = Resource(
    tag="network_filter",
    plural="network_filters",
    source="network_filter",
    key="filter_id",
    tables=("network_filter",),
    href="networkfilters/{filter_id}",
    fields=(Field("name", column="filter_name"), Field("version", Version(), "version")),
)
SCHEDULING_POLICY = Resource(
    tag="scheduling_policy",
    plural="scheduling_policies",
    source="cluster_policies",
    key="id",
    tables=("cluster_policies",),
    href="schedulingpolicies/{id}",
    links=("filters", "weights", "balances"),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("default_policy", BOOL, "is_default"),
        Field("locked", BOOL, "is_locked"),
        Field("properties", Properties(), "properties"),
    ),
)
SCHEDULING_POLICY.subs = {name: empty(name[:-1], name) for name in ("filters", "weights", "balances")}
SCHEDULING_UNIT = Resource(
    tag="scheduling_policy_unit",
    plural="scheduling_policy_units",
    source="policy_units",
    key="id",
    tables=("policy_units",),
    href="schedulingpolicyunits/{id}",
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("enabled", BOOL, "enabled"),
        Field("internal", BOOL, "is_internal"),
        Field("properties", Properties(), "properties"),
        Field("type", column="type"),
    ),
)

# -- collections of other products' things, which no engine of ours has

EMPTY = {
    "vmpools": empty("vm_pool", "vm_pools"),
    "externalhostproviders": empty("external_host_provider", "external_host_providers"),
    "openstackimageproviders": empty("openstack_image_provider", "openstack_image_providers"),
    "openstackvolumeproviders": empty("openstack_volume_provider", "openstack_volume_providers"),
    "openstacknetworkproviders": empty("openstack_network_provider", "openstack_network_providers"),
    "katelloerrata": empty("katello_erratum", "katello_errata"),
    "imagetransfers": empty("image_transfer", "image_transfers"),
    "externalvmimports": empty("external_vm_import", "external_vm_imports"),
    "externaltemplateimports": empty("external_template_import", "external_template_imports"),
}
