# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules about storage that need no host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import (
    CONF_ADVICE,
    CONF_EXPECTED,
    CONF_SAFE,
    HOST_NAME,
    Values,
    address_of,
    finding,
    is_local,
    rule,
)
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options

BLOCK_TYPES = ("iscsi", "fc")
FILE_TYPES = ("nfs", "glusterfs")
# Which types each setting is for; on others it was probably meant for something else.
ONLY_FOR = {
    "he_storage_domain_path": FILE_TYPES,
    "he_mount_options": FILE_TYPES,
    "he_nfs_version": ("nfs",),
    "he_lun_id": BLOCK_TYPES,
    "he_discard": BLOCK_TYPES,
    "he_iscsi_target": ("iscsi",),
    "he_iscsi_tpgt": ("iscsi",),
    "he_iscsi_portal_addr": ("iscsi",),
    "he_iscsi_portal_port": ("iscsi",),
    "he_iscsi_username": ("iscsi",),
    "he_iscsi_password": ("iscsi",),
    "he_iscsi_discover_username": ("iscsi",),
    "he_iscsi_discover_password": ("iscsi",),
}
# vdsm sets these itself, or another setting does.
OWNED = {
    "vers": "he_nfs_version",
    "nfsvers": "he_nfs_version",
    "minorversion": "he_nfs_version",
    "v3": "he_nfs_version",
    "v4": "he_nfs_version",
    "v4.0": "he_nfs_version",
    "v4.1": "he_nfs_version",
    "v4.2": "he_nfs_version",
    "timeo": "vdsm",
    "retrans": "vdsm",
    "soft": "vdsm",
    "hard": "vdsm",
    "nosharecache": "vdsm",
    "sharecache": "vdsm",
}
MOUNT_OPTION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]*(=[A-Za-z0-9_./:@%+\[\]~^-]+)?")
TARGET = re.compile(
    r"iqn\.\d{4}-\d{2}\.[a-z0-9.-]+(:[^\s,]+)?|eui\.[0-9A-Fa-f]{16}|naa\.([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})",
    re.IGNORECASE,
)
LUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{3,127}")
VOLUME = re.compile(r"/[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*")
LONGEST_CHAP = 50


@rule
def settings_belong_to_the_type(values: Values) -> Iterator[Finding]:
    """A LUN for NFS is a sign that the type is wrong."""
    kind = values["he_domain_type"]
    if not kind:
        return
    for name, kinds in ONLY_FOR.items():
        if kind not in kinds and values[name] not in (None, "", []) and values[name] != options()[name].get("default"):
            shown = "a value" if options()[name].get("no_log") else repr(values[name])[:120]
            advice = f"Leave it out, or correct he_domain_type; it is only for {' and '.join(kinds)}."
            yield finding("other_type", name, f"nothing with {kind}", shown, advice, "warn")


@rule
def the_server_has_an_address(values: Values) -> Iterator[Finding]:
    """A name or an address, without the path."""
    text = values["he_storage_domain_addr"]
    if not text or values["he_domain_type"] not in FILE_TYPES:
        return
    source = "he_storage_domain_addr"
    if is_local(text):
        yield finding(
            "local_name", source, "a server that every host reaches", repr(text), "Give its name in the network."
        )
    elif ":/" in text:
        yield finding(
            "storage_address", source, "only the server", repr(text[:300]), "Put the path into he_storage_domain_path."
        )
    elif not HOST_NAME.fullmatch(text) and address_of(text) is None:
        yield finding(
            "storage_address", source, "a host name or an address", repr(text[:300]), "Write it like nas.example.com."
        )


@rule
def the_export_is_a_path(values: Values) -> Iterator[Finding]:
    """The engine wants an absolute path; hosted-engine.conf bears few signs."""
    path, kind = values["he_storage_domain_path"], values["he_domain_type"]
    if kind in FILE_TYPES and path:
        source = "he_storage_domain_path"
        if not path.startswith("/"):
            yield finding("path", source, "an absolute path", repr(path[:300]), "Begin it with a slash.")
        elif ".." in path.split("/"):
            yield finding(
                "path", source, "a path without '..'", repr(path[:300]), "The HA services would look elsewhere."
            )
        elif path == "/":
            yield finding("path", source, "a folder", "the root", "Export a folder for the hosted engine alone.")
        elif kind == "glusterfs" and not VOLUME.fullmatch(path):
            yield finding(
                "path", source, "a Gluster volume like /engine", repr(path[:300]), "Write the name of the volume."
            )
    for option in ("he_storage_domain_addr", "he_storage_domain_path", "he_mount_options"):
        text = str(values[option] or "")
        if not CONF_SAFE.fullmatch(text):
            yield finding("conf_signs", option, CONF_EXPECTED, repr(text[:300]), CONF_ADVICE)


@rule
def mount_options_leave_vdsm_its_own(values: Values) -> Iterator[Finding]:
    """What vdsm adds itself contradicts or doubles."""
    text = values["he_mount_options"]
    if not text or not CONF_SAFE.fullmatch(text):
        return
    for part in text.split(","):
        word = part.partition("=")[0]
        if not MOUNT_OPTION.fullmatch(part):
            yield finding(
                "mount_options",
                "he_mount_options",
                "OPTION=VALUE,OPTION",
                repr(part[:120]),
                "Separate them with commas.",
            )
        elif word in OWNED and values["he_domain_type"] == "nfs":
            yield finding(
                "mount_options", "he_mount_options", f"nothing that {OWNED[word]} sets", repr(part), "Leave it out."
            )
        elif word == "ro":
            yield finding("mount_options", "he_mount_options", "a domain that can be written", "'ro'", "Leave it out.")


@rule
def portals_have_ports(values: Values) -> Iterator[Finding]:
    """The HA services pair addresses and ports; the shorter list silently ends the longer one (host contract 1.2)."""
    if values["he_domain_type"] != "iscsi":
        return
    addresses, ports = values["he_iscsi_portal_addr"], values["he_iscsi_portal_port"]
    if len(ports) != len(addresses) and addresses:
        expected = f"one port, or {len(addresses)}"
        yield finding("portals", "he_iscsi_portal_port", expected, len(ports), "Give each portal a port.")
    for port in ports:
        if not 1 <= port <= 65535:
            yield finding("port", "he_iscsi_portal_port", "1 to 65535", port, "Correct the number.")
    for portal in addresses:
        if not HOST_NAME.fullmatch(portal) and address_of(portal) is None:
            yield finding(
                "portals", "he_iscsi_portal_addr", "addresses", repr(portal[:300]), "Separate them with commas."
            )
        elif is_local(portal):
            yield finding(
                "local_name",
                "he_iscsi_portal_addr",
                "a portal that every host reaches",
                repr(portal),
                "Give its address.",
            )
    if len(set(zip(addresses, ports))) < len(addresses):
        yield finding("portals", "he_iscsi_portal_addr", "each portal once", "one of them twice", "Remove it.")
    first = values["he_storage_domain_addr"]
    if first and addresses and not set(re.split(r"\s*,\s*", first)) <= set(addresses):
        yield finding(
            "portals", "he_storage_domain_addr", "a portal of he_iscsi_portal_addr", repr(first[:300]), "Leave it out."
        )


@rule
def the_lun_is_named(values: Values) -> Iterator[Finding]:
    """Target and LUN are written as the storage names them."""
    target, lun, tag = values["he_iscsi_target"], values["he_lun_id"], values["he_iscsi_tpgt"]
    if target and not TARGET.fullmatch(target):
        advice = "Write one name like iqn.2026-01.com.example:he."
        yield finding("target", "he_iscsi_target", "the name of one iSCSI target", repr(target[:300]), advice)
    elif target and not CONF_SAFE.fullmatch(target):
        yield finding("conf_signs", "he_iscsi_target", CONF_EXPECTED, repr(target[:300]), CONF_ADVICE)
    if lun and not LUN.fullmatch(lun):
        yield finding("lun", "he_lun_id", "the WWID of a LUN", repr(lun[:300]), "Write it as `multipath -l` shows it.")
    if tag is not None and tag > 65535:
        yield finding("size", "he_iscsi_tpgt", "0 to 65535", tag, "Correct the number.")


@rule
def chap_needs_both(values: Values) -> Iterator[Finding]:
    """A user has a password; both get into hosted-engine.conf."""
    for user, password in (
        ("he_iscsi_username", "he_iscsi_password"),
        ("he_iscsi_discover_username", "he_iscsi_discover_password"),
    ):
        if bool(values[user]) != bool(values[password]):
            missing = password if values[user] else user
            yield finding("chap", missing, "both user and password, or none", "one of them", f"Set {missing} too.")
        for name in (user, password):
            text = str(values[name] or "")
            if len(text) > LONGEST_CHAP:
                yield finding("chap", name, f"at most {LONGEST_CHAP} characters", len(text), "Choose a shorter one.")
            if not CONF_SAFE.fullmatch(text) or "," in text:
                shown = HIDDEN if name == password else repr(text[:120])
                yield finding("conf_signs", name, CONF_EXPECTED.replace(",", ""), shown, CONF_ADVICE)
