"""psql's two ways to print rows: aligned (default) and unaligned (-A)."""

from __future__ import annotations

import re
from collections.abc import Sequence

Row = Sequence[object]


def column_name(text: str) -> str:
    """How PostgreSQL names a result column that SQLite names by the expression's text."""
    if re.fullmatch(r'"?\w+"?', text):
        return text.strip('"').lower()
    function = re.match(r"(\w+)\s*\(", text)
    return function[1].lower() if function else "?column?"


def show(value: object) -> str:
    """One value; NULL is empty."""
    return "" if value is None else str(value)


def render(names: Sequence[str], rows: Sequence[Row], tuples_only: bool, unaligned: bool, separator: str = "|") -> str:
    """The whole answer to a SELECT, ending in a newline unless there is nothing to print."""
    cells = [[show(value) for value in row] for row in rows]
    footer = f"({len(rows)} row{'' if len(rows) == 1 else 's'})\n"
    if unaligned:
        lines = [] if tuples_only else [separator.join(names)]
        lines += [separator.join(row) for row in cells]
        return "".join(f"{line}\n" for line in lines) + ("" if tuples_only else footer)
    widths = [max([len(name), *(len(row[index]) for row in cells)]) for index, name in enumerate(names)]
    right = [_is_numeric(rows, index) for index in range(len(names))]
    text = ""
    if not tuples_only:
        text += "|".join(f" {_centred(name, width)} " for name, width in zip(names, widths, strict=True)) + "\n"
        text += "+".join("-" * (width + 2) for width in widths) + "\n"
    for row in cells:
        text += _aligned(row, widths, right) + "\n"
    return text + ("\n" if tuples_only else f"{footer}\n")


def _aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """Columns are padded, but a text in the last one is not."""
    parts = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        last = index == len(row) - 1
        parts.append(f" {cell.rjust(width)}" if right[index] else f" {cell}" if last else f" {cell.ljust(width)}")
    return " |".join(parts)


def _centred(name: str, width: int) -> str:
    left = (width - len(name)) // 2
    return " " * left + name + " " * (width - len(name) - left)


def _is_numeric(rows: Sequence[Row], index: int) -> bool:
    values = [row[index] for row in rows if row[index] is not None]
    return bool(values) and all(isinstance(value, int | float) for value in values)
