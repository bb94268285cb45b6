# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access to the SQLite file: a connection per thread, short write transactions, rows as dicts.

Other programs (engine-psql.sh) open the same file; write-ahead logging lets both read while one writes, and nothing is
cached above it, so what they change counts at once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def _as_dict(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values)}


class Database:
    """The database file at `path`; made when it is missing."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._local = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            connection.row_factory = _as_dict
            connection.execute("PRAGMA journal_mode=WAL")
            # As with the engine's PostgreSQL, what was answered is on the disk and survives the death of the machine.
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection, self._local.depth = connection, 0
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction; nested use joins the outer one. An exception rolls all of it back."""
        connection = self.connection
        if self._local.depth:
            self._local.depth += 1
            try:
                yield
            finally:
                self._local.depth -= 1
            return
        connection.execute("BEGIN IMMEDIATE")
        self._local.depth = 1
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        else:
            connection.execute("COMMIT")
        finally:
            self._local.depth = 0

    def rows(self, sql: str, *params: Any) -> list[Row]:
        return self.connection.execute(sql, params).fetchall()

    def row(self, sql: str, *params: Any) -> Row | None:
        found: Row | None = self.connection.execute(sql, params).fetchone()
        return found

    def value(self, sql: str, *params: Any) -> Any:
        """First column of the first row, or None."""
        found = self.row(sql, *params)
        return next(iter(found.values())) if found else None

    def execute(self, sql: str, *params: Any) -> int:
        """Runs a statement; the number of rows that it changed."""
        return self.connection.execute(sql, params).rowcount

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Inserts one row; its row id."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        cursor = self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def update(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Sets columns of the rows that match; the number of rows."""
        if not values:
            return 0
        assignments = ", ".join(f"{column} = ?" for column in values)
        condition = " AND ".join(f"{column} = ?" for column in where)
        return self.execute(f"UPDATE {table} SET {assignments} WHERE {condition}", *values.values(), *where.values())

    def delete(self, table: str, **where: Any) -> int:
        condition = " AND ".join(f"{column} = ?" for column in where)
        return self.execute(f"DELETE FROM {table} WHERE {condition}", *where.values())

    def close(self) -> None:
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None
