# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's SDK, imported in one place so that a host without it gets a message and not a traceback."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

SDK_MISSING = declare(
    "engine.sdk_missing",
    "The engine's Python SDK is not installed on the host",
    "Install python3-ovirt-engine-sdk4 on the host and run the same playbook again.",
)

sdk: Any
types: Any
pycurl: Any
IMPORT_ERROR: Optional[str] = None
try:
    import ovirtsdk4 as sdk
    import pycurl
    from ovirtsdk4 import types
except ImportError as error:
    sdk = types = pycurl = None
    IMPORT_ERROR = str(error)


def require_sdk() -> None:
    """Check that the SDK is there.

    Raises:
        HostedEngineError: C(engine.sdk_missing).
    """
    if sdk is None:
        raise HostedEngineError(SDK_MISSING, observed=IMPORT_ERROR or "it cannot be imported")
