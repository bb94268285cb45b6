#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: network_interfaces_info
short_description: Interfaces that can carry the management network, and why the others cannot
version_added: 1.0.0
description:
  - Judges every interface of the host but loopback, as the preflight does. Nothing is changed.
options: {}
attributes:
  check_mode:
    description: The same as without, since nothing is ever changed.
    support: full
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Look at the interfaces
  node0.hosted_engine.network_interfaces_info:
  register: found

- name: Take the only one that can be used
  ansible.builtin.set_fact:
    he_bridge_if: "{{ found.usable | first }}"
  when: found.usable | length == 1
"""

RETURN = r"""
interfaces:
  description: Every interface.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    type:
      description: What it is, for example C(ethernet), C(bond), C(vlan) or C(bridge).
      type: str
    usable:
      description: Whether it can carry the management network.
      type: bool
    reasons:
      description: Why it cannot.
      type: list
      elements: str
    addresses:
      description: Its addresses with the length of the prefix, link-local ones left out.
      type: list
      elements: str
usable:
  description: Names of those that can be used, what C(he_bridge_if) may be.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import facts, interfaces
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(_module: AnsibleModule) -> dict[str, Any]:
    found = interfaces.candidates(facts.interfaces())
    return {"interfaces": found, "usable": [one["name"] for one in found if one["usable"]]}


def main() -> None:
    execute(AnsibleModule(argument_spec={}, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
