"""Facts: with recorded answers of the host, and one ARP question that is really asked."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import arp, facts, health

MAC = "02:00:00:00:00:01"
# Recorded with iproute2 6.1 on a lab host whose NIC is under the management bridge, and shortened.
LINKS = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "link_type": "loopback", "address": "00"},
    {
        "ifname": "host0",
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "mtu": 1500,
        "master": "mgmt",
        "link_type": "ether",
        "address": MAC,
        "linkinfo": {"info_kind": "veth"},
        "addr_info": [],
    },
    {
        "ifname": "mgmt",
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "mtu": 1500,
        "link_type": "ether",
        "address": MAC,
        "linkinfo": {"info_kind": "bridge"},
        "addr_info": [
            {"family": "inet", "local": "10.77.4.11", "prefixlen": 24},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
        ],
    },
]
ROUTES = [
    {"dst": "default", "gateway": "10.9.9.9", "dev": "x", "metric": 100},
    {"dst": "default", "gateway": "10.77.4.1"},
]


def test_facts_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: Sequence[str], **_options: Any) -> _run.Completed:
        answers = {"ip": f"{json.dumps(LINKS)}\n{json.dumps(ROUTES)}\n"}
        return _run.Completed(tuple(argv), 0, answers.get(argv[0], ""), "")

    monkeypatch.setattr(facts, "run", run)
    links, routes = facts._network()
    interfaces = [facts._interface(link) for link in links]
    assert [(entry["name"], entry["type"], entry["master"]) for entry in interfaces] == [
        ("lo", "loopback", ""),
        ("host0", "veth", "mgmt"),
        ("mgmt", "bridge", ""),
    ]
    assert facts._gateway(routes)["address"] == "10.77.4.1"
    assert facts.management(interfaces, "host0", {}) == {
        "interface": "host0",
        "carrier": "mgmt",
        "mac": MAC,
        "address": "10.77.4.11",
        "prefix": 24,
        "family": 4,
    }
    assert facts.management(interfaces, "eth9", {})["address"] == ""


def test_small_facts(tmp_path: Path) -> None:
    assert facts.memory("MemTotal: 2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n") == {
        "total": 2 << 20,
        "available": 1 << 20,
    }
    link = tmp_path / "localtime"
    link.symlink_to("../usr/share/zoneinfo/Europe/Vienna")
    assert facts.time_zone(str(link)) == "Europe/Vienna"
    (tmp_path / "vdsm.id").write_text("ABC-1\n")
    assert facts.host_uuid([str(tmp_path / "none"), str(tmp_path / "vdsm.id")]) == "abc-1"
    assert facts.library_version("no_such_library") == ""
    assert facts.library_version("json") == "unknown"
    assert facts.resolve("localhost") and facts.resolve("name.invalid") == []


def test_arp_frames() -> None:
    wanted = bytes([10, 77, 4, 50])
    ether = "020000000001" + "020000000099" + "0806"
    body = "0001080006040002" + "020000000099" + "0a4d0432" + "020000000001" + "00000000"
    reply = bytes.fromhex(ether + body)
    assert arp.holder(reply, wanted) == "02:00:00:00:00:99"
    assert arp.holder(reply, bytes([10, 77, 4, 51])) == ""
    question = arp._packet("02:00:00:00:00:01", "0.0.0.0", wanted)
    assert len(question) == 42 and question[:6] == b"\xff" * 6
    assert arp.holder(question, wanted) == "" and arp.holder(reply[:20], wanted) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket needs root")
def test_nobody_answers_on_loopback() -> None:
    assert arp.who_has("192.0.2.77", "lo", "00:00:00:00:00:00", seconds=0.3) == ""


class HealthPage(http.server.BaseHTTPRequestHandler):
    answer: ClassVar[tuple[int, str]] = (200, health.GOOD)

    def do_GET(self) -> None:
        assert self.path == "/ovirt-engine/services/health"
        self.send_response(self.answer[0])
        self.end_headers()
        self.wfile.write(self.answer[1].encode())

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """An HTTPS server on loopback whose certificate is for engine.lab.test only: its port, its CA."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names_of = ["-subj", "/CN=engine.lab.test", "-addext", "subjectAltName=DNS:engine.lab.test"]
    subprocess.run([*words, *names_of, "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = http.server.HTTPServer(("127.0.0.1", 0), HealthPage)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], str(cert)
    server.shutdown()
    server.server_close()


def test_health_is_asked_at_the_address_and_verified_by_name(engine: tuple[int, str]) -> None:
    port, ca_file = engine
    assert health.look_once("engine.lab.test", "127.0.0.1", ca_file, port) == health.GOOD
    with pytest.raises(HostedEngineError) as caught:
        health.look_once("other.lab.test", "127.0.0.1", ca_file, port)
    assert caught.value.problem.id == "engine.certificate"


def test_bad_health_is_told_and_waited_for(engine: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    port, ca_file = engine
    monkeypatch.setattr(HealthPage, "answer", (500, "DB Down!\n"))
    assert health.look_once("engine.lab.test", "127.0.0.1", ca_file, port) == "HTTP 500 DB Down!"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        free = closed.getsockname()[1]
    assert "refused" in health.look_once("engine.lab.test", "127.0.0.1", ca_file, free)
    answers = iter(["HTTP 503", health.GOOD])
    health.wait_until_good("e", "a", "c", 30, look=lambda *_arguments: next(answers))
    with pytest.raises(HostedEngineError) as caught:
        health.wait_until_good("e", "a", "c", 0, look=lambda *_arguments: "HTTP 503")
    assert caught.value.problem.id == "engine.unhealthy" and "HTTP 503" in caught.value.observed
