# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One form for settings that the field writes in several ways (reference of variables, 6 and 12)."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import aliases, options

NFS_TYPES = {"nfs3": "v3", "nfs4": "v4"}
DEFAULT_PORTAL_PORT = 3260


def normalise(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Return given values under the names and in the forms of this collection, before their types are checked.

    An alias gives way to the name it stands for; null and the empty text count as not given.
    """
    given = {name: value for name, value in raw.items() if value is not None and value != ""}
    findings: list[Finding] = []
    for old, name in aliases().items():
        if old not in given:
            continue
        value = given.pop(old)
        if name in given and str(given[name]) != str(value):
            shown = HIDDEN if options()[name].get("no_log") else repr(value)
            findings.append(Finding("settings.alias", old, f"the same as {name}", shown, f"Keep {name} only."))
        given.setdefault(name, value)
        findings.append(Finding("settings.renamed", old, f"the name {name}", old, f"Write {name}.", "info"))
    for old in ("he_default_gateway_4", "he_default_gateway_6"):
        if old in given:
            given.setdefault("he_gateway", given[old])
    kind = given.get("he_domain_type")
    if isinstance(kind, str) and kind in NFS_TYPES:
        given["he_domain_type"] = "nfs"
        if given.get("he_nfs_version", "auto") == "auto":
            given["he_nfs_version"] = NFS_TYPES[kind]
    findings += _split_address(given)
    return given, findings


def _split_address(given: dict[str, Any]) -> list[Finding]:
    text = given.get("he_vm_ip_addr")
    if not isinstance(text, str) or text.count("/") != 1:
        return []
    address, _slash, prefix = text.partition("/")
    other = given.get("he_vm_ip_prefix", prefix)
    given["he_vm_ip_addr"] = address
    given["he_vm_ip_prefix"] = prefix
    if str(other) != prefix:
        advice = "Write the prefix length once."
        return [Finding("settings.prefix", "he_vm_ip_prefix", f"{prefix}, as in he_vm_ip_addr", repr(other), advice)]
    return []


def unify(values: dict[str, Any]) -> dict[str, Any]:
    """Return typed values in the one form that every later step reads."""
    done = dict(values)
    if done["he_use_uefi"] and done["he_firmware"] == "auto":
        done["he_firmware"] = "uefi"
    for name in ("he_vm_ip_addr", "he_gateway", "he_host_ip"):
        done[name] = _address(done[name])
    done["he_dns_addr"] = [_address(one) for one in done["he_dns_addr"]]
    if done["he_vm_mac_addr"]:
        done["he_vm_mac_addr"] = done["he_vm_mac_addr"].lower()
    if done["he_domain_type"] in ("nfs", "glusterfs"):
        done["he_storage_domain_addr"] = _bracketed(done["he_storage_domain_addr"])
        done["he_storage_domain_path"] = _path(done["he_storage_domain_path"])
    if done["he_domain_type"] == "iscsi":
        done.update(_portals(done))
    return done


def _portals(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return portals with a port each: the HA services pair the two lists, and the shorter one ends them."""
    first = values["he_storage_domain_addr"]
    addresses = list(values["he_iscsi_portal_addr"]) or (re.split(r"\s*,\s*", first.strip()) if first else [])
    ports = list(values["he_iscsi_portal_port"]) or [DEFAULT_PORTAL_PORT]
    if len(ports) == 1:
        ports *= max(len(addresses), 1)
    return {
        "he_iscsi_portal_addr": addresses,
        "he_iscsi_portal_port": ports,
        "he_storage_domain_addr": first or (addresses[0] if addresses else None),
    }


def _address(text: Any) -> Any:
    try:
        return str(ipaddress.ip_address(text)) if text else text
    except ValueError:
        return text


def _bracketed(text: Any) -> Any:
    try:
        return f"[{ipaddress.IPv6Address(text)}]" if text else text
    except ValueError:
        return text


def _path(text: Any) -> Any:
    """Return a path as the HA services normalise it; one with C(..) stays as it is and is refused later."""
    if not text or not text.startswith("/") or ".." in text.split("/"):
        return text
    return posixpath.normpath(re.sub("/+", "/", text))
