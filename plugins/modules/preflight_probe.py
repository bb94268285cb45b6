#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: preflight_probe
short_description: Find out what would make a deployment fail, before anything is changed
version_added: 1.0.0
description:
  - Runs all checks of the host side by side and tells all findings together, each with what was expected, what was seen
    and what to do. Nothing is changed, and the module does not fail because of what it finds.
options:
  fqdn:
    description: Fully qualified name of the engine.
    type: str
    default: ""
  host_address:
    description: Name or address under which the engine reaches the host; the host's own name if empty.
    type: str
    default: ""
  bridge_if:
    description: Interface of the management network; that of the default route if empty.
    type: str
    default: ""
  gateway:
    description: Default gateway; that of the host if empty.
    type: str
    default: ""
  vm_address:
    description: Static address of the engine VM; DHCP if empty.
    type: str
    default: ""
  vm_prefix:
    description: Length of the prefix of O(vm_address); that of the host's address if V(0).
    type: int
    default: 0
  dns:
    description: Addresses of the engine VM's name servers.
    type: list
    elements: str
    default: []
  memory:
    description: Memory of the engine VM in bytes; not judged if V(0).
    type: int
    default: 0
  vcpus:
    description: Number of the engine VM's CPUs; not judged if V(0).
    type: int
    default: 0
  virt_type:
    description: How VMs are run on this host.
    type: str
    choices: [kvm, qemu]
    default: kvm
  dir_parent:
    description: Folder in which the bootstrap VM's folder is made.
    type: path
    default: /var/tmp
  required_space:
    description: Bytes that must be free in O(dir_parent).
    type: int
    default: 5368709120
extends_documentation_fragment:
  - node0.hosted_engine._journal
attributes:
  check_mode:
    description: The same as without, since nothing is ever changed.
    support: full
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Look at the host
  node0.hosted_engine.preflight_probe:
    fqdn: engine.example.com
    vm_address: 192.0.2.50
    memory: 17179869184
    vcpus: 4
  register: probe

- name: Refuse a host on which the deployment would fail
  ansible.builtin.assert:
    that: probe.ok
"""

RETURN = r"""
findings:
  description: What was found, in a stable order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Stable dotted name of the finding.
      type: str
    severity:
      description: V(block), V(warn) or V(info).
      type: str
    expected:
      description: What should be.
      type: str
    observed:
      description: What is.
      type: str
    resolution:
      description: What to do.
      type: str
    seconds:
      description: How long the check took.
      type: float
ok:
  description: Whether nothing blocks a deployment.
  returned: always
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.probe import probe
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import BLOCK, Settings
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    params = {key: value for key, value in module.params.items() if key not in ("journal", "phase")}
    findings = probe(Settings(**params), Journal(module.params["journal"]).read())
    return {"findings": findings, "ok": not any(finding["severity"] == BLOCK for finding in findings)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "fqdn": {"type": "str", "default": ""},
            "host_address": {"type": "str", "default": ""},
            "bridge_if": {"type": "str", "default": ""},
            "gateway": {"type": "str", "default": ""},
            "vm_address": {"type": "str", "default": ""},
            "vm_prefix": {"type": "int", "default": 0},
            "dns": {"type": "list", "elements": "str", "default": []},
            "memory": {"type": "int", "default": 0},
            "vcpus": {"type": "int", "default": 0},
            "virt_type": {"type": "str", "choices": ["kvm", "qemu"], "default": "kvm"},
            "dir_parent": {"type": "path", "default": "/var/tmp"},
            "required_space": {"type": "int", "default": 5368709120},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
