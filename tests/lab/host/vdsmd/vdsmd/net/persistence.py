# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks that survive a reboot, in VDSM's own place: one JSON file per network (and bond)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import kernel, plan

log = logging.getLogger("vdsmd")

DIRECTORY = Path("/var/lib/vdsm/persistence/netconf")


def load(directory: Path = DIRECTORY) -> dict[str, dict[str, Any]]:
    """Networks by name."""
    folder = directory / "nets"
    if not folder.is_dir():
        return {}
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.iterdir())}


def save(networks: dict[str, dict[str, Any]], directory: Path = DIRECTORY) -> None:
    """Write these and no others."""
    folder = directory / "nets"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.name not in networks:
            file.unlink()
    for name, attrs in networks.items():
        draft = directory / f".{name}.new"
        draft.write_text(json.dumps(attrs, indent=4, sort_keys=True), encoding="utf-8")
        draft.replace(folder / name)


def restore(directory: Path = DIRECTORY) -> None:
    """Make every persisted network again. Raises IpError."""
    for name, attrs in load(directory).items():
        kernel.batch(plan.apply(name, attrs, kernel.links(), kernel.rules()))
        log.info("network %s restored", name)


def clear(excluded: Iterable[str], directory: Path = DIRECTORY) -> None:
    """Take all networks away but the excluded ones; cards get their addresses back. Raises IpError."""
    networks = load(directory)
    for name in set(networks) - set(excluded):
        kernel.batch(plan.remove(name, networks[name], kernel.links(), kernel.rules(), give_back=True))
        del networks[name]
        save(networks, directory)
