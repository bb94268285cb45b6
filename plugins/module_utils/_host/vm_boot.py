# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for the bootstrap VM: its address, its sshd, a real login; and say at once when that cannot happen any more."""

from __future__ import annotations

import re
import socket
from typing import Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import domains
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE, Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import Connection, Domain, find_network
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import COMMAND_TIMEOUT
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock, Look, pending, ready, wait_for

VM_STOPPED = declare(
    "local_vm.stopped",
    "The bootstrap VM stopped while it was booting",
    "The end of its console log says how far it came. Wrong firmware for the image and too little memory are the"
    " usual reasons.",
)
VM_BOOT_TIMEOUT = declare(
    "local_vm.boot_timeout",
    "The bootstrap VM did not answer over ssh in time",
    "See what was last seen and the end of its console log; the VM still runs, and the same playbook goes on with it.",
    retryable=True,
)

# A guest without KVM, still busy with its first boot, may need most of this for a login.
LOGIN_SECONDS = 60

_TAIL_LINES = 30
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|[\x00-\x08\x0b-\x1f\x7f]")


def console_log(name: str) -> str:
    """Return the path of the file that keeps what a domain's serial console says."""
    return f"/var/log/libvirt/qemu/{name}-console.log"


def console_tail(path: str, lines: int = _TAIL_LINES) -> list[str]:
    """Return the last lines of a console log, without what only a terminal understands."""
    try:
        with open(path, "rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 200 * lines))
            text = stream.read().decode("utf-8", "replace")
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    cleaned = (_ESCAPES.sub("", line).rstrip() for line in text.replace("\r", "\n").split("\n"))
    return [line for line in cleaned if line][-lines:]


def wait_for_login(
    connected: Connection,
    domain: Domain,
    guest: Guest,
    network: str,
    mac: str,
    seconds: float,
    clock: Optional[Clock] = None,
) -> None:
    """Wait until C(true) runs in the VM over ssh, with the pinned host key and our key.

    Args:
        connected: libvirt.
        domain: the VM.
        guest: the way in.
        network: libvirt network that gives the lease.
        mac: hardware address of the VM.
        seconds: deadline.
        clock: source of time.

    Raises:
        HostedEngineError: C(local_vm.stopped) at once when the VM is not running any more, or
            C(local_vm.boot_timeout); both with the end of the console log.
    """
    log = console_log(domain.name())

    def look() -> Look[None]:
        state = domains.state(domain)
        if state not in ("running", "blocked", "no state"):
            raise HostedEngineError(
                VM_STOPPED,
                expected="running",
                observed=f"the domain is {state} (reason {domain.state()[1]})",
                evidence={"console": console_tail(log)},
            )
        banner = ssh_banner(guest.address, guest.port)
        if not banner.startswith("SSH-"):
            return pending(f"the VM is {state}, {_lease(connected, network, mac)}, port {guest.port}: {banner}")
        try:
            guest.run(["true"], timeout=LOGIN_SECONDS)
        except HostedEngineError as error:
            if error.problem not in (GUEST_UNREACHABLE, COMMAND_TIMEOUT):
                raise
            return pending(f"sshd answers at {guest.address}, but: {error.observed}")
        return ready(None)

    try:
        wait_for(look, "a login to the bootstrap VM", seconds, problem=VM_BOOT_TIMEOUT, clock=clock)
    except HostedEngineError as error:
        if error.problem is VM_BOOT_TIMEOUT:
            error.evidence["console"] = console_tail(log)
        raise


def ssh_banner(address: str, port: int, timeout: float = 1.0) -> str:
    """Return the first line that an ssh server says, or the reason why there is none."""
    try:
        with socket.create_connection((address, port), timeout=timeout) as connection:
            return connection.recv(256).decode("ascii", "replace").strip() or "closed without a word"
    except OSError as error:
        return error.strerror or str(error)


def _lease(connected: Connection, network: str, mac: str) -> str:
    found = find_network(connected, network)
    leases = found.DHCPLeases(mac, 0) if found is not None else []
    return f"lease {leases[-1]['ipaddr']}" if leases else "no DHCP lease yet"
