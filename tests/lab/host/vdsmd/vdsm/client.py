# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VDSM's verbs for Python programs on the host: what the command line client itself stands on.

vdsm = connect("localhost")
print(vdsm.Volume.getInfo(storagepoolID=..., storagedomainID=..., imageID=..., volumeID=...))
vdsm.close()

How it is connected and the texts of its errors are those of the recordings (fixture vdsm/client/cases.json).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from vdsm_rpc.client import Client, VdsmConnectionLost, VdsmError, VdsmTimeout, host_context


class Error(Exception):
    """What every failure of this client is."""


class ConnectionError(Error):
    """The connection could not be made, or ended."""


class TimeoutError(Error):
    """No answer within the time of the call."""


class ServerError(Error):
    """VDSM refused; `code` is its number."""

    def __init__(self, cmd: str, params: dict[str, Any], answer: VdsmError) -> None:
        super().__init__(f"Command {cmd} with args {params} failed:\n{answer}")
        self.cmd = cmd
        self.params = params
        self.code = answer.code


class _Namespace:
    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self._call = call
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return functools.partial(self._call, f"{self._name}.{method}")


class _Client:
    """Verbs by namespace; each takes its parameters by name, and `_timeout` in seconds."""

    def __init__(self, client: Client, where: str, timeout: float) -> None:
        self._client = client
        self._where = where
        self._timeout = timeout

    def __getattr__(self, namespace: str) -> _Namespace:
        return _Namespace(self._verb, namespace)

    def _verb(self, verb: str, _timeout: float | None = None, **params: Any) -> Any:
        seconds = self._timeout if _timeout is None else _timeout
        try:
            return self._client.call(verb, params, timeout=seconds)
        except VdsmError as error:
            raise ServerError(verb, params, error) from error
        except VdsmTimeout as error:
            raise TimeoutError(f"Request {verb} with args {params} timed out after {seconds} seconds") from error
        except VdsmConnectionLost as error:
            raise ConnectionError(f"Connection to {self._where} failed: {error}") from error

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def connect(
    host: str, port: int = 54321, use_tls: bool = True, timeout: float = 60, gluster_enabled: bool = False
) -> _Client:
    """Connect to the VDSM of a host.

    Args:
        host: name or address.
        port: its port.
        use_tls: with the host's own key pair, the peer's certificate checked against the engine's CA.
        timeout: seconds for connecting and for each call.
        gluster_enabled: accepted; there are no verbs of Gluster here.

    Raises:
        ConnectionError: nobody listens, or TLS fails.
    """
    where = f"{host}:{port} with use_tls={use_tls}, timeout={float(timeout)}"
    try:
        return _Client(Client(host, port, host_context() if use_tls else None, timeout), where, timeout)
    except OSError as error:
        raise ConnectionError(f"Connection to {where} failed: {error}") from error
