#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: ha_host
short_description: Make this host a hosted engine host of an engine that runs
description:
  - Checks first that this host belongs to no other engine, that the engine runs in a hosted engine VM that it manages
    and knows where, that the cluster exists, and that the engine has no other host with this name or address.
  - Lets the engine log in to this host with the key that it publishes over verified TLS, and adds the host with hosted
    engine in the foreground, so that a refusal is reported with the engine's own words.
  - A host that is in the engine already and in maintenance, or whose installation failed, is installed again with
    hosted engine. One that is in use without it is refused.
  - Follows the engine's events until the host is up, checks that the host's own configuration carries the id that the
    engine gave it, and waits until both the host and the engine tell a score above 0.
  - A hosted engine host is left as it is. One in maintenance is not waited for.
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
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
options:
  engine_ca:
    description: Certificate of the engine's CA, in PEM format. TLS is always verified.
    type: str
    required: true
  cluster:
    description: Cluster of the host, in the data center of the engine VM. It must exist.
    type: str
    default: Default
  engine_vm:
    description: Name of the engine VM.
    type: str
    default: HostedEngine
  name:
    description: Name of the host in the engine.
    type: str
    required: true
  address:
    description: Name or address at which the engine reaches the host.
    type: str
    required: true
  authorized_keys:
    description: File that lets the engine in as root.
    type: path
    default: /root/.ssh/authorized_keys
  ready_timeout:
    description: Seconds in which the engine must accept a login.
    type: int
    default: 120
  timeout:
    description: Seconds in which the host must be up.
    type: int
    default: 1800
  score_timeout:
    description: Seconds in which the host must have its score, from the moment that it is up.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Make this host a hosted engine host
  node0.hosted_engine.ha_host:
    engine_fqdn: engine.example.test
    engine_user: admin@internal
    engine_password: "{{ he_admin_password }}"
    engine_ca: "{{ lookup('ansible.builtin.file', 'engine-ca.pem') }}"
    name: host2
    address: host2.example.test
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
ha:
  description: What the engine sees of the HA services, C(score), C(active) and the maintenance flags.
  returned: success, not in check mode, unless the host is in maintenance
  type: dict
own:
  description: What the host's HA services say of it, C(score), C(state), C(engine_status), C(live).
  returned: success, not in check mode, unless the host is in maintenance
  type: dict
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
journal:
  description: The whole journal.
  returned: O(ends_phase=true)
  type: dict
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
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import ha_hosts, hosts
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.arguments import (
    foresee,
    journal_arguments,
    login_arguments,
    session_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.authorized_keys import let_in
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.events import EventLog
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.host_deploy import HostDeploy
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.pki import engine_public_key
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha import member
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments

Params = dict[str, Any]


def work(module: AnsibleModule) -> dict[str, Any]:
    member.check_engine(module.params["engine_fqdn"].partition(":")[0])
    with tempfile.NamedTemporaryFile("w", suffix=".pem", dir=module.tmpdir, encoding="utf-8") as ca:
        ca.write(module.params["engine_ca"].strip() + os.linesep)
        ca.flush()
        params = {**module.params, "engine_ca_file": ca.name, "session_file": None}
        if module.check_mode:
            wish = f"add host {params['name']} to cluster {params['cluster']} with hosted engine"
            return foresee(params, lambda session: missing(session, params), [wish])
        with session_of(params) as session:
            return join(session, params, EventLog(session, tell=module.log))


def join(session: Session, params: Params, events: EventLog) -> dict[str, Any]:
    session.open(params["ready_timeout"])
    journal = Journal(params["journal"], params["phase"])
    ha_hosts.check_engine_vm(session, params["engine_vm"])
    cluster = ha_hosts.find_cluster(session, params["cluster"])
    host = hosts.find(session, params["name"], params["address"])
    with session.step("read the newest event"):
        events.begin()
    host, changed = installed(session, journal, params, cluster, host)
    if not changed and str(host.status) == "maintenance":
        found = {"changed": False, "host": ha_hosts.facts(host, cluster, None), "polls": 0}
        return result(session, events, host, found)
    deploy = HostDeploy(session, events, host.id)
    host = deploy.wait(params["timeout"])
    spm_id = hosts.spm_id(session, host)
    member.check_id(spm_id)
    own = member.wait_for_score(spm_id, params["score_timeout"], session.clock)
    seen = ha_hosts.wait_for_score(session, host.id, params["score_timeout"])
    facts = ha_hosts.facts(host, cluster, spm_id)
    if changed or journal.state("engine_host") is None:
        journal.remember("engine_host", facts)
    found = {"changed": changed, "host": facts, "ha": seen, "own": own, "polls": deploy.polls}
    return result(session, events, host, found)


def installed(session: Session, journal: Journal, params: Params, cluster: Any, host: Any) -> tuple[Any, bool]:
    """Have the host added, or installed again; return it and whether that was needed."""
    if host is not None:
        ha_hosts.check_cluster(host, cluster)
        host = ha_hosts.read(session, host.id)
        todo = ha_hosts.todo(host)
        if todo != "install":
            return host, False
    let_in(journal, params["authorized_keys"], engine_public_key(session))
    if host is None:
        return ha_hosts.add(session, journal, cluster, params["name"], params["address"]), True
    ha_hosts.reinstall(session, host)
    return host, True


def result(session: Session, events: EventLog, host: Any, found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "events": [event.as_dict() for event in events.about(host_id=host.id)], **session.counts}


def missing(session: Session, params: Params) -> list[str]:
    ha_hosts.check_engine_vm(session, params["engine_vm"])
    cluster = ha_hosts.find_cluster(session, params["cluster"])
    host = hosts.find(session, params["name"], params["address"])
    if host is None:
        return [f"add host {params['name']} to cluster {cluster.name} with hosted engine"]
    ha_hosts.check_cluster(host, cluster)
    todo = ha_hosts.todo(ha_hosts.read(session, host.id))
    return [f"install host {host.name} again with hosted engine"] if todo == "install" else []


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **login_arguments(),
            **journal_arguments(),
            **phase_end_arguments(),
            "engine_ca": {"type": "str", "required": True},
            "cluster": {"type": "str", "default": "Default"},
            "engine_vm": {"type": "str", "default": "HostedEngine"},
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "authorized_keys": {"type": "path", "default": "/root/.ssh/authorized_keys", "no_log": False},
            "ready_timeout": {"type": "int", "default": 120},
            "timeout": {"type": "int", "default": 1800},
            "score_timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
