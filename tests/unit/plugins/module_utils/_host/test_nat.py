"""The bootstrap network: its prefix, its libvirt network, its policy rules and what firewalld opens."""

from __future__ import annotations

import ipaddress
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeConnection, FakeFirewalld, FakeIp

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    addresses,
    firewall,
    nat,
    nat_setup,
    policy_rules,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

MAC = "00:16:3e:77:04:50"

# Recorded with iproute2 6.1 on a host with one address, and shortened.
ADDRESSES = (
    '[{"ifindex":1,"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},'
    '{"ifindex":4,"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.2","prefixlen":24}]}]'
)
ROUTES = (
    '[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]},'
    '{"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"192.0.2.2","flags":[]},'
    '{"type":"local","dst":"127.0.0.0/8","dev":"lo","table":"local","prefsrc":"127.0.0.1","flags":[]}]'
)
DEFAULT_NETWORK = (
    "<network><name>default</name><uuid>u0</uuid><bridge name='virbr0'/>"
    "<ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeIp:
    fake = FakeIp(ADDRESSES, ROUTES)

    def run(argv: Sequence[str], stdin: Any = None, **_options: Any) -> _run.Completed:
        return _run.Completed(tuple(argv), 0, fake.answer(list(argv), stdin or ""), "")

    for module in (addresses, policy_rules):
        monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(firewall, "missing", list)
    monkeypatch.setattr(firewall, "running", lambda: False)
    monkeypatch.setattr(nat, "resolvers", lambda: ["192.0.2.53"])
    return fake


def wish(**changes: Any) -> nat_setup.Wish:
    return nat_setup.Wish(**{"name": "node0-bootstrap", "bridge": "node0-nat", "preferred": "192.168.222", **changes})


def words(prefixes: Sequence[tuple[addresses.Prefix, str]]) -> list[str]:
    return [str(prefix) for prefix, _why in prefixes]


def test_what_the_kernel_knows_is_in_use_but_not_the_default_route(kernel: FakeIp) -> None:
    kernel.neighbours = '[{"dst":"198.51.100.7","dev":"eth0","lladdr":"02:fc:00:00:00:05","state":["REACHABLE"]}]'
    used = words(addresses.used_prefixes(addresses.read_kernel()))
    assert set(used) == {"127.0.0.0/8", "192.0.2.0/24", "198.51.100.7/32"}


def test_the_halves_of_a_vpn_are_default_routes(kernel: FakeIp) -> None:
    kernel.routes = '[{"dst":"0.0.0.0/1","dev":"tun0"},{"dst":"128.0.0.0/1","dev":"tun0"},{"dst":"10.0.0.0/8"}]'
    assert "10.0.0.0/8" in words(addresses.used_prefixes(addresses.read_kernel()))
    assert "128.0.0.0/1" not in words(addresses.used_prefixes(addresses.read_kernel()))


def test_an_answer_is_missing(kernel: FakeIp) -> None:
    kernel.neighbours = ""
    with pytest.raises(HostedEngineError, match="3 answers"):
        addresses.read_kernel()


@pytest.mark.parametrize("text", ["192.168.222", "192.168.222.0/24"])
def test_the_preferred_prefix_is_taken_when_free(text: str) -> None:
    assert str(addresses.free_prefix(text, [])) == "192.168.222.0/24"


@pytest.mark.parametrize("text", ["192.168", "192.168.222.1/24", "fd00::/64", "10.0.0.0/30", "x"])
def test_a_preferred_prefix_that_is_none(text: str) -> None:
    with pytest.raises(HostedEngineError) as caught:
        addresses.preferred_prefix(text)
    assert caught.value.problem.id == "nat.no_free_prefix"


def test_another_prefix_is_taken_when_something_overlaps() -> None:
    used = [(ipaddress.IPv4Network("192.168.0.0/16"), "route"), (ipaddress.IPv4Network("198.18.0.9/32"), "storage")]
    assert str(addresses.free_prefix("192.168.222", used)) == "198.18.1.0/24"


def test_nothing_is_free() -> None:
    used = [(ipaddress.IPv4Network("0.0.0.0/0"), "a wrong route")]
    with pytest.raises(HostedEngineError, match="a wrong route"):
        addresses.free_prefix("192.168.222", used)


def test_resolvers_behind_systemd_resolved(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("search x\nnameserver 127.0.0.53\n")
    (tmp_path / "b").write_text("nameserver 198.51.100.1\n")
    paths = [str(tmp_path / name) for name in ("a", "missing", "b")]
    assert addresses.resolvers(paths) == ["127.0.0.53", "198.51.100.1"]


def test_makes_network_and_rules_and_writes_them_down(
    libvirt: FakeConnection, kernel: FakeIp, journal: Journal
) -> None:
    facts, made = nat_setup.present(wish(mac=MAC), journal, dry_run=False)
    assert facts == {
        "name": "node0-bootstrap",
        "bridge": "node0-nat",
        "address": "192.168.222.1",
        "prefix": 24,
        "cidr": "192.168.222.0/24",
        "uuid": libvirt.networks[0].xml.split("<uuid>")[1].split("<")[0],
        "reserved": "192.168.222.2",
    }
    assert libvirt.networks[0].active and libvirt.networks[0].auto
    assert {"priority": 100, "src": "all", "dst": "192.168.222.0", "dstlen": 24, "table": "main"} in kernel.rules
    assert {"priority": 101, "src": "192.168.222.0", "srclen": 24, "table": "main"} in kernel.rules
    assert [(entry["kind"], entry["status"]) for entry in journal.made()] == [
        ("policy_rule", "made"),
        ("policy_rule", "made"),
        ("nat_network", "made"),
    ]
    assert len(made) == 3


def test_a_second_run_finds_everything(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    first, _made = nat_setup.present(wish(mac=MAC), journal, dry_run=False)
    before = list(kernel.rules)
    assert nat_setup.present(wish(mac=MAC), journal, dry_run=False) == (first, [])
    assert kernel.rules == before


def test_check_mode_tells_and_changes_nothing(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    before = list(kernel.rules)
    facts, made = nat_setup.present(wish(mac=MAC), journal, dry_run=True)
    assert (facts["cidr"], facts["reserved"], facts["uuid"]) == ("192.168.222.0/24", "192.168.222.2", "")
    assert len(made) == 3
    assert (libvirt.networks, kernel.rules, journal.read()) == ([], before, None)
    assert libvirt.opened == ["qemu:///system ro"]


def test_keeps_clear_of_what_must_stay_reachable(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    libvirt.networkDefineXML(DEFAULT_NETWORK)
    facts, _made = nat_setup.present(wish(avoid=("192.168.222.50", "192.168.128.0/24")), journal, dry_run=False)
    assert facts["cidr"] == "192.168.129.0/24"
    facts, _made = nat_setup.present(wish(name="n2", bridge="b2", preferred="192.168.122"), journal, dry_run=True)
    assert facts["cidr"] != "192.168.122.0/24"
    assert libvirt.networks[0].xml == DEFAULT_NETWORK and not libvirt.networks[0].active


def test_a_leftover_that_is_in_the_way_is_replaced(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    nat_setup.present(wish(), journal, dry_run=False)
    facts, _made = nat_setup.present(wish(avoid=("192.168.222.9",), mac=MAC), journal, dry_run=False)
    assert facts["cidr"] == "192.168.128.0/24"
    assert {rule.get("dst") for rule in kernel.rules} == {None, "192.168.128.0"}
    assert {entry["prefix"] for entry in journal.made("policy_rule")} == {"192.168.128.0/24"}


def test_a_leftover_in_the_way_that_a_vm_uses_is_kept(
    libvirt: FakeConnection, kernel: FakeIp, journal: Journal
) -> None:
    nat_setup.present(wish(), journal, dry_run=False)
    nic = "<devices><interface type='network'><source network='node0-bootstrap'/></interface></devices>"
    libvirt.defineXML(f"<domain><name>mine</name>{nic}</domain>").create()
    with pytest.raises(HostedEngineError) as caught:
        nat_setup.present(wish(avoid=("192.168.222.9",)), journal, dry_run=False)
    assert caught.value.problem.id == "nat.in_use"
    assert "mine" in caught.value.observed


def test_a_bridge_of_somebody_else(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    libvirt.networkDefineXML("<network><name>other</name><bridge name='node0-nat'/></network>")
    with pytest.raises(HostedEngineError) as caught:
        nat_setup.present(wish(), journal, dry_run=True)
    assert caught.value.problem.id == "nat.foreign"


def test_a_reservation_is_added_to_a_network_that_runs(
    libvirt: FakeConnection, kernel: FakeIp, journal: Journal
) -> None:
    nat_setup.present(wish(), journal, dry_run=False)
    facts, made = nat_setup.present(wish(mac=MAC), journal, dry_run=False)
    assert (facts["reserved"], made) == ("192.168.222.2", [f"address for {MAC}"])


def test_absent_removes_what_was_made_and_only_that(libvirt: FakeConnection, kernel: FakeIp, journal: Journal) -> None:
    libvirt.networkDefineXML(DEFAULT_NETWORK)
    before = list(kernel.rules)
    nat_setup.present(wish(), journal, dry_run=False)
    assert len(nat_setup.absent("node0-bootstrap", journal, dry_run=True)) == 3
    assert len(libvirt.networks) == 2
    assert len(nat_setup.absent("node0-bootstrap", journal, dry_run=False)) == 3
    assert [network.name() for network in libvirt.networks] == ["default"]
    assert (kernel.rules, journal.made()) == (before, [])
    assert nat_setup.absent("node0-bootstrap", journal, dry_run=False) == []


def test_rules_are_removed_with_one_command_and_seen_to_be_gone(
    kernel: FakeIp, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = policy_rules.rules_for("192.168.222.0/24")
    asked: list[list[str]] = []
    answer = kernel.answer

    def counted(argv: list[str], stdin: str) -> str:
        asked.append(argv)
        return answer(argv, stdin)

    monkeypatch.setattr(kernel, "answer", counted)
    kernel.answer(["ip", "-4", "-batch", "-"], f"rule add {rules[0].words()}\n")
    assert policy_rules.known(rules) == rules[:1]
    asked.clear()
    assert policy_rules.remove(rules) == rules[:1]
    assert len(asked) == 1
    assert policy_rules.remove(rules) == []
    # A rule that stays whatever is said about it.
    monkeypatch.setattr(kernel, "answer", lambda _argv, _stdin: (json.dumps([rule_of(rules[1])]) + "\n") * 2)
    with pytest.raises(HostedEngineError) as caught:
        policy_rules.remove(rules)
    assert caught.value.problem.id == "command.failed"


def rule_of(rule: policy_rules.PolicyRule) -> dict[str, Any]:
    """Return a rule as C(ip -j rule) shows it."""
    address, _slash, length = rule.prefix.partition("/")
    return {"priority": rule.priority, "src": address, "srclen": int(length), "table": "main"}


def test_firewalld_gets_services_it_knows_and_ports_for_the_others(firewalld: FakeFirewalld, journal: Journal) -> None:
    missing = firewall.missing()
    assert missing == ["--add-service=vdsm", "--add-service=libvirt-tls", "--add-port=54322/tcp"]
    # What somebody has opened for good already is not opened again.
    firewalld.lasting.services.append("vdsm")
    firewall.add(missing, journal)
    assert journal.made("firewalld")[0]["arguments"] == missing
    for zone in (firewalld.now, firewalld.lasting):
        assert set(zone.services) == {"dhcp", "dns", "ssh", "vdsm", "libvirt-tls"}
        assert zone.ports == [("2223", "tcp"), ("54322", "tcp")]
    assert firewall.missing() == []
    firewalld.now.services.remove("vdsm")
    assert firewall.remove(missing)
    for zone in (firewalld.now, firewalld.lasting):
        assert (zone.services, zone.ports) == (["dhcp", "dns", "ssh"], [("2223", "tcp")])
    assert firewall.remove(missing)


def test_a_zone_file_that_only_repeats_the_default_goes(
    firewalld: FakeFirewalld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default, own = tmp_path / "default.xml", tmp_path / "libvirt.xml"
    monkeypatch.setattr(firewall, "DEFAULT_FILE", str(default))
    monkeypatch.setattr(firewall, "ZONE_FILE", str(own))
    rule = "<rule priority='32767'>\n <reject/>\n</rule>"
    default.write_text(f"<zone target='ACCEPT'>\n<description>a\n b</description>{rule}<service name='ssh'/></zone>")
    same = '<zone target="ACCEPT"><service name="ssh"/><rule priority="32767"><reject/></rule></zone>'
    for text, new_file, stays in (
        (same, True, False),
        (same, False, True),
        (same.replace("ssh", "http"), True, True),
        (same.replace("ACCEPT", "DROP"), True, True),
    ):
        own.write_text(text)
        firewall.remove(["--add-service=vdsm"], new_file)
        assert own.exists() is stays


def test_no_firewalld_or_no_zone(firewalld: FakeFirewalld, journal: Journal) -> None:
    firewalld.zones.remove("libvirt")
    assert firewall.missing() == [] and not firewall.remove(["--add-service=vdsm"])
    assert firewall.running()
    firewalld.connected = False
    assert firewall.missing() == [] and not firewall.remove(["--add-service=vdsm"])
    assert not firewall.running()


def test_firewalld_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall.shutil, "which", lambda _name: None)
    assert firewall.missing() == [] and not firewall.running()


def test_firewalld_that_is_broken(firewalld: FakeFirewalld) -> None:
    firewalld.failures = [sys.modules["dbus.exceptions"].DBusException("INVALID_ZONE: libvirt")]
    with pytest.raises(HostedEngineError) as caught:
        firewall.missing()
    assert caught.value.problem.id == "firewalld.refused" and "INVALID_ZONE" in caught.value.observed


def test_firewalld_whose_library_is_of_another_interpreter(
    firewalld: FakeFirewalld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "firewall.client", None)
    with pytest.raises(HostedEngineError) as caught:
        firewall.missing()
    assert caught.value.problem.id == "firewalld.library_missing"
