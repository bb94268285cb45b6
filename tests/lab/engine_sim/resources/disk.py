# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks: `base_disks` and their volumes in `images`; view `disks_map` joins them with domain and profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import disk as commands
from ..commands.status import CONTENT, IMAGE
from ..store import Row, schema
from .base import Action, Field, Required, Resource, SearchField, Sub, words
from .common import constant, empty, permissions, ref, statistic_fields, unsupported
from .types import BOOL, INT, Coded, Computed

if TYPE_CHECKING:
    from ..call import Call

schema.table("base_disks", "disk_id TEXT PRIMARY KEY")
schema.table("images", "image_group_id TEXT PRIMARY KEY", "image_guid TEXT")
schema.table(
    "image_storage_domain_map", "image_id TEXT", "storage_domain_id TEXT", "disk_profile_id TEXT", "quota_id TEXT"
)
schema.index("image_storage_domain_map", "storage_domain_id")
schema.view(
    "disks_map",
    "SELECT {base_disks.*}, {images.-}, storage_domain_id, disk_profile_id, quota_id, storage_pool_id "
    "FROM base_disks JOIN images ON image_group_id = disk_id JOIN image_storage_domain_map ON image_id = image_guid "
    "LEFT JOIN storage_pool_iso_map ON storage_id = storage_domain_id",
)


def _quota(row: Row, call: Call) -> Any:
    if row["quota_id"] is None or row["storage_pool_id"] is None:
        return None
    return ref(f"datacenters/{row['storage_pool_id']}/quotas", row["quota_id"])


def _total(row: Row, call: Call) -> Any:
    if row["shareable"]:
        return None
    return row["actual_size"] if row["imagestatus"] == IMAGE["ok"] else 0


ACTIONS = {
    "sparsify": "sparsify Virtual Disk",
    "copy": "copy Virtual Disk",
    "export": "export Virtual Disk",
    "refreshlun": "refresh LUN of Virtual Disk",
    "convert": "convert Virtual Disk",
    "reduce": "reduce Virtual Disk",
}

DISK = Resource(
    tag="disk",
    plural="disks",
    source="disks_map",
    key="disk_id",
    tables=("base_disks",),
    href="disks/{disk_id}",
    noun="Virtual Disk",
    unknown="The specified disk does not exist.",
    order="disk_alias",
    links=("permissions", "disksnapshots", "statistics"),
    required=Required(("provisionedSize", "format"), "Disk"),
    actions={**{name: unsupported(verb) for name, verb in ACTIONS.items()}, "move": Action(commands.move)},
    fields=(
        Field("name", column="disk_alias"),
        Field("description", column="disk_description", blank=True),
        Field("actual_size", INT, "images.actual_size", write=""),
        Field("alias", Computed(lambda row, call: row["disk_alias"])),
        Field("backup", column="backup", default="none"),
        Field("content_type", Coded(CONTENT), "disk_content_type", default=0, write="a"),
        Field("format", column="images.volume_format", write="a"),
        Field("image_id", Computed(lambda row, call: row["image_guid"])),
        Field("propagate_errors", BOOL, "propagate_errors", default=0),
        Field("provisioned_size", INT, "images.size", write="a"),
        Field("qcow_version", column="images.qcow_compat", write=""),
        Field("shareable", BOOL, "shareable", default=0),
        Field("sparse", Computed(lambda row, call: row["volume_type"] == "sparse")),
        Field("status", Coded(IMAGE), "images.imagestatus", write=""),
        constant("storage_type", "image"),
        Field("total_size", Computed(_total)),
        Field("wipe_after_delete", BOOL, "wipe_after_delete", default=0),
        Field("disk_profile", Computed(lambda row, call: ref("diskprofiles", row["disk_profile_id"]))),
        Field("quota", Computed(_quota)),
        Field(
            "storage_domain",
            Computed(lambda row, call: ref("storagedomains", row["storage_domain_id"]) if call.below_domain else None),
        ),
        Field(
            "storage_domains",
            Computed(lambda row, call: {"storage_domain": [ref("storagedomains", row["storage_domain_id"])]}),
        ),
    ),
    search={
        "name": SearchField("disk_alias"),
        "alias": SearchField("disk_alias"),
        "description": SearchField("disk_description"),
        "provisioned_size": SearchField("size / 1073741824", "number"),
        "id": SearchField("disk_id"),
        "status": SearchField("imagestatus", "words", words(IMAGE)),
        "disk_type": SearchField("'image'"),
        "disk_content_type": SearchField("disk_content_type", "words", words(CONTENT)),
        "storage": SearchField("(SELECT storage_name FROM storage_domain_static WHERE id = storage_domain_id)"),
        "storage.name": SearchField("(SELECT storage_name FROM storage_domain_static WHERE id = storage_domain_id)"),
        "datacenter": SearchField("(SELECT name FROM storage_pool WHERE id = storage_pool_id)"),
        "vm_names": SearchField(
            "(SELECT group_concat(vm_name) FROM disk_vm_element JOIN vm_static ON vm_guid = vm_id "
            "WHERE disk_vm_element.disk_id = disks_map.disk_id)"
        ),
        "vms.name": SearchField(
            "SELECT vm_name AS value FROM disk_vm_element JOIN vm_static ON vm_guid = vm_id "
            "WHERE disk_vm_element.disk_id = disks_map.disk_id",
            "any",
        ),
    },
    add=commands.add,
    update=commands.update,
    remove=commands.remove,
    jobs={"remove": "Removing Disk {disk_alias}"},
)
schema.table(
    "images",
    "image_guid TEXT",
    "volume_type TEXT",
    "creation_date REAL",
    "lastmodified REAL",
    "sequence INTEGER DEFAULT 1",
)

STATISTIC = Resource(
    tag="statistic",
    plural="statistics",
    source=commands.statistic_rows,
    key="id",
    href="disks/{owner}/statistics/{id}",
    fields=statistic_fields("disk", "disks"),
)
DISK.subs = {
    "permissions": permissions("disk", "disks"),
    "disksnapshots": empty("disk_snapshot", "disk_snapshots"),
    "statistics": Sub(STATISTIC),
}
DOMAIN_DISKS = Sub(
    DISK,
    "storage_domain_id = ?",
    "list get add update remove",
    missing=commands.known_domain,
    narrowed=commands.registered,
)
