# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From keys of OTOPI answer files to settings, with a report of those not used (reference of variables, 5 to 7)."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.parsing.splitter import parse_kv

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _otopi_keys as keys
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import HIDDEN, Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._otopi import Entry
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names

CONNECTION_FORM = re.compile(r"(.+):/(.+)")


@dataclass(frozen=True)
class Given:
    """A setting as it was given, before its type is known.

    Attributes:
        value: the value.
        source: variable, or file and line, as findings name it.
        rank: how strong the answer file's section makes it; 0 for other formats.
    """

    value: Any
    source: str
    rank: int = 0


@dataclass
class Report:
    """Keys by what became of them: C(used), C(ignored), C(obsolete), C(unknown), C(secret)."""

    used: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    obsolete: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    secret: list[str] = field(default_factory=list)


@dataclass
class Converted:
    """Settings by name, findings, and the report of keys."""

    settings: dict[str, Given] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    report: Report = field(default_factory=Report)

    def put(self, name: str, value: Any, rank: int, source: str) -> None:
        """Keep a value unless it says nothing or a stronger one is there."""
        known = self.settings.get(name)
        if value not in (None, "") and (known is None or rank >= known.rank):
            self.settings[name] = Given(value, source, rank)


def convert(environment: Mapping[str, tuple[int, Entry]]) -> Converted:
    """Return the settings that the keys stand for.

    Args:
        environment: per key its rank and entry, as C(_otopi.merge) returns them.
    """
    done = Converted()
    for key, (rank, entry) in environment.items():
        _sort_in(done, key, entry)
        if key in keys.VARIABLES:
            _plain(done, keys.VARIABLES[key], rank, entry)
        elif key == keys.CONNECTION:
            _connection(done, rank, entry, environment)
        elif key in keys.CONSENT:
            _consent(done, entry)
    fqdn = environment.get(keys.HOST_NAME)
    if fqdn and "he_fqdn" not in done.settings and "." in str(fqdn[1].value or ""):
        done.put("he_fqdn", fqdn[1].value, fqdn[0], fqdn[1].source)
    # Extra variables come last on the original's command line, so that they win.
    if keys.EXTRA_VARIABLES in environment:
        _extra_variables(done, *environment[keys.EXTRA_VARIABLES])
    return done


def _sort_in(done: Converted, key: str, entry: Entry) -> None:
    if keys.VARIABLES.get(key) in secret_names() or key in keys.SECRET_ONLY:
        done.report.secret.append(key)
    if key in keys.OBSOLETE:
        done.report.obsolete.append(key)
    elif key in keys.IGNORED or key.startswith(keys.FOREIGN):
        done.report.ignored.append(key)
    elif key in keys.KNOWN:
        done.report.used.append(key)
    else:
        done.report.unknown.append(key)
        near = difflib.get_close_matches(key, keys.KNOWN, n=1, cutoff=0.75)
        advice = f"Did you mean {near[0]}?" if near else "Remove it; its own reader would ignore it silently."
        seen = "a key that nothing reads"
        done.findings.append(
            Finding("answers.unknown", entry.source, "a key of the hosted engine setup", seen, advice, "warn")
        )


def _plain(done: Converted, name: str, rank: int, entry: Entry) -> None:
    value = entry.value
    if entry.key in keys.TEXT_ONLY and entry.type == "int":
        advice = "It is read here; the original setup fails with it. Write str: to keep the file usable for both."
        done.findings.append(Finding("answers.int", entry.source, "type str", "type int", advice, "warn"))
    if entry.key in (keys.STATIC_ADDRESS, "OVEHOSTED_VM/cloudinitVMDNS") and value is False:
        return
    if name in ("he_root_ssh_access", "he_openscap_profile_name") and isinstance(value, str):
        value = value.lower()
    if name == "he_openscap_profile_name" and value == "none":
        return
    if name == "he_cloud_init_host_name" and isinstance(value, str) and "." not in value:
        # Only its first label; the engine VM always has the full name of the engine.
        return
    if name == "he_appliance_password" and isinstance(value, str):
        value = value.strip()
    if value != []:
        done.put(name, value, rank, entry.source)


def _connection(done: Converted, rank: int, entry: Entry, environment: Mapping[str, tuple[int, Entry]]) -> None:
    text = entry.value
    kind = environment[keys.DOMAIN_TYPE][1].value if keys.DOMAIN_TYPE in environment else "nfs"
    if text in (None, ""):
        return
    if kind in ("iscsi", "fc"):
        # The original writes the connection of block storage here too; the portal and LUN keys say it all.
        return
    matched = CONNECTION_FORM.fullmatch(text) if isinstance(text, str) else None
    if matched is None:
        advice = "Write it like nas.example.com:/exports/he, an IPv6 address in brackets."
        done.findings.append(Finding("answers.connection", entry.source, "ADDRESS:/PATH", repr(text), advice))
        return
    done.put("he_storage_domain_addr", matched.group(1), rank, entry.source)
    done.put("he_storage_domain_path", f"/{matched.group(2)}", rank, entry.source)


def _consent(done: Converted, entry: Entry) -> None:
    refused = (
        entry.value is False if entry.key.endswith("deployProceed") else str(entry.value).lower() in ("no", "false")
    )
    if refused:
        advice = "Set it to True when a deployment is wanted."
        done.findings.append(Finding("answers.refused", entry.source, "consent", repr(entry.value), advice))


def _extra_variables(done: Converted, rank: int, entry: Entry) -> None:
    text = str(entry.value or "").strip()
    if not text:
        return
    if text.startswith("@"):
        advice = "Give that file to he_answer_file, or to ansible-playbook with -e."
        done.findings.append(Finding("answers.extra_vars", entry.source, "variables", "the name of a file", advice))
        return
    try:
        found = json.loads(text) if text.startswith("{") else parse_kv(text)
    except Exception as error:  # parse_kv raises whatever the release of Ansible has for it
        advice = "Write NAME=VALUE NAME=VALUE, or one JSON object."
        seen = f"a text that cannot be split ({type(error).__name__})"
        done.findings.append(Finding("answers.extra_vars", entry.source, "variables", seen, advice))
        return
    if "_raw_params" in found:
        found.pop("_raw_params")
        seen = "words without '='"
        done.findings.append(
            Finding("answers.extra_vars", entry.source, "NAME=VALUE", seen, "Quote values with blanks.")
        )
    for name, value in found.items():
        source = f"{entry.path}:{entry.line} ({name} in {entry.key})"
        if name in secret_names():
            advice = (
                "Such texts end up on command lines. Give the secret as a variable from a vault, or by he_secrets_from."
            )
            done.findings.append(Finding("answers.secret_in_extra_vars", source, "no secret here", HIDDEN, advice))
        elif name.startswith("he_"):
            done.put(name, value, max(rank, len(keys.FOREIGN)), source)
        else:
            advice = "Only variables of this collection are read from answer files."
            done.findings.append(Finding("answers.foreign", source, "a variable he_*", repr(name[:60]), advice, "warn"))
