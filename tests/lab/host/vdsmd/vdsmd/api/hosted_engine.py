# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of hosted engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..verbs import truth, verb

if TYPE_CHECKING:
    from ..host import Host


@verb("Host.setHaMaintenanceMode", unlocked=True)
def set_ha_maintenance_mode(host: Host, mode: str, enabled: Any) -> dict[str, Any]:
    chosen = mode.lower()
    if chosen not in ("global", "local"):
        raise errors.error("GeneralException", f"unknown HA mode {mode}")
    host.ha.set_maintenance(chosen, truth(enabled))
    return {"code": 0, "message": "Done"}
