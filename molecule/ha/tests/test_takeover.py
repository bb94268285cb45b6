"""Hosts and engine die and come back; each time the engine answers with its data. Each test builds on the last."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from typing import Any

from conftest import HEALTHY, Engine, HaHost, driver, playbook, wait

FULL = 3400
# The lease of a host that died is free after eight IO timeouts and sanlock's minute for the watchdog.
LEASE_SECONDS = 90
BOOT_SECONDS = 420
# For what takes seconds on a machine that has nothing else to do.
PATIENCE = 180


def _runs_on(host: HaHost) -> bool:
    own = host.hosts().get(host.number, {})
    return bool(own and own["live-data"] and own["engine-status"] == {"vm": "up", "health": "good", "detail": "Up"})


def _is_ready(other: HaHost, host: HaHost) -> None:
    """Wait until another host sees this one with its full score, and the engine not on it."""

    def ready() -> bool:
        told = other.hosts().get(host.number, {})
        return bool(told.get("live-data") and told["score"] == FULL and told["state"] == "EngineDown")

    wait(ready, f"host {host.number} with its full score", PATIENCE)


def _answers_with(engine: Engine, data: dict[str, Any]) -> None:
    wait(lambda: engine.health() == HEALTHY, "the engine's health page", PATIENCE)
    engine.log_in()
    assert engine.data() == data


def _remember(engine: Engine, tag: str) -> dict[str, Any]:
    """Write into the database at the last moment, and return all that it holds then."""
    engine.add_tag(tag)
    held = engine.data()
    assert tag in [name for _id, name in held["tags"]]
    return held


def test_the_second_host_joined_through_the_engine(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    hosts = engine.hosts()
    assert {name: host["status"] for name, host in hosts.items()} == {host1.fqdn: "up", host2.fqdn: "up"}
    for host in hosts.values():
        assert host["hosted_engine"]["configured"] == host["hosted_engine"]["active"] == "true"
        assert int(host["hosted_engine"]["score"]) == FULL
    for host in (host1, host2):
        found = engine.call(f"hosts?search=name%3D{host.fqdn}+and+spm_id%3D{host.number}")["host"]
        assert [one["name"] for one in found] == [host.fqdn], "host_id is the engine's SPM id"
        assert f"host_id={host.number}" in host.conf()
        about = host.run("stat -c '%U:%G %a' /etc/ovirt-hosted-engine/hosted-engine.conf").split()
        assert about == ["vdsm:kvm", "440"]
        assert host.run("systemctl is-active ovirt-ha-agent ovirt-ha-broker vdsmd sanlock").split() == ["active"] * 4
        assert f"s hosted-engine:{host.number}:" in host.run("sanlock client status")
    differ = [pair for pair in zip(host1.conf(), host2.conf(), strict=True) if pair[0] != pair[1]]
    assert differ == [("host_id=1", "host_id=2")]
    assert (host1.domains(), host2.domains()) == (["HostedEngine"], [])


def test_the_added_host_holds_no_secret_and_no_leftover(host2: HaHost) -> None:
    left = host2.run("grep -rlF lab-Admin-5ecret /etc /root /var/lib /var/log /var/tmp /tmp /run 2>/dev/null || true")
    assert left.split() == []
    journal = "/var/lib/ovirt-hosted-engine-setup/node0-journal.json"
    assert stat.S_IMODE(int(host2.run(f"stat -c %f {journal}"), 16)) == 0o600
    assert host2.run("find /tmp /var/tmp -name '*.pem'").split() == []


def test_adding_the_host_again_changes_nothing(host2: HaHost) -> None:
    running = "systemctl show -p ActiveEnterTimestampMonotonic vdsmd ovirt-ha-broker ovirt-ha-agent"
    before = host2.run(running), host2.conf()
    report, printed = playbook("add_host")
    assert report["totals"]["changed"] == 0
    assert (report["totals"]["logins"], "changed=0" in printed) == (1, True)
    assert report["totals"]["exchanges"] <= 20
    assert (host2.run(running), host2.conf()) == before


def test_host_2_takes_over_when_host_1_dies(engine: Engine, host2: HaHost) -> None:
    held = _remember(engine, "before-host-1-died")
    driver("power-off", "--hard", "he-host1")
    wait(lambda: host2.hosts()[1]["live-data"] is False, "host 2 to miss host 1", PATIENCE)
    wait(lambda: _runs_on(host2), "the engine on host 2", LEASE_SECONDS + BOOT_SECONDS)
    _answers_with(engine, held)
    assert host2.domains() == ["HostedEngine"]
    leases = host2.run("sanlock client status").splitlines()
    values = dict(line.split("=", 1) for line in host2.conf() if "=" in line)
    disk = f"r {values['sdUUID']}:{values['vm_disk_vol_id']}:"
    assert [line for line in leases if line.startswith(disk)], "the disk is leased, so that no other host can run it"


def test_host_1_comes_back_and_leaves_the_engine_where_it_is(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    running = host2.run("cat /run/libvirt/qemu/HostedEngine.pid")
    driver("restart", "he-host1")
    _is_ready(host2, host1)
    wait(lambda: engine.hosts()[host1.fqdn]["status"] == "up", "host 1 up in the engine", PATIENCE)
    assert (host1.domains(), host2.domains()) == ([], ["HostedEngine"])
    assert host2.run("cat /run/libvirt/qemu/HostedEngine.pid") == running


def test_host_1_takes_over_when_the_vm_dies_on_host_2(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    held = _remember(engine, "before-the-vm-died")
    host2.run('kill -9 "$(cat /run/libvirt/qemu/HostedEngine.pid)"')
    lost = wait(
        lambda: (told := host2.hosts()[2])["state"] == "EngineUnexpectedlyDown" and told, "host 2 to notice", PATIENCE
    )
    assert lost["score"] == 0
    wait(lambda: _runs_on(host1), "the engine on host 1", BOOT_SECONDS)
    _answers_with(engine, held)
    assert (host1.domains(), host2.domains()) == (["HostedEngine"], [])
    # Ten minutes in the product; the scenario's own times say a minute.
    wait(lambda: host1.hosts()[2]["score"] == FULL, "host 2 with its full score again", PATIENCE)
    assert host1.domains() == ["HostedEngine"]


def test_global_maintenance_stops_the_agents(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    held = _remember(engine, "before-global-maintenance")

    def both(state: str) -> bool:
        told = host2.hosts()
        return all(told.get(number, {}).get("state") == state for number in (1, 2))

    host2.run("hosted-engine --set-maintenance --mode=global")
    wait(lambda: both("GlobalMaintenance"), "both agents in global maintenance", PATIENCE)
    assert all(told["global_maintenance"] for told in host1.hosts().values())
    host1.run("hosted-engine --vm-poweroff")
    # Three loops of the agents, each of which would have started it.
    end = time.monotonic() + 18
    while time.monotonic() < end:
        assert (host1.domains(), host2.domains()) == ([], [])
        assert both("GlobalMaintenance")
    host2.run("hosted-engine --set-maintenance --mode=none")
    wait(lambda: _runs_on(host1) or _runs_on(host2), "the engine after the end of maintenance", BOOT_SECONDS)
    _answers_with(engine, held)
    assert sorted(host1.domains() + host2.domains()) == ["HostedEngine"], "it runs once"


def test_maintenance_of_its_host_moves_the_engine_alive(
    engine: Engine, host1: HaHost, host2: HaHost, boot_id: Callable[[], str]
) -> None:
    source, target = (host1, host2) if host1.domains() else (host2, host1)
    wait(lambda: source.hosts()[target.number]["score"] == FULL, "the other host's score", PATIENCE)

    def seen_by_engine() -> bool:
        host = engine.hosts()[target.fqdn]
        return host["status"] == "up" and int(host["hosted_engine"]["score"]) == FULL

    wait(seen_by_engine, "the other host's score in the engine", PATIENCE)
    boot, held = boot_id(), _remember(engine, "before-maintenance")
    engine.call(f"hosts/{engine.hosts()[source.fqdn]['id']}/deactivate", {})
    wait(lambda: target.domains() == ["HostedEngine"] and not source.domains(), "the VM on the other host", PATIENCE)
    wait(lambda: _runs_on(target), "the engine healthy there", PATIENCE)
    assert boot_id() == boot, "the guest was not started again"
    wait(lambda: engine.hosts()[source.fqdn]["status"] == "maintenance", "the host in maintenance", PATIENCE)
    assert engine.data() == held

    def told() -> bool:
        slot = target.hosts()[source.number]
        return (slot["state"], slot["score"], slot["maintenance"]) == ("LocalMaintenance", 0, True)

    # Its agent looks at the flag in its next loop.
    wait(told, "the host's agent in local maintenance", PATIENCE)
    assert engine.vm()["host"]["id"] == engine.hosts()[target.fqdn]["id"]


def test_activation_ends_local_maintenance(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    source, target = (host2, host1) if host1.domains() else (host1, host2)
    engine.call(f"hosts/{engine.hosts()[source.fqdn]['id']}/activate", {})
    wait(lambda: engine.hosts()[source.fqdn]["status"] == "up", "the host up again", PATIENCE)
    wait(lambda: target.hosts()[source.number]["score"] == FULL, "its full score", PATIENCE)
    assert target.domains() == ["HostedEngine"]


def test_the_other_host_takes_over_when_a_host_is_powered_off(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    source, target = (host1, host2) if host1.domains() else (host2, host1)
    held = _remember(engine, "before-the-power-off")
    driver("power-off", source.name)
    told = target.hosts()[source.number]
    assert (told["stopped"], told["score"], told["state"]) == (True, 0, "AgentStopped"), "it has said good-bye"
    wait(lambda: _runs_on(target), "the engine on the other host", LEASE_SECONDS + BOOT_SECONDS)
    _answers_with(engine, held)
    driver("restart", source.name)
    _is_ready(target, source)
    assert (source.domains(), target.domains()) == ([], ["HostedEngine"])


def test_clean_up_asks_first(host1: HaHost, host2: HaHost) -> None:
    spare = host2 if host1.domains() else host1
    assert spare.run("echo n | ovirt-hosted-engine-cleanup >/dev/null; echo $?").strip() == "1"
    assert spare.run("systemctl is-active ovirt-ha-agent ovirt-ha-broker vdsmd").split() == ["active"] * 3


def test_clean_up_removes_what_it_lists_and_nothing_else(engine: Engine, host1: HaHost, host2: HaHost) -> None:
    """Host contract 9.2: its actions, its known faults, and what it leaves."""
    spare, other = (host2, host1) if host1.domains() else (host1, host2)
    spare.run("ip rule add from 198.51.100.0/24 lookup main priority 100; ip -6 rule add to 2001:db8::/64 priority 101")
    spare.run(
        "mkdir -p /var/tmp/localvmabc /etc/init; touch /etc/init/libvirtd.conf /etc/ovirt-hosted-engine/answers.conf"
    )
    kept = "sha256sum /root/.ssh/authorized_keys /etc/vdsm/vdsm.id /var/lib/ovirt-hosted-engine-ha/ha.conf"
    before = spare.run(kept)
    spare.run("ovirt-hosted-engine-cleanup -q")
    assert spare.run("ls /etc/ovirt-hosted-engine").split() == ["virsh_auth.conf"]
    gone = "/etc/init/libvirtd.conf /etc/vdsm/vdsm.conf /etc/pki/vdsm/*/*.pem /etc/pki/CA/cacert.pem"
    gone += " /etc/pki/libvirt/*.pem"
    gone += " /etc/pki/libvirt/private/*.pem /etc/pki/ovirt-vmconsole/*.pem /var/cache/libvirt/* /var/tmp/localvm*"
    gone += " /var/run/ovirt-hosted-engine-ha/*"
    assert spare.run(f"ls -d {gone} 2>/dev/null || true").split() == []
    units = "ovirt-ha-agent ovirt-ha-broker vdsmd supervdsmd libvirtd libvirtd-tls.socket sanlock"
    states = set(spare.run(f"systemctl is-active {units} || true").split())
    assert "active" not in states
    assert spare.run("for f in '' -6; do ip $f rule list priority 100; ip $f rule list priority 101; done") == ""
    # what it does not do
    assert spare.run(kept) == before
    assert spare.run("systemctl is-enabled ovirt-ha-agent").strip() == "enabled"
    assert " inet " in spare.run("ip -o address show ovirtmgmt")
    assert other.domains() == ["HostedEngine"]
    assert engine.health() == HEALTHY
