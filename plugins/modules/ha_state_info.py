#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: ha_state_info
short_description: Read the status of the hosted engine
description:
  - Returns what C(hosted-engine --vm-status --json) says, by host id.
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
options:
  host_id:
    description: Id of this host among the HA hosts.
    type: int
  engine_fqdn:
    description: Name of the engine that is expected here; the module fails where C(hosted-engine.conf) names another.
    type: str
"""

EXAMPLES = r"""
- name: Look at the hosted engine
  node0.hosted_engine.ha_state_info:
    host_id: 1
  register: status
"""

RETURN = r"""
hosts:
  description: Status of each HA host, by its id as text.
  returned: success
  type: dict
own:
  description: Status of the host with O(host_id); null when it has none.
  returned: success
  type: dict
  contains:
    host_id:
      description: Id of the host.
      type: int
    score:
      description: Suitability for running the engine VM, 0 to 3400.
      type: int
    engine_status:
      description: Keys C(vm), C(health), C(detail) and perhaps C(reason).
      type: dict
    live:
      description: Whether the data are fresh.
      type: bool
    state:
      description: State of the agent.
      type: str
global_maintenance:
  description: Whether the cluster is in global maintenance.
  returned: success
  type: bool
healthy:
  description: Whether the engine VM is up and healthy on one of the hosts.
  returned: success
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import hosted_engine
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._ha.status import is_good, read_status
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import CONF, DEPLOYMENT_EXISTS
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    expected = module.params["engine_fqdn"]
    here = hosted_engine.parse(textfile.read(CONF)).get("fqdn", "") if expected else ""
    if expected and here != expected:
        raise HostedEngineError(
            DEPLOYMENT_EXISTS, expected=f"the hosted engine {expected}, or none", observed=f"{CONF} is of {here}"
        )
    status = read_status()
    status["own"] = status["hosts"].get(str(module.params["host_id"]))
    status["healthy"] = any(is_good(host) for host in status["hosts"].values())
    return status


def main() -> None:
    module = AnsibleModule(
        argument_spec={"host_id": {"type": "int"}, "engine_fqdn": {"type": "str"}}, supports_check_mode=True
    )
    execute(module, work)


if __name__ == "__main__":
    main()
