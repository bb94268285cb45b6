# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The register of verbs: name on the wire to the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Verb(NamedTuple):
    """What a name stands for. `unlocked` verbs take the host's lock themselves, because they wait for the world."""

    function: Callable[..., Any]
    unlocked: bool


VERBS: dict[str, Verb] = {}


def verb(*names: str, unlocked: bool = False) -> Callable[[Function], Function]:
    """Register a function `(host, **params)` as the implementation of one or several verbs."""

    def register(function: Function) -> Function:
        for name in names:
            VERBS[name] = Verb(function, unlocked)
        return function

    return register


def truth(value: Any) -> bool:
    """The engine sends some booleans as text."""
    return str(value).lower() in ("true", "yes", "1")
