# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter C(changed_settings)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
---
name: changed_settings
short_description: Settings that a deployment that was begun cannot take any more
version_added: 1.0.0
author: The node0.hosted_engine founders (@node0)
description:
  - Compares the settings of a run with those that the deployment on the host was made with, as far as it has come.
    What has not been made yet may still be changed, for example the path of the storage before there is a domain.
options:
  _input:
    description: Complete settings by area, see the filter P(node0.hosted_engine.complete_settings#filter).
    type: dict
    required: true
  journal:
    description: The journal as the module M(node0.hosted_engine.host_info) returned it.
    type: dict
    required: true
  finished:
    description: Whether the deployment has come to its end; a difference is then a warning.
    type: bool
    default: false
positional: journal, finished
"""

EXAMPLES = r"""
changed: "{{ he_settings | node0.hosted_engine.changed_settings(found.journal) }}"
"""

RETURN = r"""
_value:
  description: What the module M(node0.hosted_engine.settings) returns of wrong settings.
  type: dict
  contains:
    findings:
      description: What was changed.
      type: list
      elements: dict
    told:
      description: Those that end a run, as text; empty without any.
      type: str
"""


def changed_settings(
    settings: dict[str, Any], journal: dict[str, Any] | None, finished: bool = False
) -> dict[str, Any]:
    """Return the findings as plain data and as text."""
    from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import as_text, blocking
    from ansible_collections.node0.hosted_engine.plugins.plugin_utils._fixed import changed

    found = changed(settings, journal, finished)
    return {"findings": [finding.as_dict() for finding in found], "told": as_text(blocking(found))}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"changed_settings": changed_settings}
