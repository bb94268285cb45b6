# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask systemd for the state of services, and start them for good: over D-Bus, or else with C(systemctl).

python3-dbus comes with firewalld and with vdsm; an interpreter that does not have it only costs a process more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock, Look, pending, ready, wait_for

UNIT_NOT_STARTED = declare(
    "service.not_started",
    "A service of the host could not be started",
    "Look at 'systemctl status' of the service and at its journal, then run the same playbook again.",
    retryable=True,
)

_NAME = "org.freedesktop.systemd1"
_MANAGER = "org.freedesktop.systemd1.Manager"


class _Systemd:
    """systemd's manager on the system's bus."""

    def __init__(self, dbus: Any) -> None:
        self._dbus = dbus
        # Not the connection that the process shares: firewalld's client needs that one, with a main loop.
        self._bus = dbus.SystemBus(private=True)
        self._manager = dbus.Interface(self._bus.get_object(_NAME, "/org/freedesktop/systemd1"), _MANAGER)

    def states(self, units: Sequence[str]) -> dict[str, str]:
        """Return the active state (C(active), C(inactive), C(failed), ...) of units by name; all are known."""
        return {str(unit[0]): str(unit[3]) for unit in self._manager.ListUnitsByNames(units)}

    def start(self, unit: str) -> None:
        """Enable a unit, as C(systemctl enable) does, and queue its start."""
        self._manager.EnableUnitFiles([unit], False, False)
        self._manager.Reload()
        self._manager.StartUnit(unit, "replace")

    def state(self, unit: str) -> tuple[str, bool]:
        """Return the active state of a unit, and whether something is still to be done with it."""
        (listed,) = self._manager.ListUnitsByNames([unit])
        return str(listed[3]), int(listed[7]) != 0


def _over_bus() -> Optional[_Systemd]:
    try:
        import dbus
    except ImportError:
        return None
    try:
        return _Systemd(dbus)
    except dbus.exceptions.DBusException:
        # No bus: systemctl has a private way to systemd.
        return None


def active(names: Sequence[str]) -> list[str]:
    """Return which of some services are active; one that does not exist is not."""
    units = {f"{name}.service": name for name in names}
    systemd = _over_bus()
    if systemd is None:
        printed = run(["systemctl", "is-active", *units], check=False).stdout.split()
        states: Mapping[str, str] = dict(zip(units, printed))
    else:
        states = systemd.states(list(units))
    return [name for unit, name in units.items() if states.get(unit) == "active"]


def enable_now(name: str, seconds: float, clock: Optional[Clock] = None) -> None:
    """Enable and start a service, and wait until systemd says that it is active.

    Raises:
        HostedEngineError: C(service.not_started), or C(command.failed) by way of C(systemctl).
    """
    systemd = _over_bus()
    if systemd is None:
        run(["systemctl", "enable", "--now", name], timeout=seconds)
        return
    unit = f"{name}.service"
    import dbus

    def look() -> Look[None]:
        state, busy = systemd.state(unit)
        if state == "active" and not busy:
            return ready(None)
        if not busy and state != "activating":
            raise HostedEngineError(UNIT_NOT_STARTED, expected=f"{unit} to be active", observed=f"it is {state}")
        return pending(f"it is {state}")

    try:
        systemd.start(unit)
        wait_for(look, f"{unit} to be active", seconds, problem=UNIT_NOT_STARTED, clock=clock)
    except dbus.exceptions.DBusException as error:
        raise HostedEngineError(UNIT_NOT_STARTED, observed=str(error), expected=f"{unit} to be active") from error
