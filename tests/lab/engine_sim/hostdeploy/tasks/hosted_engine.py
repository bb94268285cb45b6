# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that shall be able to run the engine (role ovirt-host-deploy-hosted-engine; host contract 1.3)."""

from __future__ import annotations

import re
from typing import Any

from ..errors import TaskFailed
from ..play import Play, Task
from .facts import look_at_services, nothing
from .vdsm import PACKAGE, SERVICE, install, is_x86, systemctl

ROLE = "ovirt-host-deploy-hosted-engine"
CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
_SERVICES = ("ovirt-ha-agent.service", "ovirt-ha-broker.service")


def with_host_id(text: str, host_id: int) -> str:
    """The file of another host with this host's id; added at the end where the line is missing."""
    changed, count = re.subn(r"(?m)^host_id=.*$", f"host_id={host_id}", text)
    return changed if count else f"{text.rstrip()}\nhost_id={host_id}\n"


def wanted(play: Play) -> bool:
    """The request said deploy_hosted_engine."""
    return play.settings.hosted_engine is not None


def verify_platform(play: Play) -> None:
    """Refused elsewhere."""
    if not is_x86(play):
        machine = play.facts["architecture"]
        raise TaskFailed(f"Hosted Engine support requested on unsupported machine: {machine}. Disabling")


def stop_services(play: Play) -> dict[str, Any]:
    """Agent and broker, where they are."""
    return systemctl(play, "stop", [unit for unit in _SERVICES if play.has_unit(unit)])


def store_configuration(play: Play) -> dict[str, Any]:
    """vdsm:kvm 0440, with the host's own id from the first moment."""
    config = play.settings.hosted_engine
    assert config is not None
    play.sh("mkdir -p /etc/ovirt-hosted-engine")
    play.session.write(CONF, with_host_id(config.text, config.host_id), "0440", "vdsm", "kvm")
    return {"changed": True}


def start_agent(play: Play) -> dict[str, Any]:
    """The agent pulls its broker up."""
    return systemctl(play, "enable", ["ovirt-ha-agent.service"]) and systemctl(
        play, "restart", ["ovirt-ha-agent.service"]
    )


TASKS = [
    Task(
        "Verify platform is suitable for hosted engine",
        verify_platform,
        ROLE,
        "ansible.builtin.fail",
        lambda play: wanted(play) and not is_x86(play),
    ),
    Task("populate service facts", look_at_services, ROLE, "ansible.builtin.service_facts", wanted),
    Task("Stop services", stop_services, ROLE, SERVICE, wanted),
    Task("Install ovirt-hosted-engine-setup package", install("ovirt-hosted-engine-setup"), ROLE, PACKAGE, wanted),
    Task("Store hosted engine configuration", store_configuration, ROLE, "ansible.builtin.copy", wanted),
    Task("Update host ID in hosted engine configuration", nothing, ROLE, "ansible.builtin.lineinfile", wanted),
    Task("Start ovirt-ha-agent service", start_agent, ROLE, SERVICE, wanted),
]
