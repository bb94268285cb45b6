"""HostClient: lost connections, refusals, timeouts, events, TLS with the engine's authority."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from engine_sim import pki
from engine_sim.vdsm import HostClient, HostUnreachable, VdsmError, engine_tls

from .conftest import Farm, end, free_port, start_farm


def test_nobody_listens() -> None:
    client = HostClient("127.0.0.1", free_port())
    started = time.monotonic()
    with pytest.raises(HostUnreachable, match=r"127\.0\.0\.1.*refused"):
        client.call("Host.ping2")
    assert time.monotonic() - started < 1


def test_a_silent_port_costs_the_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = HostClient("127.0.0.1", silent.getsockname()[1], connect_timeout=0.5)
        started = time.monotonic()
        with pytest.raises(HostUnreachable):
            client.call("Host.ping2")
        assert 0.4 < time.monotonic() - started < 3


def test_refusal_carries_code_and_message(farm: Farm) -> None:
    with HostClient(farm.addresses[0], farm.port) as client, pytest.raises(VdsmError) as caught:
        client.call("VM.getStats", {"vmID": "00000000-0000-0000-0000-000000000001"})
    assert caught.value.code == 1
    assert "Virtual machine does not exist" in caught.value.message


def test_loss_is_told_and_the_next_call_connects_again(farm: Farm) -> None:
    lost = threading.Event()
    heard: list[str] = []
    with HostClient(farm.addresses[1], farm.port, on_lost=lambda _: lost.set()) as client:
        client.events(lambda method, _: heard.append(method))
        assert client.call("Host.ping2")
        farm.tell("host/host2/power", {"state": "off"})
        assert lost.wait(5)
        with pytest.raises(HostUnreachable):
            client.call("Host.ping2")
        farm.tell("host/host2/power", {"state": "on"})
        assert client.call("Host.ping2")
        farm.tell("host/host2/event", {"method": "|net|host_conn|no_id"})
        deadline = time.monotonic() + 5
        while "|net|host_conn|no_id" not in heard:
            assert time.monotonic() < deadline, f"no event after the reconnection, only {heard}"
            time.sleep(0.02)


def test_a_slow_verb_ends_by_its_own_timeout(farm: Farm) -> None:
    farm.tell("host/host2/faults", {"verb": "Host.getHardwareInfo", "times": 1, "delay": 1.5})
    with HostClient(farm.addresses[1], farm.port) as client:
        with pytest.raises(HostUnreachable, match="no answer"):
            client.call("Host.getHardwareInfo", timeout=0.3)
        assert client.call("Host.ping2"), "the connection itself is well"


def test_tls_with_a_certificate_that_the_engine_signed(tmp_path: Path) -> None:
    engine = pki.create(tmp_path / "pki", "engine.lab.test", "lab.test")
    key, request = tmp_path / "host.key", tmp_path / "host.req"
    subprocess.run(
        [
            "openssl",
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/",
            "-keyout",
            str(key),
            "-out",
            str(request),
        ],
        check=True,
        capture_output=True,
    )
    certificate = tmp_path / "host.cer"
    certificate.write_text(engine.sign_csr(request.read_text(), ["127.0.42.1"]))
    farm, process = start_farm(
        tmp_path,
        ["127.0.42.1"],
        hosts=["127.0.42.1"],
        tls="on",
        cert=str(certificate),
        key=str(key),
        ca=str(engine.ca_file),
        verify_client=True,
    )
    try:
        with HostClient("127.0.42.1", farm.port, engine_tls(engine.directory)) as client:
            assert client.call("Host.getCapabilities")["clusterLevels"]
        stranger = pki.create(tmp_path / "other", "engine.lab.test", "lab.test")
        with pytest.raises(HostUnreachable, match="certificate"):
            HostClient("127.0.42.1", farm.port, engine_tls(stranger.directory)).call("Host.ping2")
    finally:
        end(process)
