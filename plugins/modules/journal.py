#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: journal
short_description: Note how far a deployment has come
description:
  - Reads the journal of a deployment on the managed host, and notes that a phase is done or has failed.
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
  path:
    description: Path of the journal.
    type: path
    default: /var/lib/ovirt-hosted-engine-setup/node0-journal.json
  phase:
    description: Phase to make a note about. Without it the journal is only read.
    type: str
  status:
    description: What to note.
    type: str
    choices: [running, done, failed, undone]
    default: done
  error:
    description: Why the phase failed.
    type: dict
  needs:
    description: What must have been made by an earlier phase, a key of C(state); the module fails where it is missing.
    type: str
"""

EXAMPLES = r"""
- name: Note that the storage domain exists
  node0.hosted_engine.journal:
    phase: create_storage_domain
    status: done
"""

RETURN = r"""
journal:
  description: The whole journal, with at least C(state), C(phases) and C(made).
  returned: success
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import (
    DEFAULT_PATH,
    EMPTY,
    PHASE_MISSING,
    Journal,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    journal = Journal(module.params["path"])
    phase = module.params["phase"]
    changed = False
    if module.params["needs"] and journal.state(module.params["needs"]) is None:
        raise HostedEngineError(
            PHASE_MISSING,
            expected=f"what an earlier phase has made: {module.params['needs']}",
            observed=f"{journal.path} knows nothing of it",
        )
    if phase and not module.check_mode:
        options = {key: module.params[key] for key in ("status", "error")}
        changed = journal.mark(phase, **options)
    return {"changed": changed, "journal": journal.read() or EMPTY}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str"},
            "status": {"type": "str", "choices": ["running", "done", "failed", "undone"], "default": "done"},
            "error": {"type": "dict"},
            "needs": {"type": "str"},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
