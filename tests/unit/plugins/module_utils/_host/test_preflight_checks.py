"""The checks, with a host of which everything is known; what they ask kernel and servers is tried elsewhere."""

from __future__ import annotations

import copy
import importlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.cpu import parse_cpu_list
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    appliance_file,
    dns_query,
    echo,
    hosts_file,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import (
    common,
    compute,
    cpu_types,
    deployment,
    interface,
    names,
    network,
    probe,
    registry,
    software,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings

MAC = "02:00:00:00:00:01"
OWN = [{"address": "10.77.4.11", "prefix": 24, "family": 4}]
LOOPBACK = {"name": "lo", "type": "loopback", "mac": "", "up": True, "carrier": True, "master": "", "addresses": []}
NIC = {
    "name": "host0",
    "type": "ethernet",
    "mac": MAC,
    "mtu": 1500,
    "up": True,
    "carrier": True,
    "master": "",
    "addresses": OWN,
}
HOST: dict[str, Any] = {
    "fqdn": "host1.lab.test",
    "addresses": ["10.77.4.11"],
    "interfaces": [LOOPBACK, NIC],
    "management": {"interface": "host0", "carrier": "host0", "address": "10.77.4.11", "prefix": 24, "family": 4},
    "gateway": "10.77.4.1",
    "memory": {"total": 16 << 30, "available": 8 << 30},
    "cpus": 4,
    "virtualization": {"cpu": "vmx", "kvm": True},
    "deployed": {"conf": False, "domain": "", "bootstrap": "", "vms": [], "services": [], "libvirt": ""},
    "services": ["firewalld"],
    "libraries": {"libvirt": "9.0.0", "ovirtsdk4": "4.6.3"},
    "packages": {},
}
NAMES = {"host1.lab.test": ["10.77.4.11"], "engine.lab.test": ["10.77.4.50"], "local.lab.test": ["127.0.0.1"]}
SETTINGS: dict[str, Any] = {
    "fqdn": "engine.lab.test",
    "vm_address": "10.77.4.50",
    "vm_prefix": 24,
    "memory": 4 << 30,
    "vcpus": 4,
    "mac": "00:16:3e:00:00:01",
}
# What is told of every host.
ALWAYS = {"network.family.decided": "info"}


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A world in which everything is right: who answers ARP, ping and DNS, what names mean."""
    world: dict[str, Any] = {
        "arp": {"10.77.4.1": "02:00:00:00:00:fe"},
        "names": copy.deepcopy(NAMES),
        "echo": {"10.77.4.1"},
        "units": {"sshd": "present", "libvirtd": "present", "firewalld": "present", "NetworkManager": "present"},
        "routes": [],
        "models": {"Nehalem", "Westmere"},
    }

    def reverse(address: str) -> tuple[str, list[str], list[str]]:
        for name, addresses in world["names"].items():
            if address in addresses:
                return name, [], [address]
        raise OSError("unknown host")

    def resolve(name: str) -> list[str]:
        found: list[str] = world["names"].get(name, [])
        return found

    monkeypatch.setattr(common, "who_has", lambda address, *_rest: world["arp"].get(address, ""))
    monkeypatch.setattr(common, "resolve", resolve)
    monkeypatch.setattr(names, "resolve", resolve)
    monkeypatch.setattr(names.socket, "gethostbyaddr", reverse)
    monkeypatch.setattr(names.urllib.request, "getproxies_environment", lambda: world.get("proxies", {}))
    monkeypatch.setattr(echo, "answers", lambda address, *_rest: address in world["echo"])
    monkeypatch.setattr(interface, "default_interface", lambda: "host0")
    monkeypatch.setattr(network.routes, "ipv4_routes", lambda _bridge: world["routes"])
    monkeypatch.setattr(network.routes, "neighbours", lambda: {"10.77.4.9": "00:16:3e:00:00:09"})
    monkeypatch.setattr(network.addresses, "resolvers", lambda: ["10.77.4.1"])
    monkeypatch.setattr(network, "_listening", lambda: iter(world.get("ports", [22])))
    monkeypatch.setattr(cpu_types, "usable_models", lambda: world["models"])
    monkeypatch.setattr(cpu_types, "flags", lambda _text: {"vmx", "nx", "aes"})
    monkeypatch.setattr(compute, "BOOTSTRAP_SPACE", 1)
    monkeypatch.setattr(software.os, "geteuid", lambda: 0)
    monkeypatch.setattr(software.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(software, "clock_error", lambda: 1000)
    monkeypatch.setattr(software, "state_of_unit", lambda name: world["units"].get(name, "missing"))
    monkeypatch.setattr(deployment, "_open_files", lambda _program: iter(world.get("open", [])))
    monkeypatch.setattr(deployment, "_running_vms", lambda: iter(world.get("running", [])))
    return world


def outcomes(
    settings: Mapping[str, Any], host: Mapping[str, Any], state: str = "none", journal: Any = None, **more: Any
) -> list[registry.Outcome]:
    context = registry.Context(Settings(**{**SETTINGS, **settings}), {**HOST, **host}, journal, state)
    # Whatever depends on the machine that the tests run on, and on its files, has tests of its own.
    left_out = {"host.accounts", "host.selinux", "host.fapolicyd", "host.locale", "host.umask", "deployment.storage"}
    order = [name for name in probe.ORDER if name not in left_out and not name.startswith(("appliance", "vm.disk"))]
    return registry.run_all(context, names=more.pop("names", order), **more)


def found(
    settings: Mapping[str, Any], host: Mapping[str, Any], state: str = "none", journal: Any = None
) -> dict[str, str]:
    told = {one["id"]: one["severity"] for each in outcomes(settings, host, state, journal) for one in each.findings}
    return {key: value for key, value in told.items() if key not in ALWAYS}


def test_a_good_host_has_no_findings(net: dict[str, Any]) -> None:
    assert found({}, {}) == {}


def test_the_memory_of_the_bootstrap_vm_is_the_deployments_own() -> None:
    settings = {"memory": 12 << 30}
    outcome = outcomes(
        settings, {}, journal={"phases": {"bootstrap_local_vm": {"status": "done"}}}, names=["host.memory"]
    )
    assert outcome[0].findings == []


def nic(**changes: Any) -> dict[str, Any]:
    return {"interfaces": [LOOPBACK, {**NIC, **changes}]}


def manages(**changes: Any) -> dict[str, Any]:
    return {"management": {**HOST["management"], **changes}}


@pytest.mark.parametrize(
    ("settings", "host", "expected"),
    [
        ({"memory": 32 << 30}, {}, {"host.memory": "block"}),
        ({"memory": 12 << 30}, {}, {"host.memory.available": "warn"}),
        ({"memory": 5 << 30, "minimal_memory": 6 << 30}, {}, {"host.memory.floor": "block"}),
        ({"memory": 2 << 30}, {}, {"vm.memory.small": "warn"}),
        ({"vcpus": 5}, {}, {"host.cpus": "block"}),
        ({"vcpus": 1}, {}, {"vm.cpus.few": "warn"}),
        ({}, {"virtualization": {"cpu": "", "kvm": False}}, {"host.virtualization": "block"}),
        ({}, {"virtualization": {"cpu": "svm", "kvm": False}}, {"host.kvm": "block"}),
        (
            {"virt_type": "qemu"},
            {"virtualization": {"cpu": "", "kvm": False}},
            {"host.cpu_model.emulated": "info"},
        ),
        ({"cpu_type": "Intel Pentium"}, {}, {"host.cpu_model.unknown": "block"}),
        ({"cpu_type": "Intel Westmere Family"}, {}, {}),
        ({"cpu_type": "Intel Haswell Family"}, {}, {"host.cpu_model.not_offered": "block"}),
        ({}, {"libraries": {"libvirt": "", "ovirtsdk4": "4"}}, {"host.libraries": "block"}),
        ({}, {"deployed": {**HOST["deployed"], "libvirt": "refused"}}, {"host.libvirt.silent": "block"}),
        ({}, {"deployed": {**HOST["deployed"], "bootstrap": "running"}}, {"deployment.vms.bootstrap": "warn"}),
        ({}, {"deployed": {**HOST["deployed"], "bootstrap": "shut off"}}, {}),
        ({}, {"services": []}, {"host.firewalld": "warn"}),
        ({"offline": True}, {}, {"host.packages.missing": "block"}),
        ({"host_address": "nobody.lab.test"}, {}, {"names.host.forward": "block"}),
        ({"host_address": "local.lab.test"}, {}, {"names.host.loopback": "block"}),
        ({"host_address": "localhost"}, {}, {"names.host.localhost": "block"}),
        ({"host_address": "engine.lab.test"}, {}, {"names.host.elsewhere": "block"}),
        ({"host_address": "10.77.4.11"}, {}, {}),
        ({"fqdn": "nobody.lab.test"}, {}, {"names.engine.forward": "block"}),
        ({"fqdn": "local.lab.test"}, {}, {"names.engine.loopback": "block"}),
        ({"fqdn": "localhost.localdomain"}, {}, {"names.engine.localhost": "block"}),
        ({"fqdn": "host1.lab.test"}, {}, {"names.engine.local": "block"}),
        ({"fqdn": "engine"}, {}, {"names.engine.unqualified": "block"}),
        ({"vm_address": "10.77.4.51"}, {}, {"names.engine.mismatch": "block"}),
        ({}, manages(interface="eth9", carrier="", address=""), {"network.interface.missing": "block"}),
        ({}, nic(type="team"), {"network.interface.kind": "block"}),
        ({}, nic(type="bond"), {"network.interface.bond_name": "block"}),
        ({}, nic(type="vlan"), {"network.interface.vlan_name": "block"}),
        ({}, nic(carrier=False), {"network.interface.down": "block"}),
        ({}, nic(addresses=[]), {"network.interface.address": "block"}),
        ({}, nic(mtu=1400), {"network.mtu.small": "warn"}),
        ({}, {"gateway": ""}, {"network.gateway.missing": "block"}),
        ({"gateway": "10.78.0.1", "vm_address": ""}, {}, {"network.gateway.off_link": "block"}),
        ({"gateway": "10.77.4.2"}, {}, {"network.gateway.silent": "block"}),
        (
            {"gateway": "10.77.4.2", "network_test": "ping"},
            {},
            {"network.gateway.silent": "block", "network.test.ping": "block"},
        ),
        ({"network_test": "ping"}, {}, {}),
        ({"network_test": "tcp", "tcp_address": "127.0.0.1", "tcp_port": 1}, {}, {"network.test.tcp": "block"}),
        ({"vm_address": "10.77.4.500"}, {}, {"names.engine.mismatch": "block", "network.vm_address.invalid": "block"}),
        ({"vm_address": "10.77.5.9", "fqdn": ""}, {}, {"network.vm_address.elsewhere": "block"}),
        ({"vm_address": "10.77.4.11", "fqdn": ""}, {}, {"network.vm_address.host": "block"}),
        ({"vm_address": "fd00::9", "fqdn": ""}, {}, {"network.family.mixed": "block"}),
        ({"mac": "00:16:3e:00:00"}, {}, {"network.mac.invalid": "block"}),
        ({"mac": "01:16:3e:00:00:01"}, {}, {"network.mac.multicast": "block"}),
        ({"mac": MAC}, {}, {"network.mac.used": "block"}),
        ({"mac": "00:16:3E:00:00:09"}, {}, {"network.mac.used": "block"}),
        ({"nat_prefix": "192.168.222"}, {}, {}),
        ({"nat_prefix": "10.77.4"}, {}, {"network.nat.moved": "info"}),
        ({"nat_prefix": "192.168.222", "storage_address": "192.168.222.9"}, {}, {"network.nat.moved": "info"}),
        ({"nat_prefix": "10.300.4"}, {}, {"network.nat.invalid": "block"}),
    ],
)
def test_one_fault_is_one_finding(
    net: dict[str, Any], settings: dict[str, Any], host: dict[str, Any], expected: dict[str, str]
) -> None:
    if settings.get("vm_address") == "10.77.5.9":
        expected = {**expected, "network.vm_address.gateway": "warn"}
    assert found(settings, host) == expected


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        ({"echo": set()}, {}),
        ({"proxies": {"https": "http://proxy:3128"}}, {"names.proxy.engine": "block", "names.proxy.host": "warn"}),
        ({"proxies": {"https": "http://proxy:3128", "no": ".lab.test"}}, {}),
        ({"ports": [22, 54321]}, {"network.ports.taken": "warn"}),
        ({"open": ["/rhev/data-center/mnt/x/dom_md/ids"]}, {"deployment.lockspace.held": "block"}),
        ({"open": ["/dev/null", "/var/run/sanlock/sanlock.pid"]}, {}),
        ({"running": ["web", "HostedEngineLocal"]}, {"deployment.vms.others": "warn"}),
        (
            {"units": {"sshd": "present", "libvirtd": "masked", "firewalld": "masked"}},
            {"host.services.masked": "block", "host.services.missing": "warn", "host.firewalld.masked": "block"},
        ),
        ({"models": set()}, {"host.cpu_model.too_old": "block"}),
    ],
)
def test_what_the_world_answers(net: dict[str, Any], world: dict[str, Any], expected: dict[str, str]) -> None:
    net.update(world)
    assert found({}, {}) == expected


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
    assert found({}, {}, "finished") == {"deployment.finished": "info"}


@pytest.mark.parametrize(
    ("phase", "status"), [("final_clean", "done"), ("add_host", "done"), ("create_target_vm", "done")]
)
def test_a_journal_of_a_hosted_engine_that_is_gone(net: dict[str, Any], phase: str, status: str) -> None:
    """After ovirt-hosted-engine-cleanup: all phases would be passed over."""
    journal = {"phases": {"bootstrap_local_vm": {"status": "done"}, phase: {"status": "done"}}}
    assert found({}, {}, journal=journal) == {"deployment.forgotten": "block"}
    journal["phases"][phase]["status"] = "undone"
    assert found({}, {}, journal=journal) == {}


def test_a_run_that_was_cut_is_no_mistake(net: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bootstrap has begun: the name leads to its VM, and the bridge may be there."""
    path = tmp_path / "hosts"
    path.write_text(f"192.168.222.2 engine.lab.test {hosts_file.HOST_MARKER}\n")
    monkeypatch.setattr(hosts_file, "PATH", str(path))
    net["names"]["engine.lab.test"] = ["192.168.222.2"]
    bridge = {**NIC, "name": "ovirtmgmt", "type": "bridge"}
    host = {"interfaces": [LOOPBACK, {**NIC, "master": "ovirtmgmt"}, bridge]}
    assert set(found({}, host)) == {"names.engine.mismatch", "deployment.bridge.exists"}
    journal = {"phases": {"bootstrap_local_vm": {"status": "failed"}}}
    assert found({}, host, journal=journal) == {}
    # Once the route goes over it, the bridge is what the host names as the interface.
    monkeypatch.setattr(interface, "default_interface", lambda: "ovirtmgmt")
    host["management"] = {**HOST["management"], "interface": "ovirtmgmt", "carrier": "ovirtmgmt"}
    assert found({}, host, journal=journal) == {}


def test_a_bridge_that_an_engine_has_left_is_taken_over(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "default_interface", lambda: "ovirtmgmt")
    bridge = {**NIC, "name": "ovirtmgmt", "type": "bridge"}
    host = {"interfaces": [LOOPBACK, {**NIC, "master": "ovirtmgmt"}, bridge]}
    host["management"] = {**HOST["management"], "interface": "ovirtmgmt", "carrier": "ovirtmgmt"}
    assert found({}, host) == {"deployment.bridge.reused": "warn"}
    host["management"]["carrier"] = "br0"
    assert "deployment.bridge.exists" in found({}, host)


def test_a_name_without_reverse_record_is_a_warning(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names.socket, "gethostbyaddr", lambda _address: ("other.lab.test", [], []))
    assert found({}, {}) == {"names.host.reverse": "warn", "names.engine.reverse": "warn"}


def test_a_foreign_deployment_blocks_and_ours_goes_on(net: dict[str, Any]) -> None:
    deployed = {"deployed": {**HOST["deployed"], "conf": True, "vms": ["web"]}}
    assert found({}, deployed, "foreign") == {"deployment.exists": "block"}
    assert found({}, deployed, "in_progress") == {"deployment.in_progress": "info"}


def test_missing_commands_and_not_root(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software.shutil, "which", lambda name: None if name == "ssh" else "/x")
    monkeypatch.setattr(software.os, "geteuid", lambda: 1000)
    assert found({}, {}) == {"host.root": "block", "host.tools": "block"}


def test_a_clock_that_nobody_sets(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "clock_error", lambda: 16_000_000)
    assert found({}, {}) == {"host.clock": "warn"}


def test_the_kernel_tells_the_error_of_its_clock() -> None:
    assert 0 < software.clock_error() <= 16_000_000


def test_units_are_judged_by_their_files(tmp_path: Path) -> None:
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    for folder in (etc, lib):
        folder.mkdir()
    for name in ("a", "b"):
        (lib / f"{name}.service").touch()
    (etc / "b.service").symlink_to("/dev/null")
    folders = [str(etc), str(lib)]
    assert [software.state_of_unit(name, folders) for name in "abc"] == ["present", "masked", "missing"]


def test_each_name_server_is_asked(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(server: str, name: str, kind: int, tcp: bool = False, **_more: Any) -> dns_query.Answer:
        if server == "10.77.4.2" or (server == "10.77.4.3" and tcp):
            raise OSError("no answer within 2 s")
        if kind == dns_query.PTR:
            return dns_query.Answer("no error", ("engine.lab.test",) if server == "10.77.4.1" else ("old.lab.test",))
        answers = {"10.77.4.4": ("10.77.4.99",), "10.77.4.5": ()}
        return dns_query.Answer("no such name", answers.get(server, ("10.77.4.50",)))

    monkeypatch.setattr(dns_query, "ask", ask)
    servers = {
        "10.77.4.1": {},
        "10.77.4.2": {"network.dns.silent": "block"},
        "10.77.4.3": {"network.dns.tcp": "warn", "network.dns.reverse": "warn"},
        "10.77.4.4": {"network.dns.wrong": "block"},
        "10.77.4.5": {"network.dns.unknown": "warn"},
    }
    for server, expected in servers.items():
        assert found({"dns": [server]}, {}) == expected
    assert set(found({"dns": list(servers)}, {})) == {key for expected in servers.values() for key in expected}


STORAGE = {"storage_type": "nfs", "storage_address": "nfs.lab.test", "storage_path": "/he", "disk_size": 50 << 30}
GOOD_STORAGE = {"owner": "36:36", "mode": "0755", "total": 1 << 40, "free": 1 << 39, "entries": [], "domains": []}
DOMAIN = {"id": "11111111-2222-3333-4444-555555555555", "name": "hosted_storage", "pools": ["p"], "images": 4}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, {}),
        (
            {"server": "nfs.lab.test: Name or service not known", "unknown": True},
            {"storage.nfs.server.unknown": "block"},
        ),
        ({"server": "no answer within 3 s", "silent": True}, {"storage.nfs.server.silent": "block"}),
        ({"error": "no answer within 10 s", "silent": True}, {"storage.nfs.server.silent": "block"}),
        ({"error": "PermissionError: mounts of its own"}, {"storage.nfs.server.unread": "warn"}),
        ({"mount": "mount.nfs: access denied by server while mounting a:/b"}, {"storage.nfs.mount.denied": "block"}),
        (
            {"mount": "mount.nfs: mounting a:/b failed, reason given by server: No such file or directory"},
            {"storage.nfs.mount.missing": "block"},
        ),
        ({"mount": "mount.nfs: Protocol not supported"}, {"storage.nfs.mount.version": "block"}),
        (
            {"mount": "mount.nfs: requested NFS version or transport protocol is not supported"},
            {"storage.nfs.mount.version": "block"},
        ),
        ({"mount": "mount.nfs: an incorrect mount option was specified"}, {"storage.nfs.mount.options": "block"}),
        ({"mount": "mount.nfs: Connection timed out"}, {"storage.nfs.mount.silent": "block"}),
        ({"mount": "mount.nfs: Stale file handle"}, {"storage.nfs.mount.failed": "block"}),
        (
            {"trial": {"step": "create", "errno": "EROFS", "words": "Read-only"}},
            {"storage.nfs.access.read_only": "block"},
        ),
        ({"trial": {"step": "read", "errno": "EACCES", "words": "denied"}}, {"storage.nfs.access.permission": "block"}),
        ({"trial": {"step": "write", "errno": "ENOSPC", "words": "full"}}, {"storage.nfs.access.full": "block"}),
        ({"trial": {"step": "lock", "errno": "ENOLCK", "words": "no locks"}}, {"storage.nfs.access.lock": "block"}),
        ({"trial": {"step": "direct_io", "errno": "EINVAL", "words": "?"}}, {"storage.nfs.access.direct_io": "block"}),
        ({"trial": {"step": "rename", "errno": "EIO", "words": "?"}}, {"storage.nfs.access.failed": "block"}),
        ({"domains": [DOMAIN]}, {"storage.nfs.content.domain": "block"}),
        ({"entries": ["a"]}, {"storage.nfs.content.not_empty": "warn"}),
        ({"free": 1 << 30}, {"storage.nfs.space.too_small": "block"}),
    ],
)
def test_what_nfs_storage_answers(net: dict[str, Any], answer: dict[str, Any], expected: dict[str, str]) -> None:
    bad = {"server", "mount", "error"} & set(answer)
    storage = answer if bad else {**GOOD_STORAGE, "trial": {}, **answer}
    context = registry.Context(Settings(**SETTINGS, **STORAGE), HOST, storage=lambda: storage)
    asked = [name for name in registry.CHECKS if name.startswith("storage.nfs")]
    told = registry.run_all(context, names=asked)
    assert {one["id"]: one["severity"] for each in told for one in each.findings} == expected
    assert not [each for each in told if each.status == registry.BROKEN]


def test_our_own_storage_domain_is_no_mistake_once_it_was_made() -> None:
    storage = {**GOOD_STORAGE, "trial": {}, "domains": [DOMAIN], "free": 1}
    journal = {"phases": {"create_storage_domain": {"status": "failed"}}}
    context = registry.Context(Settings(**SETTINGS, **STORAGE), HOST, journal, storage=lambda: storage)
    asked = [name for name in registry.CHECKS if name.startswith("storage.nfs")]
    assert not [one for each in registry.run_all(context, names=asked) for one in each.findings]


def test_checks_are_timed_and_run_in_order_and_by_name(net: dict[str, Any]) -> None:
    told = outcomes({"vcpus": 99, "memory": 1 << 50}, {}, names=["host.memory", "host.cpus"])
    findings = [one for each in told for one in each.findings]
    assert [one["id"] for one in findings] == ["host.memory", "host.cpus"]
    assert all(one["seconds"] >= 0 and one["resolution"] and one["check"] in one["id"] for one in findings)
    with pytest.raises(ValueError, match="twice"):
        registry.check("host.cpus")(lambda _context: [])


def test_checks_and_findings_are_left_out_by_id(net: dict[str, Any]) -> None:
    both = outcomes(
        {"vcpus": 99, "memory": 1 << 50}, {}, skip=["host.cpus", "host.memory"], names=["host.memory", "host.cpus"]
    )
    assert [each.status for each in both] == ["skipped", "skipped"]
    told = outcomes({"host_address": "nobody.lab.test"}, {}, skip=["names.host.forward"], names=["names.host"])
    assert told[0].findings == [] and told[0].status == "passed"
    assert probe.unknown_names(["names.host.forward", "host.cpus"]) == []
    (unknown,) = probe.unknown_names(["names.host.forwrd"])
    assert "names.host.forward" in unknown["resolution"] and unknown["severity"] == "warn"


def test_a_check_that_breaks_or_hangs_hides_nothing(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_context: registry.Context) -> registry.Result:
        raise KeyError("mtu")

    def hangs(_context: registry.Context) -> registry.Result:
        time.sleep(30)
        return []

    for name, function in (("test.breaks", breaks), ("test.hangs", hangs)):
        entry = registry.Check(name, name, {f"{name}.x": "warn"}, function, registry.always)
        monkeypatch.setitem(registry.CHECKS, name, entry)
    begun = time.monotonic()
    asked = ["test.breaks", "test.hangs", "host.cpus"]
    told = outcomes({"vcpus": 99}, {}, names=asked, deadline=0.5)
    assert time.monotonic() - begun < 5
    assert [each.status for each in told] == ["broken", "broken", "found"]
    assert [one["id"] for each in told for one in each.findings] == [*["preflight.no_answer"] * 2, "host.cpus"]
    assert told[0].observed == "KeyError: 'mtu'" and "0.5 s" in told[1].observed


def test_every_check_belongs_to_an_area_and_says_what_it_is_about() -> None:
    assert set(probe.ORDER) == set(registry.CHECKS)
    for entry in registry.CHECKS.values():
        assert entry.title and entry.findings, entry.id
        assert entry.severity in registry.SEVERITIES


def test_cpu_types_are_those_of_the_engine() -> None:
    text = Path(__file__).parents[4].joinpath("fixtures/engine_api/defaults/option-cpu-list.yaml").read_text()
    known = set(parse_cpu_list(text.partition("<value>")[2].partition("</value>")[0]))
    assert {one for one in known if one.architecture == "x86_64"} == set(cpu_types.TYPES)
    offered = cpu_types.offered({"vmx", "nx", "ibrs", "ssbd"}, {"Nehalem"})
    assert [one.name for one in offered] == ["Intel Nehalem Family", "Secure Intel Nehalem Family"]
    secure = next(one for one in cpu_types.TYPES if one.name == "Secure Intel Haswell Family")
    assert cpu_types.lacking(secure, {"vmx", "ibrs"}, set()) == ["ssbd", "md_clear", "model_Haswell-noTSX"]


def test_usable_models_of_libvirt() -> None:
    text = (
        "<domainCapabilities><cpu><mode name='custom' supported='yes'>"
        "<model usable='yes'>Nehalem</model><model usable='no'>Haswell</model></mode></cpu></domainCapabilities>"
    )
    assert cpu_types.models(text) == {"Nehalem"}


def test_the_appliance_package_may_come_later(net: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appliance_file, "CONF_PATTERN", "/nonexistent/*.conf")
    importlib.import_module(f"{probe.__package__}.appliance")
    package = {"appliance_package": "ovirt-engine-appliance"}

    def about(**settings: Any) -> dict[str, str]:
        told = outcomes({"appliance": "/nonexistent/a.ova", **settings}, {}, names=["appliance.file"])
        return {one["id"]: one["severity"] for each in told for one in each.findings}

    assert about() == {"appliance.file.missing": "block"}
    assert about(appliance="", **package) == {"appliance.file.from_package": "info"}
    assert about(appliance="", **package, offline=True) == {"appliance.file.missing": "block"}


def test_processes_of_others_are_counted() -> None:
    before = _run.processes_started()
    _run.count_processes(2)
    assert _run.processes_started() == before + 2


def test_storage_is_not_tried_out_on_a_host_that_runs_an_engine(
    monkeypatch: pytest.MonkeyPatch, net: dict[str, Any]
) -> None:
    """It may be the storage of that engine."""
    asked: list[set[str]] = []

    def start(_settings: Settings, _secrets: Any, skip: set[str]) -> Any:
        asked.append(skip)
        return dict

    monkeypatch.setattr(probe.trial, "start", start)
    deployed = {**HOST["deployed"], "conf": True}
    told = probe.probe(Settings(**SETTINGS, **STORAGE), {**HOST, "deployed": deployed}, None)
    assert {name for name in probe.ORDER if name.startswith("storage.nfs")} < asked[0]
    assert "deployment.exists" in [one["id"] for each in told for one in each.findings]
