# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that change nothing: each is one function in the registry, all run at once, all findings are told together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

BLOCK, WARN, INFO = "block", "warn", "info"

_THREADS = 8


@dataclass(frozen=True)
class Settings:
    """The part of the settings that the checks judge; sizes are bytes, what is empty was not given."""

    fqdn: str = ""
    host_address: str = ""
    bridge_if: str = ""
    gateway: str = ""
    vm_address: str = ""
    vm_prefix: int = 0
    dns: Sequence[str] = field(default_factory=tuple)
    memory: int = 0
    vcpus: int = 0
    virt_type: str = "kvm"
    dir_parent: str = "/var/tmp"
    required_space: int = 5 << 30


@dataclass(frozen=True)
class Context:
    """What a check may look at: the settings, the host's facts (module host_info) and the journal."""

    settings: Settings
    host: Mapping[str, Any]
    journal: Optional[Mapping[str, Any]] = None
    deployment: str = "none"


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        id: stable dotted name.
        severity: C(block), C(warn) or C(info).
        expected: what should be.
        observed: what is.
        resolution: what to do.
        seconds: how long the check took; filled in by C(run_all).
    """

    id: str
    severity: str
    expected: str
    observed: str
    resolution: str
    seconds: float = 0.0


Check = Callable[[Context], Iterable[Finding]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Put a check into the registry, under the name of its area and subject.

    Raises:
        ValueError: if the name is taken.
    """

    def register(function: Check) -> Check:
        if name in CHECKS:
            raise ValueError(f"check {name} is registered twice")
        CHECKS[name] = function
        return function

    return register


def run_all(context: Context, names: Optional[Iterable[str]] = None) -> list[dict[str, Any]]:
    """Run checks side by side and return their findings in the order of the registry.

    Args:
        context: what they look at.
        names: which checks; all if not given.
    """
    chosen = [name for name in CHECKS if names is None or name in set(names)]
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        results = pool.map(lambda name: _timed(CHECKS[name], context), chosen)
        return [finding for findings in results for finding in findings]


def _timed(function: Check, context: Context) -> list[dict[str, Any]]:
    begun = time.monotonic()
    findings = list(function(context))
    seconds = round(time.monotonic() - begun, 3)
    return [{**asdict(finding), "seconds": seconds} for finding in findings]
