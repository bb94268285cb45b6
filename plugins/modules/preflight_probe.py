#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: preflight_probe
short_description: Find out what would make a deployment fail, before anything is changed
version_added: 1.0.0
description:
  - Runs all checks of the host side by side and tells all findings together, each with what was expected, what was seen
    and what to do. The checks are listed in C(docs/preflight.md) of the collection.
  - Nothing is changed. Storage is tried out with the identity of vdsm, by a process whose mounts end with it.
  - The module does not fail because of what it finds.
  - On the control node an action of the same name adds what is wrong with the settings and with Ansible itself, and
    shows all of it as a table.
options:
  settings:
    description: Settings by area, as M(node0.hosted_engine.settings) returns them. What is not there is not judged.
    type: dict
    default: {}
  host:
    description: Facts of the host, as M(node0.hosted_engine.host_info) returns them; they are gathered if not given.
    type: dict
  findings:
    description:
      - What M(node0.hosted_engine.settings) has found wrong. It becomes part of the report, and the values of these
        variables are not judged again.
    type: list
    elements: dict
    default: []
  skip:
    description: Ids of checks that are not run, and of findings that are not reported.
    type: list
    elements: str
    default: []
  show_all:
    description: Whether the action's table lists every check with what it saw, and not only what was found.
    type: bool
    default: false
  iscsi_discover_password:
    description: Password with which an iSCSI portal lets its targets be listed.
    type: str
  iscsi_password:
    description: Password of the login to the iSCSI target.
    type: str
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
- name: Validate the settings
  node0.hosted_engine.settings:
    defer: true
  register: validated

- name: Look at the host
  node0.hosted_engine.preflight_probe:
    settings: "{{ validated.settings }}"
    findings: "{{ validated.findings }}"
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
    check:
      description: Id of the check that made it.
      type: str
    severity:
      description: V(block), V(warn) or V(info).
      type: str
    source:
      description: The variable that it is about, empty if it is about the host.
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
checks:
  description: Every check of the host, whether it found something or not.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Its id.
      type: str
    title:
      description: What is right when it finds nothing.
      type: str
    severity:
      description: The worst that it can find.
      type: str
    status:
      description: V(passed), V(found), V(skipped), V(not_needed), or V(broken) when it came to no end.
      type: str
    observed:
      description: What it saw that is right, or why it came to no end.
      type: str
    seconds:
      description: How long it took.
      type: float
ok:
  description: Whether nothing blocks a deployment.
  returned: always
  type: bool
report:
  description: All of it with the verdict, as C(docs/preflight.schema.json) describes it.
  returned: always, from the action
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import facts
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.probe import probe, unknown_names
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import BLOCK
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    wrong = [one.get("source", "") for one in params["findings"] if one.get("severity") == BLOCK]
    settings = Settings.of(params["settings"], wrong)
    host = params["host"] or facts.gather(settings.bridge_if, settings.fqdn)
    secrets = {
        "he_iscsi_discover_password": params["iscsi_discover_password"] or "",
        "he_iscsi_password": params["iscsi_password"] or "",
    }
    outcomes = probe(settings, host, Journal(params["journal"]).read(), params["skip"], secrets)
    findings = unknown_names(params["skip"]) + [one for outcome in outcomes for one in outcome.findings]
    return {
        "findings": findings,
        "checks": [outcome.facts() for outcome in outcomes],
        "ok": not any(finding["severity"] == BLOCK for finding in findings),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "host": {"type": "dict"},
            "findings": {"type": "list", "elements": "dict", "default": []},
            "skip": {"type": "list", "elements": "str", "default": []},
            "show_all": {"type": "bool", "default": False},
            "iscsi_discover_password": {"type": "str", "no_log": True},
            "iscsi_password": {"type": "str", "no_log": True},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
