# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installation of a host: host-deploy over ssh, then first contact."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..call import Call, refuse
from ..store import Row
from . import monitor
from .status import HOST, ORIGIN

if TYPE_CHECKING:
    from ..hostdeploy import DeploySettings, HostTarget

log = logging.getLogger("engine.deploy")


@dataclass
class Order:
    """How a host is to be installed."""

    password: str = field(default="", repr=False)
    user: str = "root"
    activate: bool = True
    reboot: bool = True
    hosted_engine: bool = False
    undeploy: bool = False


def _target(call: Call, host: Row, user: str, password: str) -> HostTarget:
    from ..hostdeploy import HostTarget

    config = call.engine.config
    key = Path(config.ssh_key) if config.ssh_key else call.engine.pki.ssh_key
    return HostTarget(
        name=host["vds_name"],
        address=host["host_name"],
        port=int(host.get("ssh_port") or 22),
        user=user,
        key_file=None if password else key,
        password=password,
        known_hosts=Path(config.known_hosts) if config.known_hosts else None,
    )


def refuse_on_order(call: Call, what: str) -> None:
    """What a fault at `ssh.connect` says, before anything is tried; the texts are those of `check`."""
    from .host import SSH_FAILED, SSH_REFUSED

    fault = call.engine.faults.strike("ssh.connect")
    if fault is None:
        return
    call.engine.clock.sleep(fault.delay)
    raise refuse(what, SSH_REFUSED if fault.refusal == "authentication" else SSH_FAILED)


def check(call: Call, host: Row, user: str, password: str, what: str = "add Host") -> str | None:
    """Opens ssh and reads the host's id. Refuses with the engine's texts (measured on 4.5.8, section 10)."""
    from ..hostdeploy import SshAuthFailed, SshUnreachable, check_ssh
    from .host import SSH_FAILED, SSH_REFUSED

    target = _target(call, host, user, password)
    try:
        identity = check_ssh(
            target.address, target.port, target.user, target.key_file, target.password, known_hosts=target.known_hosts
        )
    except SshAuthFailed:
        raise refuse(what, SSH_REFUSED) from None
    except SshUnreachable:
        raise refuse(what, SSH_FAILED) from None
    return identity.uuid


def _settings(call: Call, host: Row, order: Order, fail_at: str | None) -> DeploySettings:
    from ..hostdeploy import DeploySettings, HostedEngineConfig

    hosted = None
    if order.hosted_engine:
        hosted = HostedEngineConfig(_fetch_config(call), int(host["vds_spm_id"]))
    config = call.engine.config
    return DeploySettings(
        pki=call.engine.pki,
        correlation_id=call.correlation_id,
        log_dir=Path(config.log_dir) / "host-deploy",
        vdsm_port=int(host["port"]),
        encrypt=config.encrypt_host_communication,
        hosted_engine=hosted,
        fail_at=fail_at,
    )


def _fetch_config(call: Call) -> str:
    """hosted-engine.conf of the host that runs the engine (engine contract 11)."""
    from ..hostdeploy import fetch_he_config

    runner = call.db.row(
        "SELECT vds.* FROM vms JOIN vds ON vds.vds_id = run_on_vds WHERE origin = ?", ORIGIN["managed_hosted_engine"]
    )
    if runner is None:
        raise RuntimeError("the engine VM runs on no known host")
    return fetch_he_config(_target(call, runner, runner["ssh_username"] or "root", ""))


def install(call: Call, host_id: str, order: Order) -> None:
    """Runs host-deploy; ends in `install_failed`, or hands the host to monitoring."""
    from ..hostdeploy import HostDeployFailed, deploy, undeploy
    from .host import get, set_status

    host = get(call, host_id)
    about = {"host": host, "cluster": {"cluster_id": host["cluster_id"], "name": host["cluster_name"]}}
    fault = call.engine.faults.strike("host.deploy")

    def progress(task: str) -> None:
        call.engine.events.add("ANSIBLE_RUNNER_EVENT", call.correlation_id, task=task, **about)

    call.event("VDS_ANSIBLE_INSTALL_STARTED", **about)
    try:
        settings = _settings(call, host, order, fault.task if fault else None)
        target = _target(call, host, order.user, order.password)
        if order.undeploy:
            undeploy(target)
        deploy(target, settings, progress)
    except HostDeployFailed as error:
        with call.db.transaction():
            set_status(call, host_id, "install_failed")
            call.event("VDS_INSTALL_FAILED", message=str(error), **about)
        return
    except Exception as error:  # whatever host-deploy meets, the host must not stay `installing`
        log.exception("installation of %s", host["vds_name"])
        with call.db.transaction():
            set_status(call, host_id, "install_failed")
            call.event("VDS_INSTALL_FAILED", message=str(error), **about)
        return
    call.event("VDS_ANSIBLE_INSTALL_FINISHED", **about)
    call.event("VDS_INSTALL", **about)
    call.engine.hosts.drop(host_id)
    if not order.activate:
        monitor.first_look(call, host_id)
        set_status(call, host_id, "maintenance")
        return
    set_status(call, host_id, "initializing")
    monitor.watch(call.engine, host_id, activating=True)


def clean_up(call: Call, host: Row) -> None:
    """Takes the engine's configuration off a host that goes; a host that cannot be reached stays as it is."""
    if host["status"] == HOST["non_responsive"] or not call.engine.config.install_vds:
        if host["status"] == HOST["non_responsive"]:
            call.event("VDS_ANSIBLE_REMOVE_FAILED", host=host, log=f"{call.engine.config.log_dir}/engine.log")
            call.event("VDS_HOST_NOT_RESPONDING_CONNECTING_2", host=host)
        return
    from ..hostdeploy import HostDeployFailed, SshError, remove

    try:
        remove(
            _target(call, host, host["ssh_username"] or "root", ""),
            _settings(call, host, Order(), None),
            lambda task: log.info("host-remove on %s: %s", host["vds_name"], task),
        )
    except (HostDeployFailed, SshError, OSError) as error:
        log.warning("host-remove on %s: %s", host["vds_name"], error)
        call.event("VDS_ANSIBLE_REMOVE_FAILED", host=host, log=f"{call.engine.config.log_dir}/engine.log")
