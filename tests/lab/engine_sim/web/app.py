# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The WSGI application: routes, login, content negotiation, faults on order."""

from __future__ import annotations

import base64
import binascii
import logging
import time
from typing import TYPE_CHECKING, Any

import bottle

from .. import doc as docs
from ..call import Call, correlation_id
from ..errors import ApiError, HtmlAnswer, NotFound, Refused
from ..sso.sessions import EXPIRED, LoginRefused
from ..vdsm import HostUnreachable, VdsmError
from . import services
from .api import Answer, Body, handle

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("engine.web")
XML, JSON = "application/xml;charset=UTF-8", "application/json"
PREFIX = "/ovirt-engine"
#: Mark of an answer without content type, where bottle would add its own; `server` takes it out.
NO_TYPE = "none/none"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


class Unauthorized(HtmlAnswer):
    def __init__(self, text: str = "Unauthorized") -> None:
        super().__init__(
            401,
            f"<html><head><title>Error</title></head><body>{text}</body></html>",
            "text/html;charset=UTF-8",
            {"WWW-Authenticate": 'Basic realm="RESTAPI"'},
        )


class Dropped(Exception):
    """The connection is to be closed without an answer."""


def html(status: int, text: str) -> HtmlAnswer:
    return HtmlAnswer(status, f"<html><head><title>Error</title></head><body>{text}</body></html>")


def make_app(engine: Engine) -> bottle.Bottle:
    """The application of one engine."""
    app = bottle.Bottle()
    app.catchall = False

    def api(path: str = "") -> Any:
        return guarded(engine, lambda: _api(engine, path))

    def other(path: str) -> Any:
        return guarded(engine, lambda: services.dispatch(engine, path, bottle.request))

    def rest(path: str = "") -> Any:
        return respond(404, "text/html;charset=UTF-8", services.NOT_FOUND.encode(), {})

    for path in ("/api", "/api/", "/api/<path:path>"):
        app.route(f"{PREFIX}{path}", method=METHODS, callback=api)
    app.route(f"{PREFIX}/<path:path>", method=METHODS, callback=other)
    for path in ("/<path:path>", "/"):
        app.route(path, method=METHODS, callback=rest)
    return app


def guarded(engine: Engine, run: Any) -> Any:
    """Faults on order first, then the request; whatever it raises becomes an answer."""
    request = bottle.request
    headers = {
        "Correlation-Id": correlation_id(request.headers.get("Correlation-Id") or request.query.get("correlation_id"))
    }
    engine.faults.count("exchanges")
    step = f"{request.method} {request.path.removeprefix(PREFIX)}"
    if engine.faults.closed:
        return respond(503, "text/html", b"<html><body><h1>503 Service Unavailable</h1></body></html>", headers)
    fault = engine.faults.strike(step)
    try:
        if fault is not None:
            _order(fault)
        return run()
    except ApiError as error:
        return write(Answer(error.status, "fault", docs.fault(error)), headers)
    except NotFound:
        return respond(404, None, b"", headers)
    except HtmlAnswer as answer:
        return respond(answer.status, answer.content_type, answer.text.encode(), {**headers, **answer.headers})
    except (VdsmError, HostUnreachable) as error:
        log.warning("%s: %s", step, error)
        text = error.message if isinstance(error, VdsmError) else str(error)
        return write(Answer(400, "fault", docs.fault(Refused(text))), headers)
    except Dropped:
        raise
    except Exception as error:
        log.exception("%s failed", step)
        return write(Answer(500, "fault", docs.fault(ApiError(500, f"{type(error).__name__}: {error}"))), headers)


def _order(fault: Any) -> None:
    """Does what a fault says."""
    if fault.delay:
        time.sleep(fault.delay)
    if fault.reset:
        raise Dropped
    if fault.status and fault.html:
        raise html(fault.status, fault.detail)
    if fault.status:
        raise ApiError(fault.status, fault.detail or None, fault.reason)


# -- the API


def _login(engine: Engine, headers: dict[str, str]) -> None:
    """Bearer token, basic, or the cookie of a session that `Prefer: persistent-auth` keeps."""
    request = bottle.request
    given = request.headers.get("Authorization", "")
    persistent = "persistent-auth" in request.headers.get("Prefer", "").lower()
    cookie = request.get_cookie("JSESSIONID")
    if given.startswith("Bearer"):
        if engine.sessions.by_token(given[6:].strip()) is None:
            raise Unauthorized(EXPIRED)
    elif given.startswith("Basic "):
        try:
            user, _, password = base64.b64decode(given[6:]).decode().partition(":")
            engine.sessions.check(user, password)
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthorized from None
        except LoginRefused as error:
            engine.faults.count("refused_logins")
            raise Unauthorized(f"access_denied: {error}") from None
        if persistent:
            headers["Set-Cookie"] = f"JSESSIONID={engine.sessions.open(user)}; path={PREFIX}/api; secure; HttpOnly"
    elif cookie and engine.sessions.by_cookie(cookie) is not None:
        if not persistent:
            engine.sessions.close(cookie)
            raise Unauthorized
    else:
        raise Unauthorized


def _api(engine: Engine, path: str) -> Any:
    request = bottle.request
    headers: dict[str, str] = {}
    _login(engine, headers)
    version = request.headers.get("Version")
    if version == "3":
        raise html(405, f"HTTP method {request.method} is not supported by this URL")
    parts = [part for part in path.split(";")[0].split("/") if part]
    if parts and parts[0] == "v4":
        parts = parts[1:]
    wanted = media()
    given = request.headers.get("Correlation-Id") or request.query.get("correlation_id")
    call = Call(
        engine,
        engine.admin or {},
        correlation_id(given),
        base=base_url(),
        query=dict(request.query.items()),
        version_header=version is not None,
    )
    call.query = {name: request.query.getunicode(name) for name in request.query}
    call.full = call.flag("all_content") or request.headers.get("All-Content", "").lower() in (
        "true",
        "1",
        "t",
        "yes",
        "y",
    )
    answer = handle(
        call,
        "GET" if request.method == "HEAD" else request.method,
        parts,
        Body(request.body.read(), request.headers.get("Content-Type") or "application/xml"),
    )
    answer.headers.update(headers, **{"Correlation-Id": call.correlation_id})
    if not parts and answer.doc is not None:
        answer.headers["Link"] = ",".join(
            f"<{call.base}{link['@href']}>; rel={link['@rel']}" for link in answer.doc["link"]
        )
    return write(answer, {}, wanted)


def base_url() -> str:
    request = bottle.request
    host = request.headers.get("Host") or request.environ.get("SERVER_NAME", "localhost")
    return f"{request.urlparts.scheme}://{host}"


def media() -> str:
    """XML unless JSON is asked for; 406 for what the engine does not speak."""
    accepted = bottle.request.headers.get("Accept") or "*/*"
    kinds = [kind.partition(";")[0].strip().lower() for kind in accepted.split(",")]
    for kind in kinds:
        if kind == "application/json":
            return JSON
        if kind in ("application/xml", "text/xml", "*/*", "application/*"):
            return XML
    raise HtmlAnswer(406, content_type=None)


def write(answer: Answer, headers: dict[str, str], wanted: str = "") -> bottle.HTTPResponse:
    """The answer in the client's format."""
    if answer.doc is None:
        return respond(answer.status, None, b"", {**headers, **answer.headers})
    try:
        wanted = wanted or media()
    except HtmlAnswer:
        wanted = XML
    body = docs.to_json(answer.doc) if wanted == JSON else docs.to_xml(answer.tag, answer.doc)
    return respond(answer.status, wanted, body, {**headers, **answer.headers})


def respond(status: int, content_type: str | None, body: bytes, headers: dict[str, str]) -> bottle.HTTPResponse:
    if bottle.request.method == "HEAD":
        content_type = None if content_type == XML else content_type
        body = b""
    found = bottle.HTTPResponse(body, status)
    for name, value in headers.items():
        found.set_header(name, value)
    found.content_type = content_type or NO_TYPE
    found.set_header("Content-Length", str(len(body)))
    return found
