# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a resource is made of: fields, links, actions, sub-collections, search fields, validations.

A resource is data. The dispatcher (`web.api`), the reader and writer (`doc`), the search (`search.sql`) and the schema
(`store.schema`) all work from these declarations; a new kind of object needs a declaration, not a handler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .. import doc as docs
from ..errors import Incomplete, MissingParameter, Refused
from ..store import Row, schema
from .types import API, TEXT, Computed, Ref, Type

if TYPE_CHECKING:
    from ..call import Call

Columns = dict[str, Any]
Source = str | Callable[["Call", str | None], list[Row]]


@dataclass(frozen=True)
class Field:
    """One leaf or element of a document.

    path: where in the document; type; column: its column (of the first table of the resource, or `table.column`);
    default: stored when a new object does not say; blank: shown as an empty element when NULL; content: shown only with
    all_content; write: at `a`dd, `u`pdate, both, or neither.
    """

    path: str
    type: Type = TEXT
    column: str = ""
    default: Any = None
    blank: bool = False
    content: bool = False
    write: str = "au"


@dataclass(frozen=True)
class SearchField:
    """A field of the search grammar: the SQL that it compares and how."""

    sql: str
    kind: str = "text"  # text, number, time, words, any (a query for texts, one of which has to fit)
    words: dict[str, Any] = field(default_factory=dict)  # accepted spellings to stored values


def words(codes: Iterable[str] | dict[str, int]) -> dict[str, Any]:
    """Spellings of an enumerated type in searches: the API's names without underscores."""
    return {name.replace("_", ""): (codes[name] if isinstance(codes, dict) else name) for name in codes}


@dataclass(frozen=True)
class Pattern:
    """A bean validation: the whole value has this form, else 400 with the text."""

    column: str
    expression: str
    text: str
    late: ClassVar[bool] = False

    def check(self, resource: Resource, call: Call, columns: Columns, key: str | None) -> None:
        value = columns.get(self.column)
        if value is not None and not re.fullmatch(self.expression, str(value)):
            raise Refused(self.text, status=400)


@dataclass(frozen=True)
class Range:
    """A number between two bounds, else 400 with the text."""

    column: str
    low: int
    high: int
    text: str
    late: ClassVar[bool] = False

    def check(self, resource: Resource, call: Call, columns: Columns, key: str | None) -> None:
        value = columns.get(self.column)
        if value is not None and not self.low <= int(value) <= self.high:
            raise Refused(self.text.replace("{verb}", resource.verbs["update" if key else "add"]), status=400)


@dataclass(frozen=True)
class Unique:
    """No other object (of the same `scope`) has this value, else 409. `{verb}` in the text is `add` or `edit`."""

    column: str
    text: str
    scope: str = ""
    status: int = 409
    late: ClassVar[bool] = True

    def check(self, resource: Resource, call: Call, columns: Columns, key: str | None) -> None:
        value = columns.get(self.column)
        if value is None:
            return
        assert isinstance(resource.source, str)
        sql = (
            f"SELECT {resource.key} AS found FROM {resource.source} WHERE {self.column} = ? AND {resource.key} IS NOT ?"
        )
        params = [value, key]
        if self.scope:
            scope = columns.get(self.scope)
            if scope is None and key:
                scope = call.db.value(f"SELECT {self.scope} FROM {resource.source} WHERE {resource.key} = ?", key)
            sql, params = f"{sql} AND {self.scope} = ?", [*params, scope]
        if call.db.row(sql, *params):
            raise Refused(
                self.text.format(verb=resource.verbs["update" if key else "add"], value=value), status=self.status
            )


Rule = Pattern | Range | Unique


@dataclass(frozen=True)
class Required:
    """Members that an add must have.

    `Required("Host", "name", "address")` gives `Host [name, address] required for add`; `a|b` accepts either member
    and is written `cluster.id|name`. With `newer=True` the first one missing is named alone, each with its own prefix;
    a pair `a|b` gives the text for two.
    """

    names: tuple[str, ...]
    kind: str = ""
    newer: bool = False

    @staticmethod
    def _has(doc: docs.Doc, name: str) -> bool:
        first, *others = name.split("|")
        paths = [first] + [
            first.rpartition(".")[0] + "." + other if "." in first and "." not in other else other for other in others
        ]
        return any(docs.dig(doc, re.sub(r"\bid$", "@id", _snake(path).replace(".", "/"))) is not None for path in paths)

    def check(self, doc: docs.Doc, method: str = "add") -> None:
        missing = [name for name in self.names if not self._has(doc, name)]
        if missing and self.newer:
            raise MissingParameter(*(f"{self.kind}.{name}" for name in missing[0].split("|")))
        if missing:
            raise Incomplete(self.kind, missing, method)


def _snake(name: str) -> str:
    return re.sub(r"([a-z])([A-Z])", lambda m: f"{m[1]}_{m[2].lower()}", name)


@dataclass(frozen=True)
class Action:
    """`POST .../NAME`. `run` gets the call and the object's row and may return members for the answer.

    job: the answer names a job; entity: the answer holds the object's links; required: members of the action;
    listed: appears among the object's actions; what: what is refused for an id that does not exist (`restart VM`), by
    default name and noun; without it (None) such an id is 404 without a body.
    """

    run: Callable[[Call, Row], docs.Doc | None]
    job: str = ""
    entity: bool = False
    required: tuple[str, ...] = ()
    listed: bool = True
    what: str | None = ""


@dataclass
class Sub:
    """A collection below an object (or the root): which objects, which methods, how an address looks.

    where: SQL condition on the resource's source with one `?` for the parent; fixed: column that a new object gets
    from the parent's id; missing: called with (call, parent id) before a list, to refuse for an unknown parent;
    searched: takes the parameter `search`, others ignore it; narrowed: a further SQL condition by other parameters.
    """

    resource: Resource
    where: str = ""
    methods: str = "list get"
    href: str = ""
    fixed: str = ""
    missing: Callable[[Call, str], None] | None = None
    actions: dict[str, Action] = field(default_factory=dict)
    links: bool = True
    required: Required | None = None
    searched: bool = False
    narrowed: Callable[[Call], str] | None = None

    def rows(
        self, call: Call, parent: str | None, condition: str = "1", params: Iterable[Any] = (), tail: str = ""
    ) -> list[Row]:
        source = self.resource.source
        if not isinstance(source, str):
            return source(call, parent)
        where, values = (f"({self.where}) AND ", [parent] * self.where.count("?")) if self.where else ("", [])
        return call.db.rows(f"SELECT * FROM {source} WHERE {where}{condition} {tail}", *values, *params)

    def row(self, call: Call, parent: str | None, key: str) -> Row | None:
        resource = self.resource
        if isinstance(resource.source, str):
            found = self.rows(call, parent, f"{resource.key} = ?", [key])
        else:
            found = [row for row in self.rows(call, parent) if str(row[resource.key]) == key]
        return found[0] if found else None

    def address(self, row: Row) -> str:
        return f"{API}/" + (self.href or self.resource.href).format(**row)


@dataclass
class Resource:
    """One kind of object. See the module text; README.md shows how to add one.

    add_is_action: adding answers with an `<action>` instead of the object; unknown: what an action on an id that does
    not exist is refused with.
    """

    tag: str
    plural: str
    source: Source
    key: str
    fields: tuple[Field, ...]
    tables: tuple[str, ...] = ()
    href: str = ""
    reply_href: str = ""
    noun: str = ""
    verbs: dict[str, str] = field(default_factory=lambda: {"add": "add", "update": "edit", "remove": "remove"})
    links: tuple[str, ...] = ()
    search_links: tuple[str, ...] = ()
    actions: dict[str, Action] = field(default_factory=dict)
    subs: dict[str, Sub] = field(default_factory=dict)
    search: dict[str, SearchField] = field(default_factory=dict)
    order: str = ""
    required: Required | None = None
    rules: tuple[Rule, ...] = ()
    events: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    list_in_json: bool = False
    add: Callable[[Call, Sub], str] | None = None
    add_is_action: bool = False
    unknown: str = "The object does not exist."
    update: Callable[[Call, Row], None] | None = None
    remove: Callable[[Call, Row], None] | None = None
    prepare: Callable[[Call, Columns, Row | None], None] | None = None
    finish: Callable[[Call, Row, str], None] | None = None
    before_remove: Callable[[Call, Row], None] | None = None

    def __post_init__(self) -> None:
        for item in self.fields:
            if item.column and not isinstance(item.type, Computed):
                home, _, column = item.column.rpartition(".")
                schema.table(home or self.tables[0], f"{column} {item.type.sql}")

    def take(self, call: Call, doc: docs.Doc, moment: str) -> Columns:
        """Columns that a request sets; `moment` is `a`dd or `u`pdate."""
        columns: Columns = {}
        for item in self.fields:
            if isinstance(item.type, Computed) or not item.column:
                continue
            column = item.column.rpartition(".")[2]
            value = docs.dig(doc, item.path) if moment in item.write else None
            if value is not None:
                taken = item.type.take(value, call)
                if taken is not None or not isinstance(item.type, Ref):
                    columns[column] = taken
            elif moment == "u" and item.path.endswith("/@id") and docs.dig(doc, item.path[:-4]) == {}:
                columns[column] = None
            if moment == "a" and columns.get(column) is None and item.default is not None:
                columns[column] = item.default
        return columns

    def check_references(self, call: Call, columns: Columns) -> None:
        """Refuses ids of objects that do not exist (400)."""
        for item in self.fields:
            if isinstance(item.type, Ref) and not item.type.exists(columns.get(item.column.rpartition(".")[2]), call):
                raise Refused(item.type.absent, status=400)

    def document(self, call: Call, row: Row, href: str, full: bool = False, links: bool = True) -> docs.Doc:
        """The document of one object; `full` is all_content."""
        doc = self.skeleton(row, href, links)
        for item in self.fields:
            if item.content and not full:
                continue
            if isinstance(item.type, Computed):
                value = item.type.function(row, call)
            else:
                value = row[item.column.rpartition(".")[2]]
                if value is not None:
                    value = item.type.show(value, row)
            if value is None and item.blank:
                value = ""
            if value is not None:
                docs.put(doc, item.path, value)
        return doc

    def skeleton(self, row: Row, href: str, links: bool = True) -> docs.Doc:
        """Address, actions and links: what an answer to an action holds of its object."""
        doc: docs.Doc = {"@href": href, "@id": row[self.key]} if href else {"@id": row[self.key]}
        shown = [name for name, action in self.actions.items() if action.listed]
        if shown:
            doc["actions"] = {"link": [{"@href": f"{href}/{name}", "@rel": name} for name in shown]}
        if links and self.links:
            doc["link"] = [{"@href": f"{href}/{rel}", "@rel": rel} for rel in self.links]
        return doc
