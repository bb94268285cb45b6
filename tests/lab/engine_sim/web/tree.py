# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of the API: from path segments to a collection, an object or an action."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import model
from ..errors import HtmlAnswer

if TYPE_CHECKING:
    from ..resources.base import Sub

#: Methods of a collection and of an object, and the verb that allows each.
COLLECTION = {"GET": "list", "POST": "add"}
ENTITY = {"GET": "get", "PUT": "update", "DELETE": "remove"}


@dataclass
class Node:
    """What an address means. `kind`: root, collection, entity, action, collection-action; `above`: the collection of
    the object that this one lies below."""

    kind: str
    sub: Sub | None = None
    parents: list[str] = field(default_factory=list)
    key: str = ""
    action: str = ""
    parts: list[str] = field(default_factory=list)
    above: Sub | None = None

    def carried_out(self, verb: str) -> bool:
        """Whether the declarations have this HTTP method; the API may have it all the same."""
        assert self.sub is not None
        return (COLLECTION if self.kind == "collection" else ENTITY)[verb] in self.sub.methods.split()

    def allowed(self) -> list[str]:
        """HTTP methods, in the order in which the engine lists them."""
        if self.kind == "root":
            return ["HEAD", "GET", "OPTIONS"]
        if self.kind in ("action", "collection-action"):
            return ["POST", "OPTIONS"]
        assert self.sub is not None
        verbs = {*self.sub.methods.split(), *model.methods(self.parts)}
        if self.kind == "collection":
            found = ["HEAD"] + (["POST"] if "add" in verbs else []) + ["GET", "OPTIONS"]
        else:
            found = (
                ["HEAD"]
                + (["DELETE"] if "remove" in verbs else [])
                + ["GET", "OPTIONS"]
                + (["PUT"] if "update" in verbs else [])
            )
        return found


def unknown(base: str, parts: list[str]) -> HtmlAnswer:
    return HtmlAnswer(
        404, f"RESTEASY003210: Could not find resource for full path: {base}/ovirt-engine/api/v4/{'/'.join(parts)}"
    )


def resolve(parts: list[str], base: str) -> Node:
    """The node of a path. Objects need not exist; collections and actions must be declared, else 404 in HTML."""
    from ..resources.root import ROOT

    if not parts:
        return Node("root")
    collections, parents = ROOT, list[str]()
    above: Sub | None = None
    rest = list(parts)
    while True:
        sub = collections.get(rest[0])
        if sub is None:
            raise unknown(base, parts)
        rest = rest[1:]
        if not rest:
            if sub.methods == "get":
                raise unknown(base, parts)
            return Node("collection", sub, parents, parts=parts, above=above)
        key, rest = rest[0], rest[1:]
        if not rest and key in sub.actions:
            return Node("collection-action", sub, parents, action=key, parts=parts)
        if not rest:
            return Node("entity", sub, parents, key, parts=parts)
        if len(rest) == 1 and rest[0] in sub.resource.actions:
            return Node("action", sub, parents, key, rest[0], parts)
        parents = [*parents, key]
        collections, above = sub.resource.subs, sub
