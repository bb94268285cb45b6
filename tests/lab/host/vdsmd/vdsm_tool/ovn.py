# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two verbs of ovirt-provider-ovn-driver. There is no Open vSwitch here: what was asked is recorded and checked."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from pathlib import Path

RECORD = Path("/var/lib/ovirt-provider-ovn-driver/configuration.json")


class OvnError(Exception):
    """A wrong argument."""


def is_installed() -> bool:
    """Whether the driver's package is there."""
    return RECORD.parent.is_dir()


def configure(central: str, tunnel: str, fqdn: str | None = None) -> None:
    """Record the OVN central address and the tunnel: an address of this host, or a network that has one.

    Raises OvnError.
    """
    try:
        ipaddress.ip_address(central)
    except ValueError:
        try:
            socket.getaddrinfo(central, None)
        except OSError as error:
            raise OvnError(f"{central}: {error}") from error
    address = tunnel
    try:
        ipaddress.ip_address(tunnel)
    except ValueError:
        address = _address_of(tunnel)
    RECORD.write_text(json.dumps({"central": central, "tunnel": tunnel, "address": address, "host": fqdn}, indent=1))


def unconfigure() -> None:
    """Forget it."""
    RECORD.unlink(missing_ok=True)


def _address_of(network: str) -> str:
    import subprocess

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,15}", network):
        raise OvnError(f"{network} is neither an address nor the name of a network")
    done = subprocess.run(
        ["ip", "-j", "-4", "address", "show", "dev", network], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    addresses = [entry["local"] for link in found for entry in link.get("addr_info", [])]
    if not addresses:
        raise OvnError(f"network {network} has no address")
    return str(addresses[0])
