# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kinds of fields: how a value is kept in SQL, shown in a document and taken from one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import doc as docs
from ..errors import ReferenceNotFound
from ..store import Row

if TYPE_CHECKING:
    from ..call import Call

API = "/ovirt-engine/api"


class Type:
    """A plain text; the others refine it."""

    sql = "TEXT"

    def show(self, value: Any, row: Row) -> Any:
        """The leaf or element for a stored value that is not NULL."""
        return value

    def take(self, value: Any, call: Call) -> Any:
        """The stored value for what a request says."""
        return value


class Int(Type):
    sql = "INTEGER"


class Decimal(Type):
    sql = "REAL"

    def show(self, value: Any, row: Row) -> Any:
        return float(value)


class Bool(Type):
    sql = "BOOLEAN"

    def show(self, value: Any, row: Row) -> Any:
        return bool(value)

    def take(self, value: Any, call: Call) -> Any:
        return int(bool(value))


class Time(Type):
    """Epoch seconds."""

    sql = "REAL"

    def show(self, value: Any, row: Row) -> Any:
        return docs.timestamp(value)


class Items(Type):
    """A list of values, kept as JSON text: `<usages><usage>vm</usage></usages>`."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def show(self, value: Any, row: Row) -> Any:
        values = json.loads(value)
        return {self.tag: values} if values else {}

    def take(self, value: Any, call: Call) -> Any:
        return json.dumps([item for group in (value or {}).values() for item in group])


class Coded(Type):
    """A word that the engine's database keeps as a number."""

    sql = "INTEGER"

    def __init__(self, codes: dict[str, int]) -> None:
        self.codes = codes
        self.names = {number: name for name, number in codes.items()}

    def show(self, value: Any, row: Row) -> Any:
        return self.names.get(value, str(value))

    def take(self, value: Any, call: Call) -> Any:
        return self.codes.get(value)


class Bytes(Type):
    """Bytes in the document, mebibytes in the database."""

    sql = "INTEGER"

    def show(self, value: Any, row: Row) -> Any:
        return int(value) * 2**20

    def take(self, value: Any, call: Call) -> Any:
        return int(value) // 2**20


class Ref(Type):
    """A reference to a member of `collection`; requests may name it by id or name.

    `href` is the address with the row's columns in braces, `bare` shows no address at all. `missing` is what the fault
    calls a name that does not exist, `absent` what an id that does not exist is refused with (else nobody looks).
    """

    def __init__(
        self,
        collection: str,
        table: str = "",
        key: str = "id",
        name: str = "name",
        missing: str = "",
        href: str | None = None,
        bare: bool = False,
        absent: str = "",
    ) -> None:
        self.collection, self.table, self.key, self.name = collection, table, key, name
        self.missing, self.href, self.bare, self.absent = missing, href, bare, absent

    def show(self, value: Any, row: Row) -> Any:
        if self.bare:
            return {"@id": value}
        address = self.href.format(**row) if self.href else f"{self.collection}/{value}"
        return {"@href": f"{API}/{address}", "@id": value}

    def take(self, value: Any, call: Call) -> Any:
        if not isinstance(value, dict):
            return value
        if value.get("@id"):
            return value["@id"]
        if value.get("name") is None or not self.table:
            return None
        found = call.db.value(f"SELECT {self.key} FROM {self.table} WHERE {self.name} = ?", value["name"])
        if found is None and self.missing.startswith("Get"):
            raise ReferenceNotFound(self.missing)  # the engine names the query here, not the name
        if found is None:
            raise ReferenceNotFound(f"{self.missing}: name={value['name']}" if self.missing else value["name"])
        return found

    def exists(self, key: Any, call: Call) -> bool:
        """Whether an object has this id; true where nobody looks."""
        if not self.absent or key is None:
            return True
        return call.db.row(f"SELECT 1 FROM {self.table} WHERE {self.key} = ?", key) is not None


class Computed(Type):
    """Not stored; worked out from the row (or the database) when shown."""

    sql = ""

    def __init__(self, function: Callable[[Row, Call], Any]) -> None:
        self.function = function


TEXT, INT, DECIMAL, BOOL, TIME, BYTES = Type(), Int(), Decimal(), Bool(), Time(), Bytes()
