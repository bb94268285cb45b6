# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is on the host already: a hosted engine, another engine's work, virtual machines."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import (
    BOOTSTRAP_VM,
    ENGINE_VM,
    FINISHED,
    FOREIGN,
    IN_PROGRESS,
    LAST_PHASES,
    NONE,
    Deployment,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.common import (
    carried_by_management_network,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

MOUNTS = "/proc/self/mounts"
DATA_CENTER = "/rhev/data-center/"

# After one of these a host has a hosted engine.
_WITH_SERVICES = ("create_target_vm", *LAST_PHASES)

_OUR_VMS = (ENGINE_VM, BOOTSTRAP_VM)


_TAKES_PART = (
    "The host takes part in an engine's storage: put it into maintenance and remove it in that engine first. Of a"
    " deployment that was given up, ovirt-hosted-engine-cleanup releases the storage."
)


def _is_new(context: Context) -> bool:
    return context.deployment == NONE and not context.begun("bootstrap_local_vm")


@check("deployment", block=(".exists", ".forgotten"), info=(".in_progress", ".finished"))
def deployment(context: Context) -> Result:
    """No hosted engine and no VM of an engine is on the host."""
    found = {key: value for key, value in context.host["deployed"].items() if key != "verdict"}
    signs = "; ".join(Deployment(**found).signs())
    expected = "a host without a hosted engine and without VMs of an engine"
    if context.deployment == IN_PROGRESS:
        yield Finding("deployment.in_progress", expected, signs, "The deployment goes on where it was.")
    elif context.deployment == FINISHED:
        yield Finding("deployment.finished", expected, signs, "Nothing has to be done.")
    elif context.deployment == FOREIGN:
        resolution = (
            "Take the host out of its engine and run ovirt-hosted-engine-cleanup first; that ends the engine there."
        )
        yield Finding("deployment.exists", expected, signs, resolution)
    elif any(context.status(phase) == "done" for phase in _WITH_SERVICES):
        yield Finding(
            "deployment.forgotten",
            "a journal of what is on this host",
            "it tells of a hosted engine, of which nothing is left on this host",
            "Run node0.hosted_engine.cleanup, which removes what is left of the deployment and forgets it.",
        )


@check("deployment.lockspace", block=(".held",), when=_is_new)
def lockspace(_context: Context) -> Result:
    """sanlock holds no lockspace of a storage domain."""
    held = sorted({path for path in _open_files("sanlock") if re.search(r"/(dom_md/)?ids$", path)})
    if held:
        yield Finding("deployment.lockspace.held", "no lockspace", ", ".join(held), _TAKES_PART)


@check("deployment.storage", block=(".mounted",), when=_is_new)
def storage(_context: Context) -> Result:
    """No engine's storage is mounted on the host."""
    places = [line.split() for line in textfile.read(MOUNTS).splitlines()]
    found = [f"{words[0]} at {words[1]}" for words in places if len(words) > 1 and words[1].startswith(DATA_CENTER)]
    if found:
        yield Finding("deployment.storage.mounted", f"nothing below {DATA_CENTER}", "; ".join(found), _TAKES_PART)


@check("deployment.bridge", block=(".exists",), warn=(".reused",), when=_is_new)
def bridge(context: Context) -> Result:
    """The bridge of the management network is not there yet, or carries the host's address already."""
    name = context.settings.management_network
    if carried_by_management_network(context):
        yield Finding(
            "deployment.bridge.reused",
            f"no bridge {name}: the engine makes it when it adds the host",
            f"{name} carries the host's address, as after an attempt that was cleaned up",
            "Nothing has to be done: the engine takes the bridge over.",
            "he_mgmt_network",
        )
    elif any(one["name"] == name and one["type"] == "bridge" for one in context.host["interfaces"]):
        yield Finding(
            "deployment.bridge.exists",
            f"no bridge {name}: the engine makes it when it adds the host",
            f"{name} is there, as on a host that an engine has added",
            "Remove the host in its engine, or remove the bridge; or choose another he_mgmt_network.",
            "he_mgmt_network",
        )


@check("deployment.vms", warn=(".others", ".bootstrap"), when=_is_new)
def vms(context: Context) -> Result:
    """No other virtual machine runs on the host, and no bootstrap VM that nobody has noted."""
    if context.host["deployed"]["bootstrap"] == "running":
        yield Finding(
            "deployment.vms.bootstrap",
            f"no VM {BOOTSTRAP_VM}",
            "it runs, and no journal tells of it",
            "It is taken for the rest of an earlier attempt and removed. Stop if somebody else deploys on this host.",
        )
    known = {*_OUR_VMS, *context.host["deployed"]["vms"]}
    others = sorted(set(_running_vms()) - known)
    if others:
        resolution = (
            "They are left as they are, but libvirt is restarted while the host is added; better move them away."
        )
        yield Finding("deployment.vms.others", "no running VM", ", ".join(others), resolution)


def _running_vms() -> Iterator[str]:
    """Return the names of QEMU's machines, by its command lines; libvirt is not needed for it."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        words = textfile_words(path)
        if words and "qemu" in os.path.basename(words[0]):
            for option, value in zip(words, words[1:]):
                if option == "-name":
                    name = re.search(r"(?:^|,)(?:guest=)?([^,=]+)", value)
                    yield name.group(1) if name else value


def textfile_words(path: str) -> list[str]:
    """Return the arguments of a process; none for one that has just ended."""
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def _open_files(program: str) -> Iterator[str]:
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            if textfile.read(path).strip() != program:
                continue
            folder = os.path.join(os.path.dirname(path), "fd")
            for name in os.listdir(folder):
                yield os.readlink(os.path.join(folder, name))
        except OSError:
            continue
