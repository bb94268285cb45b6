"""The stored procedures that deployments call: deletevm and deletevds (engine contract 13)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

_KEPT = {"audit_log"}
"""Tables that remember what is gone."""


class Deletions:
    """Collects the objects named in one statement; they go when the statement is through.

    SQLite lets a function called in a SELECT change nothing, so `SELECT deletevm(vm_guid) FROM ...` only notes.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._noted: list[tuple[str, str]] = []
        for kind in ("vm", "vds"):
            connection.create_function(f"delete{kind}", 1, self._note(kind))

    def _note(self, kind: str) -> Callable[[str | None], str]:
        def note(key: str | None) -> str:
            if key is not None:
                self._noted.append((kind, str(key)))
            return ""

        return note

    def carry_out(self) -> None:
        """Delete what was noted, in the running transaction."""
        noted, self._noted = self._noted, []
        for kind, key in noted:
            columns = ("vm_guid", "vm_id") if kind == "vm" else ("vds_id",)
            for table, column in _columns(self._connection):
                if column in columns and table not in _KEPT:
                    self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
                elif table == "permissions" and column == "object_id":
                    self._connection.execute("DELETE FROM permissions WHERE object_id = ?", (key,))


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """(table, column) of all tables."""
    query = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    return connection.execute(query).fetchall()


def _like(pattern: str, flags: int) -> re.Pattern[str]:
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL | flags)


def register(connection: sqlite3.Connection) -> Deletions:
    """Give a connection PostgreSQL's functions and its rules for LIKE (case counts), ILIKE and `~`."""

    def matches(pattern: str | None, value: object, flags: int = 0) -> bool | None:
        if pattern is None or value is None:
            return None
        return _like(pattern, flags).fullmatch(str(value)) is not None

    connection.create_function("like", 2, matches, deterministic=True)
    connection.create_function(
        "match", 2, lambda pattern, value: matches(pattern, value, re.IGNORECASE), deterministic=True
    )
    connection.create_function(
        "regexp",
        2,
        lambda pattern, value: None if value is None else re.search(pattern, str(value)) is not None,
        deterministic=True,
    )
    connection.create_function("now", 0, lambda: connection.execute("SELECT datetime('now') || '+00'").fetchone()[0])
    return Deletions(connection)
