# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state file: what the lab made on this machine, written before it is made."""

import json
import os
from pathlib import Path
from typing import Any

from driver.errors import LabError

Resource = dict[str, Any]


def write_json(path: Path, value: object) -> None:
    """Replace ``path`` as a whole, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


class State:
    """Resources in the order of their making.

    Each is a dict with ``kind`` (``bridge``, ``mount``, ``process``, ``hosts_block``, ``registry``) and what is needed
    to undo it. ``intend`` comes before the action, ``settle`` adds what is known only after it (a process number).
    """

    def __init__(self, path: Path, facts: dict[str, Any] | None = None) -> None:
        self.path = path
        self.facts: dict[str, Any] = dict(facts or {})
        self.resources: list[Resource] = []

    @classmethod
    def load(cls, path: Path) -> "State | None":
        """The state as last written; None if the lab never was up."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            stored = json.loads(text)
            state = cls(path, stored["facts"])
            state.resources = list(stored["resources"])
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(f"state file {path} cannot be read: {error!r}") from error
        return state

    def save(self) -> None:
        write_json(self.path, {"facts": self.facts, "resources": self.resources})

    def intend(self, kind: str, **facts: Any) -> Resource:
        """Note a resource before it is made."""
        resource: Resource = {"kind": kind, **facts}
        self.resources.append(resource)
        self.save()
        return resource

    def settle(self, resource: Resource, **facts: Any) -> None:
        """Add to a noted resource what was learned by making it."""
        resource.update(facts)
        self.save()

    def forget(self, resource: Resource) -> None:
        """The resource is gone."""
        self.resources = [other for other in self.resources if other is not resource]
        self.save()

    def of_kind(self, kind: str, **facts: Any) -> list[Resource]:
        """Resources of one kind that have all the given facts."""
        return [
            resource
            for resource in self.resources
            if resource["kind"] == kind and all(resource.get(key) == value for key, value in facts.items())
        ]
