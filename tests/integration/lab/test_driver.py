"""A lab comes up, is what it says, and goes without a trace."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driver.paths import CHECKOUT
from driver.processes import children, with_argument

LAB = "driver-t"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="needs root and systemd-nspawn"
)
pytestmark = [pytest.mark.lab, needs_root, pytest.mark.timeout(600)]


def driver(*arguments: str, check: bool = True, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "driver", arguments[0], "--lab", LAB, *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "lab")}
    done = subprocess.run(argv, env=environment, input=stdin, capture_output=True, text=True, timeout=600, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def inside(host: str, script: str, *, check: bool = True) -> str:
    done = driver("exec", host, "--", "bash", "-c", script, check=check)
    return done.stdout if check else done.stdout + done.stderr


def process_of(lab: dict[str, Any], host: str) -> int:
    """The container manager of a host."""
    state = json.loads((Path(lab["lab"]["directory"]) / "state.json").read_text())
    return next(
        int(each["pid"]) for each in state["resources"] if each["kind"] == "process" and each.get("host") == host
    )


def hosts_of_the_machine() -> list[str]:
    """Lines of the hosts file that belong to no lab (other labs come and go meanwhile)."""
    lines = Path("/etc/hosts").read_text().splitlines()
    return [line for line in lines if ".lab.test" not in line and " of lab " not in line]


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, Any]]:
    driver("down", check=False)
    hosts_before = hosts_of_the_machine()
    forward_before = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    report: dict[str, Any] = json.loads(driver("up", "--hosts", "2").stdout)
    yield report
    gone = driver("down")
    assert gone.stderr == ""
    assert not Path(report["lab"]["directory"]).exists()
    assert not Path(f"/sys/class/net/{report['lab']['bridge']}").exists()
    assert report["lab"]["directory"] not in Path("/proc/self/mountinfo").read_text()
    assert with_argument(f"{report['lab']['directory']}/") == []
    assert report["lab"]["domain"] not in Path("/etc/hosts").read_text()
    assert hosts_of_the_machine() == hosts_before
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == forward_before


def ssh(lab: dict[str, Any], host: dict[str, Any], *command: str) -> str:
    options = [f"UserKnownHostsFile={lab['lab']['known_hosts']}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
    words = [word for option in options for word in ("-o", option)]
    argv = ["ssh", "-i", host["ssh_key"], *words, "-p", str(host["ssh_port"]), f"{host['ssh_user']}@{host['fqdn']}"]
    return subprocess.run([*argv, *command], capture_output=True, text=True, timeout=60, check=True).stdout


def test_every_host_is_reached_by_its_name_and_pinned_key(lab: dict[str, Any]) -> None:
    for host in lab["hosts"]:
        assert ssh(lab, host, "hostname", "-f").strip() == host["fqdn"]


def test_a_second_up_changes_nothing(lab: dict[str, Any]) -> None:
    again = json.loads(driver("up", "--hosts", "2").stdout)
    assert again == lab
    assert json.loads(driver("status").stdout) == lab


def test_names_resolve_forward_and_backward(lab: dict[str, Any]) -> None:
    names = [(host["fqdn"], host["address"]) for host in lab["hosts"]]
    names.append((lab["engine"]["fqdn"], lab["engine"]["address"]))
    for host in ("he-host1", "he-host2"):
        for name, address in names:
            assert inside(host, f"getent ahostsv4 {name}").split()[0] == address
            assert inside(host, f"dig +short -x {address}").strip() == f"{name}."
    for name, address in names:
        found = subprocess.run(["getent", "hosts", name], capture_output=True, text=True, check=True).stdout
        assert found.split()[0] == address


def test_a_fresh_host_is_plain(lab: dict[str, Any]) -> None:
    route = json.loads(inside("he-host1", "ip -j route show default"))
    assert (route[0]["dev"], route[0]["gateway"]) == (lab["hosts"][0]["nic"], lab["hosts"][0]["gateway"])
    assert inside("he-host1", "systemctl is-system-running --wait").strip() == "running"
    installed = inside("he-host1", "dpkg-query -W -f '${Package}\\n'").split()
    assert not {"vdsm", "ovirt-hosted-engine-ha", "ovirt-hosted-engine-setup"} & set(installed)
    assert inside("he-host1", "id -u vdsm; id -g vdsm; getent group kvm | cut -d: -f3").split() == ["36"] * 3
    assert inside("he-host1", "virsh -q net-list --all").split()[:2] == ["default", "inactive"]
    assert inside("he-host1", "firewall-cmd --state").strip() == "running"
    assert "usable" in inside("he-host1", "/usr/libexec/platform-python -c 'import ovirtsdk4.types; print(\"usable\")'")


def test_units_of_one_host_are_not_those_of_the_other(lab: dict[str, Any]) -> None:
    for host in ("he-host1", "he-host2"):
        inside(host, "systemctl start sanlock")
    inside("he-host1", "systemctl stop sanlock")
    assert "Failed to kill" not in inside("he-host1", "journalctl --no-pager -u sanlock")
    assert inside("he-host2", "systemctl is-active sanlock").strip() == "active"
    assert inside("he-host2", "sanlock client status").startswith("daemon ")


def test_shared_storage_is_shared(lab: dict[str, Any]) -> None:
    nfs = lab["storage"]["nfs"]
    mount = f"mkdir -p /mnt/he && mount -t nfs -o vers=4.2,soft {nfs['address']}:{nfs['path']} /mnt/he"
    for host in ("he-host1", "he-host2"):
        inside(host, mount)
    inside("he-host1", "setpriv --reuid=36 --regid=36 --clear-groups sh -c 'echo from-one >/mnt/he/file'")
    assert inside("he-host2", "cat /mnt/he/file").strip() == "from-one"
    for host in ("he-host1", "he-host2"):
        inside(host, "umount /mnt/he")
    refused = inside("he-host1", f"mount -t nfs {nfs['address']}:/exports/denied /mnt/he; echo $?", check=False)
    assert "32\n" in refused
    assert f"mount.nfs: access denied by server while mounting {nfs['address']}:/exports/denied" in refused


def test_packages_come_from_the_lab(lab: dict[str, Any]) -> None:
    inside("he-host1", "apt-get -qq update")
    policy = inside("he-host1", "apt-cache policy python3-ovirt-engine-sdk4")
    assert "file:/srv/lab/repo" in policy
    inside("he-host1", "apt-get -qq -y --no-install-recommends install ovirt-vmconsole-host")
    assert inside("he-host1", "systemctl is-enabled ovirt-vmconsole-host-sshd", check=False).strip() == "disabled"


GUEST = """<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='network'/></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{interface}</devices></domain>"""


def _boot_guest(host: str, interface: str, look: str) -> str:
    """Start a domain that asks for an address from its network card's own program; returns what ``look`` prints."""
    inside(
        host, f'cat >/run/guest.xml <<"END"\n{GUEST.format(interface=interface)}\nEND\nvirsh -q create /run/guest.xml'
    )
    wait = f"for i in $(seq 300); do {look} && exit 0; sleep 0.2; done; exit 1"
    try:
        return inside(host, wait)
    finally:
        inside(host, "virsh -q destroy guest")


def test_a_guest_gets_its_address_from_libvirts_network(lab: dict[str, Any]) -> None:
    inside("he-host1", "virsh -q net-start default")
    interface = "<interface type='network'><source network='default'/><mac address='52:54:00:12:34:56'/></interface>"
    leases = _boot_guest("he-host1", interface, "virsh -q net-dhcp-leases default | grep 52:54:00:12:34:56")
    assert "192.168.122." in leases


def test_a_guest_on_the_management_bridge_is_known_to_the_lab(lab: dict[str, Any]) -> None:
    address, gateway = lab["hosts"][1]["address"], lab["hosts"][1]["gateway"]
    inside(
        "he-host2",
        "set -e; ip link add ovirtmgmt address $(cat /sys/class/net/host0/address) type bridge;"
        f"ip link set ovirtmgmt up; ip link set host0 master ovirtmgmt; ip address del {address}/24 dev host0;"
        f"ip address add {address}/24 dev ovirtmgmt; ip route add default via {gateway}",
    )
    mac = lab["lab"]["engine_mac"]
    interface = f"<interface type='bridge'><source bridge='ovirtmgmt'/><mac address='{mac}'/></interface>"
    log = Path(lab["lab"]["logs"]) / "dnsmasq.log"
    inside("he-host2", f'cat >/run/guest.xml <<"END"\n{GUEST.format(interface=interface)}\nEND')
    inside("he-host2", "virsh -q create /run/guest.xml")
    try:
        subprocess.run(
            ["timeout", "60", "sh", "-c", f"tail -n +1 -F {log} | grep -q 'DHCPACK.*{lab['engine']['address']} {mac}'"],
            check=True,
        )
    finally:
        inside("he-host2", "virsh -q destroy guest")
    assert ssh(lab, lab["hosts"][1], "hostname", "-f").strip() == lab["hosts"][1]["fqdn"]


def test_a_host_is_certified_by_any_ca(lab: dict[str, Any], tmp_path: Path) -> None:
    ca, key = tmp_path / "ca.pem", tmp_path / "ca.key"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=some engine", "-days", "2"]
    subprocess.run([*new, "-keyout", key, "-out", ca], capture_output=True, check=True)
    told = json.loads(driver("cert", "--host", "he-host1", "--ca", str(ca), "--key", str(key)).stdout)
    assert told == {"host": lab["hosts"][0]["fqdn"], "address": lab["hosts"][0]["address"], "port": 54321}
    capabilities = json.loads(inside("he-host1", "vdsm-client Host getCapabilities"))
    assert capabilities["uuid"] == inside("he-host1", "cat /etc/vdsm/vdsm.id").strip()
    keys = inside("he-host1", "stat -c '%U:%G %a' /etc/pki/vdsm/keys/vdsmkey.pem /etc/pki/vdsm/certs/vdsmcert.pem")
    assert keys.splitlines() == ["vdsm:kvm 440", "root:kvm 644"]
    assert "vdsm" in inside("he-host1", "firewall-cmd --list-services").split()
    assert inside("he-host1", "ls /run/lab-cert", check=False).count("No such file") == 1


def test_a_power_cut_loses_nothing_written_and_reset_everything(lab: dict[str, Any]) -> None:
    inside("he-host1", "echo kept >/root/note; sync")
    nspawn = process_of(lab, "he-host1")
    # A kernel that takes the dead host's network apart late: held open, it would not go at all.
    with Path(f"/proc/{children(nspawn)[0]}/ns/net").open("rb"):
        report = json.loads(driver("restart", "--hard", "he-host1").stdout)
    assert report["lab"]["up"] is True
    assert inside("he-host1", "cat /root/note").strip() == "kept"
    report = json.loads(driver("reset").stdout)
    assert report["lab"]["up"] is True
    assert "No such file" in inside("he-host1", "cat /root/note", check=False)
    assert inside("he-host1", "ls /srv/exports/he").strip() == ""


def test_a_crashed_run_is_reaped(lab: dict[str, Any]) -> None:
    os.kill(process_of(lab, "he-host2"), 9)
    report = json.loads(driver("up", "--hosts", "2").stdout)
    assert report["lab"]["running"] == ["he-host1", "he-host2"]
    assert ssh(lab, lab["hosts"][1], "hostname", "-f").strip() == lab["hosts"][1]["fqdn"]
