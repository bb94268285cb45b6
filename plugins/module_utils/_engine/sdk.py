# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's SDK, imported in one place so that a host without it gets a message and not a traceback."""

from __future__ import annotations

from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

SDK_MISSING = declare(
    "engine.sdk_missing",
    "The engine's Python SDK is not installed on the host",
    "Install python3-ovirt-engine-sdk4 on the host and run the same playbook again.",
)

sdk: Any = None
types: Any = None
pycurl: Any = None
missing = ""
try:
    import ovirtsdk4
    import ovirtsdk4.types
    import pycurl as _pycurl
except ImportError as error:
    missing = str(error)
else:
    sdk, types, pycurl = ovirtsdk4, ovirtsdk4.types, _pycurl


def require_sdk() -> None:
    """Check that the SDK is there.

    Raises:
        HostedEngineError: C(engine.sdk_missing).
    """
    if sdk is None:
        raise HostedEngineError(SDK_MISSING, observed=missing)
