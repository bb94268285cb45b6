#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: settings
short_description: Validate the settings of a hosted engine deployment
description:
  - Reads every C(he_*) variable and the answer files of O(ignore:he_answer_file), checks types, choices and relations,
    and returns one dict by area with sizes in bytes.
  - Variables win over answer files, later answer files over earlier ones, all of them over defaults. What is null or an
    empty text counts as not given.
  - Everything that is wrong is reported together; a finding has an id, what was expected, what was seen, and advice.
  - Runs on the control node and never contacts the host. Values of secrets are neither returned nor shown.
version_added: 0.1.0
options:
  purpose:
    description: What the settings are for. To add a host, only the engine's name and password must be given.
    type: str
    choices: [deploy, add_host]
    default: deploy
  defer:
    description:
      - Do not fail because of what is wrong, so that M(node0.hosted_engine.preflight_probe) can tell it together with
        what is wrong with the host. Whoever sets it must look at RV(findings).
    type: bool
    default: false
author:
  - The node0.hosted_engine founders (@node0)
attributes:
  check_mode:
    description: Can run in check mode and report what would be done without doing it.
    support: full
  diff_mode:
    description: Can show what would change.
    support: none
extends_documentation_fragment: []
notes:
  - The settings themselves are documented in C(docs/settings.md) of the collection.
"""

EXAMPLES = r"""
- name: Validate the settings
  node0.hosted_engine.settings:
  register: validated
"""

RETURN = r"""
settings:
  description: The settings by area; what depends on the host may still be null.
  returned: success; with O(defer=true) also when settings are wrong, which then have their defaults
  type: dict
flat:
  description: The settings by the names of the variables, defaults included, without secrets.
  returned: success
  type: dict
secrets:
  description: Names of the secrets that were given, and where each one comes from.
  returned: success
  type: dict
answer_files:
  description:
    - What became of the keys of each answer file. C(path), C(format), and the keys by C(used), C(ignored), C(obsolete),
      C(unknown), C(secret).
  returned: always
  type: list
  elements: dict
told:
  description: The findings that block, for people; empty when there are none.
  returned: when it did not fail
  type: str
findings:
  description: Everything that is wrong or doubtful.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Stable name of the finding.
      type: str
    source:
      description: The variable it is about, or file and line with the variable or key in brackets.
      type: str
    expected:
      description: What would be right.
      type: str
    seen:
      description: What is there; never the value of a secret.
      type: str
    advice:
      description: What to do.
      type: str
    severity:
      description: V(block) ends the run, V(warn) and V(info) do not.
      type: str
"""
