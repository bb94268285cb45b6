# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What host-deploy is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from ..pki import Pki

DEFAULT_LOG_DIR = Path("/var/log/ovirt-engine/host-deploy")


@dataclass(frozen=True)
class HostTarget:
    """A host as ssh reaches it. Either `key_file` or `password` is used, the key first.

    `known_hosts` pins host keys at their first use; without it every session takes the key that it meets.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    key_file: Path | None = None
    password: str = field(default="", repr=False)
    known_hosts: Path | None = None


@dataclass(frozen=True)
class HostedEngineConfig:
    """hosted-engine.conf for a further host: text from the host that runs the engine, and the new host's SPM id."""

    text: str = field(repr=False)
    host_id: int


@dataclass(frozen=True)
class DeploySettings:
    """One run of host-deploy.

    `correlation_id` is that of the request that began it. `fail_at` makes the task of that name fail before it does
    anything. `tuned_profile` and `ovn_central` (address): None leaves tuned and OVN alone. `started`: epoch seconds.
    """

    pki: Pki
    correlation_id: str
    log_dir: Path = DEFAULT_LOG_DIR
    vdsm_port: int = 54321
    encrypt: bool = True
    override_firewall: bool = True
    tuned_profile: str | None = None
    ovn_central: str | None = None
    ovn_tunnel_network: str = "ovirtmgmt"
    hosted_engine: HostedEngineConfig | None = None
    fail_at: str | None = None
    started: float = field(default_factory=time.time)

    def log_path(self, host: HostTarget) -> Path:
        """The log that event 505 names: time, the host's address, correlation id."""
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(self.started))
        return self.log_dir / f"ovirt-host-deploy-ansible-{stamp}-{host.address}-{self.correlation_id}.log"
