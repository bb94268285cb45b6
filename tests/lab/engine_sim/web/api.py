# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API's dispatcher: one way for every resource, from the declarations alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import doc as docs
from .. import model
from ..call import refuse
from ..commands import operations
from ..doc import Doc
from ..errors import ApiError, HtmlAnswer, MissingParameter, NotFound, Unparsable
from ..search import LARGEST, SearchError, compile_query
from . import tree
from .follow import follow

if TYPE_CHECKING:
    from ..call import Call
    from ..resources.base import Resource, Sub
    from ..store import Row


@dataclass
class Answer:
    """A document to be written in the client's format; no document gives an empty body."""

    status: int
    tag: str = ""
    doc: Doc | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Body:
    """A request body before it is read: its type decides how."""

    content: bytes
    content_type: str = "application/xml"

    def read(self, tag: str, base: str, parts: list[str], verb: str = "POST") -> Doc:
        """Raises Unparsable (which names the method at this address), InvalidValue, HtmlAnswer (415)."""
        kind = self.content_type.partition(";")[0].strip().lower()
        if kind not in ("application/xml", "text/xml", "application/json", ""):
            raise HtmlAnswer(415, content_type=None)
        try:
            return docs.from_json(self.content, tag) if kind == "application/json" else docs.from_xml(self.content, tag)
        except docs.Malformed:
            raise Unparsable(base, model.documented(parts, verb)) from None


def handle(call: Call, verb: str, parts: list[str], body: Body) -> Answer:
    """Carries out one request."""
    node = tree.resolve(parts, call.base)
    allowed = node.allowed()
    if verb == "OPTIONS":
        listed = ", ".join(allowed)
        raise HtmlAnswer(200, listed, "text/plain;charset=UTF-8", {"Allow": listed})
    if verb not in allowed:
        raise HtmlAnswer(405, content_type=None, headers={"Allow": ", ".join(allowed)})
    call.parents = node.parents
    if node.kind == "root":
        from ..resources import root

        return Answer(200, "api", root.document(call))
    assert node.sub is not None
    if node.kind == "collection":
        return _add(call, node, body) if verb == "POST" else listing(call, node.sub)
    if node.kind == "collection-action":
        call.doc = body.read("action", call.base, node.parts)
        node.sub.actions[node.action].run(call, {})
        return Answer(200, "action", {"status": "complete"})
    if node.kind == "action":
        return _act(call, node, body)
    row = node.sub.row(call, node.parents[-1] if node.parents else None, _key(node))
    if row is None:
        raise NotFound
    if verb == "PUT":
        return _update(call, node, row, body)
    if verb == "DELETE":
        return _remove(call, node, row)
    return Answer(200, node.sub.resource.tag, entity(call, node.sub, row))


def _key(node: tree.Node) -> str:
    if node.sub and node.sub.resource.tag == "event" and not _long(node.key):
        raise ApiError(400, f'For input string: "{node.key}"', "Operation failed")
    return node.key


def entity(call: Call, sub: Sub, row: Row, nested: bool = True) -> Doc:
    """The document of one object as this collection shows it."""
    doc = sub.resource.document(call, row, sub.address(row), call.full, sub.links)
    for rel in sub.resource.search_links:
        doc["link"].append({"@href": f"{doc['@href']}/{rel}?search={{query}}", "@rel": f"{rel}/search"})
    if nested and call.query.get("follow"):
        follow(call, doc, call.query["follow"])
    return doc


def listing(call: Call, sub: Sub) -> Answer:
    """GET of a collection: search, from, max, follow."""
    resource, parent = sub.resource, call.parents[-1] if call.parents else None
    if sub.missing and parent is not None:
        sub.missing(call, parent)
    rows = _select(call, sub, parent)
    found = [entity(call, sub, row) for row in rows]
    doc: Doc = {resource.tag: found} if found or resource.list_in_json else {}
    return Answer(200, resource.plural, doc)


def _select(call: Call, sub: Sub, parent: str | None) -> list[Row]:
    resource = sub.resource
    limit = _limit(call)
    if not isinstance(resource.source, str):
        rows = sub.rows(call, parent)
        return rows if limit is None else rows[:limit]
    condition, params, tail = "1", [], f"ORDER BY {resource.order}" if resource.order else ""
    text = call.query.get("search")
    if text and sub.searched:
        try:
            selection = compile_query(resource, text, call.flag("case_sensitive"), limit)
        except SearchError:
            return []
        condition, params, tail = selection.condition, selection.params, selection.tail
    if sub.narrowed:
        condition += f" AND {sub.narrowed(call)}"
    if resource.tag == "event":
        condition += " AND NOT deleted"
        if _long(call.query.get("from", "")):
            condition += " AND audit_log_id > ?"
            params.append(int(call.query["from"]))
    if limit is not None and "LIMIT" not in tail:
        tail += f" LIMIT {limit}"
    return sub.rows(call, parent, condition, params, tail)


def _long(text: str) -> bool:
    """Whether this is a number of 63 bits."""
    return text.isdecimal() and int(text) < LARGEST


def _limit(call: Call) -> int | None:
    value = call.query.get("max")
    if value is None or not _long(value.removeprefix("-")):
        return None
    if int(value) < -1 or (int(value) < 0 and value != "-1"):
        raise ApiError(400, f"illegal max count value for query : {value}")
    if int(value) == -1:
        raise ApiError(400, "illegal max count value for query : -1")
    return int(value)


# -- changes


def _location(call: Call, href: str) -> dict[str, str]:
    """With the header `Version: 4` the engine doubles the path (measured 2)."""
    return {"Location": f"{call.base}/ovirt-engine/api{'/v4' if call.version_header else ''}{href}"}


def _reply_address(sub: Sub, row: Row) -> str:
    from ..resources.types import API

    resource = sub.resource
    return f"{API}/{resource.reply_href.format(**row)}" if resource.reply_href else sub.address(row)


def _changed(call: Call, sub: Sub, key: str) -> Doc:
    """The object as an answer to add and update shows it: with all content."""
    row = sub.row(call, call.parents[-1] if call.parents else None, key)
    assert row is not None, (sub.resource.tag, key)
    return sub.resource.document(call, row, _reply_address(sub, row), True, sub.links)


def _undone(node: tree.Node, verb: str) -> ApiError:
    """For what the engine has and the simulator does not carry out: it says so instead of pretending."""
    assert node.sub is not None
    noun = node.sub.resource.noun or node.sub.resource.tag
    return refuse(f"{verb} {noun}", "The engine simulator does not carry out this command.", status=400)


def _add(call: Call, node: tree.Node, body: Body) -> Answer:
    assert node.sub is not None
    sub, resource = node.sub, node.sub.resource
    call.doc = body.read(resource.tag, call.base, node.parts)
    if not node.carried_out("POST"):
        raise _undone(node, "add")
    if (
        node.above
        and node.above.row(call, node.parents[-2] if len(node.parents) > 1 else None, node.parents[-1]) is None
    ):
        raise NotFound
    required = sub.required or resource.required
    if required:
        doc = call.doc
        if sub.fixed and call.parents:
            doc = {**doc, **_given(resource, sub.fixed, call.parents[-1])}
        required.check(doc)
    key = resource.add(call, sub) if resource.add else operations.add(call, sub)
    call.created = True
    if resource.add_is_action:
        return Answer(200, "action", {"status": "complete"})
    doc = _changed(call, sub, key)
    return Answer(201, resource.tag, doc, _location(call, doc["@href"]))


def _given(resource: Resource, column: str, parent: str) -> Doc:
    """What the address itself says of a new object: a reference to its parent."""
    item = next((f for f in resource.fields if f.column.rpartition(".")[2] == column), None)
    return {item.path: {"@id": parent}} if item else {}


def _update(call: Call, node: tree.Node, row: Row, body: Body) -> Answer:
    assert node.sub is not None
    sub, resource = node.sub, node.sub.resource
    call.doc = body.read(resource.tag, call.base, node.parts, "PUT")
    if not node.carried_out("PUT"):
        raise _undone(node, "edit")
    if resource.update:
        resource.update(call, row)
    else:
        operations.update(call, resource, row)
    return Answer(200, resource.tag, _changed(call, sub, str(row[resource.key])))


def _remove(call: Call, node: tree.Node, row: Row) -> Answer:
    assert node.sub is not None
    if not node.carried_out("DELETE"):
        raise _undone(node, "remove")
    resource = node.sub.resource
    job = _start_job(call, resource.jobs.get("remove"), row)
    try:
        resource.remove(call, row) if resource.remove else operations.remove(call, resource, row)
    except Exception:
        _end_job(call, job, False)
        raise
    _end_job(call, job, True)
    if call.flag("async"):
        return Answer(202)
    return Answer(200, "action", {"job": _job(job), "status": "complete"})


# -- actions


def _start_job(call: Call, description: str | None, row: Row) -> str | None:
    from ..resources.activity import start_job

    return start_job(call, description.format(**row)) if description else None


def _end_job(call: Call, job: str | None, good: bool) -> None:
    from ..resources.activity import end_job

    if job:
        end_job(call, job, good)


def _job(key: str | None) -> Doc | None:
    from ..resources.types import API

    return {"@href": f"{API}/jobs/{key}", "@id": key} if key else None


def _act(call: Call, node: tree.Node, body: Body) -> Answer:
    assert node.sub is not None
    resource, action = node.sub.resource, node.sub.resource.actions[node.action]
    call.doc = body.read("action", call.base, node.parts)
    for name in action.required:
        if docs.dig(call.doc, name.replace(".", "/")) is None:
            raise MissingParameter(name)
    row = node.sub.row(call, node.parents[-1] if node.parents else None, node.key)
    if row is None:
        if action.what is None:
            raise NotFound
        what = action.what or f"{node.action} {resource.noun}"
        return _failed(call, 400, {"detail": f"[Cannot {what}. {resource.unknown}]", "reason": "Operation Failed"})
    job = _start_job(call, action.job, row)
    try:
        extra = action.run(call, row) or {}
    except ApiError as error:
        _end_job(call, job, False)
        if not error.in_action:
            raise
        return _failed(call, error.status, docs.fault(error))
    _end_job(call, job, True)
    echo = {name: value for name, value in call.doc.items() if name not in ("vm", "root_password", "ssh")}
    if extra.pop("@pending", False) or call.flag("async") or call.doc.get("async"):
        return _pending(node, row, job)
    doc: Doc = {**echo, **extra, "job": _job(job), "status": "complete"}
    if action.entity:
        doc[resource.tag] = resource.skeleton(row, node.sub.address(row), node.sub.links)
        if resource.tag == "storage_domain":
            from ..resources.common import ref

            pool = ref("datacenters", row["storage_pool_id"])
            doc[resource.tag].update(data_center=pool, data_centers={"data_center": [pool]})
    return Answer(200, "action", doc)


def _failed(call: Call, status: int, fault: Doc) -> Answer:
    echo = {name: value for name, value in call.doc.items() if name not in ("root_password", "ssh")}
    return Answer(status, "action", {**echo, "fault": fault, "status": "failed"})


def _pending(node: tree.Node, row: Row, job: str | None) -> Answer:
    from ..resources.types import API

    assert node.sub is not None
    key = f"{uuid.uuid4()}%2C{uuid.uuid4()}"
    path = node.sub.address(row).removeprefix(API + "/")
    return Answer(
        202,
        "action",
        {
            "@href": f"{API}/{path}/{node.action}/{key}",
            "@id": key,
            "link": [
                {"@href": f"{API}/{path}", "@rel": "parent"},
                {"@href": f"{API}/{path}/{node.action}", "@rel": "replay"},
            ],
            "async": True,
            "job": _job(job),
            "status": "pending",
        },
    )
