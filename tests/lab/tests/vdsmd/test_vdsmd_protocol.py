"""STOMP, JSON-RPC and HTTP on one port, with and without TLS; faults and gaps."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
import time
from typing import Any

import pytest
from running_vdsmd import Running
from vdsm_rpc import stomp
from vdsm_rpc.client import Client, VdsmConnectionLost, VdsmError, VdsmTimeout, client_context
from vdsm_rpc.errors import ProtocolError


class RawClient:
    """Frames by hand: subscriptions first, then CONNECT, all in one segment, as the engine's Java client may do."""

    def __init__(self, address: str, port: int, heartbeat: str = "0,0") -> None:
        self.sock = socket.create_connection((address, port), 5)
        self.parser = stomp.Parser()
        self.frames: queue.Queue[stomp.Frame | None] = queue.Queue()
        subscribe = {"destination": "jms.topic.vdsm_responses", "id": "r", "ack": "auto"}
        self.sock.sendall(
            self.frame("SUBSCRIBE", subscribe)
            + self.frame("CONNECT", {"accept-version": "1.2", "host": "x", "heart-beat": heartbeat})
        )
        threading.Thread(target=self._read, daemon=True).start()

    @staticmethod
    def frame(command: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        lines = [command, *(f"{key}:{value}" for key, value in headers.items())]
        if body:
            lines.append(f"content-length:{len(body)}")
        return ("\n".join(lines) + "\n\n").encode() + body + b"\0"

    def _read(self) -> None:
        while True:
            try:
                data = self.sock.recv(777)
            except OSError:
                data = b""
            if not data:
                self.frames.put(None)
                return
            for frame in self.parser.feed(data):
                self.frames.put(frame)

    def send(self, message: Any, piece: int = 100000) -> None:
        headers = {"destination": "jms.topic.vdsm_requests", "reply-to": "jms.topic.vdsm_responses"}
        data = self.frame("SEND", headers, json.dumps(message).encode())
        for start in range(0, len(data), piece):
            self.sock.sendall(data[start : start + piece])

    def answer(self) -> Any:
        frame = self.frames.get(timeout=5)
        assert frame is not None
        assert frame.command == "MESSAGE", frame
        return json.loads(frame.body)


def test_connected_then_heartbeats(vdsmd: Running) -> None:
    raw = RawClient("127.0.1.1", vdsmd.port(), heartbeat="0,1000")
    connected = raw.frames.get(timeout=5)
    assert connected is not None
    assert (connected.command, connected.headers["heart-beat"]) == ("CONNECTED", "1000,0")
    deadline = time.monotonic() + 5
    while not raw.parser.heartbeats:
        assert time.monotonic() < deadline, "no heart-beat"
        time.sleep(0.05)


def test_frame_in_pieces_batch_and_notification(vdsmd: Running) -> None:
    raw = RawClient("127.0.1.1", vdsmd.port())
    raw.frames.get(timeout=5)
    ping = {"jsonrpc": "2.0", "method": "Host.ping2", "params": {}}
    raw.send({**ping, "id": "p"}, piece=7)
    assert raw.answer() == {"jsonrpc": "2.0", "id": "p", "result": True}
    raw.send([{**ping, "id": "a"}, ping, {"jsonrpc": "2.0", "method": "No.verb", "id": "b"}])
    first, second = raw.answer()
    assert (first["result"], second["error"]["code"]) == (True, -32601)
    raw.send([])
    assert raw.answer()["error"]["code"] == -32600
    vdsmd.farm.journal.gaps.clear()


def test_disconnect_receipt_and_wrong_version(vdsmd: Running) -> None:
    raw = RawClient("127.0.1.1", vdsmd.port())
    raw.frames.get(timeout=5)
    raw.sock.sendall(raw.frame("DISCONNECT", {"receipt": "77"}) + raw.frame("CONNECT", {"accept-version": "1.0"}))
    told = [raw.frames.get(timeout=5), raw.frames.get(timeout=5)]
    assert [(f.command, f.headers.get("receipt-id")) for f in told if f] == [("RECEIPT", "77"), ("ERROR", None)]


def test_garbage_is_refused(vdsmd: Running) -> None:
    with socket.create_connection(("127.0.1.1", vdsmd.port()), 5) as sock:
        sock.sendall(b"BREW /pot\r\n\r\n")
        assert sock.recv(10) == b""


def test_tls_and_plain_on_the_same_port(vdsmd: Running) -> None:
    context = client_context(vdsmd.root / "cert.pem", None, None)
    assert "ovirtmgmt" in vdsmd.client(ssl_context=context).call("Host.getCapabilities")["networks"]
    assert vdsmd.client().call("Host.ping2") is True


def test_many_threads_share_a_client(vdsmd: Running) -> None:
    client, seen = vdsmd.client(), []

    def work(number: int) -> None:
        for turn in range(5):
            seen.append(client.call("Host.echo", {"message": [number, turn]}) == [number, turn])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [True] * 40


def test_client_tells_timeout_from_error_and_loss(vdsmd: Running) -> None:
    closed: queue.Queue[Exception] = queue.Queue()
    client = vdsmd.client(on_close=closed.put)
    vdsmd.control("host/h1/faults", {"verb": "Host.getStats", "delay": 2, "times": 1})
    with pytest.raises(VdsmTimeout, match="Host.getStats"):
        client.call("Host.getStats", timeout=0.1)
    vdsmd.control("host/h1/faults", {"verb": "Host.getStats", "code": 99, "message": "recovering", "times": 1})
    with pytest.raises(VdsmError) as caught:
        client.call("Host.getStats")
    assert (caught.value.code, str(caught.value)) == (99, "(code=99, message=recovering)")
    client.call("Host.getStats")
    vdsmd.control("host/h1/power", {"state": "off"})
    closed.get(timeout=5)
    with pytest.raises(VdsmConnectionLost):
        client.call("Host.ping2")
    vdsmd.control("host/h1/power", {"state": "on"})
    assert vdsmd.client().call("Host.ping2")


def test_nobody_listens() -> None:
    with pytest.raises(ConnectionRefusedError):
        Client("127.0.1.1", 9)


def test_unknown_verb_is_recorded_and_may_succeed(vdsmd: Running) -> None:
    client = vdsmd.client()
    with pytest.raises(VdsmError) as caught:
        client.call("Host.unheardOf", {"a": 1, "password": "secret"})
    assert caught.value.code == -32601
    vdsmd.control("host/h1/unknown", {"mode": "success"})
    assert client.call("Host.unheardOf", {"a": 1}) is True
    with pytest.raises(VdsmError) as caught:
        client.call("Task.getStatus", {"task": "x"})
    assert caught.value.code == -32602
    assert vdsmd.control("gaps") == {"Host.unheardOf": 2, "Task.getStatus": 1}
    text = (vdsmd.root / "gaps.jsonl").read_text()
    assert '"a": 1' in text
    assert "secret" not in text


def test_http_wants_its_headers(vdsmd: Running) -> None:
    web = http.client.HTTPConnection("127.0.1.1", vdsmd.port(), timeout=5)
    web.request("PUT", "/", b"x")
    assert web.getresponse().status == 400


@pytest.mark.parametrize("text", ["plain", "a:b\\c\nd\re"])
def test_header_escapes_survive(text: str) -> None:
    (frame,) = stomp.Parser().feed(stomp.Frame("SEND", {"key": text}, b"\0body\0").encode())
    assert (frame.headers["key"], frame.body) == (text, b"\0body\0")


def test_body_longer_than_said_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        stomp.Parser().feed(b"SEND\ncontent-length:2\n\nabc\0")
