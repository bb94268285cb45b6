# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What no client of the API can do, for `run`: the HA services' word, the one SQL statement, a machine on a host."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import sys
from urllib.parse import urlsplit

MANAGED, OVIRT = 6, 3


def tell(action: str, **values: object) -> None:
    """Changes the first model host."""
    control = http.client.HTTPConnection(urlsplit(os.environ["SIM_VDSM_CONTROL"]).netloc, timeout=30)
    control.request("POST", f"/host/host1/{action}", json.dumps(values))
    answer = control.getresponse()
    if answer.status >= 300:
        raise SystemExit(f"{action}: {answer.status} {answer.read().decode()}")


def sql(statement: str, *params: object) -> list[tuple]:
    with sqlite3.connect(os.environ["SIM_DATABASE"], timeout=30) as db:
        return db.execute(statement, params).fetchall()


def main(hook: str) -> None:
    machine = os.environ.get("CF_HE", "")
    name = next((row[0] for row in sql("SELECT vm_name FROM vm_static WHERE vm_guid = ?", machine)), "")
    if hook == "ha_configured":
        tell("ha", configured=True, active=True, score=3400)
    elif hook == "he_origin":
        sql("UPDATE vm_static SET origin = ? WHERE vm_guid = ?", MANAGED, machine)
    elif hook == "he_vm_running":
        tell("vm", name=name, id=machine, memory_mb=8192)
    elif hook == "he_released":
        tell("vm-status", vm=name, status="gone")
        sql("UPDATE vm_static SET origin = ? WHERE vm_guid = ?", OVIRT, machine)
    else:
        raise SystemExit(f"unknown hook {hook}")


if __name__ == "__main__":
    main(sys.argv[1])
