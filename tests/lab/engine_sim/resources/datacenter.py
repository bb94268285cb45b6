# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data centers (`storage_pool` in the database) and their quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..call import new_id, refuse
from ..errors import Refused
from ..store import Row, schema
from .base import Columns, Field, Pattern, Required, Resource, SearchField, Sub, Unique, words
from .common import VERSIONS, Version, empty, permissions, ref, unsupported
from .qos import QOS
from .types import BOOL, INT, Coded, Computed, Ref

if TYPE_CHECKING:
    from ..call import Call

STATUS = {"uninitialized": 0, "up": 1, "maintenance": 2, "not_operational": 3, "problematic": 4, "contend": 5}
QUOTA_MODE = {"disabled": 0, "audit": 1, "enabled": 2}
#: Storage format that a compatibility version brings.
FORMAT = {"4.2": "v4"}

schema.table("storage_pool", "id TEXT PRIMARY KEY", "spm_vds_id TEXT", "master_domain_version INTEGER DEFAULT 0")


def _supported(row: Row, call: Call) -> Any:
    return {"version": [Version().show(v, row) for v in VERSIONS if v >= row["compatibility_version"]]}


def _mac_pool(row: Row, call: Call) -> Any:
    return ref(
        "macpools", call.db.value("SELECT mac_pool_id FROM cluster WHERE storage_pool_id = ? ORDER BY name", row["id"])
    )


def _check_change(call: Call, columns: Columns, row: Row) -> None:
    domains = call.db.rows("SELECT * FROM storage_domains_map WHERE storage_pool_id = ?", row["id"])
    if domains and columns.get("is_local") not in (None, row["is_local"]):
        raise Refused(
            "Cannot change Data Center type when Storage Domains are still attached to it.\n"
            "-Please detach all attached Storage Domains and retry."
        )
    version = columns.get("compatibility_version") or row["compatibility_version"]
    if version < row["compatibility_version"] and FORMAT.get(version, "v5") == "v4":
        newer = [domain["storage_name"] for domain in domains if domain["storage_domain_format_type"] == "v5"]
        if newer:
            raise refuse(
                "edit Data Center",
                "This action will cause storage format downgrading which is not supported. The following storage "
                f"domains cannot be downgraded: {', '.join(newer)}.",
                status=400,
            )
    older = call.db.rows(
        "SELECT name FROM cluster WHERE storage_pool_id = ? AND compatibility_version < ? ORDER BY name",
        row["id"],
        version,
    )
    if version > row["compatibility_version"] and older:
        raise Refused(
            "Cannot update Data Center compatibility version to a value that is greater than its Cluster's version. "
            f"The following clusters should be upgraded {', '.join(one['name'] for one in older)}."
        )


def _prepare(call: Call, columns: Columns, row: Row | None) -> None:
    version = columns.get("compatibility_version")
    if version is not None and version not in VERSIONS:
        raise refuse("create Data Center", "Selected Compatibility Version is not supported.", status=400)
    if row is not None:
        _check_change(call, columns, row)
    if row is not None and version is not None:
        columns["storage_pool_format_type"] = FORMAT.get(version, "v5")
    if row is None:
        columns.update(status=STATUS["uninitialized"])


def add_contents(
    call: Call,
    data_center: str,
    network_description: str = "Default Management Network",
    ids: dict[str, str] | None = None,
) -> None:
    """What every data center begins with: its management network with a profile, and an unlimited quota."""
    ids = ids or {}
    network = ids.get("network", new_id())
    call.db.insert(
        "network",
        {
            "id": network,
            "name": "ovirtmgmt",
            "description": network_description,
            "storage_pool_id": data_center,
            "mtu": 0,
            "stp": 0,
            "vm_network": 1,
            "port_isolation": 0,
            "vdsm_name": "ovirtmgmt",
        },
    )
    from .network import add_profile

    add_profile(call, network, "ovirtmgmt", ids.get("profile"))
    call.db.insert(
        "quota",
        {
            "id": ids.get("quota", new_id()),
            "storage_pool_id": data_center,
            "quota_name": "Default",
            "description": "Default unlimited quota",
            "is_default": 1,
            "threshold_cluster_percentage": 80,
            "grace_cluster_percentage": 20,
            "threshold_storage_percentage": 80,
            "grace_storage_percentage": 20,
        },
    )


def _finish(call: Call, row: Row, moment: str) -> None:
    if moment == "add":
        add_contents(call, row["id"])
        quota = {number: name for name, number in {"DISABLED": 0, "AUDIT": 1, "ENABLED": 2}.items()}
        call.event(
            "USER_ADD_DATA_CENTER",
            data_center={"id": None, "name": row["name"]},
            version=row["compatibility_version"],
            quota=quota[row["quota_enforcement_type"]],
        )
    else:
        call.event("USER_UPDATE_DATA_CENTER", data_center=row)


def _remove(call: Call, row: Row) -> None:
    from ..commands.data_center import remove

    remove(call, row)


def _keep_default_quota(call: Call, row: Row) -> None:
    if row["is_default"]:
        raise refuse("remove Quota", "Default quota cannot be changed.", status=400)


QUOTA = Resource(
    tag="quota",
    plural="quotas",
    source="quota",
    key="id",
    tables=("quota",),
    href="datacenters/{storage_pool_id}/quotas/{id}",
    links=("permissions", "quotastoragelimits", "quotaclusterlimits"),
    noun="Quota",
    required=Required(("name",), "quota", newer=True),
    rules=(
        Unique("quota_name", "Cannot {verb} Quota. Quota name already exists.", scope="storage_pool_id", status=400),
    ),
    fields=(
        Field("name", column="quota_name"),
        Field("description", column="description"),
        Field("cluster_hard_limit_pct", INT, "grace_cluster_percentage", default=20),
        Field("cluster_soft_limit_pct", INT, "threshold_cluster_percentage", default=80),
        Field("data_center", Ref("datacenters"), "storage_pool_id", write=""),
        Field("storage_hard_limit_pct", INT, "grace_storage_percentage", default=20),
        Field("storage_soft_limit_pct", INT, "threshold_storage_percentage", default=80),
    ),
    before_remove=_keep_default_quota,
)
schema.table("quota", "is_default BOOLEAN")
# The key must come first in the table; fields were declared in the order of the document.
schema.TABLES["quota"] = {"id": "TEXT PRIMARY KEY", **schema.TABLES["quota"]}
QUOTA.subs = {
    "permissions": permissions("quota", "datacenters/{0}/quotas"),
    "quotastoragelimits": empty("quota_storage_limit", "quota_storage_limits"),
    "quotaclusterlimits": empty("quota_cluster_limit", "quota_cluster_limits"),
}

DATA_CENTER = Resource(
    tag="data_center",
    plural="data_centers",
    source="storage_pool",
    key="id",
    tables=("storage_pool",),
    href="datacenters/{id}",
    noun="Data Center",
    verbs={"add": "create", "update": "edit", "remove": "remove"},
    order="name",
    links=("storagedomains", "permissions", "clusters", "networks", "quotas", "qoss", "iscsibonds"),
    required=Required(("local",), "data_center", newer=True),
    rules=(
        Pattern(
            "name",
            r"[\w-]{1,40}",
            "Data Center name may only contain letters, numbers, '-', or '_'., Attribute: privateStoragePool.name",
        ),
        Unique("name", "Cannot {verb} Data Center. The Data Center name is already in use."),
    ),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("comment", column="free_text_comment"),
        Field("local", BOOL, "is_local"),
        Field("quota_mode", Coded(QUOTA_MODE), "quota_enforcement_type", default=0),
        Field("status", Coded(STATUS), "status", write=""),
        Field("storage_format", column="storage_pool_format_type", write=""),
        Field("supported_versions", Computed(_supported)),
        Field("version", Version(), "compatibility_version", default=VERSIONS[-1]),
        Field("mac_pool", Computed(_mac_pool)),
    ),
    search={
        "name": SearchField("name"),
        "description": SearchField("description"),
        "comment": SearchField("free_text_comment"),
        "local": SearchField("is_local", "words", {"true": 1, "false": 0}),
        "status": SearchField("status", "words", words({**STATUS, "nonresponsive": 4})),
        "compatibility_version": SearchField("compatibility_version"),
        "storage": SearchField(
            "SELECT storage_name AS value FROM storage_domains_map WHERE storage_pool_id = storage_pool.id", "any"
        ),
        "storage.name": SearchField(
            "SELECT storage_name AS value FROM storage_domains_map WHERE storage_pool_id = storage_pool.id", "any"
        ),
        "clusters.name": SearchField(
            "SELECT name AS value FROM cluster WHERE storage_pool_id = storage_pool.id", "any"
        ),
    },
    actions={
        "setmaster": unsupported("set master of Data Center"),
        "cleanfinishedtasks": unsupported("clean tasks of Data Center"),
    },
    prepare=_prepare,
    finish=_finish,
    remove=_remove,
    jobs={"remove": "Removing Data Center {name}"},
)
DATA_CENTER.subs = {
    "permissions": permissions("data_center", "datacenters"),
    "quotas": Sub(QUOTA, "storage_pool_id = ?", "list get add update remove", fixed="storage_pool_id"),
    "qoss": Sub(QOS, "storage_pool_id = ?", "list get add update remove", fixed="storage_pool_id"),
    "iscsibonds": empty("iscsi_bond", "iscsi_bonds"),
}
