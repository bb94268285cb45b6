#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: nat_network
short_description: Libvirt NAT network of the bootstrap engine VM
version_added: 1.0.0
description:
  - Makes a libvirt NAT network of its own, and never touches libvirt's C(default) network.
  - The IPv4 prefix is proven to overlap with no address, route, policy rule, neighbour, name server or other libvirt
    network of the host, and with nothing in O(avoid). A network that is left over from an earlier run is used again.
  - Adds the two policy rules (priorities 100 and 101) that keep its traffic on the main routing table, and, where
    firewalld runs, what the VM must reach on the host in zone C(libvirt).
options:
  state:
    description: Whether the network, its rules and what was opened in firewalld are there.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the network.
    type: str
    default: node0-bootstrap
  bridge:
    description: Bridge that libvirt makes for it.
    type: str
    default: node0-nat
  preferred_prefix:
    description:
      - Prefix that is taken if it is free, as C(192.168.222.0/24) or C(192.168.222).
      - Otherwise the first free /24 of the private ranges is taken.
    type: str
    default: 192.168.222.0/24
  avoid:
    description:
      - Addresses, prefixes and host names that must stay reachable, for example gateway, name servers, storage and
        the engine's final address.
    type: list
    elements: str
    default: []
  mac:
    description: Hardware address of the bootstrap VM; it always gets the second address of the prefix.
    type: str
    default: ""
extends_documentation_fragment:
  - node0.hosted_engine._journal
attributes:
  check_mode:
    description: Says what would be made and makes nothing.
    support: full
requirements:
  - python3-libvirt
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Make the network of the bootstrap VM
  node0.hosted_engine.nat_network:
    mac: "00:16:3e:77:00:50"
    avoid:
      - 192.0.2.1
      - nfs.example.com
      - 192.0.2.50
  register: nat
"""

RETURN = r"""
network:
  description: The network, as it is or, in check mode, as it would be.
  returned: O(state=present)
  type: dict
  contains:
    name:
      description: Name of the network.
      type: str
    bridge:
      description: Its bridge.
      type: str
    address:
      description: Address of the host on the bridge.
      type: str
    prefix:
      description: Length of the prefix.
      type: int
    cidr:
      description: The prefix, for example C(192.168.222.0/24).
      type: str
    uuid:
      description: UUID of the network; empty in check mode when there is none yet.
      type: str
    reserved:
      description: Address that O(mac) gets; empty without O(mac).
      type: str
made:
  description: What was missing and was made, in words.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import nat_setup
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    journal = Journal(params["journal"], params["phase"])
    if params["state"] == "absent":
        removed = nat_setup.absent(params["name"], journal, module.check_mode)
        if removed and not module.check_mode:
            journal.forget("nat")
        return {"changed": bool(removed), "made": [], "removed": removed}
    wish = nat_setup.Wish(
        name=params["name"],
        bridge=params["bridge"],
        preferred=params["preferred_prefix"],
        avoid=tuple(params["avoid"]),
        mac=params["mac"].lower(),
    )
    facts, made = nat_setup.present(wish, journal, module.check_mode)
    if not module.check_mode and journal.state("nat") != facts:
        journal.remember("nat", facts)
    return {"changed": bool(made), "network": facts, "made": made}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "default": "node0-bootstrap"},
            "bridge": {"type": "str", "default": "node0-nat"},
            "preferred_prefix": {"type": "str", "default": "192.168.222.0/24"},
            "avoid": {"type": "list", "elements": "str", "default": []},
            "mac": {"type": "str", "default": ""},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
