# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the machine itself: what runs on it already, its resources, its software, its clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import (
    FINISHED,
    FOREIGN,
    IN_PROGRESS,
    Deployment,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    BLOCK,
    INFO,
    WARN,
    Context,
    Finding,
    check,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.seed import WRITERS
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

_GIB = 1 << 30
_SMALLEST_MEMORY = 4 * _GIB
_TOOLS = ("ip", "qemu-img", "ssh", "ssh-keygen", "openssl")


@check("deployment")
def deployment(context: Context) -> Iterator[Finding]:
    """Say what hosted engine, or what VMs of an engine, are on the host already."""
    found = {key: value for key, value in context.host["deployed"].items() if key != "verdict"}
    signs = "; ".join(Deployment(**found).signs())
    if context.deployment == IN_PROGRESS:
        yield Finding("deployment.in_progress", INFO, "", signs, "The deployment goes on where it was.")
    elif context.deployment == FINISHED:
        yield Finding("deployment.finished", INFO, "", signs, "Nothing has to be done.")
    elif context.deployment == FOREIGN:
        yield Finding(
            "deployment.exists",
            BLOCK,
            "a host without a hosted engine and without VMs of an engine",
            signs,
            "Take the host out of its engine and run ovirt-hosted-engine-cleanup first; that ends the engine there.",
        )


@check("host.root")
def root(_context: Context) -> Iterator[Finding]:
    """The modules change the system."""
    if os.geteuid() != 0:
        yield Finding("host.root", BLOCK, "root", f"user id {os.geteuid()}", "Run the play with become.")


@check("host.memory")
def memory(context: Context) -> Iterator[Finding]:
    """The engine VM's memory must be there, beside what runs."""
    wanted, found = context.settings.memory, context.host["memory"]
    if not wanted:
        return
    told = f"{found['available'] / _GIB:.1f} GiB available of {found['total'] / _GIB:.1f} GiB"
    expected = f"{wanted / _GIB:.1f} GiB for the engine VM"
    resolution = "Lower he_mem_size_MB, or free memory of the host."
    if wanted > found["total"]:
        yield Finding("host.memory", BLOCK, expected, told, resolution)
    elif wanted > found["available"]:
        yield Finding("host.memory.available", WARN, expected, told, resolution)
    if wanted < _SMALLEST_MEMORY and context.settings.virt_type == "kvm":
        yield Finding(
            "vm.memory.small",
            WARN,
            "at least 4 GiB",
            f"{wanted / _GIB:.1f} GiB",
            "Raise he_mem_size_MB; 16384 is usual.",
        )


@check("host.cpus")
def cpus(context: Context) -> Iterator[Finding]:
    """A VM must not have more CPUs than its host."""
    wanted, found = context.settings.vcpus, context.host["cpus"]
    if wanted > found:
        yield Finding("host.cpus", BLOCK, f"{wanted} CPUs", f"{found} CPUs", "Lower he_vcpus.")


@check("host.space")
def space(context: Context) -> Iterator[Finding]:
    """The bootstrap VM's disk grows in a folder of the host."""
    folder = context.settings.dir_parent
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    free, wanted = found.f_bavail * found.f_frsize, context.settings.required_space
    if free < wanted:
        yield Finding(
            "host.space",
            BLOCK,
            f"{wanted / _GIB:.1f} GiB free in {context.settings.dir_parent}",
            f"{free / _GIB:.1f} GiB",
            "Free room there, or name another folder with he_local_vm_dir_path.",
        )


@check("host.virtualization")
def virtualization(context: Context) -> Iterator[Finding]:
    """KVM needs a CPU that offers it and a firmware that allows it."""
    if context.settings.virt_type != "kvm":
        return
    found = context.host["virtualization"]
    if not found["cpu"]:
        yield Finding(
            "host.virtualization",
            BLOCK,
            "vmx or svm among the CPU's flags",
            "neither",
            "Enable virtualization in the firmware; in a VM, enable nested virtualization.",
        )
    elif not found["kvm"]:
        yield Finding("host.kvm", BLOCK, "/dev/kvm", "no such device", "Load the module kvm_intel or kvm_amd.")


@check("host.libraries")
def libraries(context: Context) -> Iterator[Finding]:
    """The Python libraries that the modules use on the host."""
    needed = {"libvirt": "python3-libvirt", "ovirtsdk4": "python3-ovirt-engine-sdk4"}
    for name, package in needed.items():
        if not context.host["libraries"][name]:
            yield Finding("host.libraries", BLOCK, f"Python library {name}", "not there", f"Install {package}.")


@check("host.tools")
def tools(_context: Context) -> Iterator[Finding]:
    """The commands that the modules use on the host."""
    missing = [name for name in _TOOLS if not shutil.which(name)]
    if not any(shutil.which(words[0]) for words in WRITERS):
        missing.append("xorriso (or genisoimage, or mkisofs)")
    if missing:
        yield Finding("host.tools", BLOCK, "all needed commands", f"missing: {', '.join(missing)}", "Install them.")


@check("host.firewalld")
def firewalld(context: Context) -> Iterator[Finding]:
    """The engine opens the host's ports through firewalld."""
    if "firewalld" not in context.host["services"]:
        resolution = "Start and enable firewalld; the engine configures it while it adds the host."
        yield Finding("host.firewalld", WARN, "firewalld runs", "it does not", resolution)


@check("host.clock")
def clock(_context: Context) -> Iterator[Finding]:
    """Certificates and leases need the right time; adding the host fails without."""
    if not shutil.which("timedatectl"):
        return
    told = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], check=False).stdout.strip()
    if told != "yes":
        resolution = "Make chronyd (or another NTP client) reach a time server: 'chronyc waitsync 1' must succeed."
        yield Finding("host.clock", WARN, "a synchronized clock", "not synchronized", resolution)
