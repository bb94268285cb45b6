# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter C(export_settings)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
---
name: export_settings
short_description: Write settings as an answer file
version_added: 0.1.0
author: The node0.hosted_engine founders (@node0)
description:
  - Returns the text of an answer file that gives the same settings when it is read.
  - Secrets are not in it; it says where each one is read from.
options:
  _input:
    description: What the module M(node0.hosted_engine.settings) returned.
    type: dict
    required: true
  settings:
    description: The settings by area, completed with what the host has.
    type: dict
    required: true
  format:
    description: V(yaml), or V(otopi) for the format of the former setup tool.
    type: str
    choices: [yaml, otopi]
    default: yaml
positional: settings, format
"""

EXAMPLES = r"""
answers: "{{ he_validated | node0.hosted_engine.export_settings(he_settings, 'otopi') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""


def export_settings(validated: dict[str, Any], settings: dict[str, Any], format: str = "yaml") -> str:
    """Return the text of an answer file."""
    from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _export

    writers = {"yaml": _export.as_yaml, "otopi": _export.as_otopi}
    if format not in writers:
        raise AnsibleFilterError(f"no such format: {format}; there are {', '.join(writers)}")
    # Ansible marks texts with types of its own, which YAML would not write.
    flat, secrets = json.loads(json.dumps([_export.effective(validated["flat"], settings), list(validated["secrets"])]))
    return writers[format](flat, secrets)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"export_settings": export_settings}
