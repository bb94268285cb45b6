# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup C(secret)."""

DOCUMENTATION = r"""
---
name: secret
author: The node0.hosted_engine founders (@node0)
version_added: 0.1.0
short_description: Read one secret setting from where it was given
description:
  - A secret is given as a variable, in an answer file (O(ignore:he_answer_file)), or by a reference
    (O(ignore:he_secrets_from)); variables win. The result is an empty text when it was not given.
  - Secrets are in no fact; a task reads the one that its module needs.
options:
  _terms:
    description: Names of secret settings, for example V(he_admin_password).
    required: true
"""

EXAMPLES = r"""
- name: Ask the engine for its version
  ansible.builtin.uri:
    url: https://engine.example.com/ovirt-engine/api
    user: admin@ovirt
    password: "{{ lookup('node0.hosted_engine.secret', 'he_admin_password') | string }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The secrets; never templates, whatever signs are in them.
  type: list
  elements: str
"""

from typing import Any, Optional

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._controller import decrypter
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._resolve import secret
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names


class LookupModule(LookupBase):
    """Lookup C(secret)."""

    def run(self, terms: list[Any], variables: Optional[dict[str, Any]] = None, **kwargs: Any) -> list[str]:
        """Return the secrets by their names."""
        strange = [str(term) for term in terms if term not in secret_names()]
        if strange:
            raise AnsibleError(
                f"no secret setting: {', '.join(strange)}; there are {', '.join(sorted(secret_names()))}"
            )
        template: Any = getattr(self._templar, "template", None)
        return [secret(str(term), variables or {}, template, decrypter(self._loader)) for term in terms]
