# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What firewalld's zone C(libvirt) must let the bootstrap VM reach on the host (host contract 10.5, 12.3)."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from xml.etree import ElementTree

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import failed, run

KIND = "firewalld"
ZONE = "libvirt"
ZONE_FILE = f"/etc/firewalld/zones/{ZONE}.xml"
DEFAULT_FILE = f"/usr/lib/firewalld/zones/{ZONE}.xml"

# firewall-cmd's exit status when the daemon does not run, and when it knows no such zone.
_NOT_RUNNING, _NO_ZONE = 252, 112

# Service, and the ports that stand in for it where firewalld has no definition of that name.
SERVICES = {
    "vdsm": ("54321/tcp",),
    "libvirt-tls": ("16514/tcp",),
    "ovirt-imageio": ("54322/tcp",),
    "ovirt-vmconsole": ("2223/tcp",),
    "ssh": ("22/tcp",),
}


def running() -> bool:
    """Return whether firewalld runs."""
    return shutil.which("firewall-cmd") is not None and run(["firewall-cmd", "--state"], check=False).rc == 0


def missing() -> list[str]:
    """Return what the zone lacks, as the arguments that add it (C(--add-service=vdsm)).

    That is nothing where firewalld does not run, or has no such zone because libvirt does not use it.
    """
    if shutil.which("firewall-cmd") is None:
        return []
    zone = run(["firewall-cmd", f"--zone={ZONE}", "--list-all"], check=False)
    if zone.rc in (_NOT_RUNNING, _NO_ZONE):
        return []
    if zone.rc != 0:
        raise failed(zone)
    has = {word for line in zone.stdout.splitlines() for word in _listed(line)}
    if has >= set(SERVICES):
        return []
    known = set(run(["firewall-cmd", "--get-services"]).stdout.split())
    wanted: list[str] = []
    for service, ports in SERVICES.items():
        if service in known:
            wanted += [f"--add-service={service}"] if service not in has else []
        else:
            wanted += [f"--add-port={port}" for port in ports if port not in has]
    return wanted


def add(arguments: Sequence[str], ledger: Ledger) -> None:
    """Open what is missing, now and for good: the engine reloads firewalld while it installs the host."""
    if not arguments:
        return
    with ledger.making(KIND, ZONE, arguments=list(arguments), new_file=not os.path.exists(ZONE_FILE)):
        run(["firewall-cmd", "--permanent", f"--zone={ZONE}", *arguments])
        run(["firewall-cmd", f"--zone={ZONE}", *arguments])


def remove(arguments: Sequence[str], new_file: bool = False) -> bool:
    """Close what C(add) opened; return whether there was a firewalld to tell.

    Args:
        arguments: what was added.
        new_file: whether the zone had no file of its own before; it is removed if it only repeats the default.
    """
    if not running():
        return False
    removals = [argument.replace("--add-", "--remove-", 1) for argument in arguments]
    # Removing what is not there any more is a warning and not a failure of firewall-cmd.
    run(["firewall-cmd", "--permanent", f"--zone={ZONE}", *removals])
    run(["firewall-cmd", f"--zone={ZONE}", *removals])
    if new_file and os.path.exists(DEFAULT_FILE) and _content(ZONE_FILE) == _content(DEFAULT_FILE):
        for path in (ZONE_FILE, f"{ZONE_FILE}.old"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    return True


def _content(path: str) -> list[str]:
    """Return what a zone's file says, without layout, order and description."""
    root = ElementTree.parse(path).getroot()
    for element in root.iter():
        element.text, element.tail = (element.text or "").strip(), None
    told = [ElementTree.canonicalize(ElementTree.tostring(part, encoding="unicode")) for part in root]
    return sorted([str(sorted(root.items())), *(part for part in told if not part.startswith(("<short", "<descr")))])


def _listed(line: str) -> list[str]:
    """Return the services or ports of a line of C(--list-all)."""
    name, _colon, words = line.partition(":")
    return words.split() if name.strip() in ("services", "ports") else []
