# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host-deploy: what an engine does to a host over ssh before it talks to vdsm there.

Real work with the system's `ssh` and the engine's key: packages from the host's own sources, a key pair and request
made on the host and signed by the engine's authority, configuration, services. Tasks bear the names of ovirt-engine
4.5's playbook, because clients show them (event 559) and a failure names one (event 505).
"""

from __future__ import annotations

from .config import fetch_he_config, undeploy, write_he_config
from .deploy import deploy, remove
from .errors import HostDeployFailed, SshAuthFailed, SshError, SshHostKeyChanged, SshUnreachable
from .identity import HostIdentity, check_ssh
from .settings import DeploySettings, HostedEngineConfig, HostTarget

__all__ = [
    "DeploySettings",
    "HostDeployFailed",
    "HostIdentity",
    "HostTarget",
    "HostedEngineConfig",
    "SshAuthFailed",
    "SshError",
    "SshHostKeyChanged",
    "SshUnreachable",
    "check_ssh",
    "deploy",
    "fetch_he_config",
    "remove",
    "undeploy",
    "write_he_config",
]
