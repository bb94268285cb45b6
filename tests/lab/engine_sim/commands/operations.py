# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plain way to add, change and remove an object, from its declaration alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..call import Call, new_id
from ..store import Row, schema

if TYPE_CHECKING:
    from ..resources.base import Columns, Resource, Sub


def validate(resource: Resource, call: Call, columns: Columns, key: str | None) -> None:
    """The form of the values; whether they are taken is checked later, as the engine does."""
    for rule in resource.rules:
        if not rule.late:
            rule.check(resource, call, columns, key)


def check_unique(resource: Resource, call: Call, columns: Columns, key: str | None) -> None:
    for rule in resource.rules:
        if rule.late:
            rule.check(resource, call, columns, key)


def insert(resource: Resource, call: Call, columns: Columns) -> str:
    """Stores a new object in its tables; its key."""
    key = columns.get(resource.key) or new_id()
    for table in resource.tables:
        known = schema.TABLES[table]
        values = {column: value for column, value in columns.items() if column in known}
        call.db.insert(table, {**values, next(iter(known)): key})
    return str(key)


def store(resource: Resource, call: Call, key: Any, columns: Columns) -> None:
    """Changes columns of an object in whatever of its tables they are."""
    for table in resource.tables:
        known = schema.TABLES[table]
        call.db.update(
            table, {next(iter(known)): key}, {column: value for column, value in columns.items() if column in known}
        )


def fetch(resource: Resource, call: Call, key: Any) -> Row:
    found = call.db.row(f"SELECT * FROM {resource.source} WHERE {resource.key} = ?", key)
    assert found is not None, (resource.tag, key)
    return found


def add(call: Call, sub: Sub) -> str:
    """Adds an object of the collection; its key."""
    resource = sub.resource
    with call.db.transaction():
        columns = resource.take(call, call.doc, "a")
        if sub.fixed and call.parents:
            columns[sub.fixed] = call.parents[-1]
        validate(resource, call, columns, None)
        if resource.prepare:
            resource.prepare(call, columns, None)
        resource.check_references(call, columns)
        check_unique(resource, call, columns, None)
        key = insert(resource, call, columns)
        if resource.finish:
            resource.finish(call, fetch(resource, call, key), "add")
    return key


def update(call: Call, resource: Resource, row: Row) -> None:
    with call.db.transaction():
        key = row[resource.key]
        columns = resource.take(call, call.doc, "u")
        validate(resource, call, columns, key)
        if resource.prepare:
            resource.prepare(call, columns, row)
        resource.check_references(call, columns)
        check_unique(resource, call, columns, key)
        store(resource, call, key, columns)
        if resource.finish:
            resource.finish(call, fetch(resource, call, key), "update")


def remove(call: Call, resource: Resource, row: Row) -> None:
    with call.db.transaction():
        if resource.before_remove:
            resource.before_remove(call, row)
        for table in resource.tables:
            call.db.delete(table, **{next(iter(schema.TABLES[table])): row[resource.key]})
