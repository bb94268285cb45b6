"""The fast appliance's network script in a network namespace of its own, with real links and addresses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import ROOTFS

SCRIPT = ROOTFS / "fast/usr/lib/appliance/network"
MAC = "00:16:3e:77:00:50"
KEYFILE = (
    "[connection]\nid=x\ntype=ethernet\n\n[ethernet]\nmac-address={mac}\n\n"
    "[ipv4]\nmethod=manual\naddress1={address}\n{more}\n[ipv6]\nmethod=disabled\n"
)
INSIDE = """
mount -t sysfs sys /sys
ip link add eth0 address {mac} type veth peer name peer0 address 02:00:00:00:00:02
ip link set peer0 up
{extra}
busybox sh {script}
ip -br address show dev {nic}
ip route show default
cat $RESOLV
"""


def bring_up(tmp_path: Path, nic: str = "eth0", extra: str = "") -> tuple[str, str]:
    """What the namespace looks like afterwards, and what the script said."""
    text = INSIDE.format(mac=MAC, script=SCRIPT, nic=nic, extra=extra)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "KEYFILES": f"{tmp_path}/etc {tmp_path}/run",
        "RESOLV": f"{tmp_path}/resolv.conf",
    }
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-ec", text], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def write(path: Path, address: str, mac: str = MAC, more: str = "", mode: int = 0o600) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(KEYFILE.format(mac=mac, address=address, more=more))
    path.chmod(mode)


@pytest.mark.lab
def test_the_deployments_keyfile_wins_over_cloud_inits(tmp_path: Path) -> None:
    write(tmp_path / "run/cloud-init-eth0.nmconnection", "10.77.0.99/24")
    write(
        tmp_path / "etc/hosted-engine.nmconnection",
        "10.77.0.50/24,10.77.0.1",
        MAC.upper(),
        "dns=10.77.0.1;10.77.0.2;\ndns-search=lab.test;\n",
    )
    state, _calls = bring_up(tmp_path)
    assert "10.77.0.50/24" in state and "10.77.0.99" not in state
    assert "default via 10.77.0.1 dev eth0" in state
    assert state.endswith("search lab.test\nnameserver 10.77.0.1\nnameserver 10.77.0.2\n")


@pytest.mark.lab
def test_without_it_cloud_inits_counts(tmp_path: Path) -> None:
    write(tmp_path / "run/cloud-init-eth0.nmconnection", "10.77.0.99/24")
    assert "10.77.0.99/24" in bring_up(tmp_path)[0]


@pytest.mark.lab
def test_a_keyfile_open_to_others_is_ignored_as_networkmanager_does(tmp_path: Path) -> None:
    write(tmp_path / "etc/hosted-engine.nmconnection", "10.77.0.50/24", mode=0o644)
    write(tmp_path / "run/cloud-init-eth0.nmconnection", "10.77.0.99/24")
    state, said = bring_up(tmp_path)
    assert "10.77.0.99/24" in state and "ignored" in said


@pytest.mark.lab
def test_a_keyfile_for_another_nic_is_not_applied(tmp_path: Path) -> None:
    write(tmp_path / "etc/hosted-engine.nmconnection", "10.77.0.50/24", mac="00:16:3e:00:00:01")
    write(tmp_path / "run/cloud-init-eth0.nmconnection", "10.77.0.99/24")
    state, said = bring_up(tmp_path)
    assert "10.77.0.99/24" in state and "no such NIC" in said


@pytest.mark.lab
def test_the_nic_is_found_by_its_mac_and_renamed(tmp_path: Path) -> None:
    write(tmp_path / "etc/hosted-engine.nmconnection", "10.77.0.50/24")
    text = (tmp_path / "etc/hosted-engine.nmconnection").read_text()
    (tmp_path / "etc/hosted-engine.nmconnection").write_text(text.replace("id=x", "id=x\ninterface-name=engine0"))
    assert "10.77.0.50/24" in bring_up(tmp_path, nic="engine0")[0]
