"""The appliance boots from a seed, is set up, and boots again from a raw copy with a deployment's network."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from conftest import LAB, REPOSITORY
from vm import MAC, Machine, overlay, seed_files, seed_iso

PASSWORD = "canary-Adm1n-57c1"
ANSWERS = (
    "[environment:default]\nOVESETUP_CONFIG/adminPassword=str:"
    + PASSWORD
    + "\nOVESETUP_CONFIG/fqdn=str:engine.lab.test\n"
    "OVESETUP_CONFIG/keycloakEnable=bool:False\nOVESETUP_PKI/organization=str:lab.test\n"
)
KEYFILE = f"""[connection]
id=hosted-engine
type=ethernet
autoconnect=true
zone=public

[ethernet]
mac-address={MAC.upper()}

[ipv4]
method=manual
address1=10.0.2.50/24,10.0.2.2
dns=10.0.2.3;

[ipv6]
method=disabled
"""
IFCFG = (
    f'BOOTPROTO=none\nDEVICE=eth0\nHWADDR="{MAC.upper()}"\nONBOOT=yes\nTYPE=Ethernet\n'
    "IPADDR=10.0.2.50\nPREFIX=24\nGATEWAY=10.0.2.2\nDNS1=10.0.2.3\nIPV6INIT=no\n"
)
PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
OPTION = "HostedEngineConfigurationImageGuid"


@pytest.fixture(scope="module", params=os.environ.get("APPLIANCE_PROFILES", "fast").split(","))
def image(request: pytest.FixtureRequest) -> Path:
    command = ["python3", "-m", "appliance", "build", "--profile", request.param, "--no-ova"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(LAB)}, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return Path(json.loads(done.stdout)["qcow2"])


def get(vm: Machine, path: str, ca: str, request: urllib.request.Request | None = None) -> str:
    """Body of an HTTPS answer; the certificate is checked against `ca` and the engine's name."""
    context = ssl.create_default_context(cadata=ca)
    context.check_hostname = False  # the forwarded port is on 127.0.0.1; the name is compared below
    import http.client

    connection = http.client.HTTPSConnection("127.0.0.1", vm.https_port, context=context, timeout=5)
    connection.connect()
    names = {value for kind, value in connection.sock.getpeercert()["subjectAltName"] if kind == "DNS"}
    assert names == {"engine.lab.test"}
    connection.request(
        "GET" if request is None else "POST",
        path,
        body=request.data if request else None,
        headers=dict(request.header_items()) if request else {},
    )
    return connection.getresponse().read().decode()


def is_healthy(vm: Machine, ca: str) -> bool:
    try:
        return "Welcome to Health Status!" in get(vm, "/ovirt-engine/services/health", ca)
    except OSError:
        return False


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_bootstrap_move_and_second_boot(image: Path, tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    faithful = image.stem == "faithful"
    bus, machine = ("ide", "q35") if faithful else ("virtio", "pc")  # on q35 the CD-ROM is a SATA one
    disk, figures = overlay(image, tmp_path / "disk.qcow2"), {}
    vm = Machine(tmp_path, disk, seed=seed_iso(tmp_path, seed_files(tmp_path)), seed_bus=bus, machine=machine)
    try:
        figures["sshd"] = vm.wait("sshd", vm.sshd_answers, 180)
        figures["login"] = vm.wait("login", lambda: vm.ssh("true").returncode == 0, 180)
        # cloud-init restarts sshd when the seed changes its settings: work starts when it is through
        figures["cloud-init done"] = vm.wait(
            "cloud-init", lambda: "status: done" in vm.ssh("cloud-init status").stdout, 240
        )
        assert vm.ssh("hostname").stdout == "engine.lab.test\n"
        vm.ssh("echo 127.0.0.1 engine.lab.test >>/etc/hosts; umask 077; cat >/root/answers", stdin=ANSWERS)
        start = vm.elapsed()
        done = vm.ssh(
            "engine-setup --accept-defaults --offline "
            "--config-append=/root/ovirt-engine-answers --config-append=/root/answers; "
            "status=$?; rm /root/answers; exit $status",
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        figures["engine-setup took"] = vm.elapsed() - start
        ca = vm.ssh("cat /etc/pki/ovirt-engine/ca.pem").stdout
        figures["health after engine-setup"] = vm.wait("health", lambda: is_healthy(vm, ca), 300) - start
        login = urllib.request.Request(
            "https://engine.lab.test",
            method="POST",
            headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
            data=f"grant_type=password&scope=ovirt-app-api&username=admin%40internal&password={PASSWORD}".encode(),
        )
        assert "access_token" in json.loads(get(vm, "/ovirt-engine/sso/oauth/token", ca, login))
        assert (
            vm.ssh(f"{PSQL} -Atc \"SELECT vm_name FROM vm_static WHERE entity_type = 'TEMPLATE'\"").stdout == "Blank\n"
        )
        assert (
            vm.ssh("engine-config -g OvfUpdateIntervalInMinutes").stdout
            == "OvfUpdateIntervalInMinutes: 60 version: general\n"
        )
        assert (
            vm.ssh("otopi-config-query query -k OVESETUP_CONFIG/keycloakEnable -f /etc/ovirt-engine-setup.conf").stdout
            == "False\n"
        )
        vm.ssh(f"{PSQL} -c \"UPDATE vdc_options SET option_value = 'kept' WHERE option_name = '{OPTION}'\"")
        assert vm.ssh("test -e /run/runcmd-was-here").returncode == 0
        backup = (
            "engine-backup --file=/root/b --log=/root/l && engine-backup --mode=verify --file=/root/b --log=/root/l"
        )
        done = vm.ssh(f"{backup} && rm /root/b /root/l")
        assert done.returncode == 0, done.stdout + done.stderr
        assert vm.ssh(f"grep -rlF {PASSWORD} /etc /root /var /run").stdout == ""
        if faithful:
            assert (
                vm.ssh("python3 -c 'import dnf, rpm' && rpm -qa && . /etc/os-release && echo $ID").stdout == "centos\n"
            )
            target, text = "/etc/sysconfig/network-scripts/ifcfg-eth0", IFCFG
        else:
            target, text = "/etc/NetworkManager/system-connections/hosted-engine.nmconnection", KEYFILE
        vm.ssh(
            f"umask 077; mkdir -p {os.path.dirname(target)}; cat >{target}; touch /etc/cloud/cloud-init.disabled",
            stdin=text,
        )
        vm.monitor("system_powerdown")
        figures["power-off took"] = vm.wait_off(90)
    finally:
        vm.kill()

    raw = tmp_path / "moved.raw"
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk, raw], check=True)
    vm = Machine(tmp_path, raw, disk_format="raw", machine="q35", address="10.0.2.50")
    try:
        figures["second boot sshd"] = vm.wait("sshd", vm.sshd_answers, 180)
        figures["second boot health"] = vm.wait("health", lambda: is_healthy(vm, ca), 300)
        addresses = vm.ssh("ip -br -4 address show dev eth0").stdout
        assert addresses.split()[2:] == ["10.0.2.50/24"], addresses
        assert "nameserver 10.0.2.3" in vm.ssh("cat /etc/resolv.conf").stdout
        kept = vm.ssh(f"{PSQL} -Atc \"SELECT option_value FROM vdc_options WHERE option_name = '{OPTION}'\"")
        assert kept.stdout == "kept\n"
    finally:
        vm.kill()
    rounded = {name: round(value, 1) for name, value in figures.items()}
    print(f"\n{image.stem}: {rounded}")
    record_property("figures", rounded)
