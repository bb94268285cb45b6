# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The `follow` parameter: referenced objects and linked collections are put into the document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..doc import Doc
from ..errors import ApiError, HtmlAnswer, NotFound
from ..resources.types import API
from . import tree

if TYPE_CHECKING:
    from ..call import Call


def follow(call: Call, doc: Doc, paths: str) -> None:
    """Walks every `a.b` of a comma-separated list, depth first."""
    for path in paths.split(","):
        steps = [step.strip() for step in path.split(".") if step.strip()]
        if steps:
            _walk(call, doc, steps)


def _walk(call: Call, doc: Any, steps: list[str]) -> None:
    if isinstance(doc, list):
        for item in doc:
            _walk(call, item, steps)
        return
    if not isinstance(doc, dict) or not steps:
        return
    name, rest = steps[0], steps[1:]
    member = doc.get(name)
    if isinstance(member, dict) and "@href" in member:
        doc[name] = member = _fetch(call, member["@href"]) or member
        _walk(call, member, rest)
    elif isinstance(member, dict):
        for key, items in member.items():
            if isinstance(items, list):
                member[key] = [
                    (_fetch(call, item["@href"]) or item) if isinstance(item, dict) and "@href" in item else item
                    for item in items
                ]
                _walk(call, member[key], rest)
    else:
        rel = name.replace("_", "")
        href = next((link["@href"] for link in doc.get("link", []) if link["@rel"] == rel), None)
        if href is None:
            return
        found = _fetch(call, href)
        if found is not None:
            doc[name] = found
            for items in found.values():
                _walk(call, items, rest)


def _fetch(call: Call, href: str) -> Doc | None:
    """What GET on the address would return; nothing when it would fail. `follow` and `max` do not hold below."""
    from .api import entity, listing

    if not href.startswith(API + "/"):
        return None
    query = {name: value for name, value in call.query.items() if name not in ("follow", "max", "search", "from")}
    try:
        node = tree.resolve(href.removeprefix(API + "/").partition("?")[0].split("/"), call.base)
        inner = replace(call, parents=node.parents, query=query)
        assert node.sub is not None
        if node.kind == "collection":
            return listing(inner, node.sub).doc
        row = node.sub.row(inner, node.parents[-1] if node.parents else None, node.key)
        return entity(inner, node.sub, row, nested=False) if row is not None else None
    except (ApiError, HtmlAnswer, NotFound):
        return None
