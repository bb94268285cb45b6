# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users, groups, roles, tags, bookmarks, affinity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..call import refuse
from ..doc import items
from ..errors import MissingParameter, ReferenceNotFound, Refused
from ..store import Row, schema
from . import roles
from .assigned import KINDS, TAG_MAPS, member_refs, members, tags
from .base import Columns, Field, Required, Resource, SearchField, Sub, Unique
from .common import empty, permissions, ref
from .types import BOOL, INT, Computed, Ref

if TYPE_CHECKING:
    from ..call import Call

ROOT_TAG = "00000000-0000-0000-0000-000000000000"
DOMAIN_ID = "696E7465726E616C2D617574687A"

for _table, _key in (
    ("users", "user_id"),
    ("ad_groups", "id"),
    ("tags", "tag_id"),
    ("bookmarks", "bookmark_id"),
    ("labels", "label_id"),
    ("affinity_groups", "id"),
):
    schema.table(_table, f"{_key} TEXT PRIMARY KEY")
schema.table("users", "username TEXT")


def _domain(row: Row, call: Call) -> Any:
    return {**(ref("domains", DOMAIN_ID) or {}), "name": row["domain"]}


def _add_user(call: Call, sub: Sub) -> str:
    name = call.doc.get("user_name")
    if not name:
        raise MissingParameter("user.user_name")
    domain = (call.doc.get("domain") or {}).get("name") or name.rpartition("@")[2]
    raise ReferenceNotFound(f"ADUSER@{domain}:: username={name.rpartition('@')[0] or name}")


_USER_ROLE = Resource(
    tag="role",
    plural="roles",
    key="id",
    href="users/{user_id}/roles/{id}",
    links=("permits",),
    source=lambda call, parent: call.db.rows(
        "SELECT DISTINCT roles.id, roles.name, ? AS user_id FROM permissions JOIN roles ON roles.id = role_id "
        "WHERE ad_element_id IN (?, (SELECT id FROM ad_groups WHERE name = 'Everyone'))",
        parent,
        parent,
    ),
    fields=(
        Field("name", Computed(lambda row, call: row["name"])),
        Field("user", Computed(lambda row, call: ref("users", row["user_id"]))),
    ),
    subs={"permits": roles.PERMITS},
)

USER = Resource(
    tag="user",
    plural="users",
    source="users",
    key="user_id",
    tables=("users",),
    href="users/{user_id}",
    noun="User",
    links=("roles", "permissions", "tags", "options", "groups", "sshpublickeys", "eventsubscriptions"),
    fields=(
        Field("name", column="name"),
        Field("last_name", column="surname", blank=True),
        Field("department", column="department", blank=True),
        Field("domain_entry_id", column="external_id_hex"),
        Field("email", column="email"),
        Field("namespace", column="namespace"),
        Field("principal", column="principal"),
        Field("user_name", column="username"),
        Field("domain", Computed(_domain)),
    ),
    search={
        "name": SearchField("name"),
        "usrname": SearchField("username"),
        "lastname": SearchField("surname"),
        "department": SearchField("department"),
    },
    add=_add_user,
)
schema.table("users", "domain TEXT", "external_id TEXT")
USER.subs = {
    "roles": Sub(_USER_ROLE),
    "permissions": permissions("user", "users"),
    "tags": tags("user", "users"),
    "options": empty("user_option", "user_options"),
    "groups": empty("group", "groups"),
    "sshpublickeys": empty("ssh_public_key", "ssh_public_keys"),
    "eventsubscriptions": empty("event_subscription", "event_subscriptions"),
}
GROUP = Resource(
    tag="group",
    plural="groups",
    source="ad_groups",
    key="id",
    tables=("ad_groups",),
    href="groups/{id}",
    links=("roles", "permissions", "tags"),
    fields=(
        Field("name", column="name"),
        Field("domain_entry_id", column="external_id_hex"),
        Field("namespace", column="namespace"),
    ),
    search={"name": SearchField("name")},
)
GROUP.subs = {
    "roles": empty("role", "roles"),
    "permissions": permissions("group", "groups"),
    "tags": tags("group", "groups"),
}


def _domain_rows(call: Call, parent: str | None) -> list[Row]:
    return [{"id": DOMAIN_ID, "name": "internal-authz"}]


DOMAIN = Resource(
    tag="domain",
    plural="domains",
    source=_domain_rows,
    key="id",
    href="domains/{id}",
    links=("users", "groups"),
    search_links=("users", "groups"),
    fields=(Field("name", Computed(lambda row, call: row["name"])),),
)
DOMAIN.subs = {"users": Sub(USER), "groups": Sub(GROUP)}


# -- tags


def _tag_prepare(call: Call, columns: Columns, row: Row | None) -> None:
    if row is not None and row["tag_id"] == ROOT_TAG:
        raise Refused("Cannot edit readonly tag")
    if row is not None and columns.get("parent_id") in _below(call, row["tag_id"]):
        raise Refused("Operation canceled, recursive Tag hierarchy cannot be defined.")
    if row is None:
        columns.setdefault("parent_id", ROOT_TAG)


def _below(call: Call, tag: str) -> set[str]:
    """The tag and all that are below it."""
    children = call.db.rows("SELECT tag_id FROM tags WHERE parent_id = ?", tag)
    return {tag}.union(*(_below(call, child["tag_id"]) for child in children))


def _tag_finish(call: Call, row: Row, moment: str) -> None:
    call.event("TAGS_CREATE" if moment == "add" else "TAGS_UPDATE", tag=row["tag_name"])


def _tag_remove(call: Call, row: Row) -> None:
    """With what is below it, and with its assignments."""
    if row["tag_id"] == ROOT_TAG:
        raise Refused("Cannot remove tag. Tag does not exist.", status=400)
    for child in call.db.rows("SELECT * FROM tags WHERE parent_id = ?", row["tag_id"]):
        _tag_remove(call, child)
        call.db.delete("tags", tag_id=child["tag_id"])
    for table, _ in TAG_MAPS.values():
        call.db.delete(table, tag_id=row["tag_id"])
    call.event("TAGS_REMOVE", tag=row["tag_name"])


TAG = Resource(
    tag="tag",
    plural="tags",
    source="tags",
    key="tag_id",
    tables=("tags",),
    href="tags/{tag_id}",
    noun="Tag",
    required=Required(("name",), "tag", newer=True),
    rules=(Unique("tag_name", "The specified Tag name already exists."),),
    fields=(
        Field("name", column="tag_name"),
        Field("description", column="description"),
        Field(
            "parent",
            Ref("tags", "tags", "tag_id", "tag_name", "Tag", absent="The specified Tag does not exist."),
            "parent_id",
        ),
    ),
    prepare=_tag_prepare,
    finish=_tag_finish,
    before_remove=_tag_remove,
)
BOOKMARK = Resource(
    tag="bookmark",
    plural="bookmarks",
    source="bookmarks",
    key="bookmark_id",
    tables=("bookmarks",),
    href="bookmarks/{bookmark_id}",
    noun="Bookmark",
    required=Required(("name", "value"), "bookmark", newer=True),
    rules=(
        Unique(
            "bookmark_name",
            "Cannot {verb} Bookmark. The Bookmark name is already in use, please choose a unique name and try again.",
        ),
    ),
    fields=(Field("name", column="bookmark_name"), Field("value", column="bookmark_value")),
)

# -- affinity


def _label_remove(call: Call, row: Row) -> None:
    call.db.delete("labels_map", label_id=row["label_id"])
    for column in ("vm_label_id", "host_label_id"):
        call.db.execute(f"DELETE FROM affinity_group_members WHERE {column} = ?", row["label_id"])


LABEL = Resource(
    tag="affinity_label",
    plural="affinity_labels",
    source="labels",
    key="label_id",
    tables=("labels",),
    href="affinitylabels/{label_id}",
    links=("vms", "hosts"),
    noun="Affinity Label",
    required=Required(("name",), "label", newer=True),
    rules=(Unique("label_name", "Cannot add affinity label with a conflicting NAME."),),
    fields=(
        Field("name", column="label_name"),
        Field("has_implicit_affinity_group", BOOL, "has_implicit_affinity_group", default=0),
        Field("read_only", BOOL, "read_only", default=0, write="a"),
    ),
    before_remove=_label_remove,
)
LABEL.subs = {kind: members(kind, "labels_map", "label_id", named=False) for kind in ("vms", "hosts")}


def _group_prepare(call: Call, columns: Columns, row: Row | None) -> None:
    name = columns.get("name")
    cluster = columns.get("cluster_id") or (row or {}).get("cluster_id")
    if (
        name
        and (row is None or name != row["name"])
        and call.db.row("SELECT 1 FROM affinity_groups WHERE name = ? AND cluster_id = ?", name, cluster)
    ):
        raise refuse("add Affinity Group", "Affinity Group name already exists.", status=400)
    rule = call.doc.get("vms_rule") or {}
    for key, column in (("enforcing", "vm_enforcing"), ("positive", "vm_positive")):
        if key in rule:
            columns[column] = int(rule[key])
    if row is None:
        columns["vms_affinity_enabled"] = 1


_MEMBERS = ("affinity_group_members", "affinity_group_id")


def _group_finish(call: Call, row: Row, moment: str) -> None:
    """Members that the document itself names."""
    for name, kind in (("vms", "vms"), ("hosts", "hosts"), ("vm_labels", "vmlabels"), ("host_labels", "hostlabels")):
        if name not in call.doc:
            continue
        column = KINDS[kind][-1]
        call.db.execute(
            f"DELETE FROM affinity_group_members WHERE affinity_group_id = ? AND {column} IS NOT NULL", row["id"]
        )
        for item in items(call.doc, name):
            call.db.insert("affinity_group_members", {"affinity_group_id": row["id"], column: item["@id"]})


def _group_remove(call: Call, row: Row) -> None:
    call.db.delete("affinity_group_members", affinity_group_id=row["id"])


AFFINITY_GROUP = Resource(
    tag="affinity_group",
    plural="affinity_groups",
    source="affinity_groups",
    key="id",
    tables=("affinity_groups",),
    href="clusters/{cluster_id}/affinitygroups/{id}",
    links=("vms", "hosts", "vmlabels", "hostlabels"),
    noun="Affinity Group",
    required=Required(("name",), "group", newer=True),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("broken", Computed(lambda row, call: False)),
        Field("enforcing", BOOL, "vm_enforcing", default=0),
        Field("hosts_rule/enabled", Computed(lambda row, call: False)),
        Field("hosts_rule/enforcing", Computed(lambda row, call: False)),
        Field("hosts_rule/positive", Computed(lambda row, call: False)),
        Field("positive", BOOL, "vm_positive", default=0),
        Field("priority", INT, "priority", default=1),
        Field("vms_rule/enabled", BOOL, "vms_affinity_enabled", write=""),
        Field("vms_rule/enforcing", Computed(lambda row, call: bool(row["vm_enforcing"]))),
        Field("vms_rule/positive", Computed(lambda row, call: bool(row["vm_positive"]))),
        Field("cluster", Ref("clusters"), "cluster_id", write=""),
        *(
            Field(name, member_refs(kind, *_MEMBERS, "id"))
            for name, kind in (
                ("host_labels", "hostlabels"),
                ("hosts", "hosts"),
                ("vm_labels", "vmlabels"),
                ("vms", "vms"),
            )
        ),
    ),
    prepare=_group_prepare,
    finish=_group_finish,
    before_remove=_group_remove,
)
AFFINITY_GROUP.subs = {kind: members(kind, *_MEMBERS, named=True) for kind in KINDS}
