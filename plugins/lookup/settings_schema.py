# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup C(settings_schema)."""

DOCUMENTATION = r"""
---
name: settings_schema
author: The node0.hosted_engine founders (@node0)
version_added: 0.1.0
short_description: The settings as a JSON Schema
description:
  - Returns the JSON Schema of the settings. The playbook C(node0.hosted_engine.schema) writes it to a file.
options: {}
"""

EXAMPLES = r"""
- name: Write the schema
  ansible.builtin.copy:
    content: "{{ lookup('node0.hosted_engine.settings_schema') | to_nice_json }}"
    dest: settings.schema.json
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The schema.
  type: list
  elements: dict
"""

from typing import Any, Optional

from ansible.plugins.lookup import LookupBase

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._schema import schema


class LookupModule(LookupBase):
    """Lookup C(settings_schema)."""

    def run(self, terms: list[Any], variables: Optional[dict[str, Any]] = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the schema."""
        return [schema()]
