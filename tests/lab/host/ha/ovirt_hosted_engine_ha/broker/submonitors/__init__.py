# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of monitors by the names under which the agent asks for them (host contract 7)."""

from ..monitor import Factory
from .cpu_load_no_engine import CpuLoadNoEngineMonitor
from .engine_health import EngineHealthMonitor
from .host_stats import CpuLoadMonitor, MemFreeMonitor, MgmtBridgeMonitor, StorageDomainMonitor
from .network import NetworkMonitor

FACTORIES: dict[str, Factory] = {
    "network": NetworkMonitor,
    "mgmt-bridge": MgmtBridgeMonitor,
    "mem-free": MemFreeMonitor,
    "cpu-load": CpuLoadMonitor,
    "cpu-load-no-engine": CpuLoadNoEngineMonitor,
    "engine-health": EngineHealthMonitor,
    "storage-domain": StorageDomainMonitor,
}
