# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What vdsm, the command line and other clients ask the HA services (host contract 5)."""

import logging
from typing import Any

from ..env import config_constants as const
from ..env.config import Config
from ..lib import metadata, util
from ..lib.brokerlink import BrokerLink
from ..lib.exceptions import MalformedMetadataError

_log = logging.getLogger(__name__)


class HAClient:
    """Client of the broker of this host."""

    class GlobalMdFlags:
        """Flags of slot 0."""

        MAINTENANCE = "maintenance"

    class StatModes:
        """What ``get_all_stats`` returns."""

        ALL = "ALL"
        HOST = "HOST"
        GLOBAL = "GLOBAL"

    class MaintenanceMode:
        """Kinds of maintenance (host contract 5.1)."""

        LOCAL = "LOCAL"
        GLOBAL = "GLOBAL"
        LOCAL_MANUAL = "LOCAL_MANUAL"

    def __init__(self, log: bool = False, broker: BrokerLink | None = None, config: Config | None = None) -> None:
        self._config = config or Config()
        self._broker = broker or BrokerLink()
        if log:
            logging.basicConfig(level=logging.INFO)

    def get_local_host_id(self) -> int | None:
        """Return the host id of this host, None if the host is not configured."""
        return self._config.host_id() if self._config.is_configured() else None

    @staticmethod
    def parse_stats(slots: dict[int, str], mode: str = StatModes.ALL) -> dict[int, dict[str, Any]]:
        """Read raw slots; damaged ones are logged and left out, slot 0 is key 0.

        Raises FatalMetadataError and ValueError: one such slot ends every caller (known fault, host contract 3.2).
        """
        stats: dict[int, dict[str, Any]] = {}
        for host_id in sorted(slots):
            try:
                if host_id == 0 and mode != HAClient.StatModes.HOST:
                    stats[0] = dict(metadata.parse_global_metadata_to_dict(_log, slots[0]))
                elif host_id != 0 and mode != HAClient.StatModes.GLOBAL:
                    stats[host_id] = metadata.parse_metadata_to_dict(host_id, slots[host_id])
            except MalformedMetadataError as exc:
                _log.error("%s", exc)
        return stats

    def get_all_stats(self, mode: str = StatModes.ALL) -> dict[int, dict[str, Any]]:
        """Return what all slots say by host id, with ``live-data`` added to the hosts, and the global flags under 0.

        Raises BrokerConnectionError, RequestError, and as parse_stats.
        """
        stats = self.parse_stats(self._broker.get_stats(), mode)
        for host_id, values in stats.items():
            if host_id != 0:
                values["live-data"] = self._broker.is_host_alive(host_id)
        return stats

    def get_all_host_stats(self) -> dict[int, dict[str, Any]]:
        """Return the hosts only."""
        return self.get_all_stats(self.StatModes.HOST)

    def get_local_host_score(self) -> int:
        """Return the score of this host, 0 if it has none or its data is stale."""
        host_id = self.get_local_host_id()
        values = self.get_all_host_stats().get(host_id or 0)
        return int(values["score"]) if values and values["live-data"] else 0

    def set_global_md_flag(self, flag: str, value: object) -> None:
        """Write slot 0; raises ValueError for a flag that does not exist."""
        if flag not in metadata.GLOBAL_FLAGS:
            raise ValueError(f"Unknown metadata flag: {flag}")
        self._broker.put_stats(0, metadata.global_slot(util.to_bool(value)))

    def set_maintenance_mode(self, mode: str, value: object) -> None:
        """Set one kind of maintenance; raises ValueError for another kind."""
        flag = util.to_bool(value)
        if mode == self.MaintenanceMode.LOCAL:
            self._config.set_ha_value(const.LOCAL_MAINTENANCE, str(flag))
        elif mode == self.MaintenanceMode.LOCAL_MANUAL:
            self._config.set_ha_value(const.LOCAL_MAINTENANCE_MANUAL, str(flag))
        elif mode == self.MaintenanceMode.GLOBAL:
            self.set_global_md_flag(self.GlobalMdFlags.MAINTENANCE, flag)
        else:
            raise ValueError(f"Unknown maintenance mode: {mode}")

    def reset_lockspace(self, force: bool = False) -> None:
        """Have the broker write an empty lockspace.

        Without ``force`` raises RuntimeError unless global maintenance is on and every agent stopped. Both checks have
        the holes of the original: without a slot 0 the first is skipped, and slots that cannot be read count as none
        (host contract 4). Nothing is done on a host that is not configured.
        """
        if not self._config.is_configured():
            return
        if not force:
            self._check_reset_is_safe()
        self._broker.reset_lockspace()

    def _check_reset_is_safe(self) -> None:
        try:
            stats = self.get_all_stats()
        except Exception as exc:
            _log.error("Metadata cannot be read, safety checks are skipped: %s", exc)
            stats = {}
        if 0 in stats and not stats[0].get(self.GlobalMdFlags.MAINTENANCE, False):
            raise RuntimeError("Lockspace reset requires global maintenance")
        running = [host_id for host_id, values in stats.items() if host_id and not values.get("stopped")]
        if running:
            raise RuntimeError(f"Lockspace reset requires all agents stopped; running on hosts {running}")
