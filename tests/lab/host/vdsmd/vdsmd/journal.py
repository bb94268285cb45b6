# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where calls, events and gaps are written: one JSON line each, so that a run can be judged afterwards."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import VdsmError

if TYPE_CHECKING:
    from .host import Host

log = logging.getLogger("vdsmd")
#: Results longer than this (characters) are not written unless asked for.
_LONG = 2000


def redact(value: Any) -> Any:
    """The same value without passwords, for logs."""
    if isinstance(value, Mapping):
        return {
            key: "********" if "password" in key.lower() or key.startswith("_X_") else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str) and "passwd=" in value:
        import re

        return re.sub(r"""(passwd=)(["'])[^"']*\2""", r"\1\2*****\2", value)
    return value


class Journal:
    """calls.jsonl, events.jsonl and gaps.jsonl in one directory. A gap is a verb that is missing or was misused."""

    def __init__(self, directory: Path, verbose: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._files = {
            name: open(directory / f"{name}.jsonl", "a", buffering=1, encoding="utf-8")  # noqa: SIM115
            for name in ("calls", "events", "gaps")
        }
        self.counts: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.verbose = verbose

    def call(
        self,
        host: Host,
        verb: str,
        params: Any,
        flow: str | None,
        seconds: float,
        result: Any = None,
        error: VdsmError | None = None,
    ) -> None:
        """A verb that was answered, well or with an error."""
        self.counts[verb] += 1
        entry = {
            "host": host.address,
            "verb": verb,
            "params": redact(params),
            "flow": flow,
            "ms": round(seconds * 1000),
        }
        if error is not None:
            entry["error"] = {"code": error.code, "message": error.message}
            log.warning("%s %s -> error %s %s", host.name, verb, error.code, error.message)
        else:
            entry["result"] = redact(result) if self.verbose or len(repr(result)) < _LONG else "(long)"
            log.info("%s %s (%d ms)", host.name, verb, entry["ms"])
        self._write("calls", entry)

    def event(self, host: Host, method: str, params: Any) -> None:
        """An event that was sent."""
        log.info("%s event %s", host.name, method)
        self._write("events", {"host": host.address, "method": method, "params": redact(params)})

    def gap(self, host: Host, verb: str, params: Any, why: str) -> None:
        """A call that this program could not do justice to."""
        self.gaps[verb] += 1
        log.error("GAP %s %s: %s %s", host.name, verb, why, json.dumps(redact(params), default=str)[:_LONG])
        self._write("gaps", {"host": host.address, "verb": verb, "params": redact(params), "why": why})

    def close(self) -> None:
        """Later entries are dropped: threads may still end while the program does."""
        with self._lock:
            for file in self._files.values():
                file.close()

    def _write(self, name: str, entry: dict[str, Any]) -> None:
        entry["time"] = round(time.time(), 3)
        with self._lock:
            if not self._files[name].closed:
                self._files[name].write(json.dumps(entry, default=str) + "\n")
