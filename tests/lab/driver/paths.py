# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things lie: the checkout, the cache, and the directory of one lab."""

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
HOST_SOURCES = CHECKOUT / "tests" / "lab" / "host"


def cache() -> Path:
    """The git-ignored cache; ``LAB_CACHE`` lets several checkouts share one."""
    return Path(os.environ.get("LAB_CACHE") or CHECKOUT / ".cache").resolve()


@dataclass(frozen=True)
class LabPaths:
    """Files of one lab below ``<cache>/lab/<name>``."""

    root: Path

    @classmethod
    def of(cls, name: str) -> "LabPaths":
        return cls((cache() / "lab").resolve() / name)

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def inventory(self) -> Path:
        return self.root / "inventory.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def key(self) -> Path:
        return self.root / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """For ``ssh -F``, or ``Include`` in a configuration of one's own."""
        return self.root / "ssh_config"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def share(self) -> Path:
        """What the hosts see, read-only, as /srv/lab."""
        return self.root / "share"

    @property
    def mounts(self) -> Path:
        """Everything of the lab is mounted below this directory (see mounts.share_unmounts)."""
        return self.root / "mounts"

    @property
    def exports(self) -> Path:
        """Mount point of the shared file system; the hosts see it as /srv/exports."""
        return self.mounts / "exports"

    @property
    def names(self) -> Path:
        """Directory of the name server's files."""
        return self.root / "names"

    def host(self, name: str) -> Path:
        """Directory of one host: its keys and what it wrote."""
        return self.root / "hosts" / name

    def host_root(self, name: str) -> Path:
        """Mount point of one host's tree."""
        return self.mounts / name
