# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes events. The objects that an event speaks of give it their ids and names."""

from __future__ import annotations

from typing import Any

from ..clock import Clock
from ..store import Database, Row
from .catalogue import CATALOGUE, SEVERITIES

#: Kind of object to (columns of the log, column of the id in a row, column of the name).
SUBJECTS = {
    "user": ("user_id", "user_name", "user_id", "username"),
    "host": ("vds_id", "vds_name", "vds_id", "vds_name"),
    "vm": ("vm_id", "vm_name", "vm_guid", "vm_name"),
    "template": ("vm_template_id", "vm_template_name", "vm_guid", "vm_name"),
    "data_center": ("storage_pool_id", "storage_pool_name", "id", "name"),
    "domain": ("storage_domain_id", "storage_domain_name", "id", "storage_name"),
    "cluster": ("cluster_id", "cluster_name", "cluster_id", "name"),
}
SYSTEM = {"user_id": None, "username": "SYSTEM"}


class EventLog:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, name: str, correlation_id: str | None = None, **about: Any) -> int:
        """Adds one event; `about` holds rows of the objects concerned and the texts of the message. Its index."""
        kind = CATALOGUE[name]
        values: Row = {
            "log_time": Clock.now(),
            "log_type": kind.code,
            "log_type_name": name,
            "severity": SEVERITIES[kind.severity],
            "correlation_id": correlation_id,
            "origin": "oVirt",
            "custom_event_id": -1,
            "event_flood_in_sec": 0,
            "deleted": 0,
        }
        texts: dict[str, Any] = {"user": "the system"}
        for key, value in about.items():
            if isinstance(value, dict) and key in SUBJECTS:
                id_column, name_column, own_id, own_name = SUBJECTS[key]
                values[id_column], values[name_column] = value.get(own_id), value.get(own_name)
                texts[key] = value.get(own_name)
            elif isinstance(value, dict):
                texts[key] = value.get("name")
            elif value is not None:
                texts[key] = value
        values["message"] = kind.text.format_map(_Texts(texts))
        return self._db.insert("audit_log", values)


class _Texts(dict[str, Any]):
    """Unknown texts read as the engine writes them."""

    def __missing__(self, key: str) -> str:
        return "<UNKNOWN>"
