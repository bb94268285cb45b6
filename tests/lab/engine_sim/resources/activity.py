# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events, jobs and their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..call import new_id, refuse
from ..clock import Clock
from ..doc import Doc
from ..errors import Refused
from ..events.catalogue import SEVERITIES
from ..store import Row, schema
from .base import Action, Columns, Field, Required, Resource, SearchField, Sub
from .common import empty, ref
from .types import BOOL, INT, TIME, Coded, Computed, Ref

if TYPE_CHECKING:
    from ..call import Call

EXTERNAL = {
    "normal": ("EXTERNAL_EVENT_NORMAL", 9801),
    "warning": ("EXTERNAL_EVENT_WARNING", 9802),
    "error": ("EXTERNAL_EVENT_ERROR", 9803),
    "alert": ("EXTERNAL_ALERT", 9804),
}
schema.table("audit_log", "audit_log_id INTEGER PRIMARY KEY AUTOINCREMENT", "log_time REAL", "log_type_name TEXT")


def _subject(tag: str, collection: str, prefix: str) -> Field:
    """An object that the event speaks of; a name without id when the object has none (any more)."""

    def show(row: Row, call: Call) -> Any:
        key, name = row[f"{prefix}_id"], row[f"{prefix}_name"]
        found: Doc = dict(ref(collection, key) or {})
        if name is not None:
            found["name"] = name
        return found or None

    schema.table("audit_log", f"{prefix}_id TEXT", f"{prefix}_name TEXT")
    return Field(tag, Computed(show))


def _add_event(call: Call, sub: Sub) -> str:
    doc = call.doc
    if str(doc.get("origin", "")).lower() == "ovirt":
        raise refuse("add External Event", f"Illegal Origin for External Event : {doc['origin']}", status=400)
    if call.db.row(
        "SELECT 1 FROM audit_log WHERE origin = ? AND custom_event_id = ? AND NOT deleted",
        doc["origin"],
        doc["custom_id"],
    ):
        # The stray sign is the engine's.
        raise Refused("=Cannot add External Event. External Event with this custom id already exists.", status=400)
    name, code = EXTERNAL[doc["severity"]]
    return str(
        call.db.insert(
            "audit_log",
            {
                "log_time": Clock.now(),
                "log_type": code,
                "log_type_name": name,
                "severity": SEVERITIES[doc["severity"]],
                "message": doc["description"],
                "origin": doc["origin"],
                "custom_event_id": doc["custom_id"],
                "event_flood_in_sec": doc.get("flood_rate", 30),
                "deleted": 0,
            },
        )
    )


def _remove_event(call: Call, row: Row) -> None:
    call.db.update("audit_log", {"audit_log_id": row["audit_log_id"]}, {"deleted": 1})


def _undelete(call: Call, row: Row) -> None:
    call.db.execute("UPDATE audit_log SET deleted = 0 WHERE severity = ?", SEVERITIES["alert"])


EVENT = Resource(
    tag="event",
    plural="events",
    source="audit_log",
    key="audit_log_id",
    tables=("audit_log",),
    href="events/{audit_log_id}",
    noun="External Event",
    order="audit_log_id DESC",
    required=Required(("custom_id", "description", "origin", "severity"), "event", newer=True),
    fields=(
        Field("description", column="message"),
        Field("code", INT, "log_type", write=""),
        Field("correlation_id", column="correlation_id", write=""),
        Field("custom_id", INT, "custom_event_id"),
        Field("flood_rate", INT, "event_flood_in_sec"),
        Field("index", Computed(lambda row, call: row["audit_log_id"])),
        Field("origin", column="origin"),
        Field("severity", Coded(SEVERITIES), "severity"),
        Field("time", TIME, "log_time", write=""),
        _subject("cluster", "clusters", "cluster"),
        _subject("data_center", "datacenters", "storage_pool"),
        _subject("host", "hosts", "vds"),
        _subject("storage_domain", "storagedomains", "storage_domain"),
        _subject("template", "templates", "vm_template"),
        _subject("user", "users", "user"),
        _subject("vm", "vms", "vm"),
    ),
    search={
        "type": SearchField("log_type", "number"),
        "severity": SearchField("severity", "words", SEVERITIES),
        "message": SearchField("message"),
        "time": SearchField("log_time", "time"),
        "usrname": SearchField("user_name"),
        "event_host": SearchField("vds_name"),
        "event_vm": SearchField("vm_name"),
        "event_template": SearchField("vm_template_name"),
        "event_storage": SearchField("storage_domain_name"),
        "event_datacenter": SearchField("storage_pool_name"),
        "correlation_id": SearchField("correlation_id"),
        "origin": SearchField("origin"),
        "custom_event_id": SearchField("custom_event_id", "number"),
        "_event_host_id": SearchField("vds_id"),
        "_event_vm_id": SearchField("vm_id"),
        "host.name": SearchField("vds_name"),
        "vm.name": SearchField("vm_name"),
        "event_cluster": SearchField("cluster_name"),
    },
    add=_add_event,
    remove=_remove_event,
)
schema.table("audit_log", "deleted BOOLEAN DEFAULT 0", "callstack TEXT")
schema.index("audit_log", "correlation_id")
EVENT_ACTIONS = {"undelete": Action(_undelete, listed=False)}

# -- jobs

for _table, _key in (("job", "job_id"), ("step", "step_id")):
    schema.table(_table, f"{_key} TEXT PRIMARY KEY")


def start_job(call: Call, description: str) -> str:
    """A job of this call that has begun; its id."""
    key, now = new_id(), Clock.now()
    call.db.insert(
        "job",
        {
            "job_id": key,
            "description": description,
            "status": "started",
            "owner_id": call.user["user_id"],
            "start_time": now,
            "last_update_time": now,
            "is_external": 0,
            "is_auto_cleared": 1,
            "correlation_id": call.correlation_id,
        },
    )
    return key


def end_job(call: Call, key: str, good: bool = True) -> None:
    now = Clock.now()
    call.db.update(
        "job", {"job_id": key}, {"status": "finished" if good else "failed", "end_time": now, "last_update_time": now}
    )


def _prepare(call: Call, columns: Columns, row: Row | None) -> None:
    now = Clock.now()
    if row is None:
        columns.update(
            status="started",
            start_time=now,
            last_update_time=now,
            owner_id=call.user["user_id"],
            is_external=1,
            is_auto_cleared=0,
        )


def _end(call: Call, row: Row) -> None:
    now = Clock.now()
    call.db.update(
        "job",
        {"job_id": row["job_id"]},
        {
            "status": call.doc.get("status") or "finished",
            "end_time": now,
            "last_update_time": now,
            "is_auto_cleared": 1,
        },
    )


def _clear(call: Call, row: Row) -> None:
    call.db.update("job", {"job_id": row["job_id"]}, {"is_auto_cleared": 1})


JOB = Resource(
    tag="job",
    plural="jobs",
    source="job",
    key="job_id",
    tables=("job",),
    href="jobs/{job_id}",
    noun="Job",
    links=("steps",),
    required=Required(("description",), "job", newer=True),
    order="start_time",
    actions={"clear": Action(_clear, entity=True), "end": Action(_end, entity=True)},
    fields=(
        Field("description", column="description"),
        Field("auto_cleared", BOOL, "is_auto_cleared"),
        Field("end_time", TIME, "end_time", write=""),
        Field("external", BOOL, "is_external", write=""),
        Field("last_updated", TIME, "last_update_time", write=""),
        Field("start_time", TIME, "start_time", write=""),
        Field("status", column="status", write=""),
        Field("owner", Ref("users"), "owner_id", write=""),
    ),
    prepare=_prepare,
    search={"status": SearchField("status")},
)
schema.table("job", "correlation_id TEXT", "action_type TEXT")


def _prepare_step(call: Call, columns: Columns, row: Row | None) -> None:
    now = Clock.now()
    if row is None:
        columns.update(status="started", start_time=now, is_external=1, step_number=0)


def _end_step(call: Call, row: Row) -> None:
    good = call.doc.get("succeeded", True)
    call.db.update(
        "step", {"step_id": row["step_id"]}, {"status": "finished" if good else "failed", "end_time": Clock.now()}
    )


STEP = Resource(
    tag="step",
    plural="steps",
    source="step",
    key="step_id",
    tables=("step",),
    href="jobs/{job_id}/steps/{step_id}",
    links=("statistics",),
    noun="Step",
    required=Required(("type", "description"), "step", newer=True),
    actions={"end": Action(_end_step)},
    fields=(
        Field("description", column="description"),
        Field("end_time", TIME, "end_time", write=""),
        Field("external", BOOL, "is_external", write=""),
        Field("number", INT, "step_number", write=""),
        Field("start_time", TIME, "start_time", write=""),
        Field("status", column="status", write=""),
        Field("type", column="step_type"),
        Field("job", Ref("jobs"), "job_id", write=""),
        Field("parent_step", Ref("", href="jobs/{job_id}/steps/{parent_step_id}"), "parent_step_id"),
    ),
    prepare=_prepare_step,
)
STEP.subs = {"statistics": empty("statistic", "statistics")}
JOB.subs = {"steps": Sub(STEP, "job_id = ?", "list get add", fixed="job_id")}
