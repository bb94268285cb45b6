# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What kind of host this is (role ovirt-host-deploy-facts)."""

from __future__ import annotations

import shlex
from typing import Any

from ..packages import find_manager
from ..play import Play, Task

ROLE = "ovirt-host-deploy-facts"
SET_FACT = "ansible.builtin.set_fact"

_GATHER = """
echo "architecture=$(uname -m)"
echo "kernel=$(uname -r)"
echo "hostname=$(hostname -f 2>/dev/null || hostname)"
echo "container=$(systemd-detect-virt --container 2>/dev/null || true)"
echo "-- os-release"
cat /etc/os-release
"""


def gather(play: Play) -> dict[str, Any]:
    """Architecture, names and the lines of /etc/os-release."""
    plain, _, release = play.sh(_GATHER).partition("-- os-release\n")
    play.facts.update(_pairs(plain))
    play.facts["os"] = {key: " ".join(shlex.split(value)) for key, value in _pairs(release).items()}
    return {"ansible_facts": {key: play.facts[key] for key in ("architecture", "kernel", "hostname", "os")}}


def _pairs(text: str) -> dict[str, str]:
    rows = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key: value for key, equals, value in rows if equals}


def detect_system(play: Play) -> dict[str, Any]:
    """Version within the Red Hat family (0: not of it), and the package manager that goes with the system."""
    system = play.facts["os"]
    family = {system.get("ID", ""), *system.get("ID_LIKE", "").split()}
    red_hat = bool(family & {"rhel", "centos"})
    play.facts["el_ver"] = int(system.get("VERSION_ID", "0").split(".")[0] or 0) if red_hat else 0
    play.facts["package_manager"] = find_manager(play.session, system)
    return {"ansible_facts": {"el_ver": play.facts["el_ver"]}}


def fetch_packages(play: Play) -> dict[str, Any]:
    """Every installed package; on a system of no known family there are none to name."""
    manager = play.facts["package_manager"]
    play.facts["packages"] = manager.installed() if manager is not None else {}
    return {"count": len(play.facts["packages"])}


def check_vdsm(play: Play) -> dict[str, Any]:
    """Whether vdsm was there before."""
    play.facts["vdsm_preinstalled"] = "vdsm" in play.facts["packages"]
    return {"ansible_facts": {"vdsm_preinstalled": play.facts["vdsm_preinstalled"]}}


def look_at_services(play: Play) -> dict[str, Any]:
    """Every unit file with its state ("enabled", "masked", ...)."""
    listing = play.sh("systemctl list-unit-files --no-legend --plain --type=service,socket")
    play.facts["units"] = {words[0]: words[1] for words in map(str.split, listing.splitlines()) if len(words) > 1}
    return {"count": len(play.facts["units"])}


def parse_release(play: Play) -> dict[str, Any]:
    """Whether /etc/os-release is that of an oVirt Node image."""
    play.facts["node_host"] = play.facts["os"].get("VARIANT_ID") == "ovirt-node"
    return {"changed": not play.facts["node_host"]}


def nothing(_: Play) -> None:
    """A task that includes others or notes a fact that only the playbook needs."""


def never(_: Play) -> bool:
    """Condition of tasks for systems that a current engine does not deploy."""
    return False


def _skipped(*names: str) -> list[Task]:
    return [Task(name, nothing, ROLE, when=never) for name in names]


TASKS = [
    Task("Gathering Facts", gather, action="ansible.builtin.gather_facts"),
    Task("set host_action var", nothing, action=SET_FACT),
    Task("ansible.builtin.include_tasks", nothing, ROLE, "ansible.builtin.include_tasks"),
    Task("Detect host operating system", detect_system, ROLE, SET_FACT),
    Task("Fetch installed packages", fetch_packages, ROLE, "ansible.builtin.package_facts"),
    Task("Check if vdsm is preinstalled", check_vdsm, ROLE, SET_FACT),
    Task("Parse operating system release", parse_release, ROLE, "ansible.builtin.lineinfile"),
    Task("Detect if host is a prebuilt image", nothing, ROLE, SET_FACT),
    *_skipped(
        "Check version of ovirt-openvswitch before upgrade",
        "Check version of rhv-openvswitch before upgrade",
        "Reset configuration of advanced virtualization module",
        "Set virt module version for RHEL 8.6 and newer",
        "Set virt module version for RHEL 8.4 and 8.5",
        "Set virt module version for RHEL 8.3 and older",
        "Enable advanced virtualization module",
        "Check if Cinderlib packages are available",
        "Enable Cinderlib repository",
        "Check for Cinderlib repository configuration error",
        "Check if Ceph packages are available",
        "Enable Ceph repository",
        "Check for Ceph repository configuration error",
        "Ensure Python3 is installed for CentOS/RHEL8 hosts",
    ),
    Task("Setup Ansible Python interpreter", nothing, ROLE, SET_FACT),
]
