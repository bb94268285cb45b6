# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The specification of the he_* family, read from the role that owns it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

SPEC_FILE = Path(__file__).resolve().parents[2] / "roles" / "he" / "meta" / "argument_specs.yml"

# Variables of the family that the collection itself sets.
INTERNAL = frozenset(
    {
        "he_settings",
        "he_state",
        "he_host",
        "he_phase",
        "he_phases",
        "he_validated",
        "he_found",
        "he_noted",
        "he_purpose",
        "he_export_dir",
        "he_needs",
    }
)
# Names that the field's tools use for the same setting. The format of role argument specs has no place for them.
ALIASES = {
    "he_appliance_ova": "he_appliance",
    "he_bridge": "he_mgmt_network",
    "he_graphics_device": "he_graphic_device",
}
# Names that the field's tools pass around although nothing of a deployment depends on them.
OBSOLETE = {
    "he_filtered_tokens": "Secrets are hidden without it.",
    "he_filtered_tokens_vars": "Secrets are hidden without it.",
    "he_filtered_tokens_re": "Secrets are hidden without it.",
    "he_hashed_appliance_password": "The hash is made from he_appliance_password.",
    "he_cpu_sockets": "Use he_vcpus.",
    "he_cpu_type": "Use he_cluster_cpu_type.",
    "he_console_uuid": "The engine gives the console its id.",
}


@lru_cache(maxsize=1)
def options() -> dict[str, dict[str, Any]]:
    """Return the options of the entry point C(settings) by name."""
    loaded = yaml.safe_load(SPEC_FILE.read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = loaded["argument_specs"]["settings"]["options"]
    return found


def secret_names() -> frozenset[str]:
    """Return the names of the options whose values must never be shown."""
    return frozenset(name for name, option in options().items() if option.get("no_log"))


def aliases() -> dict[str, str]:
    """Return the names that settings had elsewhere, each with the name that it has here."""
    return dict(ALIASES)
