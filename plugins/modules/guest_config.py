#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: guest_config
short_description: Give the bootstrap VM the files that it needs as engine VM
version_added: 1.0.0
description:
  - Writes NetworkManager's profile of the engine's final network, takes the bootstrap's lines out of the hosts file,
    switches cloud-init off, sets how root may log in, gives unused blocks of the disk back and removes our ephemeral
    key, in this order. The key of the operator stays. The running VM's network is not touched.
  - Afterwards nobody can log in with our key; a second run recognizes that by the journal.
options:
  mac:
    description: Hardware address of the engine VM.
    type: str
    required: true
  address:
    description: Static address of the engine VM; DHCP if empty.
    type: str
    default: ""
  prefix:
    description: Length of the prefix of O(address).
    type: int
    default: 0
  gateway:
    description: Default gateway, of the family of O(address).
    type: str
    default: ""
  dns:
    description: Addresses of name servers, of the family of O(address).
    type: list
    elements: str
    default: []
  ipv6:
    description: Whether an address is asked for with IPv6 and not with IPv4, when O(address) is empty.
    type: bool
    default: false
  fqdn:
    description: Fully qualified name of the engine.
    type: str
    required: true
  etc_hosts:
    description: Whether the VM's hosts file keeps a line for the host, and one for the engine if its address is static.
    type: bool
    default: false
  host_address:
    description: Address of the host, for O(etc_hosts).
    type: str
    default: ""
  host_name:
    description: Name of the host, for O(etc_hosts).
    type: str
    default: ""
  root_ssh_access:
    description: How root may log in to the engine VM over ssh, the C(PermitRootLogin) of its sshd.
    type: str
    choices: ["yes", "no", without-password]
    default: "yes"
extends_documentation_fragment:
  - node0.hosted_engine._guest
  - node0.hosted_engine._journal
attributes:
  check_mode:
    description: Says what would be changed, if the VM is there, and changes nothing.
    support: full
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Make the VM ready for its life on shared storage
  node0.hosted_engine.guest_config:
    guest: "{{ bootstrap.vm.ssh }}"
    mac: "{{ bootstrap.vm.mac }}"
    fqdn: engine.example.com
    address: 192.0.2.50
    prefix: 24
    gateway: 192.0.2.1
    dns: [192.0.2.53]
"""

RETURN = r"""
changes:
  description: What was changed, in words.
  returned: always
  type: list
  elements: str
trimmed:
  description: What C(fstrim) said that it gave back; empty where the disk does not take it.
  returned: always
  type: list
  elements: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import guest_final
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import (
    GUEST_UNREACHABLE,
    Guest,
    guest_spec,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.keyfile import GuestNetwork
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute

KEY = "guest_config"


def wish(params: dict[str, Any]) -> guest_final.FinalWish:
    return guest_final.FinalWish(
        network=GuestNetwork(
            mac=params["mac"],
            address=params["address"],
            prefix=params["prefix"],
            gateway=params["gateway"],
            dns=tuple(params["dns"]),
            ipv6=params["ipv6"],
        ),
        fqdn=params["fqdn"],
        etc_hosts=params["etc_hosts"],
        host_address=params["host_address"],
        host_name=params["host_name"],
        root_ssh_access=params["root_ssh_access"],
    )


def work(module: AnsibleModule) -> dict[str, Any]:
    params, dry_run = module.params, module.check_mode
    journal = Journal(params["journal"], params["phase"])
    wanted = wish(params)
    memory = {"keyfile": wanted.network.keyfile(), "sshd": wanted.sshd(), "fqdn": wanted.fqdn}
    finished = journal.state(KEY) == memory
    if dry_run and not os.path.exists(params["guest"]["key"]):
        # The VM itself would only be made.
        return {"changed": not finished, "changes": [], "trimmed": []}
    try:
        done = guest_final.configure(Guest.of(params["guest"]), wanted, dry_run)
    except HostedEngineError as error:
        # Nobody can log in any more when it is done; in check mode the VM may only be on its way up.
        if (finished or dry_run) and error.problem is GUEST_UNREACHABLE:
            return {"changed": not finished, "changes": [], "trimmed": []}
        raise
    if not dry_run:
        journal.remember(KEY, memory)
    return {"changed": bool(done.changes), "changes": done.changes, "trimmed": done.trimmed}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "guest": guest_spec(),
            "mac": {"type": "str", "required": True},
            "address": {"type": "str", "default": ""},
            "prefix": {"type": "int", "default": 0},
            "gateway": {"type": "str", "default": ""},
            "dns": {"type": "list", "elements": "str", "default": []},
            "ipv6": {"type": "bool", "default": False},
            "fqdn": {"type": "str", "required": True},
            "etc_hosts": {"type": "bool", "default": False},
            "host_address": {"type": "str", "default": ""},
            "host_name": {"type": "str", "default": ""},
            "root_ssh_access": {"type": "str", "choices": ["yes", "no", "without-password"], "default": "yes"},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
