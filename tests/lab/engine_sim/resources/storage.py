# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage domains, by themselves and in a data center, and storage connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..commands import connection as connections
from ..commands import domain_add, domain_pool, domain_remove
from ..commands.status import DOMAIN
from ..store import Row, schema
from .base import Action, Field, Pattern, Range, Required, Resource, SearchField, Sub, words
from .common import constant, empty, permissions, ref, unsupported
from .types import BOOL, INT, Coded, Computed, Type

if TYPE_CHECKING:
    from ..call import Call

for _table in ("storage_domain_static", "storage_domain_dynamic"):
    schema.table(_table, "id TEXT PRIMARY KEY")
schema.table("storage_pool_iso_map", "storage_id TEXT", "storage_pool_id TEXT", "status INTEGER")
schema.table("storage_server_connections", "id TEXT PRIMARY KEY")
schema.table("luns", "lun_id TEXT PRIMARY KEY", "volume_group_id TEXT", "storage_domain_id TEXT", "document TEXT")
schema.table("storage_pool", "master_domain_id TEXT")
schema.view(
    "storage_domains_map",
    "SELECT {storage_domain_static.*}, {storage_domain_dynamic.-}, storage_pool_iso_map.status, storage_pool_id, "
    "storage_pool.name AS storage_pool_name, master_domain_id = storage_domain_static.id AS is_master "
    "FROM storage_domain_static JOIN storage_domain_dynamic USING (id) "
    "LEFT JOIN storage_pool_iso_map ON storage_id = storage_domain_static.id "
    "LEFT JOIN storage_pool ON storage_pool.id = storage_pool_id",
)
#: The same under the name that users of the engine's database know.
schema.view("storage_domains", "SELECT * FROM storage_domains_map")
schema.view("attached_domains", "SELECT * FROM storage_domains_map WHERE storage_pool_id IS NOT NULL")


class Gib(Type):
    """Bytes in documents, GiB in the database."""

    sql = "INTEGER"

    def show(self, value: Any, row: Row) -> Any:
        return int(value) * 2**30


def _status(row: Row, call: Call) -> Any:
    if row["storage_pool_id"] is not None:
        return None
    return "unknown" if call.created else "unattached"


def _committed(row: Row, call: Call) -> Any:
    return (
        call.db.value(
            "SELECT sum(max(0, size - coalesce(actual_size, 0))) FROM disks_map WHERE storage_domain_id = ? AND "
            "volume_type = 'sparse'",
            row["id"],
        )
        or 0
    )


def _storage(row: Row, call: Call) -> Any:
    kind = row["storage_type"]
    if kind in ("iscsi", "fcp"):
        import json

        units = [
            json.loads(unit["document"])
            for unit in call.db.rows("SELECT * FROM luns WHERE storage_domain_id = ?", row["id"])
        ]
        return {"type": kind, "volume_group": {"@id": row["storage"], "logical_units": {"logical_unit": units}}}
    found = call.db.row("SELECT * FROM storage_server_connections WHERE id = ?", row["storage"])
    return {"type": kind, **connections.members(found)} if found else {"type": kind}


def _data_centers(row: Row, call: Call) -> Any:
    if row["storage_pool_id"] is None:
        return None
    return {"data_center": [ref("datacenters", row["storage_pool_id"])]}


_SIZES = (
    Field("available", Gib(), "storage_domain_dynamic.available_disk_size", write=""),
    Field("backup", BOOL, "backup", default=0),
    Field("block_size", INT, "block_size", default=512),
    Field("committed", Computed(_committed)),
    Field("critical_space_action_blocker", INT, "critical_space_action_blocker", default=5),
    Field("discard_after_delete", BOOL, "discard_after_delete", default=0),
    Field("external_status", column="storage_domain_dynamic.external_status", default="ok", write=""),
    Field("master", Computed(lambda row, call: bool(row["is_master"]))),
)
_KIND = (
    Field("storage", Computed(_storage)),
    Field("storage_format", column="storage_domain_format_type", default="v5"),
    constant("supports_discard", False),
    constant("supports_discard_zeroes_data", False),
    Field("type", column="storage_domain_type", write="a"),
    Field("used", Gib(), "storage_domain_dynamic.used_disk_size", write=""),
    Field("warning_low_space_indicator", INT, "warning_low_space_indicator", default=10),
    Field("wipe_after_delete", BOOL, "wipe_after_delete", default=0),
)
_NAMES = (
    Field("name", column="storage_name"),
    Field("description", column="storage_description", blank=True),
    Field("comment", column="storage_comment", blank=True),
)
_RULES = (
    Pattern(
        "storage_name",
        r"[\w-]{1,250}",
        "Storage Domain name must be formed of 'a-z', 'A-Z', '0-9', '_' or '-' characters, "
        "Attribute: privateStorageDomain.name",
    ),
    Range(
        "warning_low_space_indicator",
        0,
        100,
        'Storage Domain\'s "Warning Low Space Indicator" must be an integer between 0 and '
        "100., Attribute: privateStorageDomain.warningLowSpaceIndicator",
    ),
    Range(
        "critical_space_action_blocker",
        0,
        2**31 - 1,
        'Storage Domain\'s "Critical Space Action Blocker" must be a non-negative integer., Attribute: '
        "privateStorageDomain.criticalSpaceActionBlocker",
    ),
)
_TABLES = ("storage_domain_static", "storage_domain_dynamic")

STORAGE_DOMAIN = Resource(
    tag="storage_domain",
    plural="storage_domains",
    source="storage_domains_map",
    key="id",
    tables=_TABLES,
    order="storage_name",
    href="storagedomains/{id}",
    noun="Storage",
    unknown="Storage Domain doesn't exist.",
    rules=_RULES,
    links=(
        "storageconnections",
        "permissions",
        "templates",
        "vms",
        "disksnapshots",
        "diskprofiles",
        "disks",
        "files",
        "images",
    ),
    required=Required(("host.id|name", "type", "storage"), "StorageDomain"),
    fields=(
        *_NAMES,
        *_SIZES,
        Field("status", Computed(_status)),
        *_KIND,
        Field("data_centers", Computed(_data_centers)),
    ),
    search={
        "name": SearchField("storage_name"),
        "description": SearchField("storage_description"),
        "comment": SearchField("storage_comment"),
        "datacenter": SearchField("storage_pool_name"),
        "status": SearchField("coalesce(status, 2)", "words", words(DOMAIN)),
        "type": SearchField("storage_type"),
        "shared_status": SearchField("coalesce(status, 2)", "words", words(DOMAIN)),
        "size": SearchField("available_disk_size", "number"),
        "free_size": SearchField("available_disk_size", "number"),
        "used": SearchField("used_disk_size", "number"),
        "backup": SearchField("backup", "words", {"true": 1, "false": 0}),
        "datacenter.name": SearchField("storage_pool_name"),
    },
    actions={
        "isattached": Action(domain_pool.is_attached),
        "updateovfstore": Action(
            domain_pool.update_ovf_store,
            job="Updating OVF store of Storage Domain {storage_name}",
            what="${action} Storage",
        ),
        "refreshluns": unsupported("refresh LUNs of Storage"),
        "reduceluns": unsupported("reduce LUNs of Storage"),
    },
    add=domain_add.add,
    update=domain_remove.update,
    remove=domain_remove.remove,
    jobs={"remove": "Removing Storage Domain {storage_name}"},
)
schema.table("storage_domain_static", "storage TEXT", "storage_type TEXT", "last_time_used_as_master INTEGER DEFAULT 0")

ATTACHED_DOMAIN = Resource(
    tag="storage_domain",
    plural="storage_domains",
    source="attached_domains",
    key="id",
    tables=_TABLES,
    noun="Storage",
    unknown="Storage Domain doesn't exist.",
    href="datacenters/{storage_pool_id}/storagedomains/{id}",
    links=("disks",),
    required=Required(("id|name",), "storage_domain", newer=True),
    fields=(
        *_NAMES,
        *_SIZES,
        Field("status", Coded(DOMAIN), "storage_pool_iso_map.status", write=""),
        *_KIND,
        Field("data_center", Computed(lambda row, call: ref("datacenters", row["storage_pool_id"]))),
        Field("data_centers", Computed(_data_centers)),
    ),
    actions={
        "activate": Action(domain_pool.activate, entity=True, job="Activating Storage Domain {storage_name}"),
        "deactivate": Action(domain_pool.deactivate, entity=True, job="Deactivating Storage Domain {storage_name}"),
    },
    add=domain_pool.attach,
    remove=domain_pool.detach,
    jobs={"remove": "Detaching Storage Domain {storage_name}"},
)

CONNECTION = Resource(
    tag="storage_connection",
    plural="storage_connections",
    source="storage_server_connections",
    key="id",
    tables=("storage_server_connections",),
    href="storageconnections/{id}",
    noun="Storage Connection",
    required=Required(("type",), "StorageConnection"),
    fields=(
        Field("address", column="address"),
        Field("mount_options", column="mount_options"),
        Field("nfs_retrans", INT, "nfs_retrans"),
        Field("nfs_timeo", INT, "nfs_timeo"),
        Field("nfs_version", column="nfs_version"),
        Field("path", column="path"),
        Field("port", INT, "port"),
        Field("portal", column="portal"),
        Field("target", column="iqn"),
        Field("type", column="storage_type"),
        Field("username", column="user_name"),
        Field("vfs_type", column="vfs_type"),
    ),
    prepare=connections.prepare,
    before_remove=connections.before_remove,
    jobs={"remove": "Removing Storage Connection {id}"},
)
schema.table("storage_server_connections", "connection TEXT", "password TEXT")

STORAGE_DOMAIN.subs = {
    "storageconnections": Sub(CONNECTION, "id = (SELECT storage FROM storage_domain_static WHERE id = ?)"),
    "permissions": permissions("storage_domain", "storagedomains"),
    "templates": empty("template", "templates"),
    "vms": empty("vm", "vms"),
    "disksnapshots": empty("disk_snapshot", "disk_snapshots"),
    "files": empty("file", "files"),
    "images": empty("image", "images"),
}
ATTACHED_DOMAIN.subs = {}
