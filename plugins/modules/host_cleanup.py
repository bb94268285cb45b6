#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: host_cleanup
short_description: Remove from the host what a deployment has left
version_added: 1.0.0
description:
  - V(what=initial) removes what a run that was cut has left half-made, what has the collection's names without being in
    its journal, and the sections that an earlier vdsm has put into libvirt's configuration, of which dated copies are
    kept. What the journal lists as made stays, because the deployment goes on with it. A host that runs a hosted engine
    or VMs of an engine is refused, untouched.
  - V(what=bootstrap) undoes what the journal lists, newest first, and marks the phases as undone. What somebody else
    has changed since is kept and told.
  - Libvirt's C(default) network and whatever else the collection did not make are never touched.
options:
  what:
    description: What is removed.
    type: str
    choices: [initial, bootstrap]
    required: true
  only_bootstrap:
    description:
      - With V(what=bootstrap), leave what belongs to the deployment itself, for example its configuration.
      - Without it a host whose hosted engine is deployed is refused.
    type: bool
    default: false
extends_documentation_fragment:
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
attributes:
  check_mode:
    description: Says what would be removed and removes nothing.
    support: full
requirements:
  - python3-libvirt
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Make the host ready for a deployment
  node0.hosted_engine.host_cleanup:
    what: initial

- name: Undo a deployment that failed
  node0.hosted_engine.host_cleanup:
    what: bootstrap

- name: Remove the bootstrap's things after a deployment that succeeded
  node0.hosted_engine.host_cleanup:
    what: bootstrap
    only_bootstrap: true
"""

RETURN = r"""
removed:
  description: What was removed, or would be in check mode, in words.
  returned: always
  type: list
  elements: str
kept:
  description: What is in the journal and was not removed, each with the reason.
  returned: always
  type: list
  elements: str
journal:
  description: The whole journal.
  returned: O(ends_phase=true)
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import cleanup
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments

# What stays true of a host whose deployment was undone.
LASTING = ("appliance",)


def forget(journal: Journal) -> None:
    """Take back what the journal says of phases and of things that are gone."""
    record = journal.read() or {}
    for key in set(record.get("state", {})) - set(LASTING):
        journal.forget(key)
    for phase, entry in record.get("phases", {}).items():
        if entry.get("status") != "undone":
            journal.mark(phase, "undone")


def work(module: AnsibleModule) -> dict[str, Any]:
    params, dry_run = module.params, module.check_mode
    journal = Journal(params["journal"], params["phase"])
    if params["what"] == "initial":
        outcome = cleanup.initial(journal, dry_run)
    else:
        outcome = cleanup.bootstrap(journal, dry_run, params["only_bootstrap"])
        if not dry_run and not params["only_bootstrap"]:
            forget(journal)
    return {"changed": bool(outcome.removed), "removed": outcome.removed, "kept": outcome.kept}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **phase_end_arguments(),
            "what": {"type": "str", "choices": ["initial", "bootstrap"], "required": True},
            "only_bootstrap": {"type": "bool", "default": False},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
