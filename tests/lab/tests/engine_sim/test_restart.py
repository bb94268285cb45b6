# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine ends and boots again from its database, as after the move to shared storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from engine_sim import pki
from engine_sim.standalone import free_addresses, start_hosts
from offline import Offline
from sim_support import until

BLANK = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[list[str], str]]:
    addresses = free_addresses(2)
    process, control = start_hosts(tmp_path, addresses, 100, "", {})
    yield addresses, control
    process.terminate()
    process.wait(10)


def _status(engine: Offline, path: str) -> Any:
    return engine.get(path).get("status")


def _deploy(engine: Offline, addresses: list[str]) -> dict[str, str]:
    """Two hosts, a domain, the engine's machine with its disk."""
    made = {}
    for number, address in enumerate(addresses, 1):
        body = f"<host><name>h{number}</name><address>{address}</address><root_password>x</root_password></host>"
        made[f"h{number}"] = engine.post("hosts", body.encode())["@id"]
    for name in ("h1", "h2"):
        until(lambda name=name: _status(engine, f"hosts/{made[name]}"), lambda status: status == "up")
    made["domain"] = engine.post(
        "storagedomains",
        b"<storage_domain><name>sd</name><type>data</type><host><name>h1</name></host><storage><type>nfs</type>"
        b"<address>storage.example.test</address><path>/exports/one</path></storage></storage_domain>",
    )["@id"]
    made["pool"] = engine.get("datacenters")["data_center"][0]["@id"]
    engine.post(f"datacenters/{made['pool']}/storagedomains", f"<storage_domain id='{made['domain']}'/>".encode())
    made["disk"] = engine.post(
        "disks",
        b"<disk><name>he_virtio_disk</name><content_type>hosted_engine</content_type><format>raw</format>"
        b"<provisioned_size>1073741824</provisioned_size>"
        b"<storage_domains><storage_domain><name>sd</name></storage_domain>"
        b"</storage_domains></disk>",
    )["@id"]
    until(lambda: _status(engine, f"disks/{made['disk']}"), lambda status: status == "ok")
    made["vm"] = engine.post(
        "vms",
        f"<vm><name>HostedEngine</name><memory>1073741824</memory><cluster><name>Default</name></cluster>"
        f"<template id='{BLANK}'/></vm>".encode(),
    )["@id"]
    engine.post(
        f"vms/{made['vm']}/diskattachments",
        f"<disk_attachment><interface>virtio</interface><bootable>true</bootable><disk id='{made['disk']}'/>"
        f"</disk_attachment>".encode(),
    )
    engine.engine.db.execute("UPDATE vm_static SET origin = 6 WHERE vm_guid = ?", made["vm"])
    return made


def test_the_moved_engine_finds_everything_again(tmp_path: Path, hosts: tuple[list[str], str]) -> None:
    addresses, control = hosts
    pki.create(tmp_path / "pki", "engine.lab.test", "Test")
    before = Offline(tmp_path)
    before.engine.start()
    made = _deploy(before, addresses)
    before.engine.stop()

    request = Request(f"{control}/host/host2/vm", f'{{"name": "HostedEngine", "id": "{made["vm"]}"}}'.encode())
    with urlopen(request, timeout=10):
        pass
    after = Offline(tmp_path)
    assert _status(after, f"hosts/{made['h1']}") == "up"  # as the old engine left it
    after.engine.start()
    assert _status(after, f"hosts/{made['h1']}") in ("unassigned", "up")
    for name in ("h1", "h2"):
        until(lambda name=name: _status(after, f"hosts/{made[name]}"), lambda status: status == "up")
    machine = until(lambda: after.get(f"vms/{made['vm']}"), lambda vm: vm["status"] == "up")
    assert machine["host"]["@id"] == made["h2"] and machine["origin"] == "managed_hosted_engine"
    assert _status(after, f"datacenters/{made['pool']}/storagedomains/{made['domain']}") == "active"
    assert _status(after, f"disks/{made['disk']}") == "ok"
    after.post(f"storagedomains/{made['domain']}/updateovfstore", b"<action/>")
    until(lambda: [code for code, _text in after.events()], lambda codes: 199 in codes)
    after.engine.stop()
