# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's own package manager, used as the engine would use dnf: present, never newer than needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .errors import CommandFailed, TaskFailed
from .ssh import SshSession

#: Seconds for one installation.
TIMEOUT = 1800.0


class PackageManager(Protocol):
    """What host-deploy asks of a package manager."""

    name: str

    def installed(self) -> dict[str, str]:
        """Version by package name."""

    def install(self, names: Sequence[str]) -> bool:
        """Install those that are missing; whether anything changed. Raises TaskFailed with the manager's words."""


class Apt:
    """Debian and its like."""

    name = "apt"

    def __init__(self, session: SshSession) -> None:
        self._session = session
        self._refreshed = False

    def installed(self) -> dict[str, str]:
        listing = self._session.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"])
        rows = (line.split(" ") for line in listing.stdout.splitlines())
        return {row[1]: row[2] for row in rows if row[0] == "installed"}

    def install(self, names: Sequence[str]) -> bool:
        missing = [name for name in names if name not in self.installed()]
        if not missing:
            return False
        argv = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-y",
            "-q",
            "--no-install-recommends",
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
            "Dpkg::Options::=--force-confold",
            "-o",
            "DPkg::Lock::Timeout=120",
            "install",
            *missing,
        ]
        try:
            self._session.run(argv, timeout=TIMEOUT)
        except CommandFailed as error:
            if self._refreshed:
                raise _refused(missing, error) from error
            self._refresh()
            return self.install(names)
        return True

    def _refresh(self) -> None:
        """The lists may be older than the repository, or never read; once a run is enough."""
        self._refreshed = True
        self._session.run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "update"], timeout=TIMEOUT)


class Dnf:
    """Red Hat and its like."""

    name = "dnf"

    def __init__(self, session: SshSession) -> None:
        self._session = session

    def installed(self) -> dict[str, str]:
        listing = self._session.run(["rpm", "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\n"])
        return dict(line.split(" ", 1) for line in listing.stdout.splitlines())

    def install(self, names: Sequence[str]) -> bool:
        missing = [name for name in names if name not in self.installed()]
        if not missing:
            return False
        try:
            self._session.run(["dnf", "-y", "-q", "install", *missing], timeout=TIMEOUT)
        except CommandFailed as error:
            raise _refused(missing, error) from error
        return True


def find_manager(session: SshSession, system: dict[str, str]) -> PackageManager | None:
    """By /etc/os-release (its lines as a mapping); None for a family that no one here knows."""
    family = {system.get("ID", ""), *system.get("ID_LIKE", "").split()}
    if family & {"rhel", "centos", "fedora"}:
        return Dnf(session)
    return Apt(session) if "debian" in family else None


def _refused(names: Sequence[str], error: CommandFailed) -> TaskFailed:
    words = [line for line in (error.stderr + "\n" + error.stdout).splitlines() if line.strip()]
    return TaskFailed(f"Failed to install some of the specified packages: {', '.join(names)}", *words[-12:])
