# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules between settings, those that need no host. Here: what must be there, names, sizes, the run."""

from __future__ import annotations

import re
import uuid
import zoneinfo
from collections.abc import Iterator
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import (
    _rules_network,
    _rules_secrets,
    _rules_storage,
    _rules_support,
)
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import (
    FULL_NAME,
    HOST_NAME,
    RULES,
    Values,
    address_of,
    finding,
    has_control_signs,
    is_encodable,
    is_local,
    rule,
)
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options

# Their import has added their rules.
PARTS = (_rules_network, _rules_secrets, _rules_storage, _rules_support)
ALWAYS_NEEDED = {
    "he_fqdn": "the engine's fully qualified domain name",
    "he_domain_type": "the type of the storage domain",
    "he_admin_password": "a password for the engine's administrator",
    "he_appliance_password": "a password for root in the engine VM",
}
# A further host takes everything else from the engine and from the host that runs it.
NEEDED_TO_ADD_A_HOST = frozenset({"he_fqdn", "he_admin_password"})
DEPLOY, ADD_HOST = "deploy", "add_host"
NEEDED_BY_TYPE = {
    "nfs": ("he_storage_domain_addr", "he_storage_domain_path"),
    "glusterfs": ("he_storage_domain_addr", "he_storage_domain_path"),
    "iscsi": ("he_storage_domain_addr", "he_iscsi_target", "he_lun_id"),
    "fc": ("he_lun_id",),
}
ENGINE_NAME = re.compile(r"[A-Za-z0-9_-]+")
# Longest names that the engine takes.
NAME_LENGTHS = {"he_data_center": 40, "he_cluster": 40, "he_storage_domain_name": 50, "he_mgmt_network": 15}
VM_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
VERSION = re.compile(r"(\d)\.(\d{1,2})")
LEAST_VERSION = (4, 2)
WORDS = {
    "he_bootstrap_machine": re.compile(r"[A-Za-z0-9._-]+"),
    "he_bootstrap_cpu": re.compile(r"[A-Za-z0-9._-]+"),
    "he_emulated_machine": re.compile(r"[A-Za-z0-9._-]+"),
    "he_video_device": re.compile(r"[a-z0-9]+"),
    "he_local_vm_dir_prefix": re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"),
    "he_cluster_cpu_type": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ().,_-]*"),
    "he_appliance_package": re.compile(r"/?[A-Za-z0-9][A-Za-z0-9+._~/-]*"),
    "he_time_zone": re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*"),
}
PACKAGE = re.compile(r"[A-Za-z0-9@/][A-Za-z0-9+._~/:@-]*")
MAIL = re.compile(r"[A-Za-z0-9_.+=-]+@[A-Za-z0-9.-]+")
PUBLIC_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)"
    r" +AAAA[A-Za-z0-9+/]{20,}={0,3}( .*)?"
)
ON_THE_CONTROL_NODE = frozenset({"he_restore_from_file", "he_answer_file"})
GOOD_MEMORY, GOOD_CPUS, LEAST_CPUS, MOST_DISK = 16384, 4, 2, 8192


def check(values: Values, purpose: str = DEPLOY) -> list[Finding]:
    """Return what all rules have to say about typed settings.

    Args:
        values: typed settings.
        purpose: what they are for, C(deploy) or C(add_host); it decides about what must be given.
    """
    found = [finding for one in RULES for finding in one(values)]
    if purpose == DEPLOY:
        return found
    return [one for one in found if one.id != "settings.missing" or one.source in NEEDED_TO_ADD_A_HOST]


@rule
def nothing_is_missing(values: Values) -> Iterator[Finding]:
    """What has no default must be given."""
    needed = dict(ALWAYS_NEEDED)
    needed.update(dict.fromkeys(NEEDED_BY_TYPE.get(values["he_domain_type"], ()), "a value for this storage type"))
    if values["he_network_test"] == "tcp":
        needed.update({"he_tcp_t_address": "an address to test", "he_tcp_t_port": "a port to test"})
    if values["he_vm_ip_addr"]:
        needed["he_vm_ip_prefix"] = "the prefix length of he_vm_ip_addr"
    for name, what in needed.items():
        if values[name] in (None, ""):
            yield finding("missing", name, what, "nothing", f"Set {name}.")


@rule
def texts_can_be_written(values: Values) -> Iterator[Finding]:
    """No setting has several lines; what breaks a line would add a line to some file."""
    for name, option in options().items():
        if option.get("no_log"):
            continue
        value = values[name]
        texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        if any(has_control_signs(text) for text in texts):
            yield finding("control", name, "one line of text", "a control character", "Remove it.")
        if any(not is_encodable(text) for text in texts):
            yield finding("encoding", name, "text", "half of a character", "Remove it; it cannot be written as UTF-8.")


@rule
def the_engine_has_a_full_name(values: Values) -> Iterator[Finding]:
    """Certificates and single sign-on work only with a full name."""
    name = values["he_fqdn"]
    if not name:
        return
    if is_local(name):
        advice = "Use a name like engine.example.com."
        yield finding("local_name", "he_fqdn", "a name that other machines resolve", repr(name), advice)
    elif not FULL_NAME.fullmatch(name):
        advice = "Use a name like engine.example.com: letters, digits and hyphens, at most 63 in a label, 253 in all."
        yield finding("fqdn", "he_fqdn", "a fully qualified domain name", repr(name[:300]), advice)
    elif name != name.lower():
        advice = (
            "Certificates and addresses of the engine are compared letter by letter in places; write it in lower case."
        )
        yield finding("fqdn_case", "he_fqdn", "lower case", repr(name), advice, "warn")
    for option in ("he_host_address", "he_host_name"):
        if str(values[option] or "").lower() == name.lower():
            yield finding(
                "fqdn_is_host",
                "he_fqdn",
                "a name of its own",
                f"the value of {option}",
                "Give the engine another name.",
            )
    cloud = values["he_cloud_init_host_name"]
    if cloud and cloud not in (name, name.split(".")[0]):
        yield finding(
            "host_name",
            "he_cloud_init_host_name",
            name,
            repr(cloud),
            "The engine VM has the name he_fqdn; leave this out.",
        )


@rule
def hosts_have_names(values: Values) -> Iterator[Finding]:
    """Names of machines are names or addresses, and mean the same everywhere."""
    for option in (
        "he_host_address",
        "he_host_name",
        "he_smtp_server",
        "he_tcp_t_address",
        "he_cloud_init_domain_name",
    ):
        text = values[option]
        if not text:
            continue
        if not HOST_NAME.fullmatch(text) and (address_of(text) is None or "[" in text):
            yield finding(
                "host", option, "a host name or an address", repr(text[:300]), "Write a name like host1.example.com."
            )
        elif option in ("he_host_address", "he_host_name", "he_tcp_t_address") and is_local(text):
            yield finding(
                "local_name", option, "a name that other machines resolve", repr(text), "Use the host's own name."
            )


@rule
def names_in_the_engine_are_plain(values: Values) -> Iterator[Finding]:
    """The engine refuses other signs in these names (measured on ovirt-engine 4.5.8)."""
    for option, longest in NAME_LENGTHS.items():
        name = str(values[option] or "")
        if not ENGINE_NAME.fullmatch(name):
            yield finding("name", option, "letters, digits, '_' and '-'", repr(name[:300]), "Choose another name.")
        elif len(name) > longest:
            yield finding("name", option, f"at most {longest} characters", len(name), "Choose a shorter name.")
    name = str(values["he_vm_name"] or "")
    if not VM_NAME.fullmatch(name):
        yield finding(
            "name", "he_vm_name", "letters, digits, '_', '.' and '-', at most 64", repr(name[:300]), "Leave it out."
        )
    elif name != "HostedEngine":
        advice = "The HA services and the engine look for this name; leave he_vm_name out."
        yield finding("vm_name", "he_vm_name", "HostedEngine", repr(name), advice, "warn")


@rule
def versions_fit(values: Values) -> Iterator[Finding]:
    """A cluster is not older than its data center."""
    found: dict[str, tuple[int, int]] = {}
    for option in ("he_data_center_comp_version", "he_cluster_comp_version"):
        text = values[option]
        if not text:
            continue
        matched = VERSION.fullmatch(text)
        if matched is None or (int(matched[1]), int(matched[2])) < LEAST_VERSION:
            yield finding(
                "version", option, "a version like 4.7, at least 4.2", repr(text[:60]), "Leave it out, or quote it."
            )
        else:
            found[option] = (int(matched[1]), int(matched[2]))
    if len(found) == 2 and found["he_cluster_comp_version"] < found["he_data_center_comp_version"]:
        expected = f"at least {values['he_data_center_comp_version']}, that of the data center"
        yield finding("version", "he_cluster_comp_version", expected, values["he_cluster_comp_version"], "Raise it.")


@rule
def a_data_center_of_its_own_has_a_cluster_of_its_own(values: Values) -> Iterator[Finding]:
    """The cluster Default belongs to the data center Default."""
    if values["he_data_center"] != "Default" and values["he_cluster"] == "Default":
        yield finding("cluster", "he_cluster", "a cluster of that data center", "Default", "Set he_cluster too.")


@rule
def words_are_words(values: Values) -> Iterator[Finding]:
    """What becomes a word of a command, of XML or of vm.conf has no other signs."""
    for option, form in WORDS.items():
        text = values[option]
        if text and not form.fullmatch(text):
            yield finding("word", option, "letters, digits and a few signs", repr(text[:300]), "Write a plain word.")
    for option in ("he_host_packages", "he_additional_package_list"):
        for name in values[option]:
            if not PACKAGE.fullmatch(name):
                yield finding("word", option, "names of packages", repr(name[:300]), "Write plain names.")
    for option in ("he_vm_uuid", "he_nic_uuid", "he_cdrom_uuid"):
        if values[option] and not _is_uuid(values[option]):
            yield finding("uuid", option, "a UUID", repr(values[option][:60]), "Leave it out.")
    zone = values["he_time_zone"]
    if zone and WORDS["he_time_zone"].fullmatch(zone) and not _is_zone(zone) and _is_zone("Europe/Vienna"):
        advice = "Leave it out to take that of the host."
        yield finding("time_zone", "he_time_zone", "a name like Europe/Vienna", repr(zone), advice)


@rule
def paths_are_absolute(values: Values) -> Iterator[Finding]:
    """Modules run somewhere on the host; only a full path means the same everywhere."""
    for name, option in options().items():
        text = values[name]
        if option.get("type") != "path" or name in ON_THE_CONTROL_NODE or not text or name == "he_storage_domain_path":
            continue
        if not text.startswith("/") or ".." in text.split("/"):
            yield finding("path", name, "an absolute path without '..'", repr(text[:300]), "Begin it with a slash.")


@rule
def sizes_are_sizes(values: Values) -> Iterator[Finding]:
    """Memory and CPUs are numbers or V(max); floors hold unless they are switched off."""
    for option, unit in (("he_mem_size_MB", "MiB"), ("he_vcpus", "CPUs")):
        text = str(values[option])
        if text != "max" and _number(text) is None:
            yield finding("size", option, f"a number of {unit}, or max", repr(text[:60]), f"Set {option} to a number.")
    for name in options():
        number = values[name]
        least = 0 if name in ("he_reserved_memory_MB", "he_avail_memory_grace_MB", "he_iscsi_tpgt") else 1
        if options()[name].get("type") == "int" and number is not None and number < least:
            yield finding("size", name, f"at least {least}", number, f"Set {name} to a number.")
    if values["he_disk_size_GB"] > MOST_DISK:
        yield finding(
            "size", "he_disk_size_GB", f"at most {MOST_DISK} GiB", values["he_disk_size_GB"], "The unit is GiB."
        )
    yield from _floors(values)


def _floors(values: Values) -> Iterator[Finding]:
    if not values["he_requirements_check_enabled"]:
        return
    memory, cpus = _number(values["he_mem_size_MB"]), _number(values["he_vcpus"])
    if values["he_memory_requirements_check_enabled"] and memory is not None:
        least = values["he_minimal_mem_size_MB"]
        if memory < least:
            yield finding(
                "memory_floor", "he_mem_size_MB", f"at least {least} MiB", memory, "Give the engine more memory."
            )
        elif memory < GOOD_MEMORY:
            advice = "Small engines work; larger clusters need more memory."
            yield finding("memory_small", "he_mem_size_MB", f"{GOOD_MEMORY} MiB", memory, advice, "info")
    if cpus is not None and cpus < GOOD_CPUS:
        severity = "block" if cpus < LEAST_CPUS else "info"
        expected = f"at least {LEAST_CPUS} CPUs, better {GOOD_CPUS}"
        yield finding("cpu_floor", "he_vcpus", expected, cpus, "Give the engine more CPUs.", severity)
    if cpus is not None and values["he_maxvcpus"] is not None and values["he_maxvcpus"] < cpus:
        yield finding("size", "he_maxvcpus", f"at least {cpus}, as he_vcpus", values["he_maxvcpus"], "Leave it out.")
    least, seen = values["he_minimal_disk_size_GB"], values["he_disk_size_GB"]
    if seen < least:
        yield finding("disk_floor", "he_disk_size_GB", f"at least {least} GiB", seen, "Give the engine a larger disk.")


@rule
def mails_have_addresses(values: Values) -> Iterator[Finding]:
    """The broker writes them as they are."""
    for option in ("he_source_email", "he_dest_email"):
        parts = str(values[option] or "").split(",")
        if any(not MAIL.fullmatch(part.strip()) for part in parts) or (option == "he_source_email" and len(parts) > 1):
            yield finding(
                "mail", option, "addresses like root@localhost", repr(values[option])[:300], "Correct the address."
            )


@rule
def the_public_key_is_one(values: Values) -> Iterator[Finding]:
    """It becomes a line of authorized_keys."""
    key = values["he_root_ssh_pubkey"]
    if not key:
        return
    if "PRIVATE KEY" in key:
        advice = "Give the content of the .pub file. Take the private key out of all files that it got into."
        yield finding("public_key", "he_root_ssh_pubkey", "a public key", "a private key, which is not shown", advice)
    elif not PUBLIC_KEY.fullmatch(key.strip()):
        advice = "Give the one line of the .pub file."
        yield finding("public_key", "he_root_ssh_pubkey", "a public key of ssh", repr(key[:60]), advice)


def _number(text: Any) -> int | None:
    plain = str(text)
    return int(plain) if re.fullmatch(r"[0-9]{1,12}", plain) and int(plain) > 0 else None


def _is_zone(name: str) -> bool:
    """Return whether the control node knows a time zone; one without data on them knows none."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
