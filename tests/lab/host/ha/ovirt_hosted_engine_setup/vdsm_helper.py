# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work on the engine VM for the command line, through vdsm (host contract 9.1)."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from ovirt_hosted_engine_ha.env import config_constants as const
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import vdsm_api

from . import vmconf

_CALL_TIMEOUT = 60.0
_SHUTDOWN_DELAY = "120"
_SHUTDOWN_MESSAGE = "VM is shutting down!"
_PASSWORD_TTL = "120"


class CommandFailedError(Exception):
    """A verb failed; the text is what vdsm's own client would print."""


def _call(vdsm: vdsm_api.Vdsm, verb: str, params: Mapping[str, Any]) -> Any:
    try:
        return vdsm.call(verb, params)
    except vdsm_api.VdsmError as exc:
        raise CommandFailedError(f"Command {verb} with args {dict(params)} failed:\n{exc}") from exc


def vm_status(vdsm: vdsm_api.Vdsm, vm_id: str) -> str | None:
    """Return vdsm's status of the VM, None if it does not know it; raises CommandFailedError."""
    try:
        return str(vdsm.call("VM.getStats", {"vmID": vm_id})[0]["status"])
    except vdsm_api.VdsmError as exc:
        if exc.code == vdsm_api.NO_SUCH_VM:
            return None
        raise CommandFailedError(f"Command VM.getStats with args {{'vmID': '{vm_id}'}} failed:\n{exc}") from exc


def start(vdsm: vdsm_api.Vdsm, vm_id: str, conf: str, paused: bool) -> int:
    """Clear a VM that is down (or paused, unless it is to start paused), then create it from a vm.conf."""
    status = vm_status(vdsm, vm_id)
    cleared = ("Down",) if paused else ("Down", "Paused")
    if status is not None and status not in cleared:
        print(f"VM exists and its status is {status}")
        return 1
    if status is not None:
        print(f"VM exists and is {status.lower()}, cleaning up and restarting")
        _call(vdsm, "VM.destroy", {"vmID": vm_id})
    params = vmconf.parse_vm_conf_file(conf)
    # with the engine's own XML nothing else counts (host contract 2.2)
    wanted = {"xml": params["xml"]} if "xml" in params else params
    reply = _call(vdsm, "VM.create", {"vmID": params["vmId"], "vmParams": wanted})
    print(f"VM in {reply['status']}")
    return 0 if reply["status"] == "WaitForLaunch" else 1


def shutdown(vdsm: vdsm_api.Vdsm, vm_id: str) -> int:
    """Ask the guest to shut down; does not wait."""
    _call(vdsm, "VM.shutdown", {"vmID": vm_id, "delay": _SHUTDOWN_DELAY, "message": _SHUTDOWN_MESSAGE})
    return 0


def poweroff(vdsm: vdsm_api.Vdsm, vm_id: str) -> int:
    """Destroy the VM."""
    _call(vdsm, "VM.destroy", {"vmID": vm_id})
    return 0


def is_here(vdsm: vdsm_api.Vdsm, vm_id: str) -> bool:
    """Tell whether this host has the VM."""
    return any(vm["vmId"] == vm_id for vm in _call(vdsm, "Host.getVMList", {}))


def set_console_password(vdsm: vdsm_api.Vdsm, vm_id: str, password: str) -> int:
    """Set the VNC password for two minutes and print where to connect."""
    params = {
        "deviceType": "graphics",
        "graphicsType": "vnc",
        "password": password,
        "ttl": _PASSWORD_TTL,
        "existingConnAction": "keep",
        "params": {},
    }
    try:
        vdsm.call("VM.updateDevice", {"vmID": vm_id, "params": params})
    except vdsm_api.VdsmError as exc:
        raise CommandFailedError(f"Command VM.updateDevice failed:\n{exc}") from exc
    for display in _call(vdsm, "VM.getStats", {"vmID": vm_id})[0].get("displayInfo", []):
        if display["type"] == "vnc":
            print(f"You can now connect the hosted-engine VM with VNC at {display['ipAddress']}:{display['port']}")
            return 0
    print("The hosted-engine VM has no VNC console", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """Return the command line; the password comes on stdin."""
    result = argparse.ArgumentParser(prog="vdsm_helper")
    verbs = result.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("start")
    create.add_argument("conf")
    create.add_argument("--paused", action="store_true")
    for verb in ("shutdown", "poweroff", "is-here", "set-console-password"):
        verbs.add_parser(verb)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run one verb on the engine VM of hosted-engine.conf; 0 or 1."""
    options = parser().parse_args(arguments)
    vm_id = Config().required(const.HEVMID)
    try:
        with vdsm_api.connect(_CALL_TIMEOUT) as vdsm:
            if options.verb == "start":
                return start(vdsm, vm_id, options.conf, options.paused)
            if options.verb == "is-here":
                return 0 if is_here(vdsm, vm_id) else 1
            if options.verb == "set-console-password":
                return set_console_password(vdsm, vm_id, sys.stdin.readline().rstrip("\n"))
            return {"shutdown": shutdown, "poweroff": poweroff}[options.verb](vdsm, vm_id)
    except (CommandFailedError, OSError, ValueError, *vdsm_api.UNREACHABLE) as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
