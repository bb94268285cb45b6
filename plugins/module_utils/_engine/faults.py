# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn what the SDK raises into a kind of problem and into words for people (engine contract 2.5 and 15)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import problems
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.sdk import pycurl, sdk
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, Problem

AUTH = "auth"
FORBIDDEN = "forbidden"
CERTIFICATE = "certificate"
CONFLICT = "conflict"
INTERNAL = "internal"
INVALID = "invalid"
NOT_FOUND = "not_found"
NOT_READY = "not_ready"
TIMEOUT = "timeout"
UNREACHABLE = "unreachable"

# Kinds of which nobody knows whether the engine has done what was asked: the connection broke.
TRANSPORT = frozenset({UNREACHABLE, TIMEOUT, NOT_READY})

_CURL_KINDS = {
    6: UNREACHABLE,  # name not resolved
    7: UNREACHABLE,  # connection refused
    28: TIMEOUT,
    35: UNREACHABLE,  # TLS handshake broken off
    52: UNREACHABLE,  # connection closed without an answer
    55: UNREACHABLE,  # nothing could be sent
    56: UNREACHABLE,  # nothing could be received
    58: CERTIFICATE,
    60: CERTIFICATE,
    77: CERTIFICATE,  # CA file unreadable
}
_CODE_KINDS = {401: AUTH, 403: FORBIDDEN, 404: NOT_FOUND, 408: TIMEOUT, 409: CONFLICT, 502: NOT_READY, 503: NOT_READY}
_PROBLEMS: Mapping[str, Problem] = {
    AUTH: problems.LOGIN_REFUSED,
    FORBIDDEN: problems.FORBIDDEN,
    CERTIFICATE: problems.CERTIFICATE,
    CONFLICT: problems.REFUSED,
    INTERNAL: problems.FAILED,
    INVALID: problems.REFUSED,
    NOT_FOUND: problems.NOT_FOUND,
    NOT_READY: problems.NOT_READY,
    TIMEOUT: problems.TIMEOUT,
    UNREACHABLE: problems.UNREACHABLE,
}
# "(7, 'Failed to connect')" of the login, "(<pycurl.Curl object at 0x1>, 7, 'Failed ...')" of every later call.
_CURL_NUMBER = re.compile(r"\((?:<[^>]*>,\s*)?(\d{1,2}),\s*['\"]")
_BUSY = "Related operation is currently in progress"


def exceptions() -> tuple[type[BaseException], ...]:
    """Return what a call of the SDK can raise when the engine or the way to it is the cause.

    C(TypeError) comes from an answer without a content type, C(KeyError) from a login that brings no token,
    C(ValueError) from a number or date that is none.
    """
    return (sdk.Error, pycurl.error, TypeError, KeyError, ValueError)


def classify(error: BaseException) -> str:
    """Return the kind of an exception of the SDK: one of the constants of this file."""
    code = getattr(error, "code", None)
    if code in _CODE_KINDS:
        return _CODE_KINDS[code]
    if isinstance(code, int) and code >= 400:
        return INVALID if code < 500 else INTERNAL
    number = _curl_number(error)
    if number is not None:
        return _CURL_KINDS.get(number, UNREACHABLE)
    return _classify_text(error)


def _classify_text(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, sdk.AuthError):
        # "Error during SSO authentication access_denied : Cannot ...": every other word of SSO is its own trouble.
        return AUTH if "access_denied" in text or "invalid_grant" in text else NOT_READY
    if isinstance(error, sdk.NotFoundError):
        return NOT_FOUND
    if isinstance(error, sdk.ConnectionError):
        return UNREACHABLE
    if isinstance(error, sdk.TimeoutError):
        return TIMEOUT
    if "isn't the expected" in text or isinstance(error, (TypeError, KeyError)):
        return NOT_READY
    return INTERNAL


def _curl_number(error: BaseException) -> Optional[int]:
    if isinstance(error, pycurl.error) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    found = _CURL_NUMBER.search(str(error))
    return int(found.group(1)) if found else None


def busy(error: HostedEngineError) -> bool:
    """Return whether an object was locked by another command of the engine: the one refusal worth repeating."""
    return error.evidence.get("kind") == CONFLICT and _BUSY in error.observed


def words(error: BaseException) -> str:
    """Return the engine's own reason without its brackets and line breaks."""
    fault = getattr(error, "fault", None)
    text = getattr(fault, "detail", None) or getattr(fault, "reason", None) or str(error)
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    text = re.sub(r",? *Attribute: [\w.]+", "", text)
    text = re.sub(r"\s*(?:\\n|\n)\s*-?\s*", " ", text).strip()
    return text or f"{type(error).__name__} without a message"


def translate(
    error: BaseException, doing: str, advice: str = "", evidence: Optional[Mapping[str, Any]] = None
) -> HostedEngineError:
    """Return the problem for people that an exception of the SDK stands for.

    Args:
        error: what the SDK raised.
        doing: what was being done, in words ("add host node1").
        advice: replaces the catalogue's advice.
        evidence: further facts.
    """
    facts = {"kind": classify(error), "http_code": getattr(error, "code", None), **(evidence or {})}
    return HostedEngineError(
        _PROBLEMS[classify(error)], expected=f"to {doing}", observed=words(error), advice=advice, evidence=facts
    )
