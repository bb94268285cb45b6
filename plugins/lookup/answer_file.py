# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup C(answer_file)."""

DOCUMENTATION = r"""
---
name: answer_file
author: The node0.hosted_engine founders (@node0)
version_added: 0.1.0
short_description: Read answer files in YAML, JSON or OTOPI's format
description:
  - Returns the settings of answer files, one dict for all of them. A later file wins over an earlier one.
  - In OTOPI files C([environment:enforce]) wins over C([environment:override]), that over C([environment:init]), that
    over C([environment:default]).
  - Values are what they are in the file; they are never templates.
    Types are checked by M(node0.hosted_engine.settings).
  - A deployment reads the files of O(ignore:he_answer_file) by itself and does not need this lookup.
options:
  _terms:
    description: Files on the control node. They may be encrypted with ansible-vault.
    required: true
  report:
    description: Return what became of each key, and the findings, instead of the settings; mistakes do not fail then.
    type: bool
    default: false
  secrets:
    description: Whether values of secret settings are in the result.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what an answer file of the former setup tool says
  ansible.builtin.debug:
    msg: "{{ lookup('node0.hosted_engine.answer_file', 'answers.conf') }}"

- name: Show which of its keys are ignored, obsolete, unknown or secret
  ansible.builtin.debug:
    msg: "{{ lookup('node0.hosted_engine.answer_file', 'answers.conf', report=true) }}"
"""

RETURN = r"""
_raw:
  description: Settings by name; with O(report) a dict with C(files) and C(findings).
  type: list
  elements: dict
"""

from typing import Any, Optional

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _answer_files
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._controller import decrypter
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import as_text, blocking
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names


class LookupModule(LookupBase):
    """Lookup C(answer_file)."""

    def run(self, terms: list[Any], variables: Optional[dict[str, Any]] = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the settings, or the report."""
        self.set_options(var_options=variables, direct=kwargs)
        answers = _answer_files.read([str(term) for term in terms], decrypter(self._loader))
        if self.get_option("report"):
            return [{"files": answers.reports, "findings": [finding.as_dict() for finding in answers.findings]}]
        wrong = blocking(answers.findings)
        if wrong:
            raise AnsibleError(f"{len(wrong)} mistakes in answer files.\n{as_text(wrong)}")
        hidden = frozenset() if self.get_option("secrets") else secret_names()
        return [{name: given.value for name, given in answers.settings.items() if name not in hidden}]
