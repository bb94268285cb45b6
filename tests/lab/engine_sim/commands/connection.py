# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage connections: what they are to a host, and who may change them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..call import Call, refuse
from ..doc import Doc
from ..errors import Incomplete, Refused
from ..store import Row
from ..vdsm.flows import connections as flows

if TYPE_CHECKING:
    from ..resources.base import Columns

#: NFS versions of the API as vdsm writes them.
NFS_VERSIONS = {"auto": "auto", "v3": "3", "v4": "4", "v4_0": "4.0", "v4_1": "4.1", "v4_2": "4.2"}
NEEDED = {
    "nfs": ("address", "path"),
    "glusterfs": ("path",),
    "posixfs": ("path", "vfs_type"),
    "localfs": ("path",),
    "iscsi": ("address", "target"),
}
CAMEL = {"vfs_type": "vfsType"}
BAD_PATH = "Mount path is illegal, please use [IP:/path or FQDN:/path] convention."


def mount_path(columns: Row) -> str:
    """`address:/path`, or the path alone where there is no server."""
    return f"{columns['address']}:{columns['path']}" if columns.get("address") else str(columns.get("path") or "")


def members(row: Row) -> Doc:
    """How a domain's `storage` shows its connection."""
    return {
        "address": row["address"],
        "mount_options": row["mount_options"],
        "nfs_retrans": row["nfs_retrans"],
        "nfs_timeo": row["nfs_timeo"],
        "nfs_version": row["nfs_version"],
        "path": row["path"],
        "port": row["port"],
        "target": row["iqn"],
        "vfs_type": row["vfs_type"],
    }


def require(doc: Doc, kind: str) -> None:
    """Members that this type of storage needs, named after the element that lacks them."""
    missing = [CAMEL.get(name, name) for name in NEEDED.get(doc.get("type", ""), ()) if not doc.get(name)]
    if missing:
        raise Incomplete(kind, missing)


def check(call: Call, columns: Row, key: str | None) -> None:
    """The path's form, and that no other connection is the same."""
    if columns.get("storage_type") in ("nfs", "glusterfs") and not re.fullmatch(
        r"(\S+|\[\S+\]):/\S*", mount_path(columns)
    ):
        raise Refused(BAD_PATH, status=400)
    same = call.db.row(
        "SELECT * FROM storage_server_connections WHERE connection = ? AND storage_type = ? AND "
        "coalesce(iqn, '') = ? AND id IS NOT ?",
        connection_text(columns),
        columns.get("storage_type"),
        columns.get("iqn") or "",
        key,
    )
    if same:
        user = call.db.value("SELECT storage_name FROM storage_domain_static WHERE storage = ?", same["id"])
        raise refuse("add Storage Connection", f"Storage connection {same['id']} already exists for {user or ''}.")


def connection_text(columns: Row) -> str:
    return str(columns.get("address")) if columns.get("storage_type") == "iscsi" else mount_path(columns)


def prepare(call: Call, columns: Columns, row: Row | None) -> None:
    if row is None:
        require(call.doc, "StorageConnection")
    merged = {**(row or {}), **columns}
    check(call, merged, row["id"] if row else None)
    columns["connection"] = connection_text(merged)
    if "password" in call.doc:
        columns["password"] = call.doc["password"]


def before_remove(call: Call, row: Row) -> None:
    user = call.db.value("SELECT storage_name FROM storage_domain_static WHERE storage = ?", row["id"])
    if user:
        raise refuse(
            "remove Storage Connection",
            f"Storage connection parameters are used by the following storage domains : {user}.",
        )


def parameters(row: Row) -> dict[str, str]:
    """The connection as vdsm takes it."""
    if row["storage_type"] == "iscsi":
        return flows.iscsi(
            row["address"],
            row["iqn"],
            row["id"],
            int(row["port"] or 3260),
            user=row["user_name"] or "",
            password=row["password"] or "",
        )
    options = row["mount_options"] or ""
    found = flows.nfs(
        row["connection"],
        row["id"],
        NFS_VERSIONS.get(row["nfs_version"] or "auto", "auto"),
        options,
        row["nfs_retrans"],
        row["nfs_timeo"],
    )
    if row["vfs_type"]:
        found["vfs_type"] = row["vfs_type"]
    return found
