"""From the PostgreSQL that deployments send to SQLite's dialect, and SQLite's errors back into PostgreSQL's words.

What is translated: casts (`x::uuid`), the schema name `public.`, ILIKE, `~`, and `string_agg`. The rest is
common to both (UPDATE ... FROM, RETURNING, ||, COALESCE, true/false).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<cast>::\s*(?:time(?:stamp)?\s+with(?:out)?\s+time\s+zone|double\s+precision|character\s+varying|[a-z_][a-z0-9_]*)"
    r"(?:\(\s*\d+(?:\s*,\s*\d+)?\s*\))?(?:\[\])?)"
    r"|(?P<schema>\bpublic\.)|(?P<word>\b[a-z_][a-z0-9_]*\b)|(?P<regexp>!?~\*?)|(?P<end>;)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = {"ilike": "MATCH", "string_agg": "group_concat"}


def split(script: str) -> list[str]:
    """The statements of a script, without semicolons, empty ones left out."""
    statements, current = [], ""
    for token in _TOKEN.finditer(script):
        if token.lastgroup == "end":
            statements.append(current)
            current = ""
        elif token.lastgroup != "comment":
            current += token.group()
    return [statement.strip() for statement in [*statements, current] if statement.strip()]


def to_sqlite(statement: str) -> str:
    """One statement in SQLite's dialect."""
    parts = []
    for token in _TOKEN.finditer(statement):
        kind, text = token.lastgroup, token.group()
        if kind in ("cast", "schema"):
            continue
        if kind == "regexp":
            parts.append(f" {'NOT ' if text[0] == '!' else ''}REGEXP ")
        elif kind == "word":
            parts.append(_WORDS.get(text.lower(), text))
        else:
            parts.append(text)
    return "".join(parts)


def error(message: str, statement: str) -> str:
    """PostgreSQL's text for an SQLite error in `statement`, with the line and the caret where it can be told."""
    for pattern, form in _ERRORS:
        match = pattern.match(message)
        if match:
            name = match[1].rpartition(".")[2] if match.groups() else ""
            return f"ERROR:  {form.format(name)}" + _pointer(statement, name)
    return f"ERROR:  {message}"


_ERRORS = (
    (re.compile(r"no such column: (\S+)"), 'column "{}" does not exist'),
    (re.compile(r"table \S+ has no column named (\S+)"), 'column "{}" does not exist'),
    (re.compile(r"no such table: (\S+)"), 'relation "{}" does not exist'),
    (re.compile(r"no such function: (\S+)"), "function {}(unknown) does not exist"),
    (re.compile(r'near "(.+)": syntax error'), 'syntax error at or near "{}"'),
    (re.compile(r"incomplete input"), "syntax error at end of input"),
    (re.compile(r"cannot modify (\S+) because it is a view"), 'cannot update view "{}"'),
)


def _pointer(statement: str, name: str) -> str:
    lines = statement.splitlines() or [""]
    if not name:
        return f"\nLINE {len(lines)}: {lines[-1]}\n{' ' * (len(f'LINE {len(lines)}: ') + len(lines[-1]))}^"
    for number, line in enumerate(lines, start=1):
        place = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line, re.IGNORECASE)
        if place:
            prefix = f"LINE {number}: "
            return f"\n{prefix}{line}\n{' ' * (len(prefix) + place.start())}^"
    return ""
