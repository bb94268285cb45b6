# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CPU types and emulated machines as the engine's options list them (engine contract 7.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import problems
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError


@dataclass(frozen=True)
class CpuType:
    """One CPU type: its level, its name in the engine, its flags, libvirt's word for it, and its architecture."""

    level: int
    name: str
    flags: tuple[str, ...]
    verb: str
    architecture: str


def parse_cpu_list(text: str) -> list[CpuType]:
    """Return the CPU types in the value of option C(ServerCPUList).

    Entries are separated by semicolons, fields by colons; the verb may hold commas (C(Nehalem,+spec-ctrl,+ssbd)).
    """
    types = []
    for entry in text.split(";"):
        fields = entry.strip().split(":")
        if len(fields) == 5 and fields[0].isdigit():
            level, name, flags, verb, architecture = fields
            types.append(CpuType(int(level), name, tuple(flags.split(",")), verb, architecture))
    return types


def parse_machines(text: str) -> list[str]:
    """Return the machine types in the value of option C(ClusterEmulatedMachines): the text of a Java list."""
    return [word.strip() for word in text.strip().strip("[]").split(",") if word.strip()]


def verb_of(types: list[CpuType], name: str, architecture: str = "x86_64") -> str:
    """Return libvirt's word for a CPU type, or an empty text; names are unique for each architecture only."""
    return next((cpu.verb for cpu in types if (cpu.name, cpu.architecture) == (name, architecture)), "")


def machine_of(machines: list[str], architecture: str = "x86_64") -> str:
    """Return the machine type that the engine gives to VMs of an architecture, or an empty text."""
    beginning = {"x86_64": "pc-q35", "ppc64": "pseries", "s390x": "s390"}.get(architecture, "pc-q35")
    return next((machine for machine in machines if machine.startswith(beginning)), "")


def read_option(session: Session, name: str, version: str) -> str:
    """Return the value of one of the engine's options for a cluster version, or an empty text.

    An option that is not exposed to clients, or unknown for this version, is 404 (measured 6).
    """
    try:
        with session.step(f"read the engine's option {name}"):
            option: Any = session.system.options_service().option_service(name).get(version=version)
    except HostedEngineError as error:
        if error.problem is problems.NOT_FOUND:
            return ""
        raise
    found: Optional[Any] = next((value for value in option.values or [] if value.version in (version, None)), None)
    return (found.value or "") if found else ""
