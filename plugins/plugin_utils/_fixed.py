# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings a deployment has been made with already: a change of them would not be carried out any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._settings import (
    GIB,
    MIB,
    VARIABLES,
    Settings,
    made_with,
)

# What is fixed once the journal remembers a thing, by the thing's key in its state; all of an area without names.
FIXED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "local_vm": {
        "engine": ("fqdn",),
        "vm": ("name", "mac", "firmware", "time_zone"),
        "bootstrap": ("folder",),
        "appliance": ("path", "package", "checksum"),
        "access": (),
    },
    "engine": {"engine": ("keycloak",)},
    "engine_host": {"host": ("name", "address", "interface"), "cluster": ()},
    "storage": {"storage": ()},
    "target_vm": {"vm": ("memory", "vcpus", "disk_size")},
    "ha_service": {"network": (), "mail": (), "vm": ("console", "emulated_machine")},
}

# Sizes in bytes, as the variables are written.
_UNITS = {"memory": (MIB, "MiB"), "disk_size": (GIB, "GiB")}


def changed(settings: Settings, journal: dict[str, Any] | None, finished: bool = False) -> list[Finding]:
    """Return a finding for each setting that is not what the deployment on the host has been made with.

    Args:
        settings: complete settings of this run.
        journal: what was noted on the host; None without a journal.
        finished: the deployment has come to its end; a difference is told and ends nothing.
    """
    before = made_with(journal)
    return [
        Finding(
            "settings.fixed",
            VARIABLES[area][key],
            f"{_shown(key, before[area][key])}, with which the deployment on this host was begun",
            _shown(key, settings[area][key]),
            "It is not changed."
            if finished
            else "Set it back, or undo the deployment with cleanup.yml and begin anew.",
            "warn" if finished else "block",
        )
        for area, key in _fixed(journal)
        if key in before.get(area, {}) and before[area][key] != settings[area][key]
    ]


def _fixed(journal: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    state = (journal or {}).get("state", {})
    for thing, areas in FIXED.items():
        if thing in state:
            for area, keys in areas.items():
                yield from ((area, key) for key in keys or VARIABLES[area])


def _shown(key: str, value: Any) -> str:
    if key in _UNITS and value:
        unit, name = _UNITS[key]
        return f"{value // unit} {name}"
    return "nothing" if value in (None, "", []) else repr(value)
