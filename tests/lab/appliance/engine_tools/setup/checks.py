"""What engine-setup looks at before it changes anything."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
from pathlib import Path

from .answers import Environment, SetupError
from .dialog import Dialog

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_IN_HOSTED_ENGINE = (
    "It seems that you are running your engine inside of the hosted-engine VM "
    'and are not in "Global Maintenance" mode.\n'
    'In that case you should put the system into the "Global Maintenance" mode before running engine-setup, or the '
    "hosted-engine HA agent might kill the machine, which might corrupt your data."
)


def host_name(fqdn: str, hosts_file: Path, dialog: Dialog) -> list[str]:
    """The addresses of the engine's name; warns as the real one. Raises SetupError when there are none."""
    if not _NAME.fullmatch(fqdn):
        raise SetupError(f"Host name is not valid: {fqdn} is not a valid host name")
    if "." not in fqdn:
        dialog.warning(f"Host name {fqdn} has no domain suffix")
    try:
        addresses = sorted({str(answer[4][0]) for answer in socket.getaddrinfo(fqdn, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        raise SetupError(f"Host name is not valid: {fqdn} did not resolve into an IP address") from error
    local = hosts_file.read_text() if hosts_file.is_file() else ""
    if any(fqdn in line.partition("#")[0].split()[1:] for line in local.splitlines()):
        dialog.warning(f"Failed to resolve {fqdn} using DNS, it can be resolved only locally")
    return addresses


def local_address(addresses: list[str], dialog: Dialog) -> None:
    """Warn when the engine's name leads elsewhere."""
    said = subprocess.run(["ip", "-o", "address", "show"], capture_output=True, text=True, check=False).stdout
    ours = set(re.findall(r"inet6? ([0-9a-f.:]+)/", said))
    if ours.isdisjoint(addresses):
        dialog.warning(
            "Cannot validate host name settings, reason: resolved host does not match any of the local addresses"
        )


def has_database(path: Path) -> bool:
    """Whether there is an engine database with its options in it."""
    if not path.is_file():
        return False
    try:
        with _open(path) as connection:
            return bool(connection.execute("SELECT count(*) FROM vdc_options").fetchone()[0])
    except sqlite3.OperationalError:
        return False


def option(path: Path, name: str) -> str | None:
    """Value of an option for version `general`, or None."""
    with _open(path) as connection:
        row = connection.execute(
            "SELECT option_value FROM vdc_options WHERE option_name = ? AND version = 'general'", (name,)
        ).fetchone()
    return row[0] if row else None


def global_maintenance(path: Path, environment: Environment, dialog: Dialog) -> None:
    """Refuse to touch a live hosted engine (engine contract 12). Raises SetupError."""
    if environment.get("OVESETUP_CONFIG/continueSetupOnHEVM") or option(path, "DbJustRestored") == "1":
        return
    name = option(path, "HostedEngineVmName") or "HostedEngine"
    with _open(path) as connection:
        row = connection.execute(
            "SELECT s.ha_global_maintenance FROM vms v LEFT JOIN vds_statistics s ON s.vds_id = v.run_on_vds "
            "WHERE v.vm_name = ?",
            (name,),
        ).fetchone()
    if row is None:
        return
    if row[0]:
        dialog.info("Hosted Engine HA is in Global Maintenance mode.")
        return
    dialog.error(_IN_HOSTED_ENGINE)
    raise SetupError("Hosted Engine setup detected, but Global Maintenance is not set.")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=60)
