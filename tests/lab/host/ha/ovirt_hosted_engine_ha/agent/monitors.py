# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which monitors the agent asks of the broker, and how it reads their results (host contract 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..env import config_constants as const
from ..env.config import Config
from ..lib import engine, util


def float_or_none(text: str) -> float | None:
    """Read a number that a monitor may not have yet."""
    return None if text == "None" else float(text)


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "float": float,
    "bool": util.to_bool,
    "float_or_none": float_or_none,
    "engine_status": engine.parse,
}


@dataclass(frozen=True)
class MonitorSpec:
    """A monitor: its field in the agent's data, the type of its result, and what the broker needs."""

    field: str
    monitor: str
    converter: str
    options: dict[str, str | None]


def required_monitors(config: Config) -> list[MonitorSpec]:
    """Return the monitors of a configured host; missing keys come as None, and the broker decides."""
    vdsm: dict[str, str | None] = {"address": "0", "use_ssl": config.get(const.VDSM_SSL)}
    of_vm = {**vdsm, "vm_uuid": config.get(const.HEVMID)}
    return [
        MonitorSpec(
            "network",
            "network",
            "float",
            {
                "addr": config.get(const.GATEWAY),
                "network_test": config.get(const.NETWORK_TEST),
                "tcp_t_address": config.get(const.TCP_T_ADDRESS),
                "tcp_t_port": config.get(const.TCP_T_PORT),
            },
        ),
        MonitorSpec("bridge", "mgmt-bridge", "bool", {**vdsm, "bridge_name": config.get(const.BRIDGE)}),
        MonitorSpec("mem-free", "mem-free", "float_or_none", dict(vdsm)),
        MonitorSpec("cpu-load", "cpu-load-no-engine", "float_or_none", dict(of_vm)),
        MonitorSpec("engine-health", "engine-health", "engine_status", dict(of_vm)),
        MonitorSpec("storage-domain", "storage-domain", "bool", {"sd_uuid": config.get(const.SD_UUID)}),
    ]
