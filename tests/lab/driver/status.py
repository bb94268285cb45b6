# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab offers, as JSON for any client, and as an Ansible inventory."""

from typing import Any

from driver import processes, share
from driver.container import NIC, SSH_PORT
from driver.paths import LabPaths
from driver.plan import Plan
from driver.state import State


def plan_of(state: State) -> Plan:
    """The plan that a state file was made for."""
    return Plan(name=state.facts["name"], index=state.facts["index"], host_count=state.facts["hosts"])


def running_hosts(state: State) -> list[str]:
    """Names of the hosts whose container lives."""
    return [
        str(resource["host"])
        for resource in state.of_kind("process", role="host")
        if resource.get("pid") and processes.alive(int(resource["pid"]), int(resource["start"]))
    ]


def status(state: State, paths: LabPaths) -> dict[str, Any]:
    """hosts, engine (proposed), appliance, storage; what only this lab has is below ``lab``."""
    plan = plan_of(state)
    running = running_hosts(state)
    return {
        "hosts": [
            {
                "name": host.name,
                "fqdn": host.fqdn,
                "address": host.address,
                "ssh_user": "root",
                "ssh_key": str(paths.key),
                "ssh_port": SSH_PORT,
                "nic": NIC,
                "gateway": plan.gateway,
            }
            for host in plan.hosts
        ],
        "engine": {
            "fqdn": plan.engine_fqdn,
            "address": plan.engine_address,
            "prefix": plan.prefix,
            "gateway": plan.gateway,
            "dns": [plan.gateway],
        },
        "appliance": share.appliance_in_host(paths, state.facts.get("appliance")),
        "storage": {"nfs": {"address": plan.nfs_fqdn, "path": "/exports/he"}},
        "lab": {
            "name": plan.name,
            "index": plan.index,
            "domain": plan.domain,
            "bridge": plan.bridge,
            "network": f"{plan.subnet}.0/{plan.prefix}",
            "directory": str(paths.root),
            "known_hosts": str(paths.known_hosts),
            "ssh_config": str(paths.ssh_config),
            "inventory": str(paths.inventory),
            "share": str(paths.share),
            "exports": str(paths.exports),
            "exports_table": str(paths.share / "exports.json"),
            "logs": str(paths.logs),
            "engine_mac": plan.engine_mac,
            "dhcp_range": list(plan.dhcp_range),
            "virt_type": "qemu",
            "running": running,
            "up": len(running) == plan.host_count,
            "start_seconds": state.facts.get("start_seconds"),
        },
    }


def ssh_config(report: dict[str, Any]) -> str:
    """The way to the hosts by any of their names, for clients that call ssh by themselves."""
    stanzas = [
        f"""Host {host["fqdn"]} {host["address"]}
    HostName {host["address"]}
    Port {host["ssh_port"]}
    User {host["ssh_user"]}
    IdentityFile {host["ssh_key"]}
    IdentitiesOnly yes
    UserKnownHostsFile {report["lab"]["known_hosts"]}
    StrictHostKeyChecking yes
"""
        for host in report["hosts"]
    ]
    return "\n".join(stanzas)


def inventory(report: dict[str, Any]) -> dict[str, Any]:
    """Dynamic inventory: the first host is ``node0``, the others are ``additional_hosts``."""
    names = [host["fqdn"] for host in report["hosts"]]
    ssh_options = (
        f"-o UserKnownHostsFile={report['lab']['known_hosts']} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    )
    hostvars = {
        host["fqdn"]: {
            "ansible_host": host["address"],
            "ansible_port": host["ssh_port"],
            "ansible_user": host["ssh_user"],
            "ansible_ssh_private_key_file": host["ssh_key"],
            "ansible_ssh_common_args": ssh_options,
            "ansible_python_interpreter": "/usr/bin/python3",
            "lab_nic": host["nic"],
        }
        for host in report["hosts"]
    }
    return {
        "_meta": {"hostvars": hostvars},
        "all": {"children": ["node0", "additional_hosts"], "vars": {"lab": report}},
        "node0": {"hosts": names[:1]},
        "additional_hosts": {"hosts": names[1:]},
    }
