# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is the same at every address: unknown and malformed ids, bodies that cannot be read, methods, both formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_sim import model
from engine_sim.call import Call, new_id
from engine_sim.errors import ApiError, HtmlAnswer, NotFound
from engine_sim.resources.base import Resource, Sub
from engine_sim.resources.root import ROOT
from engine_sim.web.api import Body, handle
from offline import Offline

UNKNOWN = "00000000-1111-2222-3333-444444444444"
JSON = "application/json"


def addresses(subs: dict[str, Sub], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Sub]]:
    """Every collection of the tree, with unknown ids for the objects on the way."""
    for name, sub in subs.items():
        path = (*above, name)
        yield path, sub
        if len(path) < 7:
            yield from addresses(sub.resource.subs, (*path, UNKNOWN))


EVERY = list(addresses(ROOT))
TOP = [(path, sub) for path, sub in EVERY if len(path) == 1]
ADDED = [(path, sub) for path, sub in EVERY if "add" in model.methods(list(path))]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offline]:
    found = Offline(Path(tmp_path_factory.mktemp("engine")))
    yield found
    found.engine.stop()


def ask(engine: Offline, verb: str, parts: tuple[str, ...], body: bytes = b"", kind: str = "application/xml") -> Any:
    """The status, and what tells of it: the detail of a fault, a text, nothing."""
    call = Call(engine.engine, engine.engine.admin or {}, new_id(), base="https://engine.lab.test")
    try:
        answer = handle(call, verb, list(parts), Body(body, kind))
    except ApiError as error:
        return error.status, error.detail, error.reason
    except HtmlAnswer as error:
        return error.status, error.text, ""
    except NotFound:
        return 404, None, ""
    return answer.status, answer.doc, ""


def named(pair: tuple[tuple[str, ...], Sub]) -> str:
    return "/".join("*" if part == UNKNOWN else part for part in pair[0])


def test_the_tree_has_what_the_api_has() -> None:
    assert set(ROOT) == set(model._services()["system"]["services"])
    missing = []
    for path, sub in EVERY:
        service = model._services()[model._service([*path, UNKNOWN])]
        missing += [f"{named((path, sub))}/*/{name}" for name in service["services"] if name not in sub.resource.subs]
        missing += [f"{named((path, sub))}/*/{name}" for name in service["actions"] if name not in sub.resource.actions]
    assert len(EVERY) > 180
    assert [name for name in missing if not any(part in name for part in NOT_HERE)] == []


#: Parts of products that no engine of ours has, and what only exists below objects that nobody can make here.
NOT_HERE = (
    "gluster",
    "provider",
    "imagetransfers",
    "vmpools",
    "iscsibonds",
    "backups",
    "checkpoints",
    "snapshots/",
    "storagedomains/*/templates",
    "storagedomains/*/vms",
    "storagedomains/*/images",
    "virtualfunction",
    "groups/*/roles",
    "disks/*/register",
)


@pytest.mark.parametrize("pair", EVERY, ids=map(named, EVERY))
def test_an_unknown_id(engine: Offline, pair: tuple[tuple[str, ...], Sub]) -> None:
    """404 without a body (measured 3), for a malformed id too; only events want a number."""
    path, sub = pair
    if path == ("permissions",) or (path[-1] == "permissions" and len(path) > 1):
        assert ask(engine, "GET", (*path, UNKNOWN))[0] == 404
        return
    for key in (UNKNOWN, "no-uuid"):
        expected: Any = (404, None, "")
        if path == ("events",):
            expected = (400, f'For input string: "{key}"', "Operation failed")
        refused = ask(engine, "GET", (*path, key))
        assert refused == expected or (len(path) > 1 and refused[0] in (400, 404)), refused
        for verb, method in (("DELETE", "remove"), ("PUT", "update")):
            status = ask(engine, verb, (*path, key), b"<x/>")[0]
            known = method in model.methods([*path, key])
            if not known and method not in sub.methods.split():
                assert status == 405, (verb, status)
            else:
                assert status in (404, 400), (verb, status)


@pytest.mark.parametrize("pair", ADDED, ids=map(named, ADDED))
def test_a_body_that_cannot_be_read(engine: Offline, pair: tuple[tuple[str, ...], Sub]) -> None:
    path, sub = pair
    method = model.documented(list(path), "POST")
    usage = f"For correct usage, see: https://engine.lab.test/ovirt-engine/apidoc#services/{method}"
    unreadable = (400, usage, "Request syntactically incorrect.")
    for body in (
        b"",
        b"nonsense",
        b"<unclosed>",
        b"<no_such_type/>",
        f"<{sub.resource.tag}><zz/></{sub.resource.tag}>".encode(),
    ):
        assert ask(engine, "POST", path, body) == unreadable, body
    for body in (b"", b"nonsense", b"[]", b'"text"'):
        assert ask(engine, "POST", path, body, JSON) == unreadable, body
    other = b"<host/>" if sub.resource.tag != "host" else b"<vm/>"
    assert ask(engine, "POST", path, other)[:2] == (500, "argument type mismatch")
    assert ask(engine, "POST", path, b"x", "text/plain")[:2] == (415, "")
    status, text, _ = ask(engine, "POST", path, b'{"zz": 1}', JSON)
    assert status == 400 and text.startswith('Unrecognized field "zz" (class org.ovirt.engine.api.model.')


@pytest.mark.parametrize("pair", ADDED, ids=map(named, ADDED))
def test_both_formats_are_refused_alike(engine: Offline, pair: tuple[tuple[str, ...], Sub]) -> None:
    """An empty document, as XML and as JSON, ends in the same words; a wrong value of an enumerated type too."""
    path, sub = pair
    tag = sub.resource.tag
    assert ask(engine, "POST", path, f"<{tag}/>".encode()) == ask(engine, "POST", path, b"{}", JSON)
    for name, kind in _enums(sub.resource):
        text = f"The string 'zz' isn't a valid value for the '{kind}' enumerated type. Valid values are: "
        xml = ask(engine, "POST", path, f"<{tag}><{name}>zz</{name}></{tag}>".encode())
        assert xml[0] == 400 and xml[1].startswith(text) and xml[2] == "Invalid value"
        assert ask(engine, "POST", path, f'{{"{name}": "zz"}}'.encode(), JSON) == xml
    for name in _plain(sub.resource, "boolean"):
        xml = ask(engine, "POST", path, f"<{tag}><{name}>zz</{name}></{tag}>".encode())
        assert xml[:1] + xml[2:] == (400, "Invalid value"), name
        assert xml[1] == 'Value "zz" isn\'t a valid boolean, it should be "true" , "false", "0" or "1"'
    for name in _plain(sub.resource, "integer"):
        for value in ("zz", str(2**64)):
            xml = ask(engine, "POST", path, f"<{tag}><{name}>{value}</{name}></{tag}>".encode())
            assert xml[0] == 400 and xml[2] == "Request syntactically incorrect.", name


def _enums(resource: Resource) -> list[tuple[str, str]]:
    members = model.members(resource.tag) or {}
    return [(name, kind.removeprefix("enum:")) for name, kind in members.items() if kind.startswith("enum:")]


def _plain(resource: Resource, kind: str) -> list[str]:
    return [name for name, found in (model.members(resource.tag) or {}).items() if found == kind]


@pytest.mark.parametrize("pair", TOP, ids=map(named, TOP))
def test_other_methods(engine: Offline, pair: tuple[tuple[str, ...], Sub]) -> None:
    path, _ = pair
    if path == ("options",):
        return
    assert ask(engine, "GET", path)[0] == 200
    assert ask(engine, "PUT", path)[0] == 405
    assert ask(engine, "DELETE", path)[0] == 405
    assert ask(engine, "POST", (*path, UNKNOWN))[0] == 405
    status, allowed, _ = ask(engine, "OPTIONS", path)
    assert status == 200 and allowed.split(", ")[0] == "HEAD"
    assert ("POST" in allowed) is ("add" in model.methods(list(path)))
    status, text, _ = ask(engine, "GET", (*path, UNKNOWN, "nosuch"))
    assert status == 404 and text.startswith("RESTEASY003210: Could not find resource for full path: ")
