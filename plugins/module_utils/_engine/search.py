# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write searches that the engine understands.

A search that the grammar does not understand is answered with an empty collection, never with a fault (measured on
ovirt-engine 4.5.8). Therefore values are always quoted, what cannot be quoted is refused here, and whoever searches
compares what was found with what was looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Optional

_FIELD = re.compile(r"^[A-Za-z_]+(\.[A-Za-z_]+)?$")


def equals(field: str, value: object) -> str:
    """Return the condition that a field has exactly this value.

    Raises:
        ValueError: when the value holds what the grammar cannot quote: quotes, wildcards or line breaks.
    """
    text = str(value)
    if not _FIELD.match(field):
        raise ValueError(f"{field!r} is not a field of a search")
    if not text or any(sign in text for sign in '"*\\\n\r'):
        raise ValueError(f"{text!r} cannot be searched for")
    return f'{field}="{text}"'


def number(field: str, value: int) -> str:
    """Return the condition that a numeric field has this value."""
    if not _FIELD.match(field):
        raise ValueError(f"{field!r} is not a field of a search")
    return f"{field}={int(value)}"


def both(*conditions: str) -> str:
    """Return the search for what meets all conditions."""
    return " and ".join(conditions)


def named(found: Optional[Iterable[Any]], name: str) -> Optional[Any]:
    """Return the object that really has this name; the engine's searches ignore case."""
    return next((entity for entity in found or () if entity.name == name), None)
