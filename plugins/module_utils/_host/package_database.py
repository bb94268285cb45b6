# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which packages the host has, read from its package database without a process.

A host may have the tools of the other family too (a Debian lab host has rpm): the database with packages in it counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

DPKG_STATUS = "/var/lib/dpkg/status"


def versions(names: Sequence[str], dpkg_status: str = DPKG_STATUS) -> dict[str, str]:
    """Return the versions of packages by name, of those that are installed; with rpm C(version-release)."""
    text = textfile.read(dpkg_status)
    found = dict(_of_dpkg(text) if text else _of_rpm(names))
    return {name: found[name] for name in names if name in found}


def manager(dpkg_status: str = DPKG_STATUS, folder: str = "/usr/bin") -> str:
    """Return which of Ansible's package modules fits this host, C(auto) when only Ansible itself can tell."""
    module, program = ("apt", "apt-get") if textfile.read(dpkg_status) else ("dnf", "dnf-3")
    return module if os.path.exists(os.path.join(folder, program)) else "auto"


def _of_dpkg(text: str) -> Iterator[tuple[str, str]]:
    """Give the installed packages that a status file of dpkg lists (deb822, dpkg(1))."""
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            yield fields["Package"], fields["Version"]


def _of_rpm(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give those of some packages that the rpm database has.

    rpm's bindings come with dnf for the system's Python; another interpreter costs a process more.
    """
    try:
        import rpm
    except ImportError:
        words = ["rpm", "-q", "--qf", "%{NAME} %{VERSION}-%{RELEASE} installed\n", *names]
        lines = [line.split() for line in run(words, check=False).stdout.splitlines()]
        yield from ((line[0], line[1]) for line in lines if len(line) == 3 and line[2] == "installed")
        return
    database = rpm.TransactionSet()
    for name in names:
        for header in database.dbMatch("name", name):
            yield name, f"{header['version']}-{header['release']}"
