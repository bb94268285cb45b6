# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules about secrets. No finding shows one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import (
    Values,
    finding,
    has_control_signs,
    is_encodable,
    rule,
)
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names

# What hashes the password of root cuts it there without a word (measured with openssl 3.0: passwd -6 -stdin).
LONGEST_HASHED = 256
LONGEST = 1024
SHORT = 8
REFERENCE = re.compile(r"(variable:[A-Za-z_][A-Za-z0-9_]*|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")


@rule
def passwords_fit_on_one_line(values: Values) -> Iterator[Finding]:
    """An answer file has one line for a value, and cuts blanks."""
    for option in sorted(secret_names()):
        secret = values[option]
        if not secret:
            continue
        if has_control_signs(secret):
            yield finding("password", option, "printable characters", "a control character", "Choose another password.")
        elif secret != secret.strip():
            yield finding("password", option, "no space at its ends", "a space at an end", "Choose another password.")
        elif not is_encodable(secret):
            yield finding("password", option, "text", "half of a character", "Choose another password.")
        elif len(secret) > LONGEST:
            yield finding(
                "password", option, f"at most {LONGEST} characters", len(secret), "Choose a shorter password."
            )


@rule
def the_password_of_root_can_be_hashed(values: Values) -> Iterator[Finding]:
    """The rest of a longer one would be ignored, and a shorter one would open the door."""
    secret = values["he_appliance_password"]
    if secret and is_encodable(secret) and len(secret.encode()) > LONGEST_HASHED:
        expected = f"at most {LONGEST_HASHED} bytes as UTF-8"
        yield finding("password", "he_appliance_password", expected, len(secret.encode()), "Choose a shorter password.")


@rule
def passwords_are_not_short(values: Values) -> Iterator[Finding]:
    """The engine takes them; a person should know."""
    for option in ("he_admin_password", "he_appliance_password"):
        secret = values[option]
        if secret and len(secret) < SHORT:
            yield finding(
                "password_short", option, f"at least {SHORT} characters", "less", "Choose a longer password.", "warn"
            )


@rule
def references_name_a_place(values: Values) -> Iterator[Finding]:
    """A secret is read from a variable, the environment or a file."""
    for name, reference in values["he_secrets_from"].items():
        if name not in secret_names():
            expected = f"one of {', '.join(sorted(secret_names()))}"
            yield finding("reference", "he_secrets_from", expected, repr(str(name)[:60]), "Correct the name.")
        elif not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
            # Not shown: it may be the secret itself.
            expected = "variable:NAME, env:NAME or file:PATH"
            yield finding(
                "reference", f"he_secrets_from.{name}", expected, "something else", "Say where the secret is read from."
            )
