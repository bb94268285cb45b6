# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The look at a host before it is stored: POST hosts opens ssh first (engine measured 10)."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import SshUnreachable
from .settings import HostTarget
from .ssh import CONNECT_TIMEOUT, SshSession

#: A refused or unroutable host is looked at again for so long before the answer is given, seconds.
REFUSED_PATIENCE = 1.0
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_AGAIN = ("Connection refused", "No route to host", "Network is unreachable")

#: The host's id as vdsm has it, else the firmware's; a container sees the firmware of the machine that it shares.
IDENTITY_SCRIPT = """
if [ -s /etc/vdsm/vdsm.id ]; then cat /etc/vdsm/vdsm.id
elif ! systemd-detect-virt --container >/dev/null 2>&1; then dmidecode -s system-uuid 2>/dev/null || true
fi
"""


@dataclass(frozen=True)
class HostIdentity:
    """What the look found: vdsm's id (None: not known before host-deploy), and the host's ssh key.

    `public_key` is "ssh-ed25519 AAAA...", `fingerprint` "SHA256:..."; both empty when no keys are pinned.
    """

    uuid: str | None
    public_key: str = ""
    fingerprint: str = ""


def check_ssh(
    address: str,
    port: int = 22,
    user: str = "root",
    key_file: Path | None = None,
    password: str = "",
    timeout: float = CONNECT_TIMEOUT,
    known_hosts: Path | None = None,
) -> HostIdentity:
    """Log in once and read the host's id. A host that is added anew may show a new key: it is pinned afresh.

    Raises SshUnreachable (after 1 s when refused or without route, at once for an unknown name, after `timeout` for a
    silent port) or SshAuthFailed.
    """
    host = HostTarget(address, address, port, user, key_file, password, known_hosts)
    if known_hosts is not None:
        forget_host_key(known_hosts, address, port)
    started = time.monotonic()
    while True:
        try:
            with SshSession(host, timeout) as session:
                found = session.run(IDENTITY_SCRIPT, timeout=timeout).stdout.strip()
            break
        except SshUnreachable as error:
            left = started + REFUSED_PATIENCE - time.monotonic()
            if left <= 0 or not any(word in str(error) for word in _AGAIN):
                raise
            time.sleep(min(left, 0.25))
    public_key, fingerprint = ("", "") if known_hosts is None else pinned_key(known_hosts, address, port)
    return HostIdentity(found.lower() if _UUID.fullmatch(found) else None, public_key, fingerprint)


def forget_host_key(known_hosts: Path, address: str, port: int = 22) -> None:
    """Drop the pinned key of a host."""
    if known_hosts.exists():
        subprocess.run(
            ["ssh-keygen", "-R", _pattern(address, port), "-f", str(known_hosts)], capture_output=True, check=True
        )


def pinned_key(known_hosts: Path, address: str, port: int = 22) -> tuple[str, str]:
    """(public key, fingerprint) as pinned; empty texts when there is none."""
    found = subprocess.run(
        ["ssh-keygen", "-F", _pattern(address, port), "-f", str(known_hosts)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    keys = [line.split(None, 1)[1] for line in found.splitlines() if line and not line.startswith("#")]
    if not keys:
        return "", ""
    shown = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=keys[0], capture_output=True, text=True, check=True)
    return keys[0].strip(), shown.stdout.split()[1]


def _pattern(address: str, port: int) -> str:
    return address if port == 22 else f"[{address}]:{port}"
