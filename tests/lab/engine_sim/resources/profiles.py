# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CPU profiles of clusters, disk profiles of domains, MAC pools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..call import refuse
from ..store import Row, schema
from .base import Field, Required, Resource, Unique
from .common import permissions
from .types import BOOL, Ref, Type

if TYPE_CHECKING:
    from ..call import Call

schema.table("cpu_profiles", "id TEXT PRIMARY KEY")
schema.table("disk_profiles", "id TEXT PRIMARY KEY")
schema.table("mac_pools", "id TEXT PRIMARY KEY")

NO_CLUSTER = "Cannot add CPU Profile. Cluster ID is not valid."
NO_DOMAIN = "Cannot add Disk Profile. Storage Domain doesn't exist."
CPU_PROFILE = Resource(
    tag="cpu_profile",
    plural="cpu_profiles",
    source="cpu_profiles",
    key="id",
    tables=("cpu_profiles",),
    noun="CPU Profile",
    href="clusters/{cluster_id}/cpuprofiles/{id}",
    links=("permissions",),
    required=Required(("name", "cluster.id"), "profile", newer=True),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field(
            "cluster",
            Ref("clusters", "cluster", "cluster_id", missing="Cluster", absent=NO_CLUSTER),
            "cluster_id",
            write="a",
        ),
    ),
)
CPU_PROFILE.subs = {"permissions": permissions("cpu_profile", "cpuprofiles")}

DISK_PROFILE = Resource(
    tag="disk_profile",
    plural="disk_profiles",
    source="disk_profiles",
    key="id",
    tables=("disk_profiles",),
    noun="Disk Profile",
    href="storagedomains/{storage_domain_id}/diskprofiles/{id}",
    links=("permissions",),
    required=Required(("name", "storage_domain.id"), "profile", newer=True),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field(
            "storage_domain",
            Ref("storagedomains", "storage_domain_static", name="storage_name", absent=NO_DOMAIN),
            "storage_domain_id",
            write="a",
        ),
    ),
)
DISK_PROFILE.subs = {"permissions": permissions("disk_profile", "diskprofiles")}


class _Ranges(Type):
    def show(self, value: Any, row: Row) -> Any:
        return {"range": json.loads(value)}

    def take(self, value: Any, call: Call) -> Any:
        return json.dumps([item for group in value.values() for item in group])


def _before_remove(call: Call, row: Row) -> None:
    if row["default_pool"]:
        raise refuse("remove MAC Pool", "Default MAC Pool cannot be removed.")


MAC_POOL = Resource(
    tag="mac_pool",
    plural="mac_pools",
    source="mac_pools",
    key="id",
    tables=("mac_pools",),
    href="macpools/{id}",
    links=("permissions",),
    noun="MAC Pool",
    required=Required(("name", "ranges"), "pool", newer=True),
    rules=(
        Unique(
            "name",
            "Cannot {verb} MAC Pool. The MAC Pool name is already in use, please choose a unique name and try again.",
        ),
    ),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("allow_duplicates", BOOL, "allow_duplicate_mac_addresses", default=0),
        Field("default_pool", BOOL, "default_pool", default=0, write=""),
        Field("ranges", _Ranges(), "mac_ranges"),
    ),
    before_remove=_before_remove,
)
MAC_POOL.subs = {"permissions": permissions("mac_pool", "macpools")}
