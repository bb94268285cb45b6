# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings as a JSON Schema, for editors and for checks before a run."""

from __future__ import annotations

from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rules import ALWAYS_NEEDED, NEEDED_BY_TYPE
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import OBSOLETE, aliases, options, secret_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "https://github.com/node0/hosted_engine/blob/main/docs/settings.schema.json"
TYPES = {"str": "string", "path": "string", "int": "integer", "bool": "boolean", "list": "array", "dict": "object"}
# Types that are written in a second way: numbers in memory and CPUs, texts for lists.
NUMBER_OR_WORD = ("he_mem_size_MB", "he_vcpus")


def schema() -> dict[str, Any]:
    """Return the schema of a YAML or JSON answer file, which is also that of a file with variables.

    Null stands for a value that is not set. Secrets may be missing: they can be given elsewhere.
    """
    properties = {name: _property(name, option) for name, option in options().items()}
    for alias, name in aliases().items():
        properties[alias] = {**properties[name], "deprecated": True, "description": f"Former name of {name}."}
    for name, advice in OBSOLETE.items():
        properties[name] = {"deprecated": True, "description": f"Without effect. {advice}"}
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "Settings of node0.hosted_engine",
        "type": "object",
        "properties": properties,
        "patternProperties": {"^he_": {}},
        "required": [name for name in ALWAYS_NEEDED if name not in secret_names()],
        "allOf": [_needed(kind, names) for kind, names in NEEDED_BY_TYPE.items()] + [_tcp_test(), _prefix()],
    }


def _property(name: str, option: dict[str, Any]) -> dict[str, Any]:
    kind = str(option.get("type", "str"))
    types = ["null", TYPES[kind]]
    if kind == "str" and (name in NUMBER_OR_WORD or not option.get("choices")):
        types.append("number")
    if kind == "list" or kind == "int":
        types.append("string")
    if option.get("no_log"):
        types = ["null", "string"]
    text = option["description"]
    found: dict[str, Any] = {
        "description": _plain(text if isinstance(text, str) else " ".join(text)),
        "type": types,
    }
    if option.get("choices"):
        found["enum"] = [None, *option["choices"]]
        if set(option["choices"]) & {"yes", "no"}:
            found["type"].append("boolean")
            found["enum"] += [True, False]
    if option.get("elements"):
        found["items"] = {"type": TYPES[option["elements"]] if option["elements"] != "int" else ["integer", "string"]}
    if "default" in option:
        found["default"] = option["default"]
    if option.get("no_log"):
        found["writeOnly"] = True
    return found


def _needed(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    listed = [name for name in names if not (kind == "iscsi" and name == "he_storage_domain_addr")]
    condition = {"properties": {"he_domain_type": {"const": kind}}, "required": ["he_domain_type"]}
    then: dict[str, Any] = {"required": listed}
    if kind == "iscsi":
        then["anyOf"] = [{"required": [name]} for name in ("he_storage_domain_addr", "he_iscsi_portal_addr")]
    return {"if": condition, "then": then}


def _tcp_test() -> dict[str, Any]:
    condition = {"properties": {"he_network_test": {"const": "tcp"}}, "required": ["he_network_test"]}
    return {"if": condition, "then": {"required": ["he_tcp_t_address", "he_tcp_t_port"]}}


def _prefix() -> dict[str, Any]:
    bare = {"type": "string", "pattern": "^[^/]+$"}
    return {
        "if": {"properties": {"he_vm_ip_addr": bare}, "required": ["he_vm_ip_addr"]},
        "then": {"required": ["he_vm_ip_prefix"]},
    }


def _plain(text: str) -> str:
    for mark in ("V(", "O(", "C("):
        while mark in text:
            before, _mark, rest = text.partition(mark)
            inside, _end, after = rest.partition(")")
            text = f"{before}{inside}{after}"
    return text
