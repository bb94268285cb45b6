# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What firewalld's zone C(libvirt) must let the bootstrap VM reach on the host (host contract 10.5, 12.3)."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Optional
from xml.etree import ElementTree

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger

KIND = "firewalld"
ZONE = "libvirt"
ZONE_FILE = f"/etc/firewalld/zones/{ZONE}.xml"
DEFAULT_FILE = f"/usr/lib/firewalld/zones/{ZONE}.xml"

FIREWALLD_LIBRARY = declare(
    "firewalld.library_missing",
    "firewalld is installed on the host, but its Python library cannot be used",
    "Install the package python3-firewall for the Python interpreter that Ansible uses on the host.",
)
FIREWALLD_REFUSED = declare(
    "firewalld.refused",
    "firewalld refused a request",
    "Read 'journalctl -u firewalld' on the host; 'firewall-cmd --check-config' tells what is wrong with its files.",
)

# Service, and the ports that stand in for it where firewalld has no definition of that name.
SERVICES = {
    "vdsm": ("54321/tcp",),
    "libvirt-tls": ("16514/tcp",),
    "ovirt-imageio": ("54322/tcp",),
    "ovirt-vmconsole": ("2223/tcp",),
    "ssh": ("22/tcp",),
}


@contextlib.contextmanager
def _daemon() -> Iterator[Optional[Any]]:
    """Give firewalld's own client, connected over D-Bus, or None where the daemon does not run.

    Raises:
        HostedEngineError: C(firewalld.library_missing), and C(firewalld.refused) for what fails in the body.
    """
    if shutil.which("firewall-cmd") is None:
        yield None
        return
    try:
        from dbus.exceptions import DBusException
        from firewall.client import FirewallClient
        from firewall.errors import FirewallError
    except ImportError as error:
        raise HostedEngineError(FIREWALLD_LIBRARY, observed=str(error)) from error
    try:
        client = FirewallClient()
    except FirewallError:
        # There is no bus, so nothing runs that could be asked over it.
        yield None
        return
    try:
        yield client if client.connected else None
    except (DBusException, FirewallError) as error:
        raise HostedEngineError(FIREWALLD_REFUSED, observed=str(error)) from error


def running() -> bool:
    """Return whether firewalld runs."""
    with _daemon() as client:
        return client is not None


def missing() -> list[str]:
    """Return what the zone lacks, as the arguments of C(firewall-cmd) that add it (C(--add-service=vdsm)).

    That is nothing where firewalld does not run, or has no such zone because libvirt does not use it.
    """
    with _daemon() as client:
        if client is None or ZONE not in client.getZones():
            return []
        has = {str(name) for name in client.getServices(ZONE)}
        has |= {f"{port}/{protocol}" for port, protocol in client.getPorts(ZONE)}
        known = {str(name) for name in client.listServices()}
    wanted: list[str] = []
    for service, ports in SERVICES.items():
        if service in known:
            wanted += [f"--add-service={service}"] if service not in has else []
        elif service not in has:
            wanted += [f"--add-port={port}" for port in ports if port not in has]
    return wanted


def add(arguments: Sequence[str], ledger: Ledger) -> None:
    """Open what is missing, now and for good: the engine reloads firewalld while it installs the host."""
    if not arguments:
        return
    with _daemon() as client:
        if client is None:
            return
        with ledger.making(KIND, ZONE, arguments=list(arguments), new_file=not os.path.exists(ZONE_FILE)):
            lasting = client.config().getZoneByName(ZONE)
            for what, values in _meant(arguments):
                if not getattr(lasting, f"query{what}")(*values):
                    getattr(lasting, f"add{what}")(*values)
                if not getattr(client, f"query{what}")(ZONE, *values):
                    getattr(client, f"add{what}")(ZONE, *values)


def remove(arguments: Sequence[str], new_file: bool = False) -> bool:
    """Close what C(add) opened; return whether there was a firewalld to tell.

    Args:
        arguments: what was added.
        new_file: whether the zone had no file of its own before; it is removed if it only repeats the default.
    """
    with _daemon() as client:
        if client is None or ZONE not in client.getZones():
            return False
        lasting = client.config().getZoneByName(ZONE)
        for what, values in _meant(arguments):
            if getattr(lasting, f"query{what}")(*values):
                getattr(lasting, f"remove{what}")(*values)
            if getattr(client, f"query{what}")(ZONE, *values):
                getattr(client, f"remove{what}")(ZONE, *values)
    if new_file and os.path.exists(DEFAULT_FILE) and _content(ZONE_FILE) == _content(DEFAULT_FILE):
        for path in (ZONE_FILE, f"{ZONE_FILE}.old"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    return True


def release(interface: str) -> None:
    """Take an interface that is gone out of the zone.

    libvirt puts the bridge of a network into it, and leaves it there when the network ends (seen with libvirt 9.0).
    """
    with _daemon() as client:
        if client is not None and ZONE in client.getZones() and client.queryInterface(ZONE, interface):
            client.removeInterface(ZONE, interface)


def _meant(arguments: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return what arguments are about: (C(Service), (name,)) or (C(Port), (number, protocol))."""
    for argument in arguments:
        what, _equals, value = argument.partition("=")
        yield what.rpartition("-")[2].capitalize(), tuple(value.split("/"))


def _content(path: str) -> list[str]:
    """Return what a zone's file says, without layout, order and description."""
    root = ElementTree.parse(path).getroot()
    for element in root.iter():
        element.text, element.tail = (element.text or "").strip(), None
    told = [ElementTree.canonicalize(ElementTree.tostring(part, encoding="unicode")) for part in root]
    return sorted([str(sorted(root.items())), *(part for part in told if not part.startswith(("<short", "<descr")))])
