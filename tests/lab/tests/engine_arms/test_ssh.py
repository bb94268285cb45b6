"""The look at a host before it is stored: texts, kinds and times of refusals (engine measured 10)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_sim import pki
from engine_sim.hostdeploy import SshAuthFailed, SshHostKeyChanged, SshUnreachable, check_ssh, fetch_he_config
from engine_sim.hostdeploy.ssh import SshSession

from .conftest import free_port
from .sandbox import PASSWORD, Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists(), reason="needs root and sshd")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.create(tmp_path_factory.mktemp("pki"), "engine.lab.test", "lab.test")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, engine: pki.Pki) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("host"), engine.ssh_public_key())
    made.start()
    yield made
    made.stop()


def test_refused_is_looked_at_for_a_second(engine: pki.Pki) -> None:
    started = time.monotonic()
    with pytest.raises(SshUnreachable, match="Connection refused"):
        check_ssh("127.0.0.1", free_port(), key_file=engine.ssh_key)
    assert 0.9 < time.monotonic() - started < 3


def test_unknown_name_is_refused_at_once(engine: pki.Pki) -> None:
    started = time.monotonic()
    with pytest.raises(SshUnreachable, match="[Rr]esolve|not known"):
        check_ssh("no-such-host.invalid", key_file=engine.ssh_key)
    assert time.monotonic() - started < 10


def test_a_silent_port_costs_the_time_limit(engine: pki.Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(SshUnreachable, match="timed out"):
            check_ssh("127.0.0.1", silent.getsockname()[1], key_file=engine.ssh_key, timeout=2)
        assert 1.8 < time.monotonic() - started < 6


def test_wrong_key_and_wrong_password(sandbox: Sandbox, tmp_path: Path) -> None:
    stranger = pki.create(tmp_path / "pki", "other.lab.test", "lab.test")
    with pytest.raises(SshAuthFailed, match="Permission denied"):
        check_ssh("127.0.0.1", sandbox.port, key_file=stranger.ssh_key)
    with pytest.raises(SshAuthFailed, match="Permission denied"):
        check_ssh("127.0.0.1", sandbox.port, password="wrong")
    with pytest.raises(SshAuthFailed, match="neither key nor password"):
        check_ssh("127.0.0.1", sandbox.port)


def test_password_works_and_is_nowhere_to_be_seen(sandbox: Sandbox) -> None:
    before = set(Path("/tmp").glob("engine-ssh-*"))
    with SshSession(sandbox.target(None, PASSWORD)) as session:
        assert session.run(["id", "-u"]).stdout == "0\n"
        shown = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
        assert PASSWORD not in shown
        (folder,) = set(Path("/tmp").glob("engine-ssh-*")) - before
        assert PASSWORD not in "".join(path.read_text(errors="replace") for path in folder.iterdir() if path.is_file())
    assert not folder.exists()


def test_identity(sandbox: Sandbox, engine: pki.Pki, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    seen = check_ssh("127.0.0.1", sandbox.port, key_file=engine.ssh_key, known_hosts=known)
    assert seen.uuid is None, "a container's firmware is not its own"
    assert seen.public_key.split()[:2] == (sandbox.state / "host_key.pub").read_text().split()[:2]
    assert seen.fingerprint.startswith("SHA256:")
    vdsm = sandbox.state / "etc/vdsm"
    vdsm.mkdir()
    (vdsm / "vdsm.id").write_text("2D0F1A3C-0000-4B6E-9B5A-0242AC110002")
    assert check_ssh("127.0.0.1", sandbox.port, key_file=engine.ssh_key).uuid == "2d0f1a3c-0000-4b6e-9b5a-0242ac110002"
    shutil.rmtree(vdsm)


def test_host_keys_are_pinned(sandbox: Sandbox, engine: pki.Pki, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    check_ssh("127.0.0.1", sandbox.port, key_file=engine.ssh_key, known_hosts=known)
    sandbox.stop()
    sandbox.new_host_key()
    sandbox.start()
    target = sandbox.target(engine.ssh_key, known_hosts=known)
    with pytest.raises(SshHostKeyChanged, match="verification failed"):
        fetch_he_config(target)
    check_ssh("127.0.0.1", sandbox.port, key_file=engine.ssh_key, known_hosts=known)  # added anew
    with pytest.raises(FileNotFoundError, match="has no /etc/ovirt-hosted-engine/hosted-engine.conf"):
        fetch_he_config(target)


def test_scripts_files_and_exit_codes(sandbox: Sandbox, engine: pki.Pki) -> None:
    with SshSession(sandbox.target(engine.ssh_key)) as session:
        session.write("/etc/a file's name", "text\n", "0640", "root", "kvm")
        assert session.read("/etc/a file's name") == "text\n"
        assert session.read("/etc/not there") is None
        assert session.run("exit 7", check=False).rc == 7
        assert session.run(["printf", "%s|", "a b", "$HOME", "'"]).stdout == "a b|$HOME|'|"
        assert session.run("cat", stdin="größe").stdout == "größe"
    assert sandbox.stat("/etc/a file's name") == (0o640, 0, 36)


def test_a_lost_connection_is_not_a_failed_command(sandbox: Sandbox, engine: pki.Pki) -> None:
    with SshSession(sandbox.target(engine.ssh_key)) as session:
        assert session.run("exit 255", check=False).rc == 255
        sandbox.stop()
        try:
            with pytest.raises(SshUnreachable, match="connection lost"):
                for _turn in range(50):  # the master notices within moments
                    session.run("true", check=False)
                    time.sleep(0.1)
        finally:
            sandbox.start()
