# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles and the permits that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..call import refuse
from ..doc import items
from ..errors import NotFound, ReferenceNotFound, Refused
from ..store import Row, schema
from .base import Columns, Field, Required, Resource, Sub, Unique
from .types import BOOL, Computed

if TYPE_CHECKING:
    from ..call import Call

SUPER_USER = "00000000-0000-0000-0000-000000000001"
schema.table("roles", "id TEXT PRIMARY KEY")
schema.table("roles_groups", "role_id TEXT", "action_group_id INTEGER")


def _permit_rows(call: Call, parent: str | None) -> list[Row]:
    """The permits of a role; the super user has all."""
    if parent == SUPER_USER:
        return call.db.rows("SELECT *, ? AS role_id FROM permits ORDER BY id", parent)
    return call.db.rows(
        "SELECT permits.*, role_id FROM roles_groups JOIN permits ON permits.id = action_group_id "
        "WHERE role_id = ? ORDER BY permits.id",
        parent,
    )


def _permit(call: Call, wanted: dict[str, str]) -> Row:
    found = call.db.row("SELECT * FROM permits WHERE id = ? OR name = ?", wanted.get("@id"), wanted.get("name"))
    if found is None and "@id" in wanted:
        raise NotFound
    if found is None:
        raise ReferenceNotFound(wanted["name"])
    return found


def _changeable(call: Call, role: str, what: str) -> None:
    if not call.db.value("SELECT mutable FROM roles WHERE id = ?", role):
        raise refuse(what, "The Role is Read-Only.")


def _add_permit(call: Call, sub: Sub) -> str:
    role = call.parents[-1]
    _changeable(call, role, "edit Role")
    permit = _permit(call, call.doc)
    call.db.insert("roles_groups", {"role_id": role, "action_group_id": permit["id"]})
    return str(permit["id"])


def _remove_permit(call: Call, row: Row) -> None:
    _changeable(call, row["role_id"], "edit Role")
    call.db.delete("roles_groups", role_id=row["role_id"], action_group_id=row["id"])


PERMITS = Sub(
    Resource(
        tag="permit",
        plural="permits",
        source=_permit_rows,
        key="id",
        href="roles/{role_id}/permits/{id}",
        noun="Permit",
        required=Required(("id|name",), "permit", newer=True),
        fields=(
            Field("name", Computed(lambda row, call: row["name"])),
            Field("administrative", Computed(lambda row, call: bool(row["administrative"]))),
            Field(
                "role",
                Computed(
                    lambda row, call: {"@href": f"/ovirt-engine/api/roles/{row['role_id']}", "@id": row["role_id"]}
                ),
            ),
        ),
        add=_add_permit,
        remove=_remove_permit,
    ),
    methods="list get add remove",
)


def _prepare(call: Call, columns: Columns, row: Row | None) -> None:
    if row is not None:
        _changeable(call, row["id"], "edit Role")
    else:
        columns["mutable"] = 1


def _finish(call: Call, row: Row, moment: str) -> None:
    for wanted in items(call.doc, "permits"):
        permit = _permit(call, wanted)
        call.db.insert("roles_groups", {"role_id": row["id"], "action_group_id": permit["id"]})


def _before_remove(call: Call, row: Row) -> None:
    _changeable(call, row["id"], "remove Role")
    if call.db.row("SELECT 1 FROM permissions WHERE role_id = ?", row["id"]):
        raise Refused("One or more Permissions is still associated with Role.\n- Please remove all Permissions first.")
    call.db.delete("roles_groups", role_id=row["id"])


ROLE = Resource(
    tag="role",
    plural="roles",
    source="roles",
    key="id",
    tables=("roles",),
    href="roles/{id}",
    links=("permits",),
    noun="Role",
    required=Required(("name", "permits"), "Role"),
    rules=(
        Unique(
            "name", "Cannot {verb} Role. The Role name is already in use, please choose a unique name and try again."
        ),
    ),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("administrative", BOOL, "administrative", default=0, write="a"),
        Field("mutable", BOOL, "mutable", write=""),
    ),
    subs={"permits": PERMITS},
    prepare=_prepare,
    finish=_finish,
    before_remove=_before_remove,
)
