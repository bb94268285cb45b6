# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar: `field OP value` joined by `and`/`or`, `sortby FIELD asc|desc`, `page N`; a bare word is free text.

`and` binds tighter than `or`, and a missing connective means an `and` that binds weaker than both: `a or b c` is
`(a or b) and c`. There are no parentheses. What does not fit is a SearchError, which the engine answers with an empty
collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class SearchError(ValueError):
    """The text is not a search of this collection."""


@dataclass(frozen=True)
class Condition:
    """`field` is lower case and empty for free text."""

    field: str
    operator: str
    value: str


@dataclass
class Query:
    """What all must hold: alternatives (joined by `or`) of conditions (joined by `and`); order and page."""

    parts: list[list[list[Condition]]] = field(default_factory=list)
    sort: str = ""
    descending: bool = False
    page: int = 0


_FIELD = re.compile(r"([A-Za-z_][\w.]*)\s*(!=|<=|>=|=|<|>)")
_QUOTED = re.compile(r'\s*"([^"]*)"')
_BARE = re.compile(r'\s*([^\s"=<>!()][^\s"()]*)')
_WORD = re.compile(r"[^\s()=<>!\":]+")
_SORT = re.compile(r"sortby\s+([A-Za-z_][\w.]*)(?:\s+(asc|desc))?(?=\s|$)", re.IGNORECASE)
_PAGE = re.compile(r"page\s+(\d+)\s*$", re.IGNORECASE)
_CONNECTIVE = re.compile(r"(and|or)(?=\s|$)", re.IGNORECASE)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.position = 0

    def skip(self) -> bool:
        """Past blanks; false at the end."""
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position < len(self.text)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match


def parse(text: str) -> Query:
    """Reads a search. The empty text selects everything. Raises SearchError."""
    scanner, query = _Scanner(text), Query()
    pending = ""
    while scanner.skip():
        ordered = scanner.take(_SORT)
        if ordered:
            query.sort, query.descending = ordered[1].lower(), (ordered[2] or "asc").lower() == "desc"
            break
        if re.match(r"(sortby|page)(\s|$)", scanner.text[scanner.position :], re.IGNORECASE):
            break
        connective = scanner.take(_CONNECTIVE) if query.parts and not pending else None
        if connective:
            pending = connective[1].lower()
            continue
        condition = _condition(scanner)
        if pending == "and":
            query.parts[-1][-1].append(condition)
        elif pending == "or":
            query.parts[-1].append([condition])
        else:
            query.parts.append([[condition]])
        pending = ""
    if pending:
        raise SearchError(f"nothing after {pending!r}")
    if scanner.skip():
        page = scanner.take(_PAGE)
        if page is None or int(page[1]) < 1:
            raise SearchError(scanner.text[scanner.position :])
        query.page = int(page[1])
    return query


def _condition(scanner: _Scanner) -> Condition:
    start = scanner.take(_FIELD)
    if start is None:
        quoted = scanner.take(_QUOTED)
        word = quoted or scanner.take(_WORD)
        if word is None or (scanner.position < len(scanner.text) and not scanner.text[scanner.position].isspace()):
            raise SearchError(scanner.text)
        return Condition("", "=", word[1] if quoted else word[0])
    value = scanner.take(_QUOTED) or scanner.take(_BARE)
    if value is None or (scanner.position < len(scanner.text) and not scanner.text[scanner.position].isspace()):
        raise SearchError(f"no value for {start[1]}")
    return Condition(start[1].lower(), start[2], value[1])
