"""What is done inside the bootstrap VM: the scripts really run, in a folder that plays the guest's root."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    engine_setup,
    guest_final,
    health,
    hosts_file,
    keyfile,
    setup_answers,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE, Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed, failed

PASSWORD = "canary-9 #\\=;'\""
MARKER = "# hosted-engine-setup-localvmabcdefgh"

ENGINE_SETUP = """#!/bin/sh
echo "$@" >>ROOT/argv
for word; do case $word in --config-append=*) cat "${word#*=}" >>ROOT/seen;; esac; done
stat -c %a ROOT/run/ovirt-hosted-engine-answers.conf >>ROOT/modes
echo '[ INFO  ] Stage: Initializing'
if [ -e ROOT/broken ]; then
  echo "[ ERROR ] Failed to execute stage 'Setup validation': Hostname is not valid:"
  echo "          no such name"
  echo '[ INFO  ] Stage: Clean up'
  echo '[ ERROR ] Execution of setup failed'
  exit 1
fi
mkdir -p ROOT/etc/ovirt-engine-setup.conf.d ROOT/etc/pki/ovirt-engine
echo '[environment:default]' >ROOT/etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf
echo CERTIFICATE >ROOT/etc/pki/ovirt-engine/ca.pem
"""
QUERY = "#!/bin/sh\n[ -e ROOT/etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf ] && cat ROOT/keycloak\n"


class FolderGuest(Guest):
    """A guest whose file system is a folder: absolute paths of scripts are moved below it."""

    root = Path()
    commands = 0

    def _moved(self, text: str) -> str:
        return re.sub(r"(?<![\w/.])/(etc|root|run|usr/lib)(?=/)", rf"{self.root}/\1", text)

    def run(
        self, argv: Sequence[str], stdin: Optional[str] = None, timeout: float = 60.0, check: bool = True
    ) -> Completed:
        self.commands += 1
        words = [self._moved(word) for word in argv]
        text = self._moved(stdin) if stdin and "sh" in argv else stdin
        done = subprocess.run(words, input=text or "", capture_output=True, text=True, check=False)
        completed = Completed(tuple(argv), done.returncode, done.stdout, done.stderr)
        if check and done.returncode:
            raise failed(completed)
        return completed

    def run_logged(self, argv: Sequence[str], log: str, stdin: str = "", timeout: float = 3600.0) -> Completed:
        self.commands += 1
        with open(log, "a", encoding="utf-8") as output:
            words = [self._moved(word) for word in argv]
            done = subprocess.run(words, input=stdin, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
        return Completed(tuple(argv), done.returncode, "", done.stderr)


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderGuest:
    root = tmp_path / "guest"
    for folder in ("etc/ssh/sshd_config.d", "root/.ssh", "usr/lib/systemd/system", "etc/systemd/system", "run", "bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/ssh/sshd_config").write_text(f"Include {root}/etc/ssh/sshd_config.d/*.conf\n#PermitRootLogin no\n")
    (root / "keycloak").write_text("True\n")
    (root / "root/ovirt-engine-answers").write_text("[environment:default]\nOVESETUP_X/appliance=bool:True\n")
    fstrim = "#!/bin/sh\necho '/: 1.5 GiB (1610612736 bytes) trimmed on /dev/vda1'\n"
    tools = {"engine-setup": ENGINE_SETUP, "otopi-config-query": QUERY, "fstrim": fstrim, "sync": "#!/bin/sh\n"}
    for name, text in tools.items():
        (root / "bin" / name).write_text(text.replace("ROOT", str(root)))
        (root / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(hosts_file, "PATH", "/etc/hosts")
    key = tmp_path / "key"
    key.write_text("secret")
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAAOURS node0-bootstrap\n")
    found = FolderGuest("192.168.222.2", str(key), str(tmp_path / "known_hosts"))
    found.root = root
    return found


@pytest.fixture
def host_lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    added: list[tuple[str, str]] = []

    def add(address: str, name: str, _ledger: Any, **_options: Any) -> bool:
        new = (address, name) not in added
        added.append((address, name))
        return new

    monkeypatch.setattr(hosts_file, "add", add)
    return added


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(health, "wait_until_good", lambda *arguments, **_options: asked.append(arguments))
    return asked


def wish(tmp_path: Path, **changes: Any) -> engine_setup.SetupWish:
    folder = tmp_path / "localvmabcdefgh"
    folder.mkdir(exist_ok=True)
    plain: dict[str, Any] = {
        "fqdn": "engine.hst.lab.test",
        "answers": setup_answers.answers("engine.hst.lab.test", PASSWORD, True, "", {}, {"OVESETUP_A/b": 3}),
        "host_address": "192.0.2.11",
        "host_name": "he-host1.hst.lab.test",
        "folder": str(folder),
        "log_folder": str(tmp_path / "log"),
    }
    return engine_setup.SetupWish(**{**plain, **changes})


def test_sets_up_once(
    guest: FolderGuest, host_lines: list[Any], healthy: list[Any], journal: Journal, tmp_path: Path
) -> None:
    facts, changed = engine_setup.set_up(guest, wish(tmp_path, offline=True), journal)
    assert changed
    assert (facts["admin_user"], facts["fqdn"]) == ("admin@ovirt@internalsso", "engine.hst.lab.test")
    assert Path(facts["ca_file"]).read_text() == "CERTIFICATE\n"
    assert healthy == [("engine.hst.lab.test", "192.168.222.2", facts["ca_file"], 600.0)]
    argv = (guest.root / "argv").read_text().split()
    assert argv[:2] == ["--accept-defaults", f"--config-append={guest.root}/root/ovirt-engine-answers"]
    assert "--offline" in argv and argv[-1] == f"--config-append={guest.root}/run/ovirt-hosted-engine-answers.conf"
    assert f"OVESETUP_CONFIG/adminPassword=str:{PASSWORD}\n" in (guest.root / "seen").read_text()
    assert (guest.root / "modes").read_text() == "600\n"
    assert not (guest.root / "run/ovirt-hosted-engine-answers.conf").exists()
    assert "Stage: Initializing" in Path(facts["log"]).read_text()
    assert host_lines == [("192.168.222.2", "engine.hst.lab.test")]
    assert (guest.root / "etc/hosts").read_text().splitlines() == [
        f"192.0.2.11 he-host1.hst.lab.test {MARKER}-host",
        f"192.168.222.2 engine.hst.lab.test {MARKER}",
        "127.0.0.1 localhost",
    ]
    assert guest.commands == 1
    (guest.root / "argv").unlink()
    again, changed = engine_setup.set_up(guest, wish(tmp_path), journal)
    assert not changed and {**again, "log": facts["log"]} == facts
    assert not (guest.root / "argv").exists()
    assert [path.name for path in (tmp_path / "log").iterdir()] == [Path(facts["log"]).name]


def test_the_appliance_decides_what_the_administrator_is_called(
    guest: FolderGuest, host_lines: list[Any], healthy: list[Any], journal: Journal, tmp_path: Path
) -> None:
    (guest.root / "keycloak").write_text("False\n")
    assert engine_setup.set_up(guest, wish(tmp_path), journal)[0]["admin_user"] == "admin@internal"


def test_a_failed_setup_says_why_and_leaves_no_password(
    guest: FolderGuest, host_lines: list[Any], healthy: list[Any], journal: Journal, tmp_path: Path
) -> None:
    (guest.root / "broken").touch()
    with pytest.raises(HostedEngineError) as caught:
        engine_setup.set_up(guest, wish(tmp_path), journal)
    assert caught.value.problem.id == "engine_setup.failed"
    assert caught.value.observed == "Failed to execute stage 'Setup validation': Hostname is not valid: no such name"
    assert caught.value.evidence["tail"][-1] == "[ ERROR ] Execution of setup failed"
    assert not (guest.root / "run/ovirt-hosted-engine-answers.conf").exists()
    assert "canary" not in str(caught.value.as_result())
    assert healthy == []


def test_check_mode_says_what_would_be_done(
    guest: FolderGuest, host_lines: list[Any], journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_words: Any, **_more: Any) -> None:
        raise HostedEngineError(GUEST_UNREACHABLE, observed="it is on its way up")

    before = (guest.root / "etc/hosts").read_text()
    facts, changed = engine_setup.set_up(guest, wish(tmp_path), journal, dry_run=True)
    assert changed and (guest.root / "etc/hosts").read_text() == before and host_lines == []
    with monkeypatch.context() as patch:
        patch.setattr(guest, "run", unreachable)
        facts, changed = engine_setup.set_up(guest, wish(tmp_path), journal, dry_run=True)
        assert (facts["admin_user"], changed) == ("admin@ovirt@internalsso", True)
    os.unlink(guest.key)
    facts, changed = engine_setup.set_up(guest, wish(tmp_path), journal, dry_run=True)
    assert (facts["admin_user"], changed) == ("admin@ovirt@internalsso", True)


def test_answers_keep_every_character_of_a_line() -> None:
    text = setup_answers.render(setup_answers.answers("e.x.y", PASSWORD, False, "", {"OVESETUP_DB/password": ""}, {}))
    assert text.splitlines() == [
        "[environment:default]",
        "OVESETUP_CONFIG/fqdn=str:e.x.y",
        f"OVESETUP_CONFIG/adminPassword=str:{PASSWORD}",
        "OVESETUP_CONFIG/keycloakEnable=bool:False",
        "OVESETUP_PKI/organization=str:x.y",
        "OVESETUP_SYSTEM/memCheckEnabled=bool:False",
    ]


@pytest.mark.parametrize("password", ["a\nOVESETUP_X=bool:True", " a", "a ", "a\tb"])
def test_a_password_that_would_be_read_otherwise_is_refused_without_being_told(password: str) -> None:
    with pytest.raises(HostedEngineError) as caught:
        setup_answers.render({"OVESETUP_CONFIG/adminPassword": password})
    assert caught.value.observed == "the value of OVESETUP_CONFIG/adminPassword"


FINAL = keyfile.GuestNetwork("00:16:3E:77:04:50", "10.77.4.50", 24, "10.77.4.1", ("10.77.4.1", "10.77.4.2"))
STATIC = """[connection]
id=hosted-engine
type=ethernet
autoconnect=true
zone=public

[ethernet]
mac-address=00:16:3e:77:04:50

[ipv4]
method=manual
address1=10.77.4.50/24,10.77.4.1
dns=10.77.4.1;10.77.4.2;

[ipv6]
method=disabled
"""


def test_keyfile_of_a_static_address() -> None:
    assert FINAL.keyfile() == STATIC


def test_keyfile_of_dhcp_and_of_ipv6() -> None:
    text = keyfile.GuestNetwork("00:16:3e:77:04:50").keyfile()
    assert text.endswith("[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=disabled\n")
    text = keyfile.GuestNetwork("00:16:3e:77:04:50", "fd00::50", 64, "fd00::1").keyfile()
    assert text.endswith("[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=manual\naddress1=fd00::50/64,fd00::1\n")


@pytest.mark.parametrize(
    ("prefix", "gateway", "dns"),
    [(24, "fd00::1", ()), (24, "", ("fd00::1",)), (0, "", ()), (33, "", ()), (24, "x", ())],
)
def test_keyfile_of_mixed_families(prefix: int, gateway: str, dns: tuple[str, ...]) -> None:
    with pytest.raises(HostedEngineError) as caught:
        keyfile.GuestNetwork("00:16:3e:77:04:50", "10.77.4.50", prefix, gateway, dns).keyfile()
    assert caught.value.problem.id == "guest.network_impossible"


def final(**changes: Any) -> guest_final.FinalWish:
    return guest_final.FinalWish(**{"network": FINAL, "fqdn": "engine.hst.lab.test", **changes})


@pytest.fixture
def used(guest: FolderGuest) -> FolderGuest:
    """A guest as the bootstrap leaves it."""
    root = guest.root
    (root / "etc/hosts").write_text(
        f"192.0.2.11 he-host1 {MARKER}-host\n192.168.222.2 engine.hst.lab.test {MARKER}\n127.0.0.1 localhost\n"
    )
    (root / "etc/ssh/sshd_config.d/00-node0-bootstrap.conf").write_text("PermitRootLogin prohibit-password\n")
    connections = root / "etc/NetworkManager/system-connections"
    connections.mkdir(parents=True)
    (connections / "cloud-init-eth0.nmconnection").write_text("[connection]\n")
    (connections / "other.nmconnection").write_text("[connection]\n")
    (root / "root/.ssh/authorized_keys").write_text("ssh-ed25519 AAAAOURS node0\nssh-ed25519 AAAAUSER user\n")
    (root / "usr/lib/systemd/system/cloud-init.service").touch()
    return guest


def test_leaves_the_engine_vm_ready(used: FolderGuest) -> None:
    done = guest_final.configure(used, final())
    root = used.root
    profile = root / "etc/NetworkManager/system-connections/hosted-engine.nmconnection"
    assert profile.read_text() == STATIC
    assert stat.S_IMODE(profile.stat().st_mode) == 0o600
    assert sorted(os.listdir(profile.parent)) == ["hosted-engine.nmconnection", "other.nmconnection"]
    assert (root / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert stat.S_IMODE((root / "etc/hosts").stat().st_mode) == 0o644
    settings = root / "etc/ssh/sshd_config.d"
    assert os.listdir(settings) == ["00-hosted-engine.conf"]
    assert (settings / "00-hosted-engine.conf").read_text() == "PermitRootLogin yes\nPasswordAuthentication yes\n"
    assert (root / "etc/cloud/cloud-init.disabled").exists()
    assert os.readlink(root / "etc/systemd/system/cloud-init.service") == "/dev/null"
    assert not os.path.lexists(root / "etc/systemd/system/cloud-final.service")
    keys = root / "root/.ssh/authorized_keys"
    assert keys.read_text() == "ssh-ed25519 AAAAUSER user\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert used.commands == 1
    assert done.trimmed == ["/: 1.5 GiB (1610612736 bytes) trimmed on /dev/vda1"]
    assert {"our key removed", "cloud-init disabled", f"file {settings}/00-hosted-engine.conf"} < set(done.changes)
    assert len(done.changes) == 5


def test_a_second_time_nothing_is_left_to_change(used: FolderGuest) -> None:
    guest_final.configure(used, final())
    assert guest_final.configure(used, final()).changes == []


def test_check_mode_in_the_guest(used: FolderGuest) -> None:
    done = guest_final.configure(used, final(), dry_run=True)
    assert len(done.changes) == 5
    assert "AAAAOURS" in (used.root / "root/.ssh/authorized_keys").read_text()
    assert MARKER in (used.root / "etc/hosts").read_text()


def test_who_is_cut_can_come_again(used: FolderGuest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our key goes after all that may take its time or fail."""
    monkeypatch.setattr(guest_final, "_DISABLED", f"{used.root}/no/such/folder")
    with pytest.raises(HostedEngineError):
        guest_final.configure(used, final())
    assert "AAAAOURS" in (used.root / "root/.ssh/authorized_keys").read_text()
    commands = guest_final._changes(final(), ["AAAAOURS"])
    assert [line for line in commands if "fstrim" in line or "AAAAOURS" in line][0].startswith("fstrim")


def test_our_key_is_the_only_one(used: FolderGuest) -> None:
    keys = used.root / "root/.ssh/authorized_keys"
    keys.write_text("ssh-ed25519 AAAAOURS node0\n")
    guest_final.configure(used, final())
    assert keys.read_text() == ""


def test_sshd_without_drop_ins_is_edited(used: FolderGuest) -> None:
    config = used.root / "etc/ssh/sshd_config"
    config.write_text("#PermitRootLogin no\nPermitRootLogin prohibit-password\nX11Forwarding no\n")
    guest_final.configure(used, final(root_ssh_access="without-password"))
    assert config.read_text() == "PermitRootLogin without-password\nX11Forwarding no\n"


def test_the_hosts_file_may_keep_names(used: FolderGuest) -> None:
    hosts = used.root / "etc/hosts"
    wanted = final(etc_hosts=True, host_address="192.0.2.11", host_name="h1")
    expected = "127.0.0.1 localhost\n10.77.4.50 engine.hst.lab.test\n192.0.2.11 h1\n"
    for text in (f"1.2.3.4 x {MARKER}\n127.0.0.1 localhost", expected):
        hosts.write_text(text)
        guest_final.configure(used, wanted)
        assert hosts.read_text() == expected
