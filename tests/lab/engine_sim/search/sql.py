# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a search to SQL, by the search fields that a resource declares."""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .grammar import Condition, Query, SearchError, parse

if TYPE_CHECKING:
    from ..resources.base import Resource, SearchField

#: Objects per page.
PAGE = 100
MOST_PAGES = 2**31
#: Numbers beyond this are none that the database keeps.
LARGEST = 2**63
_ORDERED = ("<", ">", "<=", ">=")


@dataclass
class Selection:
    """A condition with its parameters, and what follows it (order, limits)."""

    condition: str = "1"
    params: list[Any] = field(default_factory=list)
    tail: str = ""


def compile_query(resource: Resource, text: str, case_sensitive: bool = False, limit: int | None = None) -> Selection:
    """The SQL of a search; `limit` is the size of a page too.

    Raises SearchError for what the grammar or this resource does not know.
    """
    query = parse(text)
    selection = Selection()
    parts = []
    for part in query.parts:
        alternatives = []
        for alternative in part:
            held = [_condition(resource, condition, case_sensitive, selection.params) for condition in alternative]
            alternatives.append("(" + " AND ".join(held) + ")")
        parts.append("(" + " OR ".join(alternatives) + ")")
    if parts:
        selection.condition = "(" + " AND ".join(parts) + ")"
    selection.tail = _order(resource, query)
    if query.page > MOST_PAGES:
        raise SearchError(f"page {query.page}")
    if query.page:
        size = PAGE if limit is None else limit
        selection.tail += f" LIMIT {size} OFFSET {(query.page - 1) * size}"
    return selection


def _order(resource: Resource, query: Query) -> str:
    if not query.sort:
        return f"ORDER BY {resource.order}" if resource.order else ""
    known = resource.search.get(query.sort)
    if known is None or known.kind == "any":
        raise SearchError(query.sort)
    return f"ORDER BY {known.sql} {'DESC' if query.descending else 'ASC'}"


def _condition(resource: Resource, condition: Condition, case_sensitive: bool, params: list[Any]) -> str:
    if not condition.field:
        texts = [known for known in resource.search.values() if known.kind == "text"]
        if not texts:
            raise SearchError(condition.value)
        parts = []
        for text in texts:
            parts.append(_like(text.sql, f"*{condition.value}*", case_sensitive, params))
        return "(" + " OR ".join(parts) + ")"
    known = resource.search.get(condition.field)
    if known is None:
        raise SearchError(f"unknown field {condition.field}")
    return _compare(known, condition, case_sensitive, params)


def _compare(known: SearchField, condition: Condition, case_sensitive: bool, params: list[Any]) -> str:
    operator, value = condition.operator, condition.value
    if known.kind in ("text", "any"):
        if operator in _ORDERED:
            raise SearchError(f"{condition.field} knows = and != only")
        if known.kind == "any":
            # The engine joins the related objects: one that fits is enough, for != too.
            text = _like("value", value, case_sensitive, params)
            return f"EXISTS (SELECT 1 FROM ({known.sql}) WHERE {'' if operator == '=' else 'NOT '}{text})"
        text = _like(known.sql, value, case_sensitive, params)
        return text if operator == "=" else f"NOT coalesce({text}, 0)"
    if known.kind == "words":
        found = known.words.get(value.lower())
        if found is None:
            raise SearchError(f"{condition.field} has no value {value}")
        params.append(found)
    elif known.kind == "time":
        params.append(_time(value))
    else:
        if known.kind == "exact" and operator in _ORDERED:
            raise SearchError(f"{condition.field} knows = and != only")
        try:
            number = int(value)
        except ValueError:
            raise SearchError(f"{condition.field} is a number") from None
        if abs(number) >= LARGEST:
            raise SearchError(f"{value} is too large")
        params.append(number)
    if operator == "!=":
        return f"({known.sql} IS NOT ?)"
    return f"({known.sql} {operator} ?)"


def _like(sql: str, value: str, case_sensitive: bool, params: list[Any]) -> str:
    """`*` is the wildcard, everything else stands for itself."""
    if case_sensitive:
        params.append("".join(f"[{char}]" if char in "?[" else char for char in value))
        return f"({sql} GLOB ?)"
    params.append("".join("\\" + char if char in "%_\\" else "%" if char == "*" else char for char in value))
    return f"({sql} LIKE ? ESCAPE '\\')"


def _time(value: str) -> float:
    """Dates as the engine takes them: month/day/year, today, yesterday."""
    today = time.gmtime()
    if value.lower() in ("today", "yesterday"):
        midnight = calendar.timegm((today.tm_year, today.tm_mon, today.tm_mday, 0, 0, 0))
        return midnight - (86400 if value.lower() == "yesterday" else 0)
    for form in ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%y"):
        try:
            return float(calendar.timegm(time.strptime(value, form)))
        except ValueError:
            continue
    raise SearchError(f"{value} is no time")
