"""The NoCloud reader of the fast appliance: seeds as deployments write them, and cloud-init's traps."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import vm
from appliance.nocloud import network as nocloud_network
from appliance.nocloud import reader as nocloud_reader

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="changes passwords below a root directory")
META = "instance-id: one\nlocal-hostname: engine.lab.test\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root directory with the files that passwords live in."""
    for name in ("etc/ssh", "root/.ssh", "usr/share/zoneinfo/Europe"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/share/zoneinfo/Europe/Vienna").touch()
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc/shadow").write_text("root:*:19000:0:99999:7:::\n")
    (tmp_path / "etc/shadow").chmod(0o600)
    (tmp_path / "etc/login.defs").write_text("ENCRYPT_METHOD SHA512\n")
    monkeypatch.setattr(nocloud_reader, "ROOT", tmp_path)
    return tmp_path


def apply(user: str, network: str = "", meta: str = META) -> None:
    nocloud_reader.apply({"meta-data": meta, "user-data": user, "network-config": network})


def errors(root: Path) -> str:
    path = root / "run/cloud-init/error"
    return path.read_text() if path.exists() else ""


def test_a_seed_with_pinned_keys(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("keys")
    files = vm.seed_files(directory)
    (root / "etc/ssh/ssh_host_rsa_key").write_text("old")
    nocloud_reader.apply(files)
    assert errors(root) == ""
    key = root / "etc/ssh/ssh_host_ed25519_key"
    assert key.read_text() == (directory / "host_key").read_text() and key.stat().st_mode & 0o777 == 0o600
    assert not (root / "etc/ssh/ssh_host_rsa_key").exists()
    authorized = root / "root/.ssh/authorized_keys"
    assert authorized.read_text() == (directory / "key.pub").read_text() and authorized.stat().st_mode & 0o777 == 0o600
    assert (root / "etc/hostname").read_text() == "engine.lab.test\n"
    assert os.readlink(root / "etc/localtime") == "/usr/share/zoneinfo/Europe/Vienna"
    assert (root / "etc/ssh/sshd_config.d/50-cloud-init.conf").read_text() == "PasswordAuthentication no\n"
    connection = (root / "run/NetworkManager/system-connections/cloud-init-eth0.nmconnection").read_text()
    assert (
        f"mac-address={vm.MAC}" in connection
        and "[ipv4]\nmethod=auto" in connection
        and "[ipv6]\nmethod=disabled" in connection
    )
    nocloud_reader.final()
    assert '"errors": []' in (root / "run/cloud-init/result.json").read_text()


@ROOT_ONLY
def test_passwords_by_hash_and_in_clear(root: Path) -> None:
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input="secret\n", capture_output=True, text=True, check=True
    ).stdout.strip()
    apply(f"#cloud-config\nchpasswd:\n  expire: false\n  list:\n    - root:{hashed}\n")
    assert errors(root) == "" and f"root:{hashed}:" in (root / "etc/shadow").read_text()
    apply("#cloud-config\nchpasswd: {expire: false, list: 'root:other'}\n", meta="instance-id: two\n")
    assert "root:$6$" in (root / "etc/shadow").read_text() and hashed not in (root / "etc/shadow").read_text()


@ROOT_ONLY
def test_the_users_trap_root_is_locked(root: Path) -> None:
    (root / "etc/shadow").write_text("root:$6$x$y:19000:0:99999:7:::\n")
    apply("#cloud-config\ndisable_root: false\nusers:\n  - name: root\n    ssh_authorized_keys: [ssh-ed25519 AAAA]\n")
    assert (root / "etc/shadow").read_text().startswith("root:!$6$x$y:")


def test_the_disable_root_trap_the_key_only_says_no(root: Path) -> None:
    apply("#cloud-config\nssh_authorized_keys: [ssh-ed25519 AAAA]\n")
    assert (root / "root/.ssh/authorized_keys").read_text().startswith("no-port-forwarding,")


def test_files_commands_and_their_order(root: Path) -> None:
    apply(
        "#cloud-config\nwrite_files:\n"
        f"  - {{path: /etc/one, content: aGk=, encoding: b64, permissions: '0600'}}\n"
        f"bootcmd:\n  - echo boot >>{root}/order\nruncmd:\n  - [sh, -c, 'echo \"$0\" >>{root}/order', 'a b']\n"
    )
    assert (root / "etc/one").read_bytes() == b"hi" and (root / "etc/one").stat().st_mode & 0o777 == 0o600
    nocloud_reader.final()
    assert (root / "order").read_text() == "boot\na b\n"


def test_an_instance_is_configured_once_and_booted_often(root: Path) -> None:
    user = f"#cloud-config\nbootcmd: ['echo boot >>{root}/order']\nruncmd: ['echo run >>{root}/order']\n"
    for _turn in range(2):
        apply(user)
        nocloud_reader.final()
    assert (root / "order").read_text() == "boot\nrun\nboot\n"
    apply(user, meta="instance-id: two\n")
    nocloud_reader.final()
    assert (root / "order").read_text() == "boot\nrun\nboot\nboot\nrun\n"


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("#cloud-config\n- a\n", "a mapping is expected"),
        ("nonsense: 1\n", "neither '#cloud-config' nor a script"),
        ("#cloud-config\ntimezone: Europe/Nowhere\n", "no time zone 'Europe/Nowhere'"),
        ("#cloud-config\nruncmd: ['exit 3']\n", "exit status 3"),
    ],
)
def test_faults_are_reported_and_the_rest_is_done(root: Path, user: str, reason: str) -> None:
    apply(user)
    nocloud_reader.final()
    assert reason in errors(root)
    assert (root / "etc/hostname").read_text() == "engine.lab.test\n"


def test_the_label_of_a_seed_is_found(tmp_path: Path) -> None:
    seed = vm.seed_iso(tmp_path, {"meta-data": META, "user-data": "", "network-config": ""})
    assert nocloud_reader.label_of(seed) == "cidata"
    (tmp_path / "disk").write_bytes(b"\0" * 40000)
    assert nocloud_reader.label_of(tmp_path / "disk") == ""
    assert nocloud_reader.label_of(tmp_path / "nothing") == ""


STATIC = """[connection]
id=cloud-init eth0
type=ethernet
interface-name=eth0

[ethernet]
mac-address=00:16:3e:77:00:50

[ipv4]
method=manual
address1=10.77.0.50/24,10.77.0.1
dns=10.77.0.1;
dns-search=lab.test;

[ipv6]
method=disabled
"""


@pytest.mark.parametrize(
    "config",
    [
        {
            "version": 1,
            "config": [
                {
                    "type": "physical",
                    "name": "eth0",
                    "mac_address": "00:16:3E:77:00:50",
                    "subnets": [
                        {
                            "type": "static",
                            "address": "10.77.0.50",
                            "netmask": "255.255.255.0",
                            "gateway": "10.77.0.1",
                            "dns_nameservers": ["10.77.0.1"],
                            "dns_search": ["lab.test"],
                        }
                    ],
                }
            ],
        },
        {
            "network": {
                "version": 1,
                "config": [
                    {
                        "type": "physical",
                        "name": "eth0",
                        "mac_address": "00:16:3e:77:00:50",
                        "subnets": [{"type": "static", "address": "10.77.0.50/24", "gateway": "10.77.0.1"}],
                    },
                    {"type": "nameserver", "address": "10.77.0.1", "search": "lab.test"},
                ],
            }
        },
        {
            "version": 2,
            "ethernets": {
                "eth0": {
                    "match": {"macaddress": "00:16:3e:77:00:50"},
                    "set-name": "eth0",
                    "addresses": ["10.77.0.50/24"],
                    "gateway4": "10.77.0.1",
                    "nameservers": {"addresses": ["10.77.0.1"], "search": ["lab.test"]},
                }
            },
        },
        {
            "version": 2,
            "ethernets": {
                "eth0": {
                    "match": {"macaddress": "00:16:3e:77:00:50"},
                    "addresses": ["10.77.0.50/24"],
                    "routes": [{"to": "default", "via": "10.77.0.1"}],
                    "nameservers": {"addresses": ["10.77.0.1"], "search": ["lab.test"]},
                }
            },
        },
    ],
)
def test_both_versions_of_the_network_configuration_make_one_keyfile(config: dict) -> None:
    assert nocloud_network.keyfiles(config) == {"cloud-init-eth0": STATIC}


def test_an_unknown_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="version 3"):
        nocloud_network.keyfiles({"version": 3})
