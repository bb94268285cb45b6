# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""State of the engine VM: what vdsm says, then whether the engine answers (host contract 5.2, 7)."""

import json
import logging
import subprocess
from collections.abc import Mapping
from typing import Any

from ...env import constants
from ...lib import engine, vdsm_api
from ...lib.engine import Health, Reason, VMState
from ..monitor import Context, Options

_log = logging.getLogger(__name__)

_LIVELINESS_TIMEOUT = 60

#: Statuses in which the guest may answer already, or still.
_RUNNING = ("Up", "Powering up", "Rebooting", "Migration Source", "RebootInProgress")

#: Texts of vdsm that mean another host holds the lease of the VM's disk (host contract 11.2).
_LOCKED = (
    "Failed to acquire lock: error -243",
    "Failed to acquire lock: Lease is held by another host",
    "Is another process using the image",
)

_EXIT_MIGRATED, _EXIT_MISSING = 4, 9
_ORDERLY_EXITS = (0, 5, 6, 7, 11)


def down_status(stats: Mapping[str, Any]) -> engine.EngineStatus:
    """Judge a VM that vdsm calls Down by its exit reason."""
    reason = int(stats.get("exitReason", 0))
    message = str(stats.get("exitMessage", ""))
    if reason == _EXIT_MIGRATED:
        return engine.status(VMState.DOWN, Health.BAD, "Down", Reason.MIGRATED)
    if any(text in message for text in _LOCKED):
        return engine.status(VMState.DOWN, Health.BAD, "Down", Reason.LOCKED)
    if reason == _EXIT_MISSING:
        return engine.status(VMState.DOWN_MISSING, Health.BAD, "Down", Reason.NOT_RUNNING)
    if int(stats.get("exitCode", 0)) == 0 or reason in _ORDERLY_EXITS:
        return engine.status(VMState.DOWN, Health.BAD, "Down", Reason.BAD_STATUS)
    return engine.status(VMState.DOWN_UNEXPECTED, Health.BAD, "Down", Reason.BAD_STATUS)


class EngineHealthMonitor:
    """The JSON that goes into the metadata."""

    def __init__(self, context: Context, options: Options) -> None:
        self._vdsm = context.vdsm
        self._vm = options.get("vm_uuid")

    def _is_live(self) -> bool:
        try:
            done = subprocess.run(
                [constants.HOSTED_ENGINE_BINARY, "--check-liveliness"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIVELINESS_TIMEOUT,
                check=False,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired) as exc:
            _log.error("Liveliness check: %s", exc)
            return False
        return done.returncode == 0

    def status(self) -> engine.EngineStatus:
        """Look once."""
        try:
            stats = self._vdsm.call("VM.getStats", {"vmID": self._vm})[0]
        except vdsm_api.VdsmError as exc:
            if exc.code == vdsm_api.NO_SUCH_VM:
                return engine.status(VMState.DOWN, Health.BAD, "unknown", Reason.NOT_RUNNING)
            _log.error("vdsm does not tell about the engine VM: %s", exc)
            return engine.status(VMState.UNKNOWN, Health.UNKNOWN, "unknown", Reason.NO_STATS)
        except vdsm_api.UNREACHABLE as exc:
            _log.error("vdsm is not reachable: %s", exc)
            return engine.status(VMState.UNKNOWN, Health.UNKNOWN, "unknown", Reason.NO_STATS)
        detail = str(stats["status"])
        if detail == "Down":
            return down_status(stats)
        if detail not in _RUNNING:
            return engine.status(VMState.UP, Health.BAD, detail, Reason.BAD_STATUS)
        if self._is_live():
            return engine.status(VMState.UP, Health.GOOD, detail)
        return engine.status(VMState.UP, Health.BAD, detail, Reason.NOT_LIVE)

    def action(self) -> str:
        """Return the status as JSON."""
        return json.dumps(self.status())
