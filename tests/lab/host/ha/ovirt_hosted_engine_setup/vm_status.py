# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --vm-status``: what all hosts say about themselves, as text or JSON (host contract 5.2)."""

import argparse
import json
import sys
from typing import Any

from ovirt_hosted_engine_ha.client.client import HAClient
from ovirt_hosted_engine_ha.lib.exceptions import BrokerConnectionError, RequestError

_LABELS = {
    "host-id": "Host ID",
    "host-ts": "Host timestamp",
    "score": "Score",
    "engine-status": "Engine status",
    "hostname": "Hostname",
    "maintenance": "Local maintenance",
}
_WIDTH = 35
_BANNER = "\n\n!! Cluster is in GLOBAL MAINTENANCE mode !!\n"

Stats = dict[int, dict[str, Any]]


def _host_lines(host_id: int, values: dict[str, Any]) -> list[str]:
    lines = [f"\n\n--== Host {values['hostname']} (id: {host_id}) status ==--\n"]
    shown = {key: value for key, value in values.items() if key not in ("extra", "live-data")}
    if not values["live-data"]:
        shown["engine-status"] = "unknown stale-data"
    lines += [f"{_LABELS.get(key, key):<{_WIDTH}}: {value}" for key, value in shown.items()]
    lines.append(f"{'Status up-to-date':<{_WIDTH}}: {values['live-data']}")
    if "extra" in values:
        lines.append(f"{'Extra metadata (valid at timestamp)':<{_WIDTH}}:")
        lines += ["\t" + line for line in values["extra"].splitlines()]
    return lines


def as_text(stats: Stats) -> tuple[str, int]:
    """Return the text and the exit code: 1 without any host."""
    hosts = {host_id: values for host_id, values in stats.items() if host_id}
    banner = [_BANNER] if stats.get(0, {}).get("maintenance") else []
    lines = [*banner]
    for host_id, values in hosts.items():
        lines += _host_lines(host_id, values)
    lines += banner
    return "".join(line + "\n" for line in lines), 0 if hosts else 1


def as_json(stats: Stats) -> str:
    """Return one line: the hosts by their id, then the global flag.

    Raises json.JSONDecodeError for an engine status that is no JSON (known fault, host contract 5.2).
    """
    result: dict[str, Any] = {}
    for host_id, values in stats.items():
        if host_id:
            result[str(host_id)] = {**values, "engine-status": json.loads(values["engine-status"])}
    result["global_maintenance"] = bool(stats.get(0, {}).get("maintenance", False))
    return json.dumps(result)


def main(arguments: list[str] | None = None) -> int:
    """Print the status; 0 if there is one, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="vm_status")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        stats = HAClient().get_all_stats()
    except (BrokerConnectionError, RequestError) as exc:
        if options.json:
            # the original puts the error through its JSON reader, which a line end inside a text ends (known fault)
            json.loads('{"exception": "' + str(exc) + '\n"}')
        print("Cannot connect to the HA daemon, please check the logs.", file=sys.stderr)
        print(
            "An error occured while retrieving vm status, please make sure the HA daemon is ready and reachable.",
            file=sys.stderr,
        )
        print("Unable to connect the HA Broker ", file=sys.stderr)
        return 1
    if options.json:
        print(as_json(stats))
        return 0
    text, code = as_text(stats)
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
