#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: host_info
short_description: Facts of the host that a hosted engine is deployed on
version_added: 1.0.0
description:
  - Reads, in one process, what the other parts of the collection must know of the host. Nothing is changed.
options:
  bridge_if:
    description: Interface that the management network is, or will be, on; that of the default route if empty.
    type: str
    default: ""
  engine_fqdn:
    description: Name of the engine, looked up if given.
    type: str
    default: ""
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
- name: Read the host
  node0.hosted_engine.host_info:
    bridge_if: eth0
    engine_fqdn: engine.example.com
  register: info
"""

RETURN = r"""
host:
  description: The host.
  returned: always
  type: dict
  contains:
    fqdn:
      description: Fully qualified name.
      type: str
    names:
      description: C(hostname), and the addresses that C(fqdn) and C(engine) resolve to on the host.
      type: dict
    addresses:
      description: Its addresses, without loopback and link-local ones.
      type: list
      elements: str
    interfaces:
      description:
        - Its interfaces with name, type (C(ethernet), C(bridge), C(bond), C(vlan), ...), mac, mtu, up, carrier, master.
        - Each with C(addresses), a list of address, prefix and family (4 or 6).
      type: list
      elements: dict
    management:
      description:
        - Where the host's own address is.
        - C(interface), the C(carrier) of the address (a bridge if the interface is under one), C(mac) of the interface,
          C(address), C(prefix) and C(family).
      type: dict
    gateway:
      description: IPv4 default gateway.
      type: str
    uuid:
      description: Unique id of the host; empty if there is none.
      type: str
    time_zone:
      description: Time zone.
      type: str
    memory:
      description: C(total) and C(available) memory in bytes.
      type: dict
    cpus:
      description: Number of usable CPUs.
      type: int
    virtualization:
      description: C(cpu), the flag with which the CPU offers it, and C(kvm), whether the device is there.
      type: dict
    deployed:
      description:
        - Signs of a deployment. C(conf), whether hosted-engine.conf has content. C(domain), state of C(HostedEngine).
          C(bootstrap), that of C(HostedEngineLocal).
        - C(vms), running VMs besides those of hosted engine. C(services), active services of hosted engine.
        - C(libvirt), why libvirt could not be asked.
        - C(verdict), what they mean together with the journal, C(none), C(in_progress), C(finished) or C(foreign).
      type: dict
    services:
      description: Active services among those that matter.
      type: list
      elements: str
    libraries:
      description: Versions of C(libvirt) and C(ovirtsdk4); empty if they are not there.
      type: dict
    packages:
      description: Versions of the installed packages that matter, by name.
      type: dict
    package_manager:
      description: Which of Ansible's package modules fits, C(dnf) or C(apt); C(auto) when it is another.
      type: str
journal:
  description: The journal, or null when there is none.
  returned: always
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import facts
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import Deployment
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    journal = Journal(module.params["journal"]).read()
    host = facts.gather(module.params["bridge_if"], module.params["engine_fqdn"])
    host["deployed"]["verdict"] = Deployment(**host["deployed"]).verdict(journal)
    return {"host": host, "journal": journal}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "bridge_if": {"type": "str", "default": ""},
            "engine_fqdn": {"type": "str", "default": ""},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
