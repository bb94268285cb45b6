"""The engine runs from shared storage, on its final address, with what it knew before the move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from testinfra.host import Host

HEALTHY = "DB Up!Welcome to Health Status!"


def test_the_engine_answers_the_other_host_with_a_certificate_of_its_ca(
    host2: Host, lab: dict[str, Any], ca: str
) -> None:
    engine = lab["engine"]
    assert host2.addr(engine["fqdn"]).ipv4_addresses == [engine["address"]]
    url = f"https://{engine['fqdn']}/ovirt-engine/services/health"
    assert host2.check_output(f"curl --silent --show-error --max-time 60 --cacert {ca} {url}") == HEALTHY
    assert host2.run(f"curl --silent --max-time 60 {url}").rc == 60, "a certificate that anybody trusts proves nothing"


def test_the_vm_runs_from_the_volume_on_shared_storage(host1: Host, conf: dict[str, str]) -> None:
    domain = ElementTree.fromstring(host1.check_output("virsh -r dumpxml HostedEngine"))
    assert domain.findtext("uuid") == conf["vmid"]
    sources = {source.get("file") for source in domain.findall("devices/disk[@device='disk']/source")}
    volume = f"{conf['sdUUID']}/images/{conf['vm_disk_id']}/{conf['vm_disk_vol_id']}"
    real = {host1.check_output(f"readlink -f {source}") for source in sources}
    assert [path for path in real if path.endswith(volume)] == list(real)
    assert host1.check_output("virsh -r domstate HostedEngine") == "running"


def test_the_engine_knows_what_it_knew_before_the_move(
    api: Callable[[str], Any], lab: dict[str, Any], conf: dict[str, str]
) -> None:
    (host,) = api("hosts")["host"]
    assert (host["name"], host["status"]) == (lab["hosts"][0]["fqdn"], "up")
    domain = api(f"storagedomains/{conf['sdUUID']}")
    assert domain["storage"]["path"] == lab["storage"]["nfs"]["path"]
    disks = {disk["name"]: disk["id"] for disk in api(f"storagedomains/{conf['sdUUID']}/disks")["disk"]}
    assert disks["he_virtio_disk"] == conf["vm_disk_id"]
    assert disks["he_metadata"] == conf["metadata_image_UUID"]
    assert disks["he_sanlock"] == conf["lockspace_image_UUID"]
    assert disks["HostedEngineConfigurationImage"] == conf["conf_image_UUID"]
    added = [event for event in api("events")["event"] if event["code"] == "42"]
    vm = api(f"vms/{conf['vmid']}")
    assert added[0]["time"] < vm["creation_time"], "the host was added by the engine that made this VM, before it"


def test_the_engine_vm_is_managed_and_protected(api: Callable[[str], Any], conf: dict[str, str]) -> None:
    vm = api(f"vms/{conf['vmid']}")
    assert (vm["name"], vm["status"]) == ("HostedEngine", "up")
    assert vm["origin"] == "managed_hosted_engine"
    assert vm["delete_protected"] == "true"


def test_the_database_says_the_same_in_sql(in_engine: Callable[[str], str], conf: dict[str, str]) -> None:
    sql = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh -t -c"
    assert in_engine(f"{sql} \"SELECT origin FROM vm_static WHERE vm_guid='{conf['vmid']}'\"").strip() == "6"
    assert in_engine(f'{sql} "SELECT vds_spm_id FROM vds"').strip() == conf["host_id"]


def test_the_bootstrap_vm_is_gone(host1: Host, api: Callable[[str], Any]) -> None:
    assert [vm["name"] for vm in api("vms")["vm"]] == ["HostedEngine"]
    assert host1.check_output("virsh -r list --all --name").split() == ["HostedEngine"]
