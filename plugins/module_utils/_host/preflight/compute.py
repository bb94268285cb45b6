# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machine must offer: virtualization, a CPU that a cluster takes, memory, CPUs, room on its disks."""

from __future__ import annotations

import os
import re

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import cpu_types
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_GIB = 1 << 30
_SMALLEST_MEMORY = 4 * _GIB
# The overlay of the bootstrap VM grows by what engine-setup writes.
BOOTSTRAP_SPACE = 5 * _GIB
_LOG_SPACE = 1 * _GIB


def _has_kvm(context: Context) -> bool:
    return context.settings.virt_type == "kvm"


@check("host.architecture", block=("host.architecture",))
def architecture(_context: Context) -> Result:
    """The engine deploys hosted engine hosts on x86_64 only."""
    found = os.uname().machine
    if found != "x86_64":
        yield Finding("host.architecture", "x86_64", found, "Take another machine.")


@check("host.virtualization", block=("host.virtualization", "host.kvm"), when=_has_kvm)
def virtualization(context: Context) -> Result:
    """The CPU offers virtualization and KVM's device is there."""
    found = context.host["virtualization"]
    if not found["cpu"]:
        resolution = "Enable virtualization in the firmware; in a VM, enable nested virtualization."
        yield Finding("host.virtualization", "vmx or svm among the CPU's flags", "neither", resolution)
    elif not found["kvm"]:
        resolution = "Load the module kvm_intel or kvm_amd; the firmware may have locked virtualization."
        yield Finding("host.kvm", "/dev/kvm", "no such device", resolution)
    else:
        yield f"{found['cpu']} and /dev/kvm"


@check("host.cpu_model", block=(".unknown", ".too_old", ".not_offered"), warn=(".unread",), info=(".emulated",))
def cpu_model(context: Context) -> Result:
    """The CPU is one that the engine knows, and has all that the wanted cluster type asks for."""
    cpuinfo = textfile.read("/proc/cpuinfo")
    name, wanted = cpu_types.model_name(cpuinfo), context.settings.cpu_type
    known = {one.name: one for one in cpu_types.TYPES}
    source = "he_cluster_cpu_type"
    if wanted and wanted not in known:
        resolution = f"Choose one of: {', '.join(known)}."
        yield Finding("host.cpu_model.unknown", "a CPU type that the engine knows", wanted, resolution, source)
        return
    if context.settings.virt_type != "kvm":
        yield Finding("host.cpu_model.emulated", "KVM", f"{name}, emulation", "CPU types are not judged without KVM.")
        return
    flags = cpu_types.flags(cpuinfo)
    try:
        usable = cpu_types.usable_models()
    except HostedEngineError as error:
        resolution = "Make libvirt answer; the engine judges the CPU when it adds the host."
        yield Finding("host.cpu_model.unread", "libvirt to tell the CPU models", error.observed, resolution)
        return
    offered = [one.name for one in cpu_types.offered(flags, usable)]
    if not offered:
        resolution = "Take a newer CPU, or update microcode and firmware: the engine would refuse the host."
        yield Finding("host.cpu_model.too_old", "a CPU that the engine knows", name, resolution)
    elif wanted and wanted not in offered:
        missing = ", ".join(cpu_types.lacking(known[wanted], flags, usable))
        resolution = f"Set he_cluster_cpu_type to {offered[-1]}, or update microcode and firmware."
        yield Finding("host.cpu_model.not_offered", wanted, f"{name} lacks {missing}", resolution, source)
    else:
        yield f"{name}, best type {offered[-1]}"


@check("host.memory", block=("host.memory", ".floor"), warn=(".available", "vm.memory.small", ".hugepages"))
def memory(context: Context) -> Result:
    """The engine VM's memory is there, beside what runs."""
    wanted, found = context.settings.memory, context.host["memory"]
    told = f"{found['available'] / _GIB:.1f} GiB available of {found['total'] / _GIB:.1f} GiB"
    floor = context.settings.minimal_memory
    lower = "Lower he_mem_size_MB, or free memory of the host."
    yield from _hugepages()
    if not wanted:
        yield told
        return
    expected = f"{wanted / _GIB:.1f} GiB for the engine VM"
    if floor and wanted < floor:
        yield Finding(
            "host.memory.floor", f"at least {floor / _GIB:.1f} GiB for the engine VM", told, lower, "he_mem_size_MB"
        )
    elif wanted > found["total"]:
        yield Finding("host.memory", expected, told, lower, "he_mem_size_MB")
    elif wanted > found["available"] and not context.begun("bootstrap_local_vm"):
        yield Finding("host.memory.available", expected, told, lower, "he_mem_size_MB")
    else:
        yield told
    if wanted < _SMALLEST_MEMORY and context.settings.virt_type == "kvm":
        resolution = "Raise he_mem_size_MB; 16384 is usual."
        yield Finding("vm.memory.small", "at least 4 GiB", f"{wanted / _GIB:.1f} GiB", resolution, "he_mem_size_MB")


def _hugepages() -> Result:
    """Memory that is set aside for huge pages is not available to the engine VM, which uses none."""
    found = dict(re.findall(r"^(\w+):\s+(\d+)", textfile.read("/proc/meminfo"), re.MULTILINE))
    reserved = int(found.get("HugePages_Total", 0)) * int(found.get("Hugepagesize", 0)) * 1024
    if reserved > int(found["MemTotal"]) * 1024 // 2:
        seen = f"{reserved / _GIB:.1f} GiB are set aside for huge pages"
        yield Finding("host.memory.hugepages", "less than half of the memory", seen, "Lower vm.nr_hugepages.")


@check("host.cpus", block=("host.cpus",), warn=("vm.cpus.few",))
def cpus(context: Context) -> Result:
    """The engine VM has no more CPUs than the host."""
    wanted, found = context.settings.vcpus, context.host["cpus"]
    if wanted > found:
        yield Finding("host.cpus", f"{wanted} CPUs", f"{found} CPUs", "Lower he_vcpus.", "he_vcpus")
    else:
        yield f"{found} CPUs"
    if 0 < wanted < 2:
        yield Finding("vm.cpus.few", "at least 2 CPUs", f"{wanted}", "Raise he_vcpus; 4 are usual.", "he_vcpus")


@check("host.space", block=("host.space", ".read_only"), warn=(".logs",))
def space(context: Context) -> Result:
    """There is room where the bootstrap VM's disk and the logs grow."""
    folder = _existing(context.settings.dir_parent)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    move = "Free room there, or name another folder with he_local_vm_dir_path."
    seen = f"{free / _GIB:.1f} GiB"
    if found.f_flag & os.ST_RDONLY:
        yield Finding("host.space.read_only", f"{folder} to be writable", "read-only", move, "he_local_vm_dir_path")
    elif free < BOOTSTRAP_SPACE:
        expected = f"{BOOTSTRAP_SPACE / _GIB:.1f} GiB free in {context.settings.dir_parent}"
        yield Finding("host.space", expected, seen, move, "he_local_vm_dir_path")
    else:
        yield f"{seen} free in {context.settings.dir_parent}"
    logs = os.statvfs("/var/log")
    if logs.f_bavail * logs.f_frsize < _LOG_SPACE:
        seen = f"{logs.f_bavail * logs.f_frsize / _GIB:.1f} GiB"
        yield Finding("host.space.logs", f"{_LOG_SPACE / _GIB:.0f} GiB free in /var/log", seen, "Free room there.")


def _existing(folder: str) -> str:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
