# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the engine VM as the monitors report it and the metadata carries it (host contract 5.2)."""

import json
from typing import Any

EngineStatus = dict[str, Any]


class VMState:
    """Values of ``vm``."""

    UP = "up"
    DOWN = "down"
    DOWN_UNEXPECTED = "down_unexpected"
    DOWN_MISSING = "down_missing"
    UNKNOWN = "unknown"


class Health:
    """Values of ``health``."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Reason:
    """Values of ``reason``."""

    NOT_RUNNING = "vm not running on this host"
    BAD_STATUS = "bad vm status"
    NOT_LIVE = "failed liveliness check"
    MIGRATED = "VM migrated away successfully"
    NO_STATS = "failed to getVmStats"
    LOCKED = "Storage of VM is locked. Is another host already starting the VM?"


def status(vm: str, health: str, detail: str, reason: str | None = None) -> EngineStatus:
    """Return a status with its keys in the order in which the metadata shows them."""
    result: EngineStatus = {"vm": vm, "health": health, "detail": detail}
    if reason is not None:
        result["reason"] = reason
    return result


def parse(text: str) -> EngineStatus | None:
    """Read a status from the text of a monitor or of a slot.

    ``None`` is the text of a monitor without a result yet. Anything that is no JSON object is an unknown status, with
    the detail "serialization error".
    """
    if text == "None":
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return status(VMState.UNKNOWN, Health.UNKNOWN, "serialization error")
    return {str(key): str(item) for key, item in value.items()}


def rank(value: EngineStatus) -> int:
    """Order statuses: 0 unknown, 1 down, 2 paused, 3 up but not healthy, 4 up and healthy.

    Raises ValueError for a status that fits none of them.
    """
    vm, health = value["vm"], value["health"]
    if vm == VMState.UNKNOWN:
        return 0
    if vm in (VMState.DOWN, VMState.DOWN_UNEXPECTED, VMState.DOWN_MISSING):
        return 1
    if vm == VMState.UP and health in (Health.GOOD, Health.BAD):
        if value["detail"] == "Paused":
            return 2
        return 4 if health == Health.GOOD else 3
    raise ValueError(f"Invalid engine status: {value}")
