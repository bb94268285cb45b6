# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs of networks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


def as_map(value: Any) -> dict[str, Any]:
    """A mapping, which vdsm-client hands over as text when it is typed on the command line."""
    return json.loads(value) if isinstance(value, str) else dict(value or {})


@verb("Host.getNetworkCapabilities")
def get_network_capabilities(host: Host) -> dict[str, Any]:
    return host.network.capabilities()


@verb("Host.setupNetworks", unlocked=True)
def setup_networks(host: Host, networks: Any, bondings: Any, options: Any) -> dict[str, Any]:
    host.network.setup(as_map(networks), as_map(bondings), as_map(options))
    return {"code": 0, "message": "Done"}


@verb("Host.setSafeNetworkConfig", unlocked=True)
def set_safe_network_config(host: Host) -> None:
    host.network.persist()


@verb("Host.getNetworkStatistics")
def get_network_statistics(host: Host) -> dict[str, Any]:
    return host.network.statistics()


@verb("Host.getLldp")
def get_lldp(host: Host, filter: Any = None) -> dict[str, Any]:
    return {name: {"enabled": True, "tlvs": []} for name in (filter or {}).get("devices", [])}
