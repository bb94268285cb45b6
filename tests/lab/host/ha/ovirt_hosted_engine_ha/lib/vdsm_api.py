# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to vdsm of this host.

Where it listens and whether with TLS is what ``/etc/vdsm/vdsm.conf`` says: ``[vars] ssl``, ``[addresses]
management_ip`` and ``management_port``.
"""

import configparser
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from vdsm_rpc import client as vdsm_client

from ..env import constants

#: Seconds that a call may take (host contract 6.1).
CALL_TIMEOUT = 900.0

VdsmError = vdsm_client.VdsmError

#: What a call ends with when vdsm is not there or does not answer in time.
UNREACHABLE = (OSError, vdsm_client.VdsmTimeout, vdsm_client.VdsmConnectionLost)

#: Codes of vdsm (host contract 11).
NO_SUCH_VM = 1
RECOVERING = 99


class Vdsm(Protocol):
    """What the services use of the client."""

    def call(self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        """Run a verb and return its result; raises VdsmError."""


def connect(timeout: float = CALL_TIMEOUT) -> vdsm_client.Client:
    """Connect to vdsm; raises OSError if it does not listen."""
    parser = configparser.ConfigParser()
    parser.read(constants.VDSM_CONF_FILE)
    address = parser.get("addresses", "management_ip", fallback="localhost")
    port = parser.getint("addresses", "management_port", fallback=54321)
    tls = parser.getboolean("vars", "ssl", fallback=True)
    context = vdsm_client.host_context(constants.VDSM_PKI_DIR) if tls else None
    return vdsm_client.Client("localhost" if address in ("::", "0.0.0.0") else address, port, context, timeout)


class SharedVdsm:
    """One connection for all threads of a service, made anew when it was lost."""

    def __init__(self, on_event: Callable[[str, Any], None] | None = None) -> None:
        self._client: vdsm_client.Client | None = None
        self._lock = threading.Lock()
        self._on_event = on_event

    def _connected(self) -> vdsm_client.Client:
        with self._lock:
            if self._client is None or not self._client.alive:
                self._client = connect()
                if self._on_event is not None:
                    self._client.events(self._on_event)
            return self._client

    def call(self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        """Run a verb; raises VdsmError, or one of UNREACHABLE."""
        return self._connected().call(verb, params, timeout)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
