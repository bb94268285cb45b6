# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine offers beside the API: login, health, certificates (engine contract 3, 4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import bottle

from ..call import new_id
from ..errors import HtmlAnswer
from ..sso.sessions import LoginRefused

if TYPE_CHECKING:
    from ..engine import Engine

HEALTH = "DB Up!Welcome to Health Status!"
SCOPES = (
    "ovirt-app-api ovirt-ext=token-info:authz-search ovirt-ext=token-info:public-authz-search "
    "ovirt-ext=token-info:validate "
    "ovirt-ext=token:password-access"
)
UNSUPPORTED = "The authorization grant type is not supported by the authorization server."
NOT_FOUND = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><title>404 - Page not found</title></head>'
    "<body><h1>404 - Page not found</h1></body></html>"
)
CHARSET = "; charset=ISO-8859-1"
FORMATS = ("X509-PEM", "X509-PEM-CA", "OPENSSH-PUBKEY")


def dispatch(engine: Engine, path: str, request: Any) -> Any:
    """Anything below /ovirt-engine that is not the API."""
    services = {
        "services/health": _health,
        "services/pki-resource": _pki,
        "services/host-register": _register,
        "services/sso-logout": _logout,
        "sso/oauth/token": _token,
        "sso/oauth/token-info": _token_info,
        "sso/oauth/revoke": _logout,
    }
    service = services.get(path.rstrip("/"))
    if service is None:
        raise HtmlAnswer(404, NOT_FOUND)
    return service(engine, request)


def _plain(status: int, content_type: str, text: str) -> Any:
    from .app import respond

    return respond(status, content_type, text.encode(), {})


def _json(status: int, value: dict[str, Any]) -> Any:
    return _plain(status, "application/json", json.dumps(value))


def _error(text: str) -> HtmlAnswer:
    return HtmlAnswer(400, f"<html><head><title>Error</title></head><body>{text}</body></html>")


def _health(engine: Engine, request: Any) -> Any:
    engine.db.value("SELECT 1")
    return _plain(200, "text/html" if request.method == "HEAD" else "text/html;charset=ISO-8859-1", HEALTH)


# -- certificates and keys


def _pki(engine: Engine, request: Any) -> Any:
    resource, form = request.query.get("resource"), request.query.get("format") or "X509-PEM"
    pki = engine.pki
    files = {
        "ca-certificate": pki.ca_file,
        "engine-certificate": pki.engine_certificate,
        "qemu-ca-certificate": pki.qemu_ca_file,
    }
    if not resource:
        raise _error("Missing resource name")
    if resource not in files:
        raise _error(f"Resource '{resource}' is invalid")
    if form not in FORMATS:
        raise _error(f"Format '{form}' is invalid")
    if form == "OPENSSH-PUBKEY":
        return _plain(
            200, "text/plain" + CHARSET, _ssh_key(engine, resource, files[resource], request.query.get("alias"))
        )
    text = files[resource].read_text()
    text = text[text.index("-----BEGIN") :]
    return _plain(
        200, ("application/x-x509-ca-cert" if form == "X509-PEM-CA" else "application/x-x509-cert") + CHARSET, text
    )


def _ssh_key(engine: Engine, resource: str, certificate: Any, alias: str | None) -> str:
    """The public key of a certificate as one line for authorized_keys."""
    if resource == "engine-certificate":
        kind, blob = engine.pki.ssh_public_key().split()[:2]
        return f"{kind} {blob} {alias or 'ovirt-engine'}\n"
    import subprocess

    public = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"], check=True, capture_output=True
    ).stdout
    line = subprocess.run(
        ["ssh-keygen", "-i", "-m", "PKCS8", "-f", "/dev/stdin"], input=public, check=True, capture_output=True
    ).stdout.decode()
    return f"{line.strip()} {alias or 'ovirt-engine'}\n"


def _register(engine: Engine, request: Any) -> Any:
    if request.query.get("command") == "get-ssh-trust":
        return _plain(200, "text/plain" + CHARSET, engine.pki.ssh_public_key() + "\n")
    if request.query.get("command") == "get-pki-trust":
        return _plain(200, "application/x-x509-ca-cert" + CHARSET, engine.pki.ca_file.read_text())
    raise _error("Missing command")


# -- SSO


def _parameters(request: Any) -> dict[str, str]:
    """From the form, or from the address."""
    found = {name: values[-1] for name, values in parse_qs(request.query_string, keep_blank_values=True).items()}
    if request.content_type.partition(";")[0].strip() in ("application/x-www-form-urlencoded", ""):
        body = request.body.read().decode("utf-8", "replace")
        found.update({name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()})
    return found


def _refusal(scope: str | None, code: str, text: str) -> Any:
    """The API's scope has a layout of its own."""
    if scope is not None and "ovirt-app-api" in scope.split():
        return _json(400, {"error_code": code, "error": text})
    return _json(400, {"error_description": text, "error": code})


def _token(engine: Engine, request: Any) -> Any:
    given = _parameters(request)
    scope = given.get("scope")
    if request.headers.get("Accept") != "application/json":
        return _refusal(scope, "invalid_request", "Missing parameter: 'Accept Header'")
    if given.get("grant_type") != "password":
        return _refusal(scope, "unsupported_grant_type", UNSUPPORTED)
    for name in ("username", "password"):
        if name not in given:
            return _refusal(scope, "invalid_request", f"Missing parameter: '{name}'")
    try:
        token, session = engine.sessions.login(given["username"], given["password"], scope or "")
    except LoginRefused as error:
        engine.faults.count("refused_logins")
        engine.events.add(
            "USER_VDC_LOGIN_FAILED",
            login=given["username"],
            source=bottle.request.remote_addr,
            user={"user_id": None, "username": given["username"]},
        )
        return _refusal("ovirt-app-api", "access_denied", str(error))
    engine.faults.count("logins")
    engine.events.add(
        "USER_VDC_LOGIN", new_id()[:8], user=engine.admin, source=bottle.request.remote_addr, session=session.name
    )
    full = SCOPES if scope and "ovirt-app-api" in scope.split() else scope or ""
    return _json(200, {"access_token": token, "scope": full, "exp": str(session.expires), "token_type": "bearer"})


def _token_info(engine: Engine, request: Any) -> Any:
    given = _parameters(request)
    if "client_id" not in given and not request.headers.get("Authorization"):
        return _json(400, {"error_description": "Missing parameter: 'client_id'", "error": "invalid_request"})
    session = engine.sessions.by_token(given.get("token", ""))
    return _json(
        200, {"active": session is not None, **({"user_id": session.user, "exp": session.expires} if session else {})}
    )


def _logout(engine: Engine, request: Any) -> Any:
    session = engine.sessions.revoke(_parameters(request).get("token", ""))
    if session is not None:
        engine.faults.count("revoked")
        engine.events.add(
            "USER_VDC_LOGOUT", new_id()[:8], user=engine.admin, source=bottle.request.remote_addr, session=session.name
        )
    return _json(200, {})
