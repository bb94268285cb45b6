# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""hosted-engine.conf from host to host (host contract 1.3)."""

from __future__ import annotations

from .errors import CommandFailed
from .settings import HostTarget
from .ssh import SshSession
from .tasks.hosted_engine import CONF, with_host_id


def fetch_he_config(host: HostTarget) -> str:
    """The file of the host that runs the engine. Raises FileNotFoundError when it has none, SshError."""
    with SshSession(host) as session:
        text = session.read(CONF)
    if not text:
        raise FileNotFoundError(f"{host.name} ({host.address}) has no {CONF}")
    return text


def write_he_config(host: HostTarget, text: str, host_id: int) -> None:
    """Put the file on a host under its own id, and (re)start the agent. Raises CommandFailed, SshError."""
    with SshSession(host) as session:
        session.run(["mkdir", "-p", CONF.rpartition("/")[0]])
        session.write(CONF, with_host_id(text, host_id), "0440", "vdsm", "kvm")
        session.run("systemctl enable ovirt-ha-agent.service && systemctl restart ovirt-ha-agent.service", timeout=120)


def undeploy(host: HostTarget) -> None:
    """The host shall not run the engine any more: its file goes, the agent stops. Raises CommandFailed, SshError."""
    with SshSession(host) as session:
        session.run(["rm", "-f", CONF])
        try:
            session.run(["systemctl", "stop", "ovirt-ha-agent.service"], timeout=120)
        except CommandFailed as error:
            if "not loaded" not in error.stderr:
                raise
