# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..call import Call, new_id
from ..errors import Incomplete, Refused

if TYPE_CHECKING:
    from ..resources.base import Sub


def add_permission(call: Call, sub: Sub) -> str:
    from ..resources.common import SYSTEM

    who = (call.doc.get("user") or call.doc.get("group") or {}).get("@id")
    if not who:
        raise Incomplete("Permission", ["user|group.id"])
    role = call.doc.get("role") or {}
    found = call.db.value("SELECT id FROM roles WHERE id = ? OR name = ?", role.get("@id"), role.get("name"))
    if found is None:
        raise Refused("Cannot add permission, invalid Role id", status=400)
    key = new_id()
    call.db.insert(
        "permissions",
        {"id": key, "role_id": found, "ad_element_id": who, "object_id": call.parents[-1] if call.parents else SYSTEM},
    )
    return key
