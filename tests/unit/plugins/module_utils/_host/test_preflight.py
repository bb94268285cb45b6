"""Facts and checks: with recorded answers of the host, and one ARP question that is really asked."""

from __future__ import annotations

import copy
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
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import arp, facts, health, hosts_file
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import (
    machine,
    names,
    network,
    probe,
    registry,
)

MAC = "02:00:00:00:00:01"
HOST: dict[str, Any] = {
    "fqdn": "host1.lab.test",
    "addresses": ["10.77.4.11"],
    "interfaces": [
        {"name": "lo", "type": "loopback", "mac": "", "up": True, "carrier": True, "master": "", "addresses": []},
        {"name": "host0", "type": "ethernet", "mac": MAC, "up": True, "carrier": True, "master": "", "addresses": []},
    ],
    "management": {"interface": "host0", "carrier": "host0", "address": "10.77.4.11", "prefix": 24, "family": 4},
    "gateway": "10.77.4.1",
    "memory": {"total": 16 << 30, "available": 8 << 30},
    "cpus": 4,
    "virtualization": {"cpu": "vmx", "kvm": True},
    "deployed": {"conf": False, "domain": "", "vms": [], "services": [], "libvirt": ""},
    "services": ["firewalld"],
    "libraries": {"libvirt": "9.0.0", "ovirtsdk4": "4.6.3"},
}
NAMES = {"host1.lab.test": ["10.77.4.11"], "engine.lab.test": ["10.77.4.50"], "local.lab.test": ["127.0.0.1"]}
SETTINGS: dict[str, Any] = {
    "fqdn": "engine.lab.test",
    "vm_address": "10.77.4.50",
    "vm_prefix": 24,
    "memory": 4 << 30,
    "vcpus": 4,
    "required_space": 1,
}


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A world in which everything is right: who answers ARP, what names mean."""
    world: dict[str, Any] = {"arp": {"10.77.4.1": "02:00:00:00:00:fe"}, "names": copy.deepcopy(NAMES)}

    def reverse(address: str) -> tuple[str, list[str], list[str]]:
        for name, addresses in world["names"].items():
            if address in addresses:
                return name, [], [address]
        raise OSError("unknown host")

    monkeypatch.setattr(network, "who_has", lambda address, *_rest: world["arp"].get(address, ""))
    monkeypatch.setattr(names, "resolve", lambda name: world["names"].get(name, []))
    monkeypatch.setattr(names.socket, "gethostbyaddr", reverse)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(machine, "run", lambda argv, **_options: _run.Completed(tuple(argv), 0, "yes\n", ""))
    return world


def found(settings: dict[str, Any], host: dict[str, Any], deployment: str = "none") -> dict[str, str]:
    context = registry.Context(registry.Settings(**{**SETTINGS, **settings}), {**HOST, **host}, None, deployment)
    assert probe.run_all is registry.run_all  # its import has filled the registry
    return {finding["id"]: finding["severity"] for finding in registry.run_all(context)}


def test_a_good_host_has_no_findings(net: dict[str, Any]) -> None:
    assert found({}, {}) == {}


def interface(**changes: Any) -> dict[str, Any]:
    return {"interfaces": [HOST["interfaces"][0], {**HOST["interfaces"][1], **changes}]}


def manages(**changes: Any) -> dict[str, Any]:
    return {"management": {**HOST["management"], **changes}}


@pytest.mark.parametrize(
    ("settings", "host", "expected"),
    [
        ({"memory": 32 << 30}, {}, {"host.memory": "block"}),
        ({"memory": 12 << 30}, {}, {"host.memory.available": "warn"}),
        ({"memory": 2 << 30}, {}, {"vm.memory.small": "warn"}),
        ({"vcpus": 5}, {}, {"host.cpus": "block"}),
        ({"required_space": 1 << 60}, {}, {"host.space": "block"}),
        ({}, {"virtualization": {"cpu": "", "kvm": False}}, {"host.virtualization": "block"}),
        ({}, {"virtualization": {"cpu": "svm", "kvm": False}}, {"host.kvm": "block"}),
        ({"virt_type": "qemu"}, {"virtualization": {"cpu": "", "kvm": False}}, {}),
        ({}, {"libraries": {"libvirt": "", "ovirtsdk4": "4"}}, {"host.libraries": "block"}),
        ({}, {"services": []}, {"host.firewalld": "warn"}),
        ({"host_address": "nobody.lab.test"}, {}, {"names.host.forward": "block"}),
        ({"host_address": "local.lab.test"}, {}, {"names.host.loopback": "block"}),
        ({"host_address": "engine.lab.test"}, {}, {"names.host.elsewhere": "block"}),
        ({"host_address": "10.77.4.11"}, {}, {}),
        ({"fqdn": "nobody.lab.test"}, {}, {"names.engine.forward": "block"}),
        ({"fqdn": "local.lab.test"}, {}, {"names.engine.loopback": "block"}),
        ({"fqdn": "host1.lab.test"}, {}, {"names.engine.local": "block"}),
        ({"fqdn": "engine"}, {}, {"names.engine.unqualified": "block"}),
        ({"vm_address": "10.77.4.51"}, {}, {"names.engine.mismatch": "block"}),
        ({}, manages(interface="eth9", carrier="", address=""), {"network.interface.missing": "block"}),
        ({}, interface(type="team"), {"network.interface.kind": "block"}),
        ({}, interface(type="bond"), {"network.interface.bond_name": "block"}),
        ({}, interface(type="vlan"), {"network.interface.vlan_name": "block"}),
        ({}, interface(carrier=False), {"network.interface.down": "block"}),
        ({}, {"gateway": ""}, {"network.gateway.missing": "block"}),
        ({"gateway": "10.78.0.1", "vm_address": ""}, {}, {"network.gateway.off_link": "block"}),
        ({"gateway": "10.77.4.2"}, {}, {"network.gateway.silent": "block"}),
        ({"vm_address": "10.77.4.500"}, {}, {"names.engine.mismatch": "block", "network.vm_address.invalid": "block"}),
    ],
)
def test_one_fault_is_one_finding(
    net: dict[str, Any], settings: dict[str, Any], host: dict[str, Any], expected: dict[str, str]
) -> None:
    assert found(settings, host) == expected


def test_all_faults_are_told_together(net: dict[str, Any]) -> None:
    net["arp"] = {"10.77.4.50": "02:00:00:00:00:99"}
    ids = found({"vcpus": 64, "fqdn": "nobody.lab.test"}, {"libraries": {"libvirt": "", "ovirtsdk4": ""}})
    assert set(ids) == {
        "host.cpus",
        "host.libraries",
        "names.engine.forward",
        "network.gateway.silent",
        "network.vm_address.used",
    }


def test_an_address_in_use_is_not_reported_for_our_own_engine(net: dict[str, Any]) -> None:
    net["arp"]["10.77.4.50"] = "02:00:00:00:00:99"
    assert found({}, {}) == {"network.vm_address.used": "block"}
    assert found({}, {}, deployment="finished") == {"deployment.finished": "info"}


def test_a_name_without_reverse_record_is_a_warning(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names.socket, "gethostbyaddr", lambda _address: ("other.lab.test", [], []))
    assert found({}, {}) == {"names.host.reverse": "warn", "names.engine.reverse": "warn"}


def test_a_foreign_deployment_blocks_and_ours_goes_on(
    net: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = {"deployed": {**HOST["deployed"], "conf": True, "vms": ["web"]}}
    assert found({}, deployed, "foreign") == {"deployment.exists": "block"}
    path = tmp_path / "hosts"
    path.write_text(f"192.168.222.2 engine.lab.test {hosts_file.HOST_MARKER}\n")
    monkeypatch.setattr(hosts_file, "PATH", str(path))
    net["names"]["engine.lab.test"] = ["192.168.222.2"]
    assert found({}, deployed, "in_progress") == {"deployment.in_progress": "info"}


def test_missing_commands_and_not_root(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda name: None if name in ("ssh", "timedatectl") else "/x")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    assert found({}, {}) == {"host.root": "block", "host.tools": "block"}


def test_a_clock_that_nobody_sets(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "run", lambda argv, **_options: _run.Completed(tuple(argv), 0, "no\n", ""))
    assert found({}, {}) == {"host.clock": "warn"}


def test_checks_are_timed_run_in_order_and_by_name(net: dict[str, Any]) -> None:
    context = registry.Context(registry.Settings(vcpus=99, memory=1 << 50), HOST)
    findings = registry.run_all(context)
    assert [finding["id"] for finding in findings] == ["host.memory", "host.cpus"]
    assert all(finding["seconds"] >= 0 and finding["resolution"] for finding in findings)
    assert [finding["id"] for finding in registry.run_all(context, ["host.cpus"])] == ["host.cpus"]
    with pytest.raises(ValueError, match="twice"):
        registry.check("host.cpus")(lambda _context: [])


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
