# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings written as answer files that give the same settings when they are read. Secrets are references."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _otopi
from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _otopi_keys as keys
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._settings import MIB
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options, secret_names

# These say how a run finds its settings; written to a file they would lead in a circle, or are written by themselves.
LEFT_OUT = frozenset({"he_answer_file", "he_secrets_from"})
HEAD = (
    "Settings of a hosted engine deployment, made by node0.hosted_engine.export_settings.",
    "Give this file to he_answer_file. It holds no secrets: he_secrets_from says where each one is read from.",
)
KEYS = {variable: key for key, variable in keys.VARIABLES.items()}
# The original sees in them more than a text: a static address with its prefix, the storage with its path.
COMPOSED = frozenset({"he_vm_ip_addr", "he_vm_ip_prefix", "he_storage_domain_addr", "he_storage_domain_path"})
# The keys that the original wants as texts although they are numbers.
AS_TEXT = frozenset(
    {"he_smtp_port", "he_tcp_t_port", "he_disk_size_GB", "he_vcpus", "he_iscsi_tpgt", "he_maxvcpus", "he_mem_size_MB"}
)


def effective(flat: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat settings in which what was open or V(max) is what the deployment really has.

    Args:
        flat: typed values by name, as M(node0.hosted_engine.settings) returns them.
        settings: the settings by area, completed with what the host has.
    """
    done = dict(flat)
    # Once deployed, the address is on the bridge, which a clean host does not have.
    bridged = settings["host"]["interface"] == settings["cluster"]["management_network"]
    done.update(
        he_host_name=settings["host"]["name"],
        he_host_address=settings["host"]["address"],
        he_bridge_if=flat["he_bridge_if"] if bridged else settings["host"]["interface"],
        he_gateway=settings["network"]["gateway"],
        he_vm_mac_addr=settings["vm"]["mac"],
        he_time_zone=settings["vm"]["time_zone"],
        he_vcpus=_text(settings["vm"]["vcpus"], 1, flat["he_vcpus"]),
        he_mem_size_MB=_text(settings["vm"]["memory"], MIB, flat["he_mem_size_MB"]),
    )
    return done


def references(secrets: Iterable[str], given: Mapping[str, Any]) -> dict[str, str]:
    """Return where each secret that a deployment uses is read from: as it was, otherwise the variable of its name.

    Args:
        secrets: names of the secrets that were given.
        given: C(he_secrets_from) of the run.
    """
    return {name: str(given.get(name) or f"variable:{name}") for name in sorted(secrets)}


def as_yaml(flat: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """Return settings as YAML, for C(he_answer_file) or C(-e @FILE)."""
    kept = _kept(flat)
    kept["he_secrets_from"] = references(secrets, flat.get("he_secrets_from") or {})
    head = "".join(f"# {line}\n" for line in HEAD)
    return (
        f"---\n{head}{yaml.safe_dump(kept, sort_keys=True, allow_unicode=True, default_flow_style=False, width=4096)}"
    )


def as_otopi(flat: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """Return settings as an OTOPI answer file that the original setup reads too.

    What OTOPI has no key for is one JSON object in C(OVEHOSTED_CORE/ansibleUserExtraVars).
    """
    kept = _kept(flat)
    environment: dict[str, Any] = {"OVEHOSTED_CORE/deployProceed": True, "OVEHOSTED_CORE/screenProceed": True}
    environment.update(_composed(kept))
    for name in [name for name in kept if name in KEYS and name not in COMPOSED]:
        value = _as_otopi_value(name, kept[name])
        if value is not None:
            environment[KEYS[name]] = value
            del kept[name]
    kept["he_secrets_from"] = references(secrets, flat.get("he_secrets_from") or {})
    environment[keys.EXTRA_VARIABLES] = json.dumps(kept, sort_keys=True)
    return _otopi.render(environment, HEAD)


def _kept(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has a value, defaults included: those of a later version may differ."""
    hidden = secret_names() | LEFT_OUT
    return {
        name: value
        for name, value in flat.items()
        if name in options() and name not in hidden and (value or value != options()[name].get("default"))
    }


def _composed(kept: dict[str, Any]) -> dict[str, Any]:
    environment = {}
    if kept.get("he_vm_ip_addr") and kept.get("he_vm_ip_prefix"):
        environment[keys.STATIC_ADDRESS] = f"{kept.pop('he_vm_ip_addr')}/{kept.pop('he_vm_ip_prefix')}"
    address, path = str(kept.get("he_storage_domain_addr", "")), str(kept.get("he_storage_domain_path", ""))
    plain = path.startswith("/") and len(path) > 1 and ":/" not in path and not (address + path).endswith(" ")
    if kept.get("he_domain_type") in ("nfs", "glusterfs") and address and plain:
        environment[keys.CONNECTION] = f"{kept.pop('he_storage_domain_addr')}:{kept.pop('he_storage_domain_path')}"
    return environment


def _as_otopi_value(name: str, value: Any) -> Any:
    """Return a value as the key has it, or None when only JSON can carry it unchanged."""
    if isinstance(value, (list, tuple)):
        parts = [str(one) for one in value]
        value = ",".join(parts) if not any("," in one or one != one.strip() for one in parts) else None
    elif isinstance(value, int) and not isinstance(value, bool) and name in AS_TEXT:
        value = str(value)
    if isinstance(value, str):
        lowered = name in ("he_root_ssh_access", "he_openscap_profile_name") and value != value.lower()
        first_label = name == "he_cloud_init_host_name" and "." not in value
        broken = value != value.strip() or any(ord(sign) < 32 or sign in "\x7f\x85\u2028\u2029" for sign in value)
        return None if lowered or first_label or broken or not value else value
    return value if isinstance(value, (bool, int)) else None


def _text(number: Any, unit: int, otherwise: Any) -> Any:
    return otherwise if number is None else str(int(number) // unit)
