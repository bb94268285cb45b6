# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosted engine as VDSM knows it: whether it is deployed, what the HA services say, maintenance as asked."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from .host import Host

log = logging.getLogger("vdsmd")

#: Score of a host with nothing against it (host contract 6.1).
FULL_SCORE = 3400
#: Files that a deployed host has (HA `Config.static_files_exist`).
CONFIGURATION = Path("/etc/ovirt-hosted-engine/hosted-engine.conf")
#: The HA services' own client library.
CLIENT = "ovirt_hosted_engine_ha.client.client"
_KEYS = ("configured", "active", "score", "globalMaintenance", "localMaintenance")


class HostedEngineState:
    """The model: flags that a test or the engine sets. With `hosted_engine_conf` that file decides `configured`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._conf: str | None = host.config.get("hosted_engine_conf")
        self.flags: dict[str, Any] = {
            "configured": False,
            "active": False,
            "score": 0,
            "globalMaintenance": False,
            "localMaintenance": False,
            **host.config.get("ha", {}),
            **host.saved.get("ha", {}),
        }

    def persistent(self) -> dict[str, Any]:
        """What survives a restart."""
        return dict(self.flags)

    @property
    def deployed(self) -> bool:
        """Whether this is a hosted-engine host."""
        return Path(self._conf).exists() if self._conf else bool(self.flags["configured"])

    def stats(self) -> dict[str, Any]:
        """haStats of Host.getStats."""
        flags = dict(self.flags, configured=self.deployed)
        if flags["configured"] and self._host.config.get("ha_auto", True):
            flags["active"] = True
            flags["score"] = 0 if flags["localMaintenance"] else int(self._host.config.get("ha_score", FULL_SCORE))
        return {key: flags[key] for key in _KEYS}

    def set_maintenance(self, mode: str, enabled: bool) -> None:
        """Global maintenance holds for all hosts, local for this one."""
        if mode == "global":
            for host in self._host.fabric.hosts:
                host.ha.flags["globalMaintenance"] = enabled
        else:
            self.flags["localMaintenance"] = enabled


class RealHostedEngine(HostedEngineState):
    """A host's: asks the HA broker through its own client library, as VDSM does (VDSM `host/api.py _getHaInfo`)."""

    @property
    def deployed(self) -> bool:
        """Whether the HA configuration is there."""
        return CONFIGURATION.exists()

    def stats(self) -> dict[str, Any]:
        """haStats; not active with score 0 while the broker does not answer."""
        told: dict[str, Any] = dict.fromkeys(_KEYS, False)
        told["score"] = 0
        if not self.deployed:
            return told
        told["configured"] = True
        try:
            client = importlib.import_module(CLIENT)
        except ImportError as problem:
            log.debug("HA client: %s", problem)
            return told
        try:
            instance = client.HAClient()
            told["score"] = int(instance.get_local_host_score())
            state = instance.get_all_stats(client.HAClient.StatModes.ALL)
            told["active"] = True
        except Exception as problem:  # the library raises many kinds; all mean "no answer"
            log.info("HA broker: %s: %s", type(problem).__name__, problem)
            return told
        told["globalMaintenance"] = bool(state.get(0, {}).get(client.HAClient.GlobalMdFlags.MAINTENANCE, False))
        host_id = instance.get_local_host_id()
        told["localMaintenance"] = bool(state.get(host_id, {}).get("maintenance", False))
        return told

    def set_maintenance(self, mode: str, enabled: bool) -> None:
        """Through the HA client. Raises VdsmError when it is absent or refuses."""
        try:
            client = importlib.import_module(CLIENT)
        except ImportError as problem:
            raise errors.error("GeneralException", f"hosted engine HA is not installed: {problem}") from problem
        try:
            instance = client.HAClient()
            if mode == "global":
                instance.set_global_md_flag(client.HAClient.GlobalMdFlags.MAINTENANCE, str(enabled))
            else:
                instance.set_maintenance_mode(client.HAClient.MaintenanceMode.LOCAL, enabled)
        except Exception as problem:
            raise errors.error("GeneralException", f"setting {mode} maintenance: {problem}") from problem
