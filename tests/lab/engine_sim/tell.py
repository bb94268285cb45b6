# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python -m engine_sim control`: one request to the control interface of a running engine, its answer on stdout."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import sys
from urllib.parse import urlsplit


class _Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("control", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(at: str, method: str, path: str, values: object = None) -> tuple[int, str]:
    """Status and body. `at` is the path of a socket or `http://ADDRESS:PORT`. Raises OSError."""
    connection = _Unix(at) if at.startswith("/") else http.client.HTTPConnection(urlsplit(at).netloc, timeout=30)
    try:
        connection.request(method, path, None if values is None else json.dumps(values))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def main(arguments: argparse.Namespace) -> int:
    """A list of faults is ordered one by one. Exit status 1 for an answer that is not 200."""
    values = json.loads(arguments.values) if arguments.values else None
    requests: list[tuple[str, object]]
    if arguments.clear:
        requests = [("DELETE", None)]
    elif arguments.path == "/state":
        requests = [("GET", None)]
    else:
        requests = [("POST", one) for one in (values if isinstance(values, list) else [values or {}])]
    for method, one in requests:
        status, body = ask(arguments.at, method, arguments.path, one)
        print(body)
        if status != 200:
            print(f"{method} {arguments.path}: {status}", file=sys.stderr)
            return 1
    return 0
