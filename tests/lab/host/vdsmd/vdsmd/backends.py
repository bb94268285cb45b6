# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives a host its back ends: storage, machines, network, facts and ha, each "model" or "real" by its configuration."""

from __future__ import annotations

from .facts import Facts
from .ha import HostedEngineState, RealHostedEngine
from .host import Host
from .net.backend import Network
from .virt.backend import Machines


def attach(host: Host) -> None:
    """Set facts, network, machines and hosted engine. Real ones import what only a lab host has."""
    chosen = host.config.get("backends", {})
    if chosen.get("facts") == "real":
        from .system import SystemFacts

        host.facts = SystemFacts(host)
    else:
        host.facts = Facts(host)
    if chosen.get("network") == "real":
        from .net.linux import LinuxNetwork

        host.network = LinuxNetwork(host)
    else:
        host.network = Network(host)
    host.ha = RealHostedEngine(host) if chosen.get("ha") == "real" else HostedEngineState(host)
    host.connect_storage(chosen.get("storage", "model"))
    if chosen.get("machines") == "real":
        from .virt.libvirt_machines import LibvirtMachines

        host.machines = LibvirtMachines(host)
    else:
        host.machines = Machines(host)
