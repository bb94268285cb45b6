# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter C(complete_settings)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
---
name: complete_settings
short_description: Take from a deployment that was begun, or from the host, what the settings leave open
version_added: 0.1.0
author: The node0.hosted_engine founders (@node0)
description:
  - Host name and address, NIC, gateway, time zone, CPUs and memory default to what the host has.
  - Once the bootstrap VM is made they stay what they were then; it takes memory that would be missing otherwise.
options:
  _input:
    description: Settings as the module M(node0.hosted_engine.settings) returned them.
    type: dict
    required: true
  host:
    description: Facts as the module M(node0.hosted_engine.host_info) returned them.
    type: dict
    required: true
  journal:
    description: The journal as the same module returned it.
    type: dict
positional: host, journal
"""

EXAMPLES = r"""
settings: "{{ validated.settings | node0.hosted_engine.complete_settings(found.host, found.journal) }}"
"""

RETURN = r"""
_value:
  description: The settings, complete.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        from ansible_collections.node0.hosted_engine.plugins.plugin_utils._settings import complete

        return {"complete_settings": complete}
