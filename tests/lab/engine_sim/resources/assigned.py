# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is assigned to objects and may be taken from them: tags, affinity labels, members of labels and groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, ReferenceNotFound
from ..store import Row, schema
from .base import Field, Required, Resource, Sub
from .common import ref
from .types import Computed

if TYPE_CHECKING:
    from ..call import Call

#: Where the tags of each kind of object are kept: table, column of the object.
TAG_MAPS = {
    "host": ("tags_vds_map", "vds_id"),
    "vm": ("tags_vm_map", "vm_id"),
    "template": ("tags_template_map", "template_id"),
    "user": ("tags_user_map", "user_id"),
    "group": ("tags_user_group_map", "group_id"),
}
for _table, _column in TAG_MAPS.values():
    schema.table(_table, "tag_id TEXT", f"{_column} TEXT")
    schema.index(_table, _column)
schema.table("labels_map", "label_id TEXT", "vm_id TEXT", "vds_id TEXT")
schema.table(
    "affinity_group_members",
    "affinity_group_id TEXT",
    "vm_id TEXT",
    "vds_id TEXT",
    "vm_label_id TEXT",
    "host_label_id TEXT",
)


def member(name: str) -> Computed:
    """A member that the row holds ready."""
    return Computed(lambda row, call: row[name])


# -- tags of an object


def tags(owner: str, collection: str) -> Sub:
    """The tags of objects of one kind; `owner` is the element that refers to the object, `collection` its address."""
    table, column = TAG_MAPS[owner]

    def rows(call: Call, parent: str | None) -> list[Row]:
        return call.db.rows(
            f"SELECT tags.*, {column} AS owner FROM {table} JOIN tags USING (tag_id) WHERE {column} = ?", parent
        )

    def add(call: Call, sub: Sub) -> str:
        wanted, parent = call.doc, call.parents[-1]
        found = call.db.row(
            "SELECT * FROM tags WHERE tag_id = ? OR (? IS NULL AND tag_name = ?)",
            wanted.get("@id"),
            wanted.get("@id"),
            wanted.get("name"),
        )
        if found is None and "@id" not in wanted:
            raise ReferenceNotFound(wanted["name"])
        if found is None:
            raise NotFound
        if not call.db.row(f"SELECT 1 FROM {table} WHERE tag_id = ? AND {column} = ?", found["tag_id"], parent):
            call.db.insert(table, {"tag_id": found["tag_id"], column: parent})
        call.event(f"TAG_ATTACHED_TO_{owner.upper()}", tag=found["tag_name"], object=_name(call, owner, parent))
        return str(found["tag_id"])

    def remove(call: Call, row: Row) -> None:
        call.db.execute(f"DELETE FROM {table} WHERE tag_id = ? AND {column} = ?", row["tag_id"], row["owner"])
        call.event(f"TAG_DETACHED_FROM_{owner.upper()}", tag=row["tag_name"], object=_name(call, owner, row["owner"]))

    resource = Resource(
        tag="tag",
        plural="tags",
        source=rows,
        key="tag_id",
        href=collection + "/{owner}/tags/{tag_id}",
        noun="Tag",
        required=Required(("id|name",), "tag", newer=True),
        fields=(
            Field("name", member("tag_name")),
            Field("description", member("description")),
            *((Field("host", _owner("hosts")),) if owner == "host" else ()),
            *((Field("group", _owner("groups")),) if owner == "group" else ()),
            Field("parent", Computed(lambda row, call: ref("tags", row["parent_id"]))),
            *((Field(owner, _owner(collection)),) if owner in ("template", "user", "vm") else ()),
        ),
        add=add,
        remove=remove,
    )
    return Sub(resource, methods="list get add remove")


def _owner(collection: str) -> Computed:
    return Computed(lambda row, call: ref(collection, row["owner"]))


def _name(call: Call, kind: str, key: str) -> str | None:
    """The name of an object, for events."""
    table, key_column, name = {
        "host": ("vds_static", "vds_id", "vds_name"),
        "vm": ("vm_static", "vm_guid", "vm_name"),
        "template": ("vm_static", "vm_guid", "vm_name"),
        "user": ("users", "user_id", "username"),
        "group": ("ad_groups", "id", "name"),
    }[kind]
    found: str | None = call.db.value(f"SELECT {name} FROM {table} WHERE {key_column} = ?", key)
    return found


# -- affinity labels of an object


def labels(owner: str) -> Sub:
    """The affinity labels of hosts (`vds_id`) or machines (`vm_id`)."""

    def rows(call: Call, parent: str | None) -> list[Row]:
        return call.db.rows(
            f"SELECT labels.*, {owner} AS owner FROM labels_map JOIN labels USING (label_id) WHERE {owner} = ?", parent
        )

    def add(call: Call, sub: Sub) -> str:
        key = call.doc["@id"]
        if call.db.row("SELECT 1 FROM labels WHERE label_id = ?", key) is None:
            raise NotFound
        put_label(call, key, owner, call.parents[-1])
        return str(key)

    resource = Resource(
        tag="affinity_label",
        plural="affinity_labels",
        source=rows,
        key="label_id",
        href="affinitylabels/{label_id}",
        links=("vms", "hosts"),
        noun="Affinity Label",
        required=Required(("id",), "AffinityLabel"),
        fields=(
            Field("name", member("label_name")),
            Field("has_implicit_affinity_group", Computed(lambda row, call: bool(row["has_implicit_affinity_group"]))),
            Field("read_only", Computed(lambda row, call: bool(row["read_only"]))),
        ),
        add=add,
        remove=lambda call, row: take_label(call, row["label_id"], owner, row["owner"]),
    )
    return Sub(resource, methods="list get add remove")


def put_label(call: Call, label: str, owner: str, key: str) -> None:
    if not call.db.row(f"SELECT 1 FROM labels_map WHERE label_id = ? AND {owner} = ?", label, key):
        call.db.insert("labels_map", {"label_id": label, owner: key})


def take_label(call: Call, label: str, owner: str, key: str) -> None:
    call.db.execute(f"DELETE FROM labels_map WHERE label_id = ? AND {owner} = ?", label, key)


# -- members of labels and of affinity groups

#: Element, list, collection, table of the objects with key and name, column of the members' table.
KINDS = {
    "vms": ("vm", "vms", "vms", "vms", "vm_guid", "vm_name", "vm_id"),
    "hosts": ("host", "hosts", "hosts", "vds_static", "vds_id", "vds_name", "vds_id"),
    "vmlabels": (
        "affinity_label",
        "affinity_labels",
        "affinitylabels",
        "labels",
        "label_id",
        "label_name",
        "vm_label_id",
    ),
    "hostlabels": (
        "affinity_label",
        "affinity_labels",
        "affinitylabels",
        "labels",
        "label_id",
        "label_name",
        "host_label_id",
    ),
}


def members(
    kind: str, table: str, group: str, named: bool, check: Callable[[Call, Row | None], None] | None = None
) -> Sub:
    """Members of one kind of a label (`labels_map`) or an affinity group (`affinity_group_members`).

    named: documents have the name too. Adding answers with an action, as the engine does (`performAction`).
    """
    tag, plural, collection, source, key, name, column = KINDS[kind]

    def rows(call: Call, parent: str | None) -> list[Row]:
        return call.db.rows(
            f"SELECT {source}.{key} AS id, {source}.{name} AS name "
            f"FROM {table} JOIN {source} ON {source}.{key} = {table}.{column} WHERE {group} = ?",
            parent,
        )

    def add(call: Call, sub: Sub) -> str:
        wanted, parent = call.doc["@id"], call.parents[-1]
        found = call.db.row(f"SELECT * FROM {source} WHERE {key} = ?", wanted)
        if check:
            check(call, found)
        if found is None:
            raise NotFound
        if not call.db.row(f"SELECT 1 FROM {table} WHERE {group} = ? AND {column} = ?", parent, wanted):
            call.db.insert(table, {group: parent, column: wanted})
        return str(wanted)

    def remove(call: Call, row: Row) -> None:
        call.db.execute(f"DELETE FROM {table} WHERE {group} = ? AND {column} = ?", call.parents[-1], row["id"])

    resource = Resource(
        tag=tag,
        plural=plural,
        source=rows,
        key="id",
        href=collection + "/{id}",
        noun=tag.replace("_", " ").title(),
        required=Required(("id",), {"vm": "Vm", "host": "Host"}.get(tag, "AffinityLabel")),
        fields=(Field("name", member("name")),) if named else (),
        add=add,
        add_is_action=True,
        remove=remove,
    )
    return Sub(resource, methods="list get add remove")


def member_refs(kind: str, table: str, group: str, key: str) -> Computed:
    """The references that the document of a group holds itself: `<vms><vm/></vms>`."""
    tag, _, collection, _, _, _, column = KINDS[kind]

    def show(row: Row, call: Call) -> Any:
        found = call.db.rows(f"SELECT {column} AS id FROM {table} WHERE {group} = ? AND {column} IS NOT NULL", row[key])
        return {tag: [ref(collection, one["id"]) for one in found]} if found else {}

    return Computed(show)


def forget(call: Call, column: str, key: str) -> None:
    """Takes a removed object out of all assignments; `column` is `vm_id` or `vds_id`."""
    for table in ("labels_map", "affinity_group_members", "tags_vm_map" if column == "vm_id" else "tags_vds_map"):
        call.db.execute(f"DELETE FROM {table} WHERE {column} = ?", key)
