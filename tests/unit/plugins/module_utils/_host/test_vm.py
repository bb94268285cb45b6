"""The bootstrap VM against a libvirt in memory, with real keys, a real overlay and a real seed image."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree

import pytest
from fake_host import FakeConnection, FakeDomain

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import nat, seed, vm, vm_boot, workdir
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.domain_xml import DomainSpec, domain_xml
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE, Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import COMMAND_TIMEOUT, Completed

MAC = "00:16:3e:77:04:50"


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def network(libvirt: FakeConnection) -> FakeConnection:
    prefix = nat.preferred_prefix("192.168.222")
    libvirt.networkDefineXML(nat.network_xml("node0-bootstrap", "node0-nat", prefix, "u1")).create()
    return libvirt


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "appliance.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "8M"], check=True)
    return path


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> list[Guest]:
    """A VM whose sshd answers at once; the guests that were tried."""
    tried: list[Guest] = []

    def run(guest: Guest, argv: list[str], **_options: Any) -> Completed:
        tried.append(guest)
        return Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(vm_boot, "ssh_banner", lambda *_where: "SSH-2.0-OpenSSH_8.7")
    monkeypatch.setattr(Guest, "run", run)
    return tried


def wish(tmp_path: Path, image: Path, **changes: Any) -> vm.VmWish:
    plain: dict[str, Any] = {
        "name": "HostedEngineLocal",
        "image": str(image),
        "image_format": "qcow2",
        "network": "node0-bootstrap",
        "memory": 1 << 30,
        "vcpus": 2,
        "virt_type": "qemu",
        "machine": "q35",
        "cpu": "maximum",
        "firmware": "bios",
        "seed_bus": "virtio",
        "fqdn": "engine.hst.lab.test",
        "dir_parent": str(tmp_path / "var"),
        "mac": MAC,
        "root_password": "canary",
        "time_zone": "Europe/Vienna",
    }
    return vm.VmWish(**{**plain, **changes})


def read_iso(path: str, name: str, tmp_path: Path) -> str:
    target = tmp_path / f"iso-{name}"
    subprocess.run(
        ["xorriso", "-osirrox", "on", "-indev", path, "-extract", f"/{name}", target], check=True, capture_output=True
    )
    return target.read_text()


def test_builds_starts_and_logs_in(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    facts, changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    assert changed
    assert (facts["mac"], facts["address"]) == (MAC, "192.168.222.2")
    assert facts["uuid"] == network.domains[0].UUIDString()
    assert answering == [Guest.of(facts["ssh"])]
    assert network.domains[0].calls == ["create"]
    assert {(entry["kind"], entry["name"], entry["status"]) for entry in journal.made()} == {
        ("directory", facts["dir"], "made"),
        ("domain", "HostedEngineLocal", "made"),
    }
    folder = Path(facts["dir"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "disk.qcow2": 0o600,
        "id_ed25519": 0o600,
        "id_ed25519.pub": 0o644,
        "known_hosts": 0o644,
        "seed.iso": 0o600,
        "ssh_host_ed25519_key.pub": 0o644,
    }


def test_the_seed_pins_the_host_key_and_brings_ours(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    key = "ssh-ed25519 AAAA operator"
    facts, _changed = vm.running(wish(tmp_path, image, root_ssh_pubkey=key + "\n"), journal, {}, dry_run=False)
    iso = os.path.join(facts["dir"], "seed.iso")
    text = read_iso(iso, "user-data", tmp_path)
    assert text.startswith("#cloud-config\n")
    data = json.loads(text.partition("\n")[2])
    assert data["disable_root"] is False and data["ssh_pwauth"] == "unchanged" and "users" not in data
    ours = Path(facts["ssh"]["key"] + ".pub").read_text().strip()
    assert data["ssh_authorized_keys"] == [ours, key]
    pinned = Path(facts["ssh"]["known_hosts"]).read_text().split()
    assert pinned[0] == "192.168.222.2,engine.hst.lab.test"
    assert data["ssh_keys"]["ed25519_public"].split()[:2] == pinned[1:3]
    private = tmp_path / "private"
    private.write_text(data["ssh_keys"]["ed25519_private"])
    private.chmod(0o600)
    derived = subprocess.run(["ssh-keygen", "-y", "-f", private], check=True, capture_output=True, text=True).stdout
    assert derived.split()[:2] == pinned[1:3]
    assert "canary" not in text
    assert data["chpasswd"]["list"][0].startswith("root:$6$")
    assert json.loads(read_iso(iso, "meta-data", tmp_path))["local-hostname"] == "engine.hst.lab.test"
    assert json.loads(read_iso(iso, "network-config", tmp_path))["config"][0]["mac_address"] == MAC


def test_the_disk_is_an_overlay_that_may_be_larger(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    facts, _changed = vm.running(wish(tmp_path, image, disk_size=64 << 20), journal, {}, dry_run=False)
    told = subprocess.run(
        ["qemu-img", "info", "--output=json", facts["disk"]], check=True, capture_output=True, text=True
    )
    info = json.loads(told.stdout)
    assert (info["virtual-size"], info["full-backing-filename"]) == (64 << 20, str(image))


def test_a_second_run_finds_it(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    first, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    for known in ({}, first):
        assert vm.running(wish(tmp_path, image), journal, known, dry_run=False) == (first, False)
    assert network.domains[0].calls == ["create"]


def test_a_vm_that_is_off_is_started_again_and_one_that_libvirt_lost_comes_back(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    first, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    network.domains[0].destroy()
    assert vm.running(wish(tmp_path, image), journal, first, dry_run=False) == (first, True)
    network.domains.clear()
    assert vm.running(wish(tmp_path, image), journal, first, dry_run=False) == (first, True)


def test_a_run_that_was_cut_goes_on_in_its_folder(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    folder = workdir.create(str(tmp_path / "var"), journal)
    facts, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    assert facts["dir"] == folder.path


def test_check_mode_makes_nothing(network: FakeConnection, image: Path, journal: Journal, tmp_path: Path) -> None:
    facts, changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=True)
    assert changed and facts["mac"] == MAC
    assert (network.domains, journal.read(), (tmp_path / "var").exists()) == ([], None, False)


def test_a_domain_of_somebody_else_is_refused(
    network: FakeConnection, image: Path, journal: Journal, tmp_path: Path
) -> None:
    network.defineXML("<domain><name>HostedEngineLocal</name><uuid>x</uuid></domain>")
    with pytest.raises(HostedEngineError) as caught:
        vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    assert caught.value.problem.id == "local_vm.foreign"


def test_a_crash_ends_the_wait_at_once_with_the_console(
    network: FakeConnection, image: Path, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = tmp_path / "console.log"
    console.write_bytes(b"\x1b[2J\x1b[01;01HBooting from Hard Disk...\r\nNo bootable device.\r\n")
    monkeypatch.setattr(vm_boot, "console_log", lambda _name: str(console))
    monkeypatch.setattr(vm_boot, "ssh_banner", lambda *_where: "Connection refused")
    monkeypatch.setattr(FakeDomain, "create", lambda self: setattr(self, "states", [(1, 1), (1, 1), (6, 1)]))
    clock = FakeClock()
    with pytest.raises(HostedEngineError) as caught:
        vm.running(wish(tmp_path, image), journal, {}, dry_run=False, clock=clock)
    assert caught.value.problem.id == "local_vm.stopped"
    assert "crashed" in caught.value.observed
    assert caught.value.evidence["console"] == ["Booting from Hard Disk...", "No bootable device."]
    assert clock.time < 5


def test_the_deadline_says_what_was_last_seen(
    network: FakeConnection, image: Path, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm_boot, "ssh_banner", lambda *_where: "No route to host")
    network.leases.append({"mac": MAC, "ipaddr": "192.168.222.2"})
    with pytest.raises(HostedEngineError) as caught:
        vm.running(wish(tmp_path, image, timeout=60), journal, {}, dry_run=False, clock=FakeClock())
    assert caught.value.problem.id == "local_vm.boot_timeout"
    assert "running, lease 192.168.222.2, port 22: No route to host" in caught.value.observed
    assert "console" in caught.value.evidence


def test_a_login_that_takes_too_long_is_tried_again(
    network: FakeConnection, image: Path, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [COMMAND_TIMEOUT, GUEST_UNREACHABLE, None]

    def login(_guest: Guest, argv: list[str], **_options: Any) -> None:
        assert argv == ["true"]
        problem = answers.pop(0)
        if problem:
            raise HostedEngineError(problem, observed="slow")

    monkeypatch.setattr(vm_boot, "ssh_banner", lambda *_where: "SSH-2.0-OpenSSH_9.2")
    monkeypatch.setattr(Guest, "run", login)
    vm.running(wish(tmp_path, image), journal, {}, dry_run=False, clock=FakeClock())
    assert answers == []


def test_shutdown_keeps_the_disk_and_is_done_once(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    facts, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    domain = network.domains[0]
    assert vm.shutdown("HostedEngineLocal", journal, facts, 60, dry_run=True) == (facts, True)
    assert vm.shutdown("HostedEngineLocal", journal, facts, 60, dry_run=False, clock=FakeClock()) == (facts, True)
    assert domain.calls == ["create", "shutdown"]
    assert network.domains == [] and os.path.exists(facts["disk"])
    assert journal.made("domain") == []
    assert vm.shutdown("HostedEngineLocal", journal, facts, 60, dry_run=False) == (facts, False)
    shutil.rmtree(facts["dir"])
    with pytest.raises(HostedEngineError) as caught:
        vm.shutdown("HostedEngineLocal", journal, facts, 60, dry_run=False)
    assert caught.value.problem.id == "local_vm.gone"


def test_a_vm_that_does_not_power_off_is_not_killed(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    facts, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    domain = network.domains[0]
    domain.states = [(1, 5)]
    with pytest.raises(HostedEngineError) as caught:
        vm.shutdown("HostedEngineLocal", journal, facts, 60, dry_run=False, clock=FakeClock())
    assert caught.value.problem.id == "local_vm.shutdown_timeout"
    assert "destroy" not in domain.calls and domain.calls.count("shutdown") > 1


def test_absent_removes_vm_and_folder(
    network: FakeConnection, answering: list[Guest], image: Path, journal: Journal, tmp_path: Path
) -> None:
    facts, _changed = vm.running(wish(tmp_path, image), journal, {}, dry_run=False)
    assert len(vm.absent("HostedEngineLocal", journal, facts, dry_run=True)) == 2
    assert os.path.isdir(facts["dir"])
    vm.absent("HostedEngineLocal", journal, facts, dry_run=False)
    assert (network.domains, os.path.exists(facts["dir"]), journal.made()) == ([], False, [])
    assert vm.absent("HostedEngineLocal", journal, facts, dry_run=False) == []


def spec(**changes: Any) -> DomainSpec:
    plain: dict[str, Any] = {
        "name": "n",
        "uuid": "u",
        "memory": 1 << 30,
        "vcpus": 2,
        "virt_type": "kvm",
        "machine": "q35",
        "cpu": "host-passthrough",
        "firmware": "uefi",
        "disk": "/d",
        "seed": "/s",
        "seed_bus": "sata",
        "network": "net",
        "mac": MAC,
        "console_log": "/log",
    }
    return DomainSpec(**{**plain, **changes})


def found(text: str, path: str) -> Optional[dict[str, str]]:
    element = ElementTree.fromstring(text).find(path)
    return None if element is None else dict(element.attrib)


def test_firmware_follows_the_image() -> None:
    uefi, bios = domain_xml(spec()), domain_xml(spec(firmware="bios"))
    assert (found(uefi, "./os"), found(uefi, "./os/loader")) == ({"firmware": "efi"}, {"secure": "no"})
    assert (found(bios, "./os"), found(bios, "./os/loader")) == ({}, None)


@pytest.mark.parametrize(
    ("bus", "device", "target"),
    [("sata", "cdrom", "sda"), ("scsi", "cdrom", "sda"), ("virtio", "disk", "vdb")],
)
def test_bus_of_the_seed(bus: str, device: str, target: str) -> None:
    disks = ElementTree.fromstring(domain_xml(spec(seed_bus=bus))).findall("./devices/disk")
    assert disks[1].get("device") == device
    assert disks[1].find("readonly") is not None
    where = disks[1].find("target")
    assert where is not None and where.attrib == {"dev": target, "bus": bus}


def test_ide_does_not_go_with_q35() -> None:
    with pytest.raises(HostedEngineError, match="ide on machine q35"):
        domain_xml(spec(seed_bus="ide"))
    assert found(domain_xml(spec(seed_bus="ide", machine="pc")), "./devices/disk[2]/target") == {
        "dev": "hdc",
        "bus": "ide",
    }


def test_cpu_by_mode_or_by_name() -> None:
    assert found(domain_xml(spec(cpu="maximum")), "./cpu") == {"mode": "maximum"}
    named = ElementTree.fromstring(domain_xml(spec(cpu="Cascadelake-Server")))
    assert named.findtext("./cpu/model") == "Cascadelake-Server"


def test_the_console_is_logged_and_there_are_no_graphics() -> None:
    text = domain_xml(spec())
    assert found(text, "./devices/serial/log") == {"file": "/log", "append": "off"}
    assert found(text, "./devices/graphics") is None
    assert found(text, "./clock/timer") == {"name": "kvmclock", "present": "yes"}
    assert found(domain_xml(spec(virt_type="qemu")), "./clock/timer") is None


@pytest.mark.parametrize("include", [True, False], ids=["drop-ins", "one file"])
def test_sshd_takes_keys_only(tmp_path: Path, include: bool) -> None:
    folder = tmp_path / "sshd_config.d"
    folder.mkdir()
    config = tmp_path / "sshd_config"
    config.write_text("#PermitRootLogin no\nX11Forwarding no\n#UseDNS yes\nPasswordAuthentication yes\n")
    if include:
        config.write_text(f"Include {folder}/*.conf\n")
    subprocess.run(["sh", "-c", seed._KEYS_ONLY.replace("/etc/ssh", str(tmp_path))], check=True)
    text = (folder / "00-node0-bootstrap.conf").read_text() if include else config.read_text()
    wanted = {"PermitRootLogin prohibit-password", "PasswordAuthentication no", "UseDNS no"}
    assert set(text.splitlines()) == wanted | (set() if include else {"X11Forwarding no"})


@pytest.mark.parametrize("libraries", [seed.LIBCRYPT, ()], ids=["crypt(3)", "openssl"])
def test_the_password_is_hashed_without_being_an_argument(
    libraries: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    real = seed.run

    def run(argv: list[str], **options: Any) -> Completed:
        asked.append(argv)
        return real(argv, **options)

    monkeypatch.setattr(seed, "run", run)
    monkeypatch.setattr(seed, "LIBCRYPT", libraries)
    hashed = seed.crypt_password("canary")
    salt = hashed.split("$")[2]
    again = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", salt, "-stdin"],
        input="canary\n",
        check=True,
        capture_output=True,
        text=True,
    )
    assert again.stdout.strip() == hashed
    assert len(asked) == (0 if libraries else 1)
    assert "canary" not in json.dumps(asked)
