# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of the API: which members a document may have, and of what kind each is."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def _api() -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("api.json").read_text())
    # Members that the engine takes and the SDK does not know as such.
    data["types"]["action"]["description"] = "string"
    return data


def members(tag: str) -> dict[str, str] | None:
    """Members of the type with this root element: name to `string`, `enum:NAME`, `type:TAG`, `list:...`."""
    return _api()["types"].get(tag)


def enum_values(name: str) -> list[str]:
    """Values of an enumerated type, in the order in which the engine lists them."""
    values: list[str] = _api()["enums"][name]
    return values
