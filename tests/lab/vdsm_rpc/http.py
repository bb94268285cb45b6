# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volume contents by HTTP on VDSM's port, as the engine reads and writes OVF_STORE (engine: UploadStream command)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import VdsmError

if TYPE_CHECKING:
    import ssl


def exchange(
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
    timeout: float,
    method: str,
    headers: Mapping[str, str],
    data: bytes | None,
) -> tuple[str, bytes]:
    """One request on a connection of its own; returns the id of VDSM's task and the body.

    Raises VdsmError with VDSM's code when the answer carries one, else with the HTTP status; OSError.
    """
    web: http.client.HTTPConnection
    if ssl_context is None:
        web = http.client.HTTPConnection(host, port, timeout=timeout)
    else:
        web = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl_context)
    try:
        web.request(method, "/", data, dict(headers))
        answer = web.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{method} to {host}:{port}: {error!r}") from error
    finally:
        web.close()
    if answer.headers.get("Content-Type", "").startswith("application/json") and method == "PUT":
        status = json.loads(body).get("status", {})
        if status.get("code", 0):
            raise VdsmError(int(status["code"]), str(status.get("message", "")))
    if answer.status not in (200, 206):
        raise VdsmError(answer.status, f"HTTP {answer.status} {answer.reason}: {body[:200].decode('utf-8', 'replace')}")
    return answer.headers.get("Task-Id", ""), body
