# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host-deploy and host-remove as a whole."""

from __future__ import annotations

from typing import Any

from .errors import CommandFailed, HostDeployFailed, SshError
from .log import DeployLog
from .play import Emit, Play, Task, run_tasks
from .settings import DeploySettings, HostTarget
from .ssh import SshSession
from .tasks import certificates, facts, hosted_engine, system, vdsm

#: Every task of a deployment, in order.
TASKS: list[Task] = [*facts.TASKS, *vdsm.TASKS, *system.TASKS, *hosted_engine.TASKS]


def deploy(host: HostTarget, settings: DeploySettings, emit: Emit) -> dict[str, Any]:
    """Make a host one that vdsm runs on; `emit` hears the name of each task that went well (event 559).

    Returns {"vdsm_id", "log_path", "packages": {"vdsm": version, ...}}. Raises HostDeployFailed, whose text belongs
    into event 505. Whatever happens, no key material stays in a temporary place. After a login by password the host
    knows the engine's key.
    """
    path = settings.log_path(host)
    with DeployLog(path, host.address) as log:
        try:
            with SshSession(host) as session:
                play = Play(host, settings, session)
                if session.by_password:
                    _authorize_engine(play)
                try:
                    run_tasks(play, TASKS, log, emit)
                finally:
                    _clear(play)
        except (SshError, CommandFailed) as error:  # no use of a session: ansible reports it at its first task
            log.header(TASKS[0].name)
            raise HostDeployFailed(TASKS[0].name, path, str(error)) from error
        return {"vdsm_id": play.facts["vdsm_id"], "log_path": path, "packages": play.facts["packages"]}


def remove(host: HostTarget, settings: DeploySettings, emit: Emit) -> None:
    """What an engine does to a host that it removes: hosted engine undone (the file kept aside), vdsm stopped.

    Raises HostDeployFailed; an engine warns with event 564 then and removes the host all the same.
    """
    path = settings.log_path(host).with_name(
        settings.log_path(host).name.replace("ovirt-host-deploy-ansible", "ovirt-host-remove-ansible")
    )
    with DeployLog(path, host.address, "ovirt-host-remove.yml") as log:
        try:
            with SshSession(host) as session:
                run_tasks(Play(host, settings, session), REMOVE_TASKS, log, emit)
        except SshError as error:
            log.header(REMOVE_TASKS[0].name)
            raise HostDeployFailed(REMOVE_TASKS[0].name, path, str(error)) from error


def _authorize_engine(play: Play) -> None:
    """A password is used once: from now on the engine comes in by its key."""
    play.session.run(
        'umask 077; mkdir -p ~/.ssh; read -r key; grep -qxF "$key" ~/.ssh/authorized_keys 2>/dev/null || '
        "printf '%s\\n' \"$key\" >>~/.ssh/authorized_keys",
        stdin=play.settings.pki.ssh_public_key() + "\n",
    )


def _clear(play: Play) -> None:
    try:
        certificates.clear_room(play)
    except (SshError, CommandFailed):
        return  # the host is gone, and the room is on a file system that lives in its memory


def _keep_configuration(play: Play) -> dict[str, Any]:
    conf = hosted_engine.CONF
    play.sh(f"if [ -e {conf} ]; then mv -f {conf} {conf}.undeployed; fi")
    return {"changed": True}


def _stop(*units: str) -> Any:
    return lambda play: vdsm.systemctl(play, "disable --now", [unit for unit in units if play.has_unit(unit)])


REMOVE_TASKS = [
    Task("Gathering Facts", facts.gather, action="ansible.builtin.gather_facts"),
    Task("Populate service facts", facts.look_at_services, action="ansible.builtin.service_facts"),
    Task(
        "Stop hosted engine services", _stop("ovirt-ha-agent.service", "ovirt-ha-broker.service"), action=vdsm.SERVICE
    ),
    Task("Copy hosted engine configuration file", _keep_configuration, action="ansible.builtin.copy"),
    Task("Stop vdsmd service", _stop("vdsmd.service"), action=vdsm.SERVICE),
]
