# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables and views. Columns come from the declared fields of the resources, the rest is declared beside them."""

from __future__ import annotations

import re

from .database import Database

#: Table to its columns, in order: name to SQL type and constraints. The first column is the key.
TABLES: dict[str, dict[str, str]] = {}
#: View to its SELECT; `{table.*}` stands for all columns of a table, `{table.-}` for all but its key.
VIEWS: dict[str, str] = {}
INDEXES: list[str] = []


def table(name: str, *columns: str) -> None:
    """Declares columns of a table, each as `name TYPE constraints`; may be called again to add more."""
    known = TABLES.setdefault(name, {})
    for column in columns:
        label, _, kind = column.partition(" ")
        known.setdefault(label, kind)


def view(name: str, select: str) -> None:
    VIEWS[name] = select


def index(table_name: str, columns: str) -> None:
    INDEXES.append(f"CREATE INDEX IF NOT EXISTS {table_name}_{columns.replace(', ', '_')} ON {table_name} ({columns})")


def _expand(select: str) -> str:
    def columns(match: re.Match[str]) -> str:
        names = list(TABLES[match[1]])
        return ", ".join(f"{match[1]}.{name} AS {name}" for name in (names if match[2] == "*" else names[1:]))

    return re.sub(r"\{(\w+)\.([*-])\}", columns, select)


def create(db: Database) -> bool:
    """Makes what is missing, also columns that a newer version added. True when the database was empty."""
    fresh = not db.value("SELECT count(*) FROM sqlite_master WHERE type = 'table'")
    with db.transaction():
        for name, columns in TABLES.items():
            known = {row["name"] for row in db.rows(f"PRAGMA table_info({name})")}
            if not known:
                listed = ", ".join(f"{column} {kind}" for column, kind in columns.items() if column != "CONSTRAINT")
                db.execute(f"CREATE TABLE {name} ({listed})")
            for column in columns.keys() - known if known else ():
                db.execute(f"ALTER TABLE {name} ADD COLUMN {column} {columns[column]}")
        for name in VIEWS:
            db.execute(f"DROP VIEW IF EXISTS {name}")
        for name, select in VIEWS.items():
            db.execute(f"CREATE VIEW {name} AS {_expand(select)}")
        for statement in INDEXES:
            db.execute(statement)
    return fresh
