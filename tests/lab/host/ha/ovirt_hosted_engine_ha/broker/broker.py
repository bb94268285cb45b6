# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ovirt-ha-broker: start-up, socket, orderly end (host contract 7)."""

import logging
import logging.config
import os
import signal
import sys
import threading
import time
from typing import Any

from ..env import config_constants as const
from ..env import constants, timing
from ..env.config import Config
from ..lib.unixrpc import UnixXmlRpcServer
from ..lib.vdsm_api import SharedVdsm
from . import faults, notifications, storage
from .domain_monitor import DomainMonitor
from .hosts_state import HostsState
from .listener import Methods, open_listener
from .lockspace import open_lockspace
from .monitor import Context, Monitors
from .status_broker import StatusBroker
from .submonitors import FACTORIES

_log = logging.getLogger(__name__)

_FORCED_END_SECONDS = 30.0
_VM_STATUS_EVENT = "|virt|VM_status|"


class Broker:
    """All parts of a running broker."""

    def __init__(self) -> None:
        self._timing = timing.load()
        self._vm_events: dict[str, threading.Event] = {}
        self._vdsm = SharedVdsm(self._on_vdsm_event)
        self._context = Context(self._vdsm, self._timing, self._vm_events)
        self._listener: UnixXmlRpcServer | None = None
        self._status: StatusBroker | None = None
        self._monitors = Monitors(self._context, FACTORIES)

    def _on_vdsm_event(self, method: str, params: Any) -> None:
        if method.startswith(_VM_STATUS_EVENT):
            event = self._vm_events.get(method.removeprefix(_VM_STATUS_EVENT))
            if event is not None:
                event.set()

    def prepare(self) -> UnixXmlRpcServer:
        """Reach the storage and open the socket; whatever goes wrong is raised."""
        faults.refuse_start()
        config = Config()
        # the real one waits too; a socket that is there at once would hide races in its users
        time.sleep(self._timing.broker_start_delay)
        volumes = storage.prepare(self._vdsm, config)
        lockspace = open_lockspace(volumes.lockspace, volumes.sector_size, self._timing)
        self._status = StatusBroker(volumes.metadata, lockspace, self._timing)
        self._status.start()
        methods = Methods(
            monitors=self._monitors,
            status=self._status,
            hosts=HostsState(self._timing),
            domain=DomainMonitor(self._vdsm, config.required(const.SD_UUID), self._timing),
            lockspace=lockspace,
            lockspace_path=volumes.lockspace,
            notify=lambda event, detail, options: notifications.notify(Config().broker_values, event, detail, options),
        )
        self._listener = open_listener(constants.BROKER_SOCKET_FILE, methods)
        return self._listener

    def end(self, *_signal: object) -> None:
        """Stop listening; another thread does it, as the handler runs in the one that listens."""
        listener = self._listener
        if listener is None:
            raise SystemExit(1)
        forced = threading.Timer(_FORCED_END_SECONDS, os._exit, [0])
        forced.daemon = True
        forced.start()
        threading.Thread(target=listener.shutdown, daemon=True).start()

    def serve(self) -> None:
        """Answer until the end, then clean up."""
        listener = self.prepare()
        _log.info("Broker started, listening on %s", constants.BROKER_SOCKET_FILE)
        listener.serve_forever()
        listener.server_close()
        os.unlink(constants.BROKER_SOCKET_FILE)
        self._monitors.stop_all()
        if self._status is not None:
            self._status.stop()
        self._vdsm.close()


def configure_logging(path: str) -> None:
    """Log as the configuration file of the service says, to stderr without one."""
    if os.path.exists(path):
        logging.config.fileConfig(path, disable_existing_loggers=False)
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def main() -> int:
    """Run the broker; 0 after an orderly end, 1 if it could not start."""
    configure_logging(constants.BROKER_LOG_CONF_FILE)
    _log.info("ovirt-ha-broker of the lab (a stand-in for the real service)")
    broker = Broker()
    signal.signal(signal.SIGTERM, broker.end)
    signal.signal(signal.SIGINT, broker.end)
    try:
        broker.serve()
    except Exception:
        _log.exception("Failed initializing the broker")
        return 1
    _log.info("Broker ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
