#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: engine_host
short_description: Add the first host to the engine and wait until it is up
description:
  - Waits until the engine lets us in. A login is the check of its readiness, and a refused login ends the wait at once.
  - Finds or makes data center, cluster and management network, and sets the VLAN tag before the host is added.
  - Lets the engine log in to this host with the key that it publishes over verified TLS, and adds the host in the
    foreground, so that a refusal is reported with the engine's own words.
  - Follows the engine's events until the host is C(up). A failed installation ends it at once, with the task that
    failed and the end of host-deploy's log.
  - A host that an earlier run has left behind is found again, and installed or activated again where that is needed.
version_added: 0.1.0
author:
  - The node0.hosted_engine founders (@node0)
attributes:
  check_mode:
    description: Can run in check mode and report what would be done without doing it.
    support: full
  diff_mode:
    description: Can show what would change.
    support: none
extends_documentation_fragment:
  - node0.hosted_engine._engine
  - node0.hosted_engine._engine.session
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
options:
  data_center:
    description: Data center of the host; it is made if there is none of this name.
    type: str
    default: Default
  data_center_version:
    description: Compatibility version of the data center, as C(4.7). What exists must have it.
    type: str
  cluster:
    description: Cluster of the host; it is made if there is none of this name. It cannot move to another data center.
    type: str
    default: Default
  cluster_version:
    description: Compatibility version of the cluster, as C(4.7). What exists must have it.
    type: str
  cpu_type:
    description: CPU type of a new cluster, by its name in the engine. Without it the first host decides.
    type: str
  gluster_service:
    description: Whether a new cluster runs Gluster as well.
    type: bool
    default: false
  management_network:
    description: Management network of the cluster. Another than the cluster's own is set up while it has no hosts.
    type: str
    default: ovirtmgmt
  interface:
    description: Network interface that will carry the management network. The tag of a VLAN interface becomes that of
      the network.
    type: str
  name:
    description: Name of the host in the engine.
    type: str
    required: true
  address:
    description: Name or address at which the engine reaches the host.
    type: str
    required: true
  authorize_engine:
    description: Whether the engine's public key is added to O(authorized_keys). Without it the key must be there.
    type: bool
    default: true
  authorized_keys:
    description: File that lets the engine in as root.
    type: path
    default: /root/.ssh/authorized_keys
  guest:
    description:
      - The engine's machine as M(node0.hosted_engine.local_vm) returned it, with C(address) and C(ssh).
      - From it the log of a failed host-deploy is fetched.
    type: dict
  ready_timeout:
    description: Seconds in which the engine must accept a login.
    type: int
    default: 600
  timeout:
    description: Seconds in which the host must be up.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Add this host to the engine
  node0.hosted_engine.engine_host:
    engine_fqdn: engine.example.test
    engine_user: admin@internal
    engine_password: "{{ he_admin_password }}"
    engine_ca_file: /etc/pki/ovirt-engine/bootstrap-ca.pem
    session_file: /var/tmp/localvmh2x0k1ab/session
    name: host1
    address: host1.example.test
    interface: eth0
    guest: "{{ bootstrap.vm }}"
"""

RETURN = r"""
host:
  description: The host, also kept in the journal under C(state.engine_host).
  returned: success, not in check mode
  type: dict
  contains:
    id:
      description: Id of the host in the engine.
      type: str
    name:
      description: Name of the host.
      type: str
    address:
      description: Address of the host.
      type: str
    host_id:
      description: SPM id of the host, which is its C(host_id) for the HA services.
      type: int
    cluster_id:
      description: Id of the cluster.
      type: str
    cluster:
      description: Name of the cluster.
      type: str
    cluster_version:
      description: Compatibility version of the cluster.
      type: str
    data_center_id:
      description: Id of the data center.
      type: str
    data_center:
      description: Name of the data center.
      type: str
    cpu_type:
      description: CPU type of the cluster.
      type: str
    cpu_verb:
      description: What libvirt calls that CPU type.
      type: str
    emulated_machine:
      description: Machine type that the cluster gives to VMs.
      type: str
    management_network:
      description: Name of the management network.
      type: str
    management_network_id:
      description: Id of the management network.
      type: str
engine_version:
  description: Version of the engine, as C(4.5).
  returned: success, not in check mode
  type: str
events:
  description: What the engine said about the host, in the order of time.
  returned: success, not in check mode
  type: list
  elements: dict
would:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
exchanges:
  description: Requests that were sent to the engine, logins and RV(polls) included.
  returned: always
  type: int
logins:
  description: Tokens that were asked for.
  returned: always
  type: int
polls:
  description: How many of the exchanges followed host-deploy.
  returned: success, not in check mode
  type: int
journal:
  description: The whole journal.
  returned: O(ends_phase=true)
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import authorized_keys, hosts, topology
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.arguments import (
    engine_arguments,
    foresee,
    journal_arguments,
    session_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.events import EventLog
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.host_deploy import HostDeploy
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.pki import engine_public_key
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.vlan import vlan_tag
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    wanted = wanted_topology(params)
    if module.check_mode:
        otherwise = [f"add host {params['name']} to cluster {wanted.cluster} of data center {wanted.data_center}"]
        return foresee(params, lambda session: missing(session, wanted, params), otherwise)
    journal = Journal(params["journal"], params["phase"])
    with session_of(params) as session:
        version = session.open(params["ready_timeout"])
        place, changed = topology.ensure(session, wanted, journal)
        changed = let_in(session, journal, params) or changed
        events = EventLog(session, tell=module.log)
        with session.step("read the newest event"):
            events.begin()
        host = hosts.find(session, params["name"], params["address"])
        if host is None:
            host, changed = hosts.add(session, journal, place, params["name"], params["address"]), True
        else:
            hosts.check_place(host, place)
            changed = hosts.revive(session, host) or changed
        deploy = HostDeploy(session, events, host.id, guest_of(params["guest"]))
        facts = hosts.facts(session, place, deploy.wait(params["timeout"]))
    journal.remember("engine_host", facts)
    return {
        "changed": changed,
        "host": facts,
        "engine_version": f"{version[0]}.{version[1]}",
        "events": [event.as_dict() for event in events.about(host_id=host.id)],
        "polls": deploy.polls,
        **session.counts,
    }


def wanted_topology(params: dict[str, Any]) -> topology.Wanted:
    return topology.Wanted(
        data_center=params["data_center"],
        cluster=params["cluster"],
        network=params["management_network"],
        data_center_version=params["data_center_version"],
        cluster_version=params["cluster_version"],
        cpu_type=params["cpu_type"],
        vlan=vlan_tag(params["interface"]) if params["interface"] else None,
        gluster=params["gluster_service"],
    )


def missing(session: Session, wanted: topology.Wanted, params: dict[str, Any]) -> list[str]:
    todo = topology.find(session, wanted).missing()
    host = hosts.find(session, params["name"], params["address"])
    if host is None:
        todo.append(f"add host {params['name']} to cluster {wanted.cluster}")
    elif str(host.status) != "up":
        todo.append(f"bring host {host.name} up, which is {host.status}")
    return todo


def let_in(session: Session, journal: Journal, params: dict[str, Any]) -> bool:
    """Let the engine log in to this host, and return whether anything had to be done for it."""
    if not params["authorize_engine"]:
        return False
    return authorized_keys.let_in(journal, params["authorized_keys"], engine_public_key(session))


def guest_of(params: Any) -> Any:
    """Return the engine's machine, given as C(vm) or as C(vm.ssh) with the address."""
    return Guest.of({**params, **(params.get("ssh") or {})}) if params else None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **engine_arguments(),
            **journal_arguments(),
            **phase_end_arguments(),
            "data_center": {"type": "str", "default": "Default"},
            "data_center_version": {"type": "str"},
            "cluster": {"type": "str", "default": "Default"},
            "cluster_version": {"type": "str"},
            "cpu_type": {"type": "str"},
            "gluster_service": {"type": "bool", "default": False},
            "management_network": {"type": "str", "default": "ovirtmgmt"},
            "interface": {"type": "str"},
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "authorize_engine": {"type": "bool", "default": True},
            "authorized_keys": {"type": "path", "default": "/root/.ssh/authorized_keys", "no_log": False},
            "guest": {"type": "dict"},
            "ready_timeout": {"type": "int", "default": 600},
            "timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
