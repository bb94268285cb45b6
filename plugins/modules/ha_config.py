#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: ha_config
short_description: Write the configuration of a hosted engine on the host and on shared storage
description:
  - Writes C(hosted-engine.conf) on the host, the configuration archive on its volume, and zeros over the slots in which
    the HA hosts tell each other their status.
  - Everything that goes to shared storage is read back and compared.
  - The slots are only zeroed while nothing is configured yet; a second run leaves it as it is.
version_added: 0.1.0
author:
  - The node0.hosted_engine founders (@node0)
attributes:
  check_mode:
    description: Can run in check mode and report what would be done without doing it.
    support: full
  diff_mode:
    description: Can show what would change.
    support: full
extends_documentation_fragment:
  - node0.hosted_engine._journal
options:
  settings:
    description: The frozen settings of the deployment.
    type: dict
    required: true
  host:
    description: What M(node0.hosted_engine.engine_host) returned.
    type: dict
    required: true
  storage:
    description: What M(node0.hosted_engine.engine_storage_domain) returned.
    type: dict
    required: true
  vm:
    description: The engine VM as M(node0.hosted_engine.engine_target_vm) returned it.
    type: dict
    required: true
  disks:
    description: The hosted engine disks by name, each with its C(id) and C(image_id).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the configuration of the hosted engine
  node0.hosted_engine.ha_config:
    settings: "{{ he_settings }}"
    host: "{{ he_state.engine_host }}"
    storage: "{{ he_state.storage }}"
    vm: "{{ made.vm }}"
    disks: "{{ made.disks }}"
"""

RETURN = r"""
ha_config:
  description: What was written, also kept in the journal under C(state.ha_config).
  returned: success
  type: dict
  contains:
    conf:
      description: Path of hosted-engine.conf.
      type: str
    vm_conf:
      description: Text of the fallback vm.conf.
      type: str
    lockspace:
      description: Path of the lockspace volume.
      type: str
    metadata:
      description: Path of the metadata volume.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import deployment, hosted_engine
from ansible_collections.node0.hosted_engine.plugins.module_utils._conf.members import broker_conf
from ansible_collections.node0.hosted_engine.plugins.module_utils._conf.shared import SharedVolumes, ha_version
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.identity import owner_ids
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.textfile import install, is_in_place, read
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    wanted = module.params
    if module.check_mode and not wanted["vm"]:
        return {"changed": True}
    facts = {name: wanted[name] for name in ("settings", "host", "storage", "vm", "disks")}
    conf = deployment.hosted_engine_conf(**facts)
    vm_conf = deployment.vm_conf(**facts)
    uid, gid = owner_ids()
    journal = Journal(wanted["journal"], wanted["phase"])
    diff = {"before": read(hosted_engine.PATH), "after": conf, "before_header": hosted_engine.PATH}
    before = journal.state("ha_config") or {}
    if before and is_in_place(hosted_engine.PATH, conf, 0o440, uid, gid):
        return {"ha_config": before, "diff": diff}
    if module.check_mode:
        return {"changed": True, "diff": diff}
    volumes = SharedVolumes.prepare(wanted["storage"], wanted["disks"])
    volumes.write_archive(
        {
            "vm.conf": vm_conf,
            "broker.conf": broker_conf(wanted["settings"]["mail"]),
            "version": ha_version(),
            "fhanswers.conf": deployment.first_host_answers(wanted["settings"], wanted["storage"], wanted["vm"]),
            "hosted-engine.conf": conf,
        }
    )
    volumes.clear_metadata()
    install(hosted_engine.HA_CONF, hosted_engine.NO_MAINTENANCE, 0o644, uid, gid)
    with journal.making("hosted_engine_conf", hosted_engine.PATH):
        install(hosted_engine.PATH, conf, 0o440, uid, gid)
    written = {
        "conf": hosted_engine.PATH,
        "vm_conf": vm_conf,
        "lockspace": volumes.lockspace,
        "metadata": volumes.metadata,
    }
    journal.remember("ha_config", written)
    return {"changed": True, "ha_config": written, "diff": diff}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "required": True},
            "host": {"type": "dict", "required": True},
            "storage": {"type": "dict", "required": True},
            "vm": {"type": "dict", "required": True},
            "disks": {"type": "dict", "required": True},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
