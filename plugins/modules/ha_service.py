#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: ha_service
short_description: Hand the engine VM over to the HA services
description:
  - Starts the broker, initialises the lockspace and proves it, starts the agent, ends maintenance, and waits until this
    host says that the engine is up and healthy.
  - A lockspace that is already there is not written again.
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
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
options:
  host_id:
    description: Id of this host among the HA hosts.
    type: int
    required: true
  fqdn:
    description: Fully qualified name of the engine.
    type: str
    required: true
  network:
    description: Management network; with it the host's virtual networks learn the engine's final address.
    type: str
  host_address:
    description: Address of this host on the management network.
    type: str
  timeout:
    description: Seconds in which the engine must be up.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Start the HA services and wait for the engine
  node0.hosted_engine.ha_service:
    host_id: 1
    fqdn: engine.example.com
"""

RETURN = r"""
status:
  description: Status of this host as the HA services tell it.
  returned: success
  type: dict
  contains:
    score:
      description: Suitability for running the engine VM, 0 to 3400.
      type: int
    engine_status:
      description: Keys C(vm), C(health) and C(detail).
      type: dict
    state:
      description: State of the agent.
      type: str
seconds:
  description: Seconds that the hand-over took.
  returned: success
  type: float
journal:
  description: The whole journal.
  returned: O(ends_phase=true)
  type: dict
"""

import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.services import Services
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.status import is_good, read_status
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import hosts_file
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run


def work(module: AnsibleModule) -> dict[str, Any]:
    wanted = module.params
    journal = Journal(wanted["journal"], wanted["phase"])
    done = journal.state("ha_service") or {}
    if done.get("host_id") == wanted["host_id"]:
        own = read_status()["hosts"].get(str(wanted["host_id"]))
        if own is not None and is_good(own):
            return {"status": own, "seconds": 0.0}
    if module.check_mode:
        return {"changed": True}
    begun = time.monotonic()
    config = journal.state("ha_config") or {}
    services = Services(wanted["host_id"], config["lockspace"], config["metadata"])
    # The engine's name must lead to its final address again before anybody asks for its health.
    if hosts_file.remove(hosts_file.PATH, hosts_file.HOST_MARKER):
        journal.gone(hosts_file.KIND, hosts_file.PATH)
    services.start_broker(config["vm_conf"])
    if not services.lockspace_is_written():
        services.initialise_lockspace()
    services.start_agent()
    status = services.wait_until_up(wanted["timeout"])
    if wanted["network"] and wanted["host_address"]:
        told = tell_ovn(wanted["fqdn"], wanted["network"], wanted["host_address"])
        if told:
            module.warn(f"The virtual networks of this host still use the bootstrap's address: {told}")
    journal.remember("ha_service", {"host_id": wanted["host_id"]})
    return {"changed": True, "status": status, "seconds": round(time.monotonic() - begun, 1)}


def tell_ovn(fqdn: str, network: str, host_address: str) -> str:
    """Lead OVN to the engine's final address; return why that could not be done, nothing if it could."""
    try:
        engine = socket.gethostbyname(fqdn)
    except OSError as error:
        return f"{fqdn}: {error}"
    told = run(["vdsm-tool", "ovn-config", engine, network, host_address], check=False)
    return told.stderr.strip() or f"exit status {told.rc}" if told.rc != 0 else ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **phase_end_arguments(),
            "host_id": {"type": "int", "required": True},
            "fqdn": {"type": "str", "required": True},
            "network": {"type": "str"},
            "host_address": {"type": "str"},
            "timeout": {"type": "int", "default": 1800},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
