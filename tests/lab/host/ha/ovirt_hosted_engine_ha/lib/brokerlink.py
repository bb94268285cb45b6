# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client side of the broker's socket (host contract 7)."""

import logging
from typing import Any
from xmlrpc.client import Binary, Error

from ..env import constants
from . import unixrpc
from .exceptions import BrokerConnectionError, RequestError

_log = logging.getLogger(__name__)

#: Seconds to wait for the broker's answer; the domain monitor may take 240.
_TIMEOUT = 300.0


class BrokerLink:
    """Calls of the broker by name.

    Each raises BrokerConnectionError if nobody answers, RequestError for an answer that is no result.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path or constants.BROKER_SOCKET_FILE

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(unixrpc.proxy(self._path, _TIMEOUT), method)(*arguments)
        except OSError as exc:
            raise BrokerConnectionError(str(exc)) from exc
        except Error as exc:
            raise RequestError(f"{method}: {exc}") from exc

    def start_monitor(self, kind: str, options: dict[str, str | None]) -> int:
        """Start a monitor, or find the one that runs with these options; return its id."""
        result = self._call("start_monitor", kind, options)
        if result is None:
            raise RequestError(f"Failed to start monitor {kind}, options {options}")
        return int(result)

    def stop_monitor(self, monitor: int) -> None:
        """Stop a monitor."""
        self._call("stop_monitor", monitor)

    def status_monitor(self, monitor: int | str) -> str | None:
        """Return the last result as text; None if the broker does not know the monitor."""
        result = self._call("status_monitor", monitor)
        return None if result is None else str(result)

    def get_stats(self) -> dict[int, str]:
        """Return the text of every slot that is not empty, by host id (0 = global)."""
        result = self._call("get_stats")
        if result is None:
            raise RequestError("Failed to get the metadata")
        return {int(host): _binary(data).decode() for host, data in result.items()}

    def put_stats(self, host_id: int, data: bytes) -> None:
        """Hand over a slot to be written."""
        self._call("put_stats", host_id, Binary(data))

    def push_hosts_state(self, alive: dict[int, bool]) -> None:
        """Tell which hosts the agent holds for alive, its own among them."""
        self._call("push_hosts_state", {str(host): value for host, value in alive.items()})

    def is_host_alive(self, host_id: int) -> bool:
        """Tell what the agent last said about a host; no if it has been silent for a minute."""
        return bool(self._call("is_host_alive", host_id))

    def notify(self, event: str, detail: str, options: dict[str, str]) -> bool:
        """Send a notification if broker.conf wants it; tell whether a mail was sent."""
        return bool(self._call("notify", event, detail, options))

    def start_domain_monitor(self, host_id: int) -> bool:
        """Have vdsm monitor the domain and wait until its host id is acquired."""
        return bool(self._call("start_domain_monitor", host_id))

    def stop_domain_monitor(self) -> None:
        """Have vdsm stop monitoring the domain."""
        self._call("stop_domain_monitor")

    def lock_host_id(self, host_id: int) -> bool:
        """Acquire the host id in the lockspace."""
        return bool(self._call("lock_host_id", host_id))

    def release_host_id(self, host_id: int) -> None:
        """Give the host id back."""
        self._call("release_host_id", host_id)

    def reset_lockspace(self) -> None:
        """Write an empty lockspace; no answer tells whether it was written (known fault, host contract 4)."""
        self._call("reset_lockspace")


def _binary(value: Any) -> bytes:
    return bytes(value.data) if isinstance(value, Binary) else bytes(value)
