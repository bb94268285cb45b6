# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pieces that many resources share: versions, empty collections, permissions below an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import Row, schema
from .base import Action, Field, Resource, Sub
from .types import API, Computed, Ref, Type

if TYPE_CHECKING:
    from ..call import Call

#: The root of all objects in the table of permissions.
SYSTEM = "aaa00000-0000-0000-0000-123456789aaa"
VERSIONS = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8")
LATEST = VERSIONS[-1]


class Version(Type):
    """`4.8` in the database, major and minor in documents."""

    def show(self, value: Any, row: Row) -> Any:
        major, _, minor = value.partition(".")
        return {"major": int(major), "minor": int(minor)}

    def take(self, value: Any, call: Call) -> Any:
        return f"{value.get('major', 0)}.{value.get('minor', 0)}"


def ref(collection: str, key: Any) -> dict[str, Any] | None:
    """A reference element, or nothing for no id."""
    return {"@href": f"{API}/{collection}/{key}", "@id": key} if key is not None else None


def constant(path: str, value: Any, content: bool = False) -> Field:
    """A member that is the same for every object here."""
    return Field(path, Computed(lambda row, call: value), content=content)


def empty(tag: str, plural: str, key: str = "id") -> Sub:
    """A collection that the engine has and that nothing here ever fills."""
    return Sub(Resource(tag=tag, plural=plural, source=lambda call, parent: [], key=key, fields=()))


def statistic_fields(owner: str, collection: str) -> tuple[Field, ...]:
    return (
        Field("name", Computed(lambda row, call: row["name"])),
        Field("description", Computed(lambda row, call: row["description"])),
        Field("kind", Computed(lambda row, call: row["kind"])),
        Field("type", Computed(lambda row, call: row["type"])),
        Field("unit", Computed(lambda row, call: row["unit"])),
        Field(
            "values",
            Computed(lambda row, call: {"value": [{"datum": row["datum"]}]} if row["datum"] is not None else {}),
        ),
        Field(owner, Computed(lambda row, call: ref(collection, row["owner"]))),
    )


schema.table(
    "permissions", "id TEXT PRIMARY KEY", "role_id TEXT", "ad_element_id TEXT", "object_id TEXT", "object_type TEXT"
)


def _permission_rows(call: Call, parent: str | None) -> list[Row]:
    return call.db.rows(
        "SELECT permissions.*, user_id, ad_groups.id AS group_id FROM permissions "
        "LEFT JOIN users ON user_id = ad_element_id LEFT JOIN ad_groups ON ad_groups.id = ad_element_id "
        "WHERE object_id IN (?, ?)",
        SYSTEM,
        parent or SYSTEM,
    )


def _add_permission(call: Call, sub: Sub) -> str:
    from ..commands.access import add_permission

    return add_permission(call, sub)


def _remove_permission(call: Call, row: Row) -> None:
    call.db.delete("permissions", id=row["id"])


def permissions(tag: str = "", collection: str = "") -> Sub:
    """The permissions on an object: those on everything and its own.

    `collection` is the path of its collection, with `{0}` for the id of an object further up.
    """

    def owner(row: Row, call: Call) -> Any:
        return ref(collection.format(*call.parents), call.parents[-1]) if call.parents else None

    def rows(call: Call, parent: str | None) -> list[Row]:
        found = _permission_rows(call, parent)
        for row in found:
            above = f"{collection.format(*call.parents)}/{parent}/" if parent else ""
            row["above"] = f"groups/{row['group_id']}/" if row["group_id"] else above
        return found

    fields = (
        Field(tag or "data_center", Computed(owner if tag else lambda row, call: None)),
        Field("group", Computed(lambda row, call: ref("groups", row["group_id"]))),
        Field("role", Ref("roles"), "permissions.role_id"),
        Field("user", Computed(lambda row, call: ref("users", row["user_id"]))),
    )
    resource = Resource(
        tag="permission",
        plural="permissions",
        source=rows,
        key="id",
        fields=fields,
        tables=("permissions",),
        href="{above}permissions/{id}",
        noun="Permission",
        add=_add_permission,
        remove=_remove_permission,
    )
    return Sub(resource, methods="list get add remove", fixed="object_id")


def unsupported(verb: str, entity: bool = False) -> Action:
    """An action that the engine has and the simulator does not carry out: it says so instead of pretending."""

    def run(call: Call, row: Row) -> None:
        from ..call import refuse

        raise refuse(verb, "The engine simulator does not carry out this action.", status=400)

    return Action(run, what=verb, entity=entity)
