# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search grammar against its own printed form, and its SQL against a filter written in plain Python."""

from __future__ import annotations

import sqlite3
from typing import Any

from engine_sim.resources.base import Resource, SearchField
from engine_sim.search import Condition, Query, SearchError, compile_query, parse
from hypothesis import given
from hypothesis import strategies as st

STATES = {"up": 3, "down": 1, "nonoperational": 10}
THINGS = Resource(
    tag="thing",
    plural="things",
    source="things",
    key="id",
    fields=(),
    order="id",
    search={
        "name": SearchField("name"),
        "comment": SearchField("comment"),
        "size": SearchField("size", "number"),
        "number": SearchField("size", "exact"),
        "status": SearchField("status", "words", STATES),
        "parts.name": SearchField("SELECT part AS value FROM parts WHERE thing = things.id", "any"),
    },
)

plain = st.text("abAB01_-%?[]*", min_size=1, max_size=4)
quoted = st.text('abAB 01_-%?[]*=<>!().:,"'.replace('"', ""), min_size=1, max_size=5)
texts = st.builds(Condition, st.sampled_from(["name", "comment"]), st.sampled_from(["=", "!="]), quoted)
numbers = st.builds(
    Condition, st.just("size"), st.sampled_from(["=", "!=", "<", ">", "<=", ">="]), st.integers(0, 5).map(str)
)
exact = st.builds(Condition, st.just("number"), st.sampled_from(["=", "!="]), st.integers(0, 5).map(str))
states = st.builds(Condition, st.just("status"), st.sampled_from(["=", "!="]), st.sampled_from(list(STATES)))
free = st.builds(Condition, st.just(""), st.just("="), quoted)
conditions = st.one_of(texts, numbers, exact, states, free)
queries = st.builds(
    Query,
    st.lists(st.lists(st.lists(conditions, min_size=1, max_size=3), min_size=1, max_size=3), max_size=3),
    st.sampled_from(["", "name", "size"]),
    st.booleans(),
    st.integers(0, 3),
).map(lambda query: query if query.sort else Query(query.parts, "", False, query.page))
rows = st.lists(
    st.tuples(
        st.text("abAB01_-%?[]* .", max_size=4),
        st.one_of(st.none(), st.text("abAB*_% ", max_size=3)),
        st.integers(0, 5),
        st.sampled_from(list(STATES.values())),
    ),
    max_size=8,
)


def printed(query: Query) -> str:
    """A search that means the query."""

    def one(condition: Condition) -> str:
        value = f'"{condition.value}"'
        return f"{condition.field}{condition.operator}{value}" if condition.field else value

    text = " ".join(" or ".join(" and ".join(map(one, group)) for group in part) for part in query.parts)
    if query.sort:
        text += f" sortby {query.sort} {'desc' if query.descending else 'asc'}"
    return (text + (f" page {query.page}" if query.page else "")).strip()


@given(queries)
def test_what_is_printed_is_read(query: Query) -> None:
    assert parse(printed(query)) == query


@given(queries, rows)
def test_the_sql_selects_what_a_plain_filter_does(query: Query, things: list[tuple[str, str | None, int, int]]) -> None:
    stored = [(number, *thing) for number, thing in enumerate(things)]
    found = select(stored, printed(query))
    wanted = [row[0] for row in stored if matches(query, row)]
    if query.page:
        size = 2
        assert (
            found
            == select(stored, printed(Query(query.parts, query.sort, query.descending, 0)))[
                (query.page - 1) * size : query.page * size
            ]
        )
        return
    assert sorted(found) == wanted
    if query.sort:
        column = 1 if query.sort == "name" else 3
        values = [stored[number][column] for number in found]
        assert values == sorted(values, reverse=query.descending)


@given(st.text(max_size=30), st.sampled_from(["", "name=", 'name="', "size>", "sortby ", "page "]), st.booleans())
def test_no_text_breaks_it(text: str, before: str, case_sensitive: bool) -> None:
    try:
        selection = compile_query(THINGS, before + text, case_sensitive)
    except SearchError:
        return
    database([]).execute(f"SELECT * FROM things WHERE {selection.condition} {selection.tail}", selection.params)


def test_one_related_object_that_fits_is_enough() -> None:
    """However many others there are: a data center is found by each of its storage domains."""

    def found(text: str) -> list[int]:
        query = compile_query(THINGS, text)
        db = database([(number, "n", None, 0, 3) for number in range(3)])
        db.execute("CREATE TABLE parts (thing INTEGER, part TEXT)")
        db.executemany("INSERT INTO parts VALUES (?, ?)", [(0, "sd1"), (1, "sd1"), (1, "other")])
        return [
            row[0] for row in db.execute(f"SELECT id FROM things WHERE {query.condition} ORDER BY id", query.params)
        ]

    assert found("parts.name=sd1") == [0, 1]
    assert found("parts.name=oth* and name=n") == [1]
    assert found("parts.name!=sd1") == [1]
    assert found("parts.name=nothing") == []


def database(stored: list[Any]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE things (id INTEGER, name TEXT, comment TEXT, size INTEGER, status INTEGER)")
    db.executemany("INSERT INTO things VALUES (?, ?, ?, ?, ?)", stored)
    return db


def select(stored: list[Any], text: str) -> list[int]:
    query = compile_query(THINGS, text, limit=2 if " page " in f" {text}" else None)
    found = database(stored).execute(f"SELECT id FROM things WHERE {query.condition} {query.tail}", query.params)
    return [row[0] for row in found]


def matches(query: Query, row: tuple[Any, ...]) -> bool:
    return all(any(all(holds(one, row) for one in group) for group in part) for part in query.parts)


def holds(condition: Condition, row: tuple[Any, ...]) -> bool:
    _, name, comment, size, status = row
    if not condition.field:
        return any(like(f"*{condition.value}*", text) for text in (name, comment))
    if condition.field in ("name", "comment"):
        found = like(condition.value, name if condition.field == "name" else comment)
        return found if condition.operator == "=" else not found
    if condition.field == "status":
        return (status == STATES[condition.value]) is (condition.operator == "=")
    wanted = int(condition.value)
    return {
        "=": size == wanted,
        "!=": size != wanted,
        "<": size < wanted,
        ">": size > wanted,
        "<=": size <= wanted,
        ">=": size >= wanted,
    }[condition.operator]


def like(pattern: str, text: str | None) -> bool:
    """`*` stands for anything, letter case does not count; nothing is like an absent text."""
    if text is None:
        return False
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(like(rest, text[start:]) for start in range(len(text) + 1))
    return text[:1].lower() == head.lower() and like(rest, text[1:])
