# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search grammar: properties of the parser, and what the compiled SQL selects."""

from __future__ import annotations

import sqlite3

import pytest
from engine_sim.resources.base import Resource, SearchField
from engine_sim.search import Condition, SearchError, compile_query, parse
from hypothesis import given
from hypothesis import strategies as st

FIELDS = {
    "name": SearchField("name"),
    "size": SearchField("size", "number"),
    "id": SearchField("size", "exact"),
    "status": SearchField("status", "words", {"up": 3, "nonoperational": 10}),
    "time": SearchField("size", "time"),
}
THINGS = Resource(tag="thing", plural="things", source="things", key="name", fields=(), search=FIELDS, order="name")

names = st.text("abcdefghijklmnopqrstuvwxyz_ABC019-.", min_size=1, max_size=8)
words = names.filter(lambda text: text.lower() not in ("and", "or", "sortby", "page"))


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["name", "status"]), words), min_size=1, max_size=3), min_size=1, max_size=3
    )
)
def test_what_is_written_is_read(groups: list[list[tuple[str, str]]]) -> None:
    text = " or ".join(" and ".join(f'{field}="{value}"' for field, value in group) for group in groups)
    assert parse(text).parts == [[[Condition(field, "=", value) for field, value in group] for group in groups]]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name=a name=b", [[["a"]], [["b"]]]),
        ("name=a or name=b name=c", [[["a"], ["b"]], [["c"]]]),
        ("name=a name=b or name=c", [[["a"]], [["b"], ["c"]]]),
        ("name=a and name=b or name=c name=d and name=e", [[["a", "b"], ["c"]], [["d", "e"]]]),
    ],
)
def test_a_missing_connective_is_an_and_that_binds_weakest(text: str, parts: list[list[list[str]]]) -> None:
    """Otherwise `name=a or name=b status=down` would find an a that is up."""
    found = [[[one.value for one in group] for group in part] for part in parse(text).parts]
    assert found == parts


@given(st.text(max_size=40))
def test_any_text_is_a_search_or_an_error(text: str) -> None:
    try:
        compile_query(THINGS, text)
    except SearchError:
        return


@given(st.lists(names, unique=True, max_size=8), names)
def test_equality_ignores_case_and_knows_no_wildcard_but_the_star(stored: list[str], wanted: str) -> None:
    assert select(stored, f'name="{wanted}"') == sorted(name for name in stored if name.lower() == wanted.lower())
    assert select(stored, f'name="{wanted}"', True) == sorted(name for name in stored if name == wanted)
    assert select(stored, f'name="{wanted}*"') == sorted(
        name for name in stored if name.lower().startswith(wanted.lower())
    )


@given(st.lists(names, unique=True, max_size=8), names)
def test_unequal_is_the_rest(stored: list[str], wanted: str) -> None:
    chosen = select(stored, f'name="{wanted}"')
    assert sorted(chosen + select(stored, f'name!="{wanted}"')) == sorted(stored)


def select(stored: list[str], text: str, case_sensitive: bool = False) -> list[str]:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE things (name TEXT, size INTEGER, status INTEGER)")
    db.executemany("INSERT INTO things VALUES (?, 1, 3)", [(name,) for name in stored])
    query = compile_query(THINGS, text, case_sensitive)
    return sorted(
        row[0] for row in db.execute(f"SELECT name FROM things WHERE {query.condition} {query.tail}", query.params)
    )


@pytest.mark.parametrize(
    "text",
    [
        "nosuch=1",
        "name=",
        "name==x",
        "name=x and",
        "(name=x)",
        'name="x',
        "name=x page y",
        "name=x page 0",
        "status=non_operational",
        "size=big",
        "id>1",
        "name<x",
        "sortby nosuch",
        "things: name=x",
        "name=x or",
    ],
)
def test_what_the_engine_does_not_understand(text: str) -> None:
    with pytest.raises(SearchError):
        compile_query(THINGS, text)


@pytest.mark.parametrize(
    ("text", "sort", "descending", "page"),
    [
        ("", "", False, 0),
        ("sortby name", "name", False, 0),
        ("name=x sortby name desc page 2", "name", True, 2),
        ("name=x SORTBY Name ASC", "name", False, 0),
        ("page 3", "", False, 3),
    ],
)
def test_order_and_page(text: str, sort: str, descending: bool, page: int) -> None:
    query = parse(text)
    assert (query.sort, query.descending, query.page) == (sort, descending, page)


def test_pages_follow_the_limit() -> None:
    assert compile_query(THINGS, "page 3", limit=7).tail.endswith("LIMIT 7 OFFSET 14")
    assert compile_query(THINGS, "page 2").tail.endswith("LIMIT 100 OFFSET 100")
