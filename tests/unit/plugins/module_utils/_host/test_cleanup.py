"""Undo of what the journal lists, the initial clean, and the refusal of a host that runs a hosted engine."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeConnection, FakeFirewalld

from ansible_collections.node0.hosted_engine.plugins.module_utils import _run
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    cleanup,
    deployment,
    hosts_file,
    nat,
    textfile,
    undo,
    vdsm_sections,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import Deployment
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import connection
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

LIBVIRTD = """# Master libvirt daemon configuration file
#listen_tls = 0
## beginning of configuration section by vdsm-4.40.0
auth_unix_rw="sasl"
host_uuid="42"
## end of configuration section by vdsm-4.40.0
log_level = 3
"""
QEMU = """user = "root"
## beginning of configuration section by vdsm-5.1.0
lock_manager="sanlock"
## end of configuration section by vdsm-5.1.0
## beginning of configuration section for VNC encryption
vnc_tls=1
## end of configuration section for VNC encryption"""
SASL = "## start vdsm-4.50.5.1 configuration\nmech_list: scram-sha-256\n## end vdsm configuration\n"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def run(argv: Sequence[str], **_options: Any) -> _run.Completed:
        asked.append(" ".join(argv))
        listed = "vdsmd.service enabled\nlibvirtd.service enabled\nlibvirtd-tls.socket enabled\n"
        return _run.Completed(tuple(argv), 0, listed if "list-unit-files" in argv else "", "")

    monkeypatch.setattr(vdsm_sections, "run", run)
    return asked


@pytest.fixture
def quiet_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A host without services of hosted engine; its signs of a deployment can be set."""
    signs: dict[str, Any] = {}
    monkeypatch.setattr(cleanup.systemd, "active", lambda _names: [])
    monkeypatch.setattr(cleanup, "read_deployment", lambda _services: Deployment(**signs))
    monkeypatch.setattr(hosts_file, "PATH", str(tmp_path / "hosts"))
    monkeypatch.setattr(vdsm_sections, "remove", lambda *_arguments: [])
    return signs


def test_sections_of_any_vdsm_go_and_the_rest_stays() -> None:
    assert vdsm_sections.without_sections(LIBVIRTD) == (
        "# Master libvirt daemon configuration file\n#listen_tls = 0\nlog_level = 3\n"
    )
    assert vdsm_sections.without_sections(QEMU) == 'user = "root"\n'
    assert vdsm_sections.without_sections(SASL) == ""


def test_a_section_without_end_is_left_alone() -> None:
    text = "a\n## beginning of configuration section by vdsm-4.40.0\nb\n"
    assert vdsm_sections.without_sections(text) == text


def test_sections_are_removed_with_a_copy_and_can_be_put_back(
    tmp_path: Path, commands: list[str], journal: Journal
) -> None:
    conf, other, link = tmp_path / "libvirtd.conf", tmp_path / "qemu.conf", tmp_path / "tls.socket"
    conf.write_text(LIBVIRTD)
    conf.chmod(0o640)
    other.write_text("plain\n")
    link.symlink_to("/nowhere")
    files = [str(conf), str(other), str(tmp_path / "missing")]
    assert len(vdsm_sections.remove(journal, True, files, str(link))) == 2
    assert commands == [] and conf.read_text() == LIBVIRTD
    assert len(vdsm_sections.remove(journal, False, files, str(link))) == 2
    assert "vdsm" not in conf.read_text() and not os.path.lexists(link)
    assert stat.S_IMODE(conf.stat().st_mode) == 0o640
    copies = [path for path in tmp_path.iterdir() if path.name.startswith("libvirtd.conf.node0-")]
    assert [path.read_text() for path in copies] == [LIBVIRTD]
    assert commands[1] == "systemctl disable --now vdsmd libvirtd-tls.socket"
    assert commands[-1] == "systemctl try-restart libvirtd"
    assert vdsm_sections.remove(journal, False, files, str(link)) == []
    assert undo.undo_all(journal.made(), journal, False).removed == [f"changed_file {conf}"]
    assert conf.read_text() == LIBVIRTD and not copies[0].exists()


def test_a_file_that_was_changed_since_is_kept(tmp_path: Path, commands: list[str], journal: Journal) -> None:
    conf = tmp_path / "libvirtd.conf"
    conf.write_text(LIBVIRTD)
    vdsm_sections.remove(journal, False, [str(conf)], str(tmp_path / "none"))
    conf.write_text("of the new vdsm\n")
    outcome = undo.undo_all(journal.made(), journal, False)
    assert outcome.removed == [] and "changed since" in outcome.kept[0]
    assert conf.read_text() == "of the new vdsm\n"


def test_undoes_files_folders_lines_and_keys_once(tmp_path: Path, journal: Journal) -> None:
    folder, single, keys, hosts = (tmp_path / name for name in ("localvmx", "file", "authorized_keys", "hosts"))
    folder.mkdir()
    (folder / "disk").touch()
    single.touch()
    keys.write_text("ssh-rsa AAAA ovirt-engine\nssh-rsa BBBB admin\n")
    hosts.write_text("127.0.0.1 localhost\n")
    hosts_file.add("192.168.222.2", "engine.x", journal, str(hosts))
    assert hosts.read_text().startswith("192.168.222.2 engine.x # temporary entry added by hosted-engine-setup")
    for kind, path, details in (
        ("directory", folder, {}),
        ("file", single, {}),
        ("authorized_key", keys, {"line": "ssh-rsa AAAA ovirt-engine"}),
    ):
        with journal.making(kind, str(path), **details):
            pass
    would = undo.undo_all(journal.made(), journal, dry_run=True)
    assert folder.exists() and single.exists() and len(journal.made()) == 4
    done = undo.undo_all(journal.made(), journal, dry_run=False)
    assert done == would and len(done.removed) == 4
    assert not folder.exists() and not single.exists()
    assert keys.read_text() == "ssh-rsa BBBB admin\n"
    assert hosts.read_text() == "127.0.0.1 localhost\n"
    assert journal.made() == []


def test_what_is_gone_already_is_only_crossed_out(tmp_path: Path, journal: Journal, libvirt: FakeConnection) -> None:
    for kind, name in (("file", str(tmp_path / "x")), ("directory", str(tmp_path / "y")), ("domain", "d")):
        with journal.making(kind, name):
            pass
    assert undo.undo_all(journal.made(), journal, False) == undo.Outcome([], [])
    assert journal.made() == []


def test_a_folder_near_the_root_and_an_unknown_kind_are_kept(journal: Journal) -> None:
    with journal.making("directory", "/var/lib"), journal.making("spell", "x"):
        pass
    outcome = undo.undo_all(journal.made(), journal, False)
    assert len(outcome.kept) == 2 and os.path.isdir("/var/lib") and len(journal.made()) == 2


def test_objects_of_the_engine_are_crossed_out_and_storage_is_told(journal: Journal) -> None:
    with journal.making("cluster", "Default"), journal.making("storage_domain", "he", address="nfs.x", path="/he"):
        pass
    outcome = undo.undo_all(journal.made(), journal, False)
    assert outcome.removed == [] and "nfs.x:/he" in outcome.kept[0]


def test_a_hosts_file_that_is_a_mount_point_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hosts"
    path.write_text("a\n")
    number = path.stat().st_ino

    def refuse(_source: str, _target: str) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(textfile.os, "replace", refuse)
    monkeypatch.setattr(textfile.os.path, "ismount", lambda _path: True)
    assert textfile.edit(str(path), lambda text: text + "b\n")
    assert path.read_text() == "a\nb\n" and path.stat().st_ino == number
    assert [entry.name for entry in tmp_path.iterdir()] == ["hosts"]


def test_initial_removes_half_made_and_unlisted_things_of_ours(
    quiet_host: dict[str, Any], libvirt: FakeConnection, journal: Journal, tmp_path: Path
) -> None:
    prefix = nat.preferred_prefix("192.168.222")
    libvirt.networkDefineXML(nat.network_xml("default", "virbr0", nat.preferred_prefix("192.168.122"), "u0"))
    libvirt.networkDefineXML(nat.network_xml("node0-bootstrap", "node0-nat", prefix, "u1")).create()
    libvirt.defineXML("<domain><name>HostedEngineLocal</name></domain>").create()
    libvirt.defineXML("<domain><name>MyHostedEngineLocal2</name></domain>").create()
    half = tmp_path / "half"
    half.touch()
    with pytest.raises(KeyError), journal.making("file", str(half), bootstrap=True):
        raise KeyError
    would = cleanup.initial(journal, dry_run=True)
    assert len(libvirt.domains) == 2 and half.exists()
    outcome = cleanup.initial(journal, dry_run=False)
    assert outcome == would
    assert outcome.removed == [f"file {half}", "domain HostedEngineLocal", "nat_network node0-bootstrap"]
    assert [domain.name() for domain in libvirt.domains] == ["MyHostedEngineLocal2"]
    assert [network.name() for network in libvirt.networks] == ["default"]
    assert cleanup.initial(journal, dry_run=False).removed == []


def test_initial_leaves_a_deployment_in_progress_alone(
    quiet_host: dict[str, Any], libvirt: FakeConnection, journal: Journal
) -> None:
    libvirt.defineXML("<domain><name>HostedEngineLocal</name></domain>").create()
    with journal.making("domain", "HostedEngineLocal"):
        pass
    journal.mark("bootstrap_local_vm", "done")
    assert cleanup.initial(journal, dry_run=False).removed == []
    assert libvirt.domains[0].isActive()


def test_a_deployed_host_is_refused_untouched(
    quiet_host: dict[str, Any], libvirt: FakeConnection, journal: Journal, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    half.touch()
    clean = Journal(journal.path, "initial_clean")
    with pytest.raises(KeyError), clean.making("file", str(half), bootstrap=True):
        raise KeyError
    quiet_host["conf"] = True
    with pytest.raises(HostedEngineError) as caught:
        cleanup.initial(journal, dry_run=False)
    assert caught.value.problem.id == "deployment.exists"
    assert half.exists()


def test_bootstrap_undoes_domains_first_and_everything_else_newest_first(
    quiet_host: dict[str, Any], libvirt: FakeConnection, firewalld: FakeFirewalld, journal: Journal
) -> None:
    firewalld.now.interfaces += ["virbr0", "node0-nat"]
    prefix = nat.preferred_prefix("192.168.222")
    nic = "<devices><interface type='network'><source network='node0-bootstrap'/></interface></devices>"
    with journal.making("domain", "HostedEngineLocal"):
        libvirt.defineXML(f"<domain><name>HostedEngineLocal</name>{nic}</domain>").create()
    with journal.making("nat_network", "node0-bootstrap"):
        libvirt.networkDefineXML(nat.network_xml("node0-bootstrap", "node0-nat", prefix, "u1")).create()
    assert cleanup.bootstrap(journal, dry_run=True).removed == cleanup.bootstrap(journal, dry_run=False).removed
    assert (libvirt.domains, libvirt.networks, journal.made()) == ([], [], [])
    assert firewalld.now.interfaces == ["virbr0"]


def test_bootstrap_of_a_deployed_host_leaves_the_deployment(
    quiet_host: dict[str, Any], journal: Journal, tmp_path: Path
) -> None:
    conf, folder = tmp_path / "hosted-engine.conf", tmp_path / "localvmx"
    conf.touch()
    folder.mkdir()
    with journal.making("directory", str(folder)), journal.making("hosted_engine_conf", str(conf)):
        pass
    journal.mark("final_clean", "done")
    quiet_host.update(conf=True, services=("ovirt-ha-agent",))
    with pytest.raises(HostedEngineError) as caught:
        cleanup.bootstrap(journal, dry_run=False)
    assert caught.value.problem.id == "cleanup.deployed" and folder.exists()
    assert cleanup.bootstrap(journal, dry_run=False, only_bootstrap=True).removed == [f"directory {folder}"]
    assert conf.exists()


@pytest.mark.parametrize("sign", [{"services": ("ovirt-ha-agent",)}, {"domain": "running"}])
def test_a_deployment_that_failed_at_its_very_end_is_not_taken_apart(
    quiet_host: dict[str, Any], journal: Journal, tmp_path: Path, sign: dict[str, Any]
) -> None:
    conf = tmp_path / "hosted-engine.conf"
    conf.touch()
    with journal.making("hosted_engine_conf", str(conf)):
        pass
    journal.mark("final_clean", "failed")
    quiet_host.update(conf=True, **sign)
    with pytest.raises(HostedEngineError) as caught:
        cleanup.bootstrap(journal, dry_run=False)
    assert caught.value.problem.id == "cleanup.deployed" and conf.exists()
    quiet_host.clear()
    assert cleanup.bootstrap(journal, dry_run=False).removed == [f"hosted_engine_conf {conf}"]


def test_the_folder_with_the_ca_goes_last(quiet_host: dict[str, Any], journal: Journal, tmp_path: Path) -> None:
    """A clean-up that is cut before still finds the way into the engine."""
    folder, line = tmp_path / "localvmx", tmp_path / "line"
    line.touch()
    with journal.making("file", str(line)), journal.making("directory", str(folder)):
        folder.mkdir()
    assert cleanup.bootstrap(journal, dry_run=False).removed == [f"file {line}", f"directory {folder}"]


@pytest.mark.parametrize(
    ("signs", "phases", "verdict"),
    [
        ({}, {}, "none"),
        ({"conf": True}, {}, "foreign"),
        ({"domain": "shut off"}, {}, "foreign"),
        ({"vms": ("web",)}, {}, "foreign"),
        ({"services": ("ovirt-ha-agent",)}, {"initial_clean": "done"}, "foreign"),
        ({"conf": True}, {"create_target_vm": "failed"}, "in_progress"),
        ({"conf": True}, {"create_target_vm": "undone"}, "foreign"),
        ({"conf": True, "domain": "running"}, {"create_target_vm": "done", "final_clean": "done"}, "finished"),
    ],
)
def test_verdict(signs: dict[str, Any], phases: dict[str, str], verdict: str) -> None:
    journal = {"phases": {name: {"status": status} for name, status in phases.items()}}
    assert Deployment(**signs).verdict(journal) == verdict
    assert verdict != "none" or Deployment(**signs).verdict(None) == "none"


def test_signs_are_read_from_libvirt_and_the_file(libvirt: FakeConnection, tmp_path: Path) -> None:
    vdsm = "<metadata><vm xmlns='http://ovirt.org/vm/1.0'/></metadata>"
    for name, inside in (("web", vdsm), ("mine", ""), ("HostedEngineLocal", "")):
        libvirt.defineXML(f"<domain><name>{name}</name>{inside}</domain>").create()
    libvirt.defineXML("<domain><name>HostedEngine</name></domain>")
    conf = tmp_path / "hosted-engine.conf"
    conf.touch()
    found = deployment.read_deployment(["libvirtd", "ovirt-ha-agent"], str(conf))
    assert found == Deployment(False, "shut off", "running", ("web",), ("ovirt-ha-agent",), "")
    assert libvirt.opened == ["qemu:///system ro"]
    conf.write_text("fqdn=x\n")
    assert deployment.read_deployment([], str(conf)).conf


AUTH = "[credentials-vdsm]\nauthname=vdsm@ovirt\npassword=canary\n\n[auth-libvirt-localhost]\ncredentials=vdsm\n"


def test_libvirt_that_vdsm_has_closed_gets_the_password(libvirt: FakeConnection, tmp_path: Path) -> None:
    path = tmp_path / "virsh_auth.conf"
    path.write_text(AUTH)
    libvirt.refuse = "sasl"
    with connection(auth_file=str(path)) as connected:
        assert connected is libvirt
    assert libvirt.closed == 1


@pytest.mark.parametrize("text", [None, "password=canary\n", AUTH.replace("[auth-libvirt-localhost]", "[x]")])
def test_a_missing_or_broken_password_file(libvirt: FakeConnection, tmp_path: Path, text: str) -> None:
    path = tmp_path / "virsh_auth.conf"
    if text:
        path.write_text(text)
    libvirt.refuse = "sasl"
    with pytest.raises(HostedEngineError) as caught, connection(auth_file=str(path)):
        pass
    assert caught.value.problem.id == "libvirt.no_credentials"
    assert "canary" not in caught.value.message()


def test_the_file_is_not_read_before_libvirt_asks(libvirt: FakeConnection) -> None:
    with connection(auth_file="/nonexistent"):
        pass
    libvirt.refuse = "Failed to connect socket to '/var/run/libvirt/libvirt-sock'"
    with pytest.raises(HostedEngineError, match="Failed to connect socket"), connection():
        pass


def test_no_bindings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "libvirt", None)
    with pytest.raises(HostedEngineError) as caught, connection():
        pass
    assert caught.value.problem.id == "libvirt.bindings_missing"
