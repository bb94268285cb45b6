# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters: settings, CPU type, management network, scheduling."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..call import new_id, refuse
from ..doc import dig
from ..errors import ApiError, Refused
from ..store import Row, schema
from .base import Columns, Field, Pattern, Required, Resource, SearchField, Sub, Unique
from .common import VERSIONS, Version, constant, empty, permissions, unsupported
from .types import API, BOOL, INT, Computed, Items, Ref

if TYPE_CHECKING:
    from ..call import Call

schema.table("cluster", "cluster_id TEXT PRIMARY KEY")
ON_ERROR = {"migrate": 1, "do_not_migrate": 2, "migrate_highly_available": 3}
NONE_POLICY = "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
KSM = "ksm/"


def cpu_list(call: Call, version: str) -> list[dict[str, str]]:
    """The CPU types of a cluster level, from the engine's own option: level, name, flags, verb, architecture."""
    value = call.db.value(
        "SELECT option_value FROM vdc_options WHERE option_name = 'ServerCPUList' AND version = ?", version
    )
    found = []
    for entry in (value or "").split(";"):
        parts = entry.strip().split(":")
        if len(parts) == 5:
            found.append(dict(zip(("level", "name", "flags", "verb", "arch"), parts)))
    return found


def cpu_named(call: Call, version: str, name: str | None) -> dict[str, str] | None:
    return next((cpu for cpu in cpu_list(call, version) if cpu["name"] == name), None)


def _management(row: Row, call: Call) -> Any:
    network = call.db.value(
        "SELECT network_id FROM network_cluster WHERE cluster_id = ? AND management = 1", row["cluster_id"]
    )
    if network is None:
        return None
    address = f"{API}/datacenters/{row['storage_pool_id']}/clusters/{row['cluster_id']}/networks/{network}"
    return {"@href": address, "@id": network}


def _policy_properties(call: Call, policy: str) -> str | None:
    found: str | None = call.db.value("SELECT properties FROM cluster_policies WHERE id = ?", policy)
    return found


class _Properties(Items):
    """`<property><name/><value/></property>`, kept as JSON pairs."""

    def show(self, value: Any, row: Row) -> Any:
        return {"property": json.loads(value)} if value and value != "[]" else None


def _other_data_center(call: Call, row: Row) -> bool:
    wanted = call.doc.get("data_center") or {}
    if "@id" in wanted:
        return bool(wanted["@id"] != row["storage_pool_id"])
    name = call.db.value("SELECT name FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    return wanted.get("name") not in (None, name)


def _prepare(call: Call, columns: Columns, row: Row | None) -> None:
    what = "edit Cluster" if row else "create Cluster"
    if row is not None and _other_data_center(call, row):
        raise Refused("Cannot change Data Center association when editing a Cluster.")
    version = columns.get("compatibility_version") or (row or {}).get("compatibility_version")
    pool = columns.get("storage_pool_id") or (row or {}).get("storage_pool_id")
    below = call.db.value("SELECT compatibility_version FROM storage_pool WHERE id = ?", pool)
    if row is not None and version in VERSIONS and below and version < below:
        raise Refused(
            "Cannot decrease cluster compatibility version beneath data center compatibility version.", status=400
        )
    if version not in VERSIONS:
        raise ApiError(
            500,
            'java.lang.NullPointerException: Cannot invoke "org.ovirt.engine.core.bll.CommandBase.'
            'getParameters()" because "commandBase" is null',
        )
    if row is None:
        if "memory_policy" in call.doc and dig(call.doc, "memory_policy/transparent_hugepages/enabled") is None:
            columns["memory_policy_transparent_hugepages_enabled"] = 1  # what the engine's mapper does
        columns.setdefault("mac_pool_id", call.db.value("SELECT id FROM mac_pools WHERE default_pool"))
        if call.db.row("SELECT 1 FROM storage_pool WHERE id = ?", columns.get("storage_pool_id")) is None:
            raise refuse(what, "Data Center doesn't exist.", status=400)
    name = columns.get("cpu_name")
    if name:
        cpu = cpu_named(call, version, name)
        if cpu is None and row is not None:
            raise Refused(
                "Cannot change Cluster CPU type unless all Hosts attached to this Cluster are in Maintenance."
            )
        if cpu is None:
            raise refuse(what, "The chosen CPU is not supported.", status=400)
        columns["architecture"], columns["cpu_verb"] = cpu["arch"], cpu["verb"]
    if columns.get("architecture") not in (None, "undefined") and not (
        columns.get("bios_type") or (row or {}).get("bios_type")
    ):
        columns["bios_type"] = "q35_ovmf"
    policy = columns.get("cluster_policy_id")
    if policy and not (row and row["cluster_policy_id"] == policy):
        columns.setdefault("cluster_policy_custom_properties", _policy_properties(call, policy))


def attach_management(call: Call, cluster: str, network: str) -> None:
    """The cluster's management network, with all roles that it has in a new cluster."""
    call.db.insert(
        "network_cluster",
        {
            "network_id": network,
            "cluster_id": cluster,
            "status": "operational",
            "required": 1,
            "is_display": 1,
            "migration": 1,
            "management": 1,
            "default_route": 1,
        },
    )


def _finish(call: Call, row: Row, moment: str) -> None:
    if moment == "update":
        call.event("USER_UPDATE_CLUSTER", cluster=row)
        return
    chosen = call.doc.get("management_network") or {}
    network = call.db.value(
        "SELECT id FROM network WHERE storage_pool_id = ? AND (id = ? OR name = ?)",
        row["storage_pool_id"],
        chosen.get("@id"),
        chosen.get("name") or ("" if chosen else "ovirtmgmt"),
    )
    if network is None:
        raise refuse(
            "create Cluster", "No single suitable network was found to serve as the management network.", status=400
        )
    attach_management(call, row["cluster_id"], network)
    call.db.insert("cpu_profiles", {"id": new_id(), "name": row["name"], "cluster_id": row["cluster_id"]})
    data_center = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    call.event("USER_ADD_CLUSTER", cluster=row, data_center=data_center)


def _before_remove(call: Call, row: Row) -> None:
    cluster = row["cluster_id"]
    if call.db.row("SELECT 1 FROM vds_static WHERE cluster_id = ?", cluster):
        raise refuse("remove Cluster", "Cluster contains one or more Hosts")
    if call.db.row("SELECT 1 FROM vm_static WHERE cluster_id = ? AND entity_type = 'VM'", cluster):
        raise refuse("remove Cluster", "One or more VMs are still assigned to the Cluster")
    for table in ("network_cluster", "cpu_profiles", "affinity_groups"):
        call.db.delete(table, cluster_id=cluster)
    call.event("USER_REMOVE_CLUSTER", cluster=row)


def _setting(path: str, kind: Any = BOOL, default: Any = 0) -> Field:
    return Field(path, kind, path.replace("/", "_"), default=default)


CLUSTER = Resource(
    tag="cluster",
    plural="clusters",
    source="cluster",
    key="cluster_id",
    tables=("cluster",),
    order="name",
    href="clusters/{cluster_id}",
    reply_href="datacenters/{storage_pool_id}/clusters/{cluster_id}",
    noun="Cluster",
    verbs={"add": "create", "update": "edit", "remove": "remove"},
    links=(
        "permissions",
        "cpuprofiles",
        "networkfilters",
        "networks",
        "affinitygroups",
        "glusterhooks",
        "glustervolumes",
        "enabledfeatures",
        "externalnetworkproviders",
    ),
    required=Required(("name", "data_center.id|data_center.name"), "cluster", newer=True),
    rules=(
        Pattern(
            "name",
            r"[\w-]{1,40}",
            "Cluster names may only contain letters, numbers, '-', or '_'., Attribute: cluster.name",
        ),
        Unique("name", "Cannot {verb} Cluster. Cluster name is already in use."),
    ),
    actions={
        name: unsupported(f"{name} Cluster")
        for name in ("upgrade", "resetemulatedmachine", "syncallnetworks", "refreshglusterhealstatus")
    },
    fields=(
        Field("name", column="name"),
        Field("description", column="description", blank=True),
        Field("comment", column="free_text_comment", blank=True),
        _setting("ballooning_enabled", default=1),
        Field("bios_type", column="bios_type"),
        Field("cpu/architecture", column="architecture", default="undefined"),
        Field("cpu/type", column="cpu_name", blank=True),
        Field(
            "custom_scheduling_policy_properties", _Properties("property"), "cluster_policy_custom_properties", write=""
        ),
        Field("error_handling/on_error", column="migrate_on_error", default="migrate"),
        _setting("fencing_policy/enabled", default=1),
        _setting("fencing_policy/skip_if_connectivity_broken/enabled"),
        _setting("fencing_policy/skip_if_connectivity_broken/threshold", INT, 50),
        _setting("fencing_policy/skip_if_gluster_bricks_up"),
        _setting("fencing_policy/skip_if_gluster_quorum_not_met"),
        _setting("fencing_policy/skip_if_sd_active/enabled"),
        Field("fips_mode", column="fips_mode", default="undefined"),
        Field("firewall_type", column="firewall_type", default="firewalld"),
        _setting("gluster_service"),
        _setting("ha_reservation"),
        _setting("ksm/enabled", default=1),
        _setting("ksm/merge_across_nodes", default=1),
        _setting("log_max_memory_used_threshold", INT, 95),
        Field("log_max_memory_used_threshold_type", column="log_max_memory_used_threshold_type", default="percentage"),
        Field("memory_policy/over_commit/percent", INT, "max_vds_memory_over_commit", default=100),
        _setting("memory_policy/transparent_hugepages/enabled"),
        Field("migration/auto_converge", column="auto_converge", default="inherit"),
        Field("migration/bandwidth/assignment_method", column="migration_bandwidth_limit_type", default="auto"),
        Field("migration/bandwidth/custom_value", INT, "custom_migration_bandwidth_limit"),
        Field("migration/compressed", column="migrate_compressed", default="inherit"),
        Field("migration/encrypted", column="migrate_encrypted", default="inherit"),
        Field("migration/parallel_migrations_policy", column="parallel_migrations", default="disabled"),
        Field("migration/policy/@id", column="migration_policy_id"),
        Field("required_rng_sources", Items("required_rng_source"), "additional_rng_sources", default='["urandom"]'),
        Field("switch_type", column="default_switch_type", default="legacy"),
        _setting("threads_as_cores"),
        _setting("trusted_service"),
        _setting("tunnel_migration"),
        _setting("upgrade_in_progress"),
        _setting("upgrade_percent_complete", INT),
        Field("version", Version(), "compatibility_version", default=VERSIONS[-1]),
        _setting("virt_service", default=1),
        _setting("vnc_encryption", default=1),
        Field("data_center", Ref("datacenters", "storage_pool", missing="Datacenter"), "storage_pool_id", write="a"),
        Field(
            "mac_pool",
            Ref("macpools", "mac_pools", missing="MacPool", absent="Cannot create Cluster. MAC Pool does not exist."),
            "mac_pool_id",
        ),
        Field("management_network", Computed(_management), content=True),
        Field("scheduling_policy", Ref("schedulingpolicies"), "cluster_policy_id", default=NONE_POLICY),
    ),
    search={
        "name": SearchField("name"),
        "description": SearchField("description"),
        "comment": SearchField("free_text_comment"),
        "architecture": SearchField("architecture"),
        "cpu_type": SearchField("cpu_name"),
        "compatibility_level": SearchField("compatibility_version"),
        "datacenter": SearchField("(SELECT name FROM storage_pool WHERE id = storage_pool_id)"),
        "datacenter.name": SearchField("(SELECT name FROM storage_pool WHERE id = storage_pool_id)"),
    },
    prepare=_prepare,
    finish=_finish,
    before_remove=_before_remove,
)
schema.table(
    "cluster", "cpu_verb TEXT", "emulated_machine TEXT", "spice_proxy TEXT", "detect_emulated_machine BOOLEAN DEFAULT 1"
)
CLUSTER.subs = {
    "permissions": permissions("cluster", "clusters"),
    "glusterhooks": empty("gluster_hook", "gluster_hooks"),
    "glustervolumes": empty("gluster_volume", "gluster_volumes"),
    "enabledfeatures": empty("cluster_feature", "cluster_features"),
    "externalnetworkproviders": empty("external_provider", "external_providers"),
}
__all__ = ["CLUSTER", "attach_management", "constant", "cpu_list", "cpu_named", "Sub"]
