#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: engine_storage_domain
short_description: Let the engine make the hosted engine's storage domain
description:
  - Creates the domain, checks it, attaches it to the data center, and waits until it is active, the data center is up
    and the host is its storage pool manager.
  - A path that already holds a storage domain is refused. The engine would import it without asking, so the path is
    mounted read-only on this host and looked at first.
  - A domain that is too small is removed together with its content, but only when this deployment has made it.
  - A domain of this deployment is found again by its name and place.
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
  name:
    description: Name of the domain in the engine.
    type: str
    default: hosted_storage
  type:
    description: Kind of storage.
    type: str
    choices: [nfs, glusterfs]
    default: nfs
  address:
    description: Name or address of the server.
    type: str
    required: true
  path:
    description: Path that the server exports, or the volume of Gluster.
    type: str
    required: true
  mount_options:
    description: Further options of the mount.
    type: str
    default: ""
  nfs_version:
    description: Version of NFS.
    type: str
    choices: [auto, v3, v4, v4_0, v4_1, v4_2]
    default: auto
  host:
    description: The host as M(node0.hosted_engine.engine_host) returned it; C(id), C(name) and C(data_center_id) are
      used.
    type: dict
    required: true
  disk_size:
    description: Size of the engine VM's disk that is asked for, in bytes.
    type: int
    required: true
  appliance_size:
    description: Virtual size of the appliance's disk, in bytes. The larger of the two sizes decides.
    type: int
    default: 0
  timeout:
    description: Seconds in which each part must be done.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Create, attach and activate the storage domain
  node0.hosted_engine.engine_storage_domain:
    engine_fqdn: engine.example.test
    engine_user: admin@internal
    engine_password: "{{ he_admin_password }}"
    engine_ca_file: /etc/pki/ovirt-engine/bootstrap-ca.pem
    address: nfs.example.test
    path: /exports/he
    host: "{{ added.host }}"
    disk_size: 65498251264
"""

RETURN = r"""
storage:
  description: The domain, also kept in the journal under C(state.storage).
  returned: success, not in check mode
  type: dict
  contains:
    id:
      description: Id of the domain.
      type: str
    name:
      description: Name of the domain.
      type: str
    type:
      description: Kind of storage.
      type: str
    address:
      description: The server.
      type: str
    path:
      description: The path.
      type: str
    data_center_id:
      description: Id of the data center.
      type: str
    available:
      description: Bytes that are available.
      type: int
    connection_id:
      description: Id of the storage connection.
      type: str
would:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
exchanges:
  description: Requests that were sent to the engine, logins included.
  returned: always
  type: int
logins:
  description: Tokens that were asked for.
  returned: always
  type: int
journal:
  description: The whole journal.
  returned: O(ends_phase=true)
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import storage
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.arguments import (
    engine_arguments,
    foresee,
    journal_arguments,
    session_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage_maker import DomainMaker
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.storage_evidence import look_into
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments

READY_SECONDS = 120


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    wanted = storage.WantedDomain(
        name=params["name"],
        type=params["type"],
        address=params["address"],
        path=params["path"],
        host=params["host"].get("name", ""),
        mount_options=params["mount_options"],
        nfs_version=params["nfs_version"],
    )
    if module.check_mode:
        todo = [f"create storage domain {wanted.name} at {wanted.where}"]
        return foresee(params, lambda session: missing(session, wanted, todo), todo)
    journal = Journal(params["journal"], params["phase"])
    with session_of(params) as session:
        session.open(READY_SECONDS)
        maker = DomainMaker(
            session,
            journal,
            wanted,
            params["host"],
            look_into,
            params["disk_size"],
            params["appliance_size"],
            params["timeout"],
        )
        facts, changed = maker.ensure()
    journal.remember("storage", facts)
    return {"changed": changed, "storage": facts, **session.counts}


def missing(session: Session, wanted: storage.WantedDomain, todo: list[str]) -> list[str]:
    return [] if storage.find(session, wanted) is not None else todo


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **engine_arguments(),
            **journal_arguments(),
            **phase_end_arguments(),
            "name": {"type": "str", "default": "hosted_storage"},
            "type": {"type": "str", "default": "nfs", "choices": ["nfs", "glusterfs"]},
            "address": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "mount_options": {"type": "str", "default": ""},
            "nfs_version": {
                "type": "str",
                "default": "auto",
                "choices": ["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"],
            },
            "host": {"type": "dict", "required": True},
            "disk_size": {"type": "int", "required": True},
            "appliance_size": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
