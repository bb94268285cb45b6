"""What the HA services read is what this deployment is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
KEYS = {
    *("fqdn", "vm_disk_id", "vm_disk_vol_id", "vmid", "storage", "nfs_version", "mnt_options", "conf", "host_id"),
    *("console", "domainType", "spUUID", "sdUUID", "connectionUUID", "vdsm_use_ssl", "gateway", "bridge"),
    *("network_test", "tcp_t_address", "tcp_t_port", "metadata_volume_UUID", "metadata_image_UUID"),
    *("lockspace_volume_UUID", "lockspace_image_UUID", "conf_volume_UUID", "conf_image_UUID"),
    *("iqn", "portal", "user", "password", "port"),
}
SLOT = 4096
SCANNED = 8 * 1024**2


def _volume(conf: dict[str, str], what: str) -> str:
    return f"/run/vdsm/storage/{conf['sdUUID']}/{conf[f'{what}_image_UUID']}/{conf[f'{what}_volume_UUID']}"


def test_hosted_engine_conf_has_every_key(conf: dict[str, str], lab: dict[str, Any], settings: dict[str, Any]) -> None:
    assert set(conf) == KEYS
    nfs = lab["storage"]["nfs"]
    expected = {
        "fqdn": lab["engine"]["fqdn"],
        "storage": f"{nfs['address']}:{nfs['path']}",
        "nfs_version": "auto",
        "conf": "/var/run/ovirt-hosted-engine-ha/vm.conf",
        "host_id": "1",
        "domainType": "nfs",
        "spUUID": "00000000-0000-0000-0000-000000000000",
        "gateway": lab["engine"]["gateway"],
        "bridge": "ovirtmgmt",
        "network_test": settings["he_network_test"],
    }
    assert {key: conf[key] for key in expected} == expected


def test_hosted_engine_conf_belongs_to_vdsm(host1: Host) -> None:
    file = host1.file(CONF)
    assert (file.user, file.group, file.mode) == ("vdsm", "kvm", 0o440)


def test_a_shell_reads_the_same(host1: Host, conf: dict[str, str]) -> None:
    script = f'. {CONF}; for key in {" ".join(conf)}; do printf \'%s=%s\\n\' "$key" "${{!key}}"; done'
    seen = host1.check_output("env -i bash -uc %s", script)
    assert dict(line.split("=", 1) for line in seen.splitlines()) == conf


def test_the_archive_is_whole(host1: Host, conf: dict[str, str]) -> None:
    volume = _volume(conf, "conf")
    listing = host1.check_output(f"dd if={volume} bs=20480 count=1 status=none | tar -tf -").split()
    assert sorted(listing) == ["broker.conf", "fhanswers.conf", "hosted-engine.conf", "version", "vm.conf"]
    member = host1.check_output(f"dd if={volume} bs=20480 count=1 status=none | tar -xOf - hosted-engine.conf")
    assert member == host1.file(CONF).content_string.rstrip("\n")
    assert int(host1.check_output(f"head -c 20480 {volume} | wc -c")) == 20480


def test_only_slot_0_and_ours_are_written(host1: Host, conf: dict[str, str]) -> None:
    own = int(conf["host_id"])
    script = (
        "import sys\n"
        f"data = open({_volume(conf, 'metadata')!r}, 'rb').read({SCANNED})\n"
        f"print(len(data), sorted({{i // {SLOT} for i in range(0, len(data), {SLOT}) if any(data[i:i + {SLOT}])}}))"
    )
    size, _blank, slots = host1.check_output("python3 -c %s", script).partition(" ")
    assert int(size) == SCANNED
    assert set(json.loads(slots)) <= {0, own}
    assert own in json.loads(slots)


def test_the_host_says_that_all_is_well(host1: Host, conf: dict[str, str]) -> None:
    status = json.loads(host1.check_output("hosted-engine --vm-status --json"))
    own = status[conf["host_id"]]
    assert own["engine-status"]["health"] == "good"
    assert own["live-data"] is True
    assert own["score"] == 3400
    assert status["global_maintenance"] is False


@pytest.mark.parametrize("unit", ["ovirt-ha-agent", "ovirt-ha-broker", "vdsmd"])
def test_the_services_run_and_start_again_with_the_host(host1: Host, unit: str) -> None:
    service = host1.service(unit)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize("package", ["ovirt-hosted-engine-ha", "ovirt-hosted-engine-setup", "vdsm"])
def test_the_packages_are_installed(host1: Host, package: str) -> None:
    assert host1.package(package).is_installed
