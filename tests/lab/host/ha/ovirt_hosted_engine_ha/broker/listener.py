# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The broker's methods on its socket (host contract 7)."""

import functools
import logging
import os
from collections.abc import Callable
from typing import Any
from xmlrpc.client import Binary

from ..lib.unixrpc import UnixXmlRpcServer
from .domain_monitor import DomainMonitor
from .hosts_state import HostsState
from .lockspace import Lockspace
from .monitor import Monitors
from .status_broker import StatusBroker

_log = logging.getLogger(__name__)


def never_raises(function: Callable[..., Any]) -> Callable[..., Any]:
    """Log what a method raises and answer None: callers cannot tell (known fault, host contract 4, 7)."""

    @functools.wraps(function)
    def wrapped(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception:
            _log.exception("Failed to handle %s", function.__name__)
            return None

    return wrapped


class Methods:
    """What can be called."""

    def __init__(
        self,
        *,
        monitors: Monitors,
        status: StatusBroker,
        hosts: HostsState,
        domain: DomainMonitor,
        lockspace: Lockspace,
        lockspace_path: str,
        notify: Callable[[str, str, dict[str, str]], bool],
    ) -> None:
        self._monitors = monitors
        self._status = status
        self._hosts = hosts
        self._domain = domain
        self._lockspace = lockspace
        self._lockspace_path = lockspace_path
        self._notify = notify

    def start_monitor(self, kind: str, options: dict[str, str | None]) -> int:
        """Start or find a monitor; return its id."""
        return self._monitors.start(kind, options)

    def stop_monitor(self, monitor_id: int) -> None:
        """Stop a monitor."""
        self._monitors.stop(monitor_id)

    def status_monitor(self, monitor: int | str) -> str:
        """Return the text of a monitor's result; an id, or the kind of a monitor that some agent started."""
        return self._monitors.status(monitor)

    def get_stats(self) -> dict[str, Binary]:
        """Return all slots that are not empty."""
        return {str(host_id): Binary(text.encode()) for host_id, text in self._status.get_stats().items()}

    def put_stats(self, host_id: int, data: Binary) -> None:
        """Take a slot to be written."""
        self._status.put_stats(host_id, bytes(data.data))

    def push_hosts_state(self, alive: dict[str, bool]) -> None:
        """Take the agent's list of live hosts."""
        self._hosts.push(alive)

    def is_host_alive(self, host_id: int) -> bool:
        """Tell what the agent said about a host."""
        return self._hosts.is_alive(host_id)

    def notify(self, event: str, detail: str, options: dict[str, str]) -> bool:
        """Send a mail if it is wanted."""
        return self._notify(event, detail, options)

    def start_domain_monitor(self, host_id: int) -> bool:
        """Have vdsm monitor the domain."""
        return self._domain.start(host_id)

    def stop_domain_monitor(self) -> None:
        """Have vdsm stop monitoring the domain."""
        self._domain.stop()

    def lock_host_id(self, host_id: int) -> bool:
        """Acquire a host id."""
        self._lockspace.lock(host_id)
        return True

    def release_host_id(self, host_id: int) -> None:
        """Give a host id back."""
        self._lockspace.release(host_id)

    def reset_lockspace(self) -> None:
        """Write an empty lockspace; without its volume nothing happens, and nobody is told (host contract 4)."""
        if os.path.exists(self._lockspace_path):
            self._lockspace.reset()


METHODS = tuple(name for name in vars(Methods) if not name.startswith("_"))


def open_listener(path: str, methods: Methods) -> UnixXmlRpcServer:
    """Open the socket, for its owner and group, with all methods."""
    server = UnixXmlRpcServer(path)
    os.chmod(path, 0o660)
    for name in METHODS:
        server.register_function(never_raises(getattr(methods, name)), name)
    return server
