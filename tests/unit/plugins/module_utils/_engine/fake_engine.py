"""A small engine over HTTPS that gives the answers it is told to give, most of them recorded."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock

GOLDEN = Path(__file__).parents[4] / "fixtures" / "engine_api"
XML = "application/xml;charset=UTF-8"


@dataclass
class Answer:
    status: int
    body: str
    kind: str = XML


def golden(name: str, **changes: str) -> Answer:
    """Return a recorded answer, with some of its texts replaced."""
    response = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())["response"]
    body = response.get("body") or ""
    for old, new in changes.items():
        body = body.replace(old, new)
    return Answer(response["status"], body, response.get("headers", {}).get("content-type", ""))


def fault(status: int, detail: str, reason: str = "Operation Failed") -> Answer:
    return Answer(status, f"<fault><detail>{detail}</detail><reason>{reason}</reason></fault>")


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


@dataclass
class FakeEngine:
    """Answers by method and path; the last answer of a list is given again and again."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    plans: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def plan(self, method: str, path: str, *answers: Any) -> None:
        self.plans[(method, path)] = list(answers)

    def answer(self, request: Seen) -> Answer:
        self.seen.append(request)
        answers = self.plans.get((request.method, request.path))
        if not answers:
            return Answer(404, "", "")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(request) if callable(answer) else answer

    def asked(self, method: str, path: str) -> list[Seen]:
        return [request for request in self.seen if (request.method, request.path) == (method, path)]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate of localhost, which is its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


@contextlib.contextmanager
def serving(pki: tuple[Path, Path]) -> Iterator[FakeEngine]:
    """Serve a fake engine that lets everybody in."""
    fake = FakeEngine()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # headers and body in one packet; two of them wait for each other

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Seen(
                self.command,
                parts.path.removeprefix("/ovirt-engine"),
                {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length).decode(),
            )
            answer = fake.answer(request)
            if answer.status == 0:
                self.close_connection = True
                return
            payload = answer.body.encode()
            self.send_response(answer.status)
            if answer.kind:
                self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    fake.port = server.server_address[1]
    fake.plan("POST", "/sso/oauth/token", golden("auth/token", REDACTED="token-1"))
    fake.plan("POST", "/services/sso-logout", golden("auth/logout"))
    fake.plan("GET", "/api", golden("root/xml"))
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Ticking(Clock):
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self.pauses.append(seconds)
