# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers for engine-setup in otopi's format, and what engine-setup printed (engine contract 12)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Union

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

ANSWER_IMPOSSIBLE = declare(
    "engine_setup.answer",
    "A value cannot be given to engine-setup",
    "Values for engine-setup have one line, without control characters, and no blank at either end.",
)

Answer = Union[bool, int, str]

_REASON = re.compile(r"^\[\s*(ERROR|FATAL)\s*\]\s*(.*)$")
# What engine-setup says whatever the reason was.
_EPILOGUE = "Execution of setup failed"


def answers(
    fqdn: str,
    admin_password: str,
    keycloak: bool,
    organization: str,
    passwords: Mapping[str, str],
    extra: Mapping[str, Answer],
) -> dict[str, Answer]:
    """Return the answers by key; later ones win over the appliance's own.

    Args:
        fqdn: fully qualified name of the engine.
        admin_password: password of the engine's administrator; a secret.
        keycloak: whether the engine signs in through Keycloak.
        organization: name in the CA's certificate; that of the engine's domain if empty.
        passwords: further passwords by key, for example C(OVESETUP_DB/password).
        extra: further answers of the operator; they win.
    """
    return {
        "OVESETUP_CONFIG/fqdn": fqdn,
        "OVESETUP_CONFIG/adminPassword": admin_password,
        "OVESETUP_CONFIG/keycloakEnable": keycloak,
        "OVESETUP_PKI/organization": organization or fqdn.partition(".")[2],
        # The size of the bootstrap VM is not the size of the engine VM.
        "OVESETUP_SYSTEM/memCheckEnabled": False,
        **{key: value for key, value in passwords.items() if value},
        **extra,
    }


def render(values: Mapping[str, Answer]) -> str:
    """Return an answer file of otopi.

    Raises:
        HostedEngineError: C(engine_setup.answer); the message never holds the value.
    """
    lines = ["[environment:default]"]
    for key, value in values.items():
        kind = {bool: "bool", int: "int"}.get(type(value), "str")
        text = str(value)
        if text != text.strip() or any(ord(letter) < 32 for letter in text):
            raise HostedEngineError(ANSWER_IMPOSSIBLE, observed=f"the value of {key}")
        lines.append(f"{key}={kind}:{text}")
    return "\n".join(lines) + "\n"


def reasons(printed: str) -> list[str]:
    """Return why engine-setup failed, in its own words: its error lines with the lines that continue them."""
    found: list[str] = []
    inside = False
    for line in printed.splitlines():
        matched = _REASON.match(line)
        if matched:
            inside = not matched.group(2).startswith(_EPILOGUE)
            if inside:
                found.append(matched.group(2).strip())
        elif inside and line.startswith("          ") and line.strip():
            found[-1] += f" {line.strip()}"
        else:
            inside = False
    return found
