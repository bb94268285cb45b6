# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal: what this collection has made on a host, and how far a deployment has come.

One JSON file on the host, mode 0600, replaced atomically, without secrets. It is a hint: the engine, libvirt and the
file system are the truth. What a phase makes is written down before and after it is made, so that a run that was cut
can be undone.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

SCHEMA = 1
DEFAULT_PATH = "/var/lib/ovirt-hosted-engine-setup/node0-journal.json"

JOURNAL_UNREADABLE = declare(
    "journal.unreadable",
    "The journal of the deployment cannot be read",
    "Move the file away if the host was cleaned by hand; otherwise restore it from a copy.",
)
JOURNAL_NEWER = declare(
    "journal.newer",
    "The journal was written by a newer release of this collection",
    "Use the release that began the deployment, or a newer one.",
)

PHASE_MISSING = declare(
    "journal.phase_missing",
    "A phase was started before the phases that it builds on",
    "Run the playbooks of the phases in their order, or deploy.yml, which goes on where an earlier run has ended.",
)

Record = dict[str, Any]

# What a journal that does not exist says.
EMPTY: Record = {"state": {}, "phases": {}, "made": []}


class Journal:
    """The journal of one host.

    Args:
        path: where the file is.
        phase: name of the phase that works now; it is noted with what is made.
    """

    def __init__(self, path: str = DEFAULT_PATH, phase: str = "") -> None:
        self.path = path
        self.phase = phase

    def read(self) -> Optional[Record]:
        """Return the whole journal, or None when there is none.

        Raises:
            HostedEngineError: C(journal.unreadable) or C(journal.newer).
        """
        try:
            with open(self.path, encoding="utf-8") as stream:
                record = json.load(stream)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise HostedEngineError(JOURNAL_UNREADABLE, observed=f"{self.path}: {error}") from error
        if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
            raise HostedEngineError(JOURNAL_UNREADABLE, observed=f"{self.path} has no schema number")
        if record["schema"] > SCHEMA:
            raise HostedEngineError(JOURNAL_NEWER, observed=f"schema {record['schema']}", expected=f"at most {SCHEMA}")
        return record

    def state(self, key: str) -> Optional[Record]:
        """Return what was remembered under a key, or None."""
        record = self.read()
        found = (record or {}).get("state", {}).get(key)
        return dict(found) if found is not None else None

    def remember(self, key: str, value: Record) -> None:
        """Keep facts that later phases need, under C(state.key)."""
        if self.state(key) != value:
            with self._change() as record:
                record["state"][key] = value

    def forget(self, key: str) -> None:
        """Drop what was remembered under a key."""
        with self._change() as record:
            record["state"].pop(key, None)

    @contextlib.contextmanager
    def making(self, kind: str, name: str, **details: Any) -> Iterator[Record]:
        """Write down that a thing is being made, and afterwards that it is made.

        Whoever finds an entry with status C(making) must look whether the thing exists.

        Args:
            kind: what it is (C(nat_network), C(file), C(policy_rule), ...).
            name: what identifies it among its kind.
            details: what an undo needs to know.
        """
        entry: Record = {"kind": kind, "name": name, "phase": self.phase, "at": _now(), "status": "making", **details}
        self._put(entry)
        yield entry
        entry["status"] = "made"
        self._put(entry)

    def made(self, kind: Optional[str] = None) -> list[Record]:
        """Return what was made and not removed yet, newest first."""
        entries = (self.read() or {}).get("made", [])
        return [dict(entry) for entry in reversed(entries) if kind in (None, entry["kind"])]

    def gone(self, kind: str, name: str) -> None:
        """Note that a thing that was made has been removed."""
        with self._change() as record:
            record["made"] = [entry for entry in record["made"] if (entry["kind"], entry["name"]) != (kind, name)]

    def mark(self, phase: str, status: str, error: Optional[Record] = None) -> bool:
        """Note that a phase is C(running), C(done), C(failed) or C(undone); return whether that is news."""
        before = (self.read() or {}).get("phases", {}).get(phase, {})
        if before.get("status") == status == "done":
            return False
        with self._change() as record:
            entry = record["phases"].setdefault(phase, {})
            entry["status"] = status
            entry["started" if status == "running" else "finished"] = _now()
            entry.pop("error", None)
            if error:
                entry["error"] = error
        return True

    def _put(self, entry: Record) -> None:
        with self._change() as record:
            self._begin(record)
            record["made"] = [
                old for old in record["made"] if (old["kind"], old["name"]) != (entry["kind"], entry["name"])
            ] + [dict(entry)]

    def _begin(self, record: Record) -> None:
        """Note that the phase runs: of a run that is cut nobody else would tell that it was begun."""
        if self.phase and record["phases"].get(self.phase, {}).get("status") in (None, "undone"):
            record["phases"][self.phase] = {"status": "running", "started": _now()}

    @contextlib.contextmanager
    def _change(self) -> Iterator[Record]:
        folder = os.path.dirname(self.path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, f".{os.path.basename(self.path)}.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = self.read() or {"schema": SCHEMA, **copy.deepcopy(EMPTY)}
            yield record
            self._replace(record)

    def _replace(self, record: Record) -> None:
        handle, temporary = tempfile.mkstemp(prefix=".journal-", dir=os.path.dirname(self.path))
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(record, stream, indent=2, sort_keys=True)
                stream.write("\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
