# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rules between settings share: the register, and forms of names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, Union

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding

Values = dict[str, Any]
Rule = Callable[[Values], Iterator[Finding]]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

RULES: list[Rule] = []

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)({LABEL}\.)*{LABEL}", re.IGNORECASE)
FULL_NAME = re.compile(rf"(?=.{{4,253}}\Z)({LABEL}\.)+(?!\d+\Z){LABEL}", re.IGNORECASE)
# hosted-engine.conf is read by three parsers, one of them a shell (host contract 1.1).
CONF_SAFE = re.compile(r"[A-Za-z0-9_./:@%+,=\[\]~^-]*")
CONF_ADVICE = "hosted-engine.conf cannot carry other signs, a shell reads it too."
CONF_EXPECTED = "letters, digits and ./:@%+,=[]~^_-"


def rule(function: Rule) -> Rule:
    """Add a rule to those that every run checks."""
    RULES.append(function)
    return function


def finding(id: str, source: str, expected: str, seen: Any, advice: str, severity: str = "block") -> Finding:
    """Return a finding about a setting."""
    return Finding(f"settings.{id}", source, expected, str(seen), advice, severity)


def address_of(text: Any) -> Address | None:
    """Return an IP address, also one in brackets; None if the text is none."""
    try:
        return ipaddress.ip_address(str(text).strip("[]")) if text else None
    except ValueError:
        return None


def is_local(name: str) -> bool:
    """Return whether a name or address always means the machine that asks."""
    plain = name.strip("[]").rstrip(".").lower()
    found = address_of(plain)
    if found is not None:
        return found.is_loopback or found.is_unspecified
    words = ("localhost", "localhost4", "localhost6")
    return plain in words or plain.split(".")[0] in words or plain.endswith(".localhost")


def has_control_signs(text: str) -> bool:
    """Return whether a text has signs that end a line or cannot be shown."""
    return any(ord(sign) < 32 or ord(sign) in (127, 0x85, 0x2028, 0x2029) for sign in text)


def is_encodable(text: str) -> bool:
    """Return whether a text can be written as UTF-8; half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
