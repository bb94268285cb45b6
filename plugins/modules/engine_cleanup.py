#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: engine_cleanup
short_description: Remove the bootstrap VM from the engine that has moved
description:
  - Logs in to the engine at its final address, waits until it sees its host up and its own VM running, and stops and
    removes the bootstrap VM that its database still knows.
  - Ends its session; no token is left.
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
options:
  local_vm_uuid:
    description: UUID of the bootstrap VM, which is also its id in the engine.
    type: str
    required: true
  host:
    description: The host as M(node0.hosted_engine.engine_host) returned it; C(id) is used.
    type: dict
    required: true
  target_vm:
    description: The engine VM as M(node0.hosted_engine.engine_target_vm) returned it in C(vm); C(id) is used.
    type: dict
    required: true
  timeout:
    description: Seconds in which each part must be done.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Remove the bootstrap VM from the engine
  node0.hosted_engine.engine_cleanup:
    engine_fqdn: engine.example.test
    engine_user: admin@internal
    engine_password: "{{ he_admin_password }}"
    engine_ca_file: /etc/pki/ovirt-engine/bootstrap-ca.pem
    local_vm_uuid: 4d7ac9d8-2a4b-4d10-8a4c-0b8d9f6a7c11
    host: "{{ added.host }}"
    target_vm: "{{ made.vm }}"
"""

RETURN = r"""
removed:
  description: Whether the engine still knew the bootstrap VM.
  returned: success, not in check mode
  type: bool
host_status:
  description: State of the host in the engine.
  returned: success, not in check mode
  type: str
vm_status:
  description: State of the engine VM in the engine.
  returned: success, not in check mode
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
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import external_vm
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.arguments import (
    engine_arguments,
    foresee,
    journal_arguments,
    session_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    uuid, seconds = params["local_vm_uuid"], params["timeout"]
    if module.check_mode:
        todo = ["remove the bootstrap VM from the engine"]
        return foresee(params, lambda session: missing(session, uuid, todo), todo)
    with session_of(params) as session:
        session.ends_after_use = True
        session.open(seconds)
        host_status = external_vm.wait_for_host(session, params["host"]["id"], seconds)
        vm_status = external_vm.wait_for_engine_vm(session, params["target_vm"]["id"], seconds)
        removed = external_vm.remove(session, uuid, seconds)
    facts = {"removed": removed, "host_status": host_status, "vm_status": vm_status}
    return {"changed": removed, **facts, **session.counts}


def missing(session: Session, uuid: str, todo: list[str]) -> list[str]:
    return todo if not uuid or external_vm.status_of(session, uuid) is not None else []


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **engine_arguments(),
            **journal_arguments(),
            "local_vm_uuid": {"type": "str", "required": True},
            "host": {"type": "dict", "required": True},
            "target_vm": {"type": "dict", "required": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
