# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine: its database, clock, events, hosts, sessions, and what it does by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .call import Call, new_id
from .clock import Clock, Stopped
from .config import Config
from .errors import Refused
from .events import EventLog
from .events.log import SYSTEM
from .faults import FaultTable
from .hosts import Hosts
from .sso.sessions import Sessions
from .store import Database, schema

if TYPE_CHECKING:
    from .pki import Pki

log = logging.getLogger("engine")


class Engine:
    """One engine with its state. `start` begins monitoring; `stop` ends all of its threads."""

    def __init__(self, config: Config) -> None:
        from . import resources  # noqa: F401  declares the schema
        from .pki import Pki
        from .store import seed

        self.config = config
        self.clock = Clock(config.speed)
        Path(config.database).parent.mkdir(parents=True, exist_ok=True)
        self.db = Database(config.database)
        self.pki: Pki = Pki(config.pki_dir)
        self.events = EventLog(self.db)
        self.faults = FaultTable()
        if config.faults and Path(config.faults).exists():
            log.warning("%d faults are in force from the start", self.faults.load(config.faults))
        self.sessions = Sessions(config)
        self.hosts = Hosts(self)
        self._locks: dict[str, str] = {}
        self._lock_guard = threading.Lock()
        self._threads: set[threading.Thread] = set()
        fresh = schema.create(self.db)
        if fresh:
            seed.fill(self)
        self._read_options()
        self.admin = self.db.row("SELECT * FROM users ORDER BY username LIMIT 1")

    def _read_options(self) -> None:
        """Options that engine-config changed since the installation hold, from this start on."""
        changed = {
            row["option_name"]: row["option_value"]
            for row in self.db.rows(
                "SELECT option_name, option_value FROM vdc_options "
                "WHERE version = 'general' AND option_value != default_value"
            )
        }
        for option, setting in (
            ("InstallVds", "install_vds"),
            ("EncryptHostCommunication", "encrypt_host_communication"),
        ):
            if option in changed:
                setattr(self.config, setting, changed[option].lower() == "true")
        if "OvfUpdateIntervalInMinutes" in changed:
            self.config.ovf_update_interval_minutes = int(changed["OvfUpdateIntervalInMinutes"])

    def start(self) -> None:
        """Takes up the work of a booted engine: hosts are looked at anew, OVF stores written at intervals."""
        from .commands import monitor, ovf

        self.events.add("ENGINE_START")
        monitor.resume(self)
        self.spawn(ovf.update_regularly, self)

    def stop(self) -> None:
        """Ends the work: what waits on the clock ends first, what waits for a host ends when its connection closes."""
        self.clock.stop()
        self._join(2)
        self.hosts.close()
        self._join(5)

    def _join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(timeout=max(end - time.monotonic(), 0))

    # -- work

    def spawn(self, function: Callable[..., None], *args: Any) -> threading.Thread:
        """Runs a function in a thread of its own; errors go to the log, the end of the engine ends it quietly."""

        def run() -> None:
            try:
                function(*args)
            except Stopped:
                log.debug("%s stopped with the engine", function.__name__)
            except Exception:
                log.exception("%s failed", function.__name__)
            finally:
                self.db.close()
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=function.__name__, daemon=True)
        self._threads.add(thread)
        thread.start()
        return thread

    def system_call(self, correlation_id: str | None = None) -> Call:
        """A call that the engine makes by itself."""
        return Call(self, dict(SYSTEM), correlation_id or new_id()[:8], base=f"https://{self.config.fqdn}")

    @contextmanager
    def exclusive(self, what: str, *keys: str) -> Iterator[None]:
        """Holds objects for one command; a second command on any of them is refused (engine contract 15)."""
        self.acquire(what, *keys)
        try:
            yield
        finally:
            self.release(*keys)

    def acquire(self, what: str, *keys: str) -> None:
        with self._lock_guard:
            if any(key in self._locks for key in keys):
                raise Refused(f"Cannot {what}. Related operation is currently in progress. Please try again later.")
            self._locks.update(dict.fromkeys(keys, what))

    def release(self, *keys: str) -> None:
        with self._lock_guard:
            for key in keys:
                self._locks.pop(key, None)
