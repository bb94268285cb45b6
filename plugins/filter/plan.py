# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter C(plan)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
---
name: plan
short_description: What a run would do, in words
version_added: 1.0.0
author: The node0.hosted_engine founders (@node0)
description:
  - Lists the steps of the phases that a play consists of; what the journal knows to be done is said to be done.
options:
  _input:
    description: Complete settings by area, see the filter P(node0.hosted_engine.complete_settings#filter).
    type: dict
    required: true
  phases:
    description: What the journal says of each phase, by its name.
    type: dict
    required: true
  roles:
    description: Names of the play's roles.
    type: list
    elements: str
    required: true
positional: phases, roles
"""

EXAMPLES = r"""
plan: "{{ he_settings | node0.hosted_engine.plan(he_phases, ansible_play_role_names) }}"
"""

RETURN = r"""
_value:
  description: Lines for people.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        from ansible_collections.node0.hosted_engine.plugins.plugin_utils._plan import plan

        return {"plan": plan}
