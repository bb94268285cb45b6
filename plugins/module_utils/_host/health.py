# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's health page over verified TLS, at an address that is given and not looked up (engine contract 3)."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.problems import CERTIFICATE
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock, Look, pending, ready, wait_for

ENGINE_UNHEALTHY = declare(
    "engine.unhealthy",
    "The engine does not report good health",
    "Look at /var/log/ovirt-engine/{boot,server,engine}.log in the engine VM, then run the same playbook again.",
    retryable=True,
)

PATH = "/ovirt-engine/services/health"
GOOD = "DB Up!Welcome to Health Status!"


class _PinnedConnection(http.client.HTTPSConnection):
    """HTTPS to an address, with the name that the certificate must carry."""

    def __init__(self, name: str, address: str, context: ssl.SSLContext, port: int, timeout: float) -> None:
        super().__init__(name, port=port, timeout=timeout, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        """Connect to the address; whatever the resolver and its caches say of the name."""
        plain = socket.create_connection((self._address, self.port), timeout=self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def look_once(name: str, address: str, ca_file: str, port: int = 443, timeout: float = 20.0) -> str:
    """Return what the health page says, or why nothing was said.

    Raises:
        HostedEngineError: C(engine.certificate) when the certificate does not fit; waiting does not help then.
    """
    connection = _PinnedConnection(name, address, ssl.create_default_context(cafile=ca_file), port, timeout)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        body = answer.read(500).decode("utf-8", "replace").strip()
    except ssl.SSLCertVerificationError as error:
        raise HostedEngineError(
            CERTIFICATE, expected=f"a certificate for {name}", observed=f"{address}: {error.verify_message}"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        return f"{address}: {error}"
    finally:
        connection.close()
    return body if answer.status == 200 else f"HTTP {answer.status} {body.splitlines()[0] if body else ''}".strip()


def wait_until_good(
    name: str,
    address: str,
    ca_file: str,
    seconds: float,
    port: int = 443,
    clock: Optional[Clock] = None,
    look: Callable[..., str] = look_once,
) -> None:
    """Wait until the engine reports good health.

    Raises:
        HostedEngineError: C(engine.unhealthy) at the deadline, C(engine.certificate) at once.
    """

    def probe() -> Look[None]:
        seen = look(name, address, ca_file, port)
        return ready(None) if seen == GOOD else pending(seen)

    wait_for(probe, f"health of the engine {name}", seconds, problem=ENGINE_UNHEALTHY, clock=clock)
