# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API as such: members of its types and their kinds; services with their methods, actions, sub-services."""

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


@lru_cache(maxsize=1)
def _services() -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("services.json").read_text())
    return data


def _service(parts: list[str]) -> str:
    """The service at an address, as the engine finds it: what is neither action nor sub-service is an id."""
    name = "system"
    for part in parts:
        known = _services()[name]
        if part in known["services"]:
            name = known["services"][part]
        elif part not in known["actions"] and "member" in known:
            name = known["member"]
    return name


def methods(parts: list[str]) -> list[str]:
    """What the API has at an address: some of `list get add update remove`."""
    found: list[str] = _services()[_service(parts)]["methods"]
    return found


def documented(parts: list[str], verb: str) -> str:
    """Where the documentation tells of a method: `data_centers/methods/add`, `host/methods/commit_net_config`."""
    name = _service(parts)
    action = _services()[name]["actions"].get(parts[-1]) if parts else None
    return f"{name}/methods/{action or {'POST': 'add', 'PUT': 'update', 'DELETE': 'remove'}.get(verb, 'get')}"
