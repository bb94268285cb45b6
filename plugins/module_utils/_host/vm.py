# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bootstrap VM: running, shut down for good with its disk kept, or absent."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import domains, nat, undo, vm_boot, workdir
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.domain_xml import (
    DomainFacts,
    DomainSpec,
    domain_xml,
    read_domain,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import (
    Connection,
    Domain,
    connection,
    find_domain,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.seed import crypt_password
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.workdir import WorkDir
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock, Look, pending, ready, wait_for

VM_FOREIGN = declare(
    "local_vm.foreign",
    "A domain with the name of the bootstrap VM exists and was not made by this collection",
    "Run playbooks/cleanup.yml, or undefine that domain, and start again.",
)
VM_SHUTDOWN_TIMEOUT = declare(
    "local_vm.shutdown_timeout",
    "The bootstrap VM did not power off in time",
    "Nobody pulls the plug of it: its disk holds the engine. Log in to its console (virsh console) and see what it"
    " waits for, then run the same playbook again.",
    retryable=True,
)
VM_GONE = declare(
    "local_vm.gone",
    "The bootstrap VM and its disk are not there",
    "Run the phase bootstrap_local_vm from its beginning.",
)


@dataclass(frozen=True)
class VmWish:
    """What the bootstrap VM is to be like; sizes are bytes, see the options of the module local_vm."""

    name: str
    image: str
    image_format: str
    network: str
    memory: int
    vcpus: int
    virt_type: str
    machine: str
    cpu: str
    firmware: str
    seed_bus: str
    fqdn: str
    dir_parent: str
    mac: str = ""
    disk_size: int = 0
    disk_cache: str = "writeback"
    time_zone: str = ""
    root_password: str = ""
    root_ssh_pubkey: str = ""
    timeout: float = 600.0


def running(
    wish: VmWish, ledger: Ledger, known: Mapping[str, Any], dry_run: bool, clock: Optional[Clock] = None
) -> tuple[dict[str, Any], bool]:
    """Have the VM run and answer over ssh; return its facts and whether something had to be done.

    A domain that is there is used, started if it is off; a folder whose VM is gone from libvirt gets its VM again, so
    that a deployment goes on where it was. Only otherwise something new is made.

    Args:
        wish: what it is to be like, if it has to be made.
        ledger: the journal.
        known: what the journal remembers of an earlier run; may be empty.
        dry_run: only say what would be.
        clock: source of time.

    Raises:
        HostedEngineError: C(local_vm.foreign), C(local_vm.stopped), C(local_vm.boot_timeout), and what libvirt and
            the commands raise.
    """
    with connection(read_only=dry_run) as connected:
        domain = find_domain(connected, wish.name)
        if dry_run:
            return _predicted(wish, known, domain), domain is None or not domain.isActive()
        changed = domain is None
        if domain is None:
            domain = _build(connected, wish, ledger, known)
        facts = _facts(connected, read_domain(domain.XMLDesc(0)))
        if not domain.isActive():
            domain.create()
            changed = True
        guest = Guest.of(facts["ssh"])
        vm_boot.wait_for_login(connected, domain, guest, wish.network, facts["mac"], wish.timeout, clock)
        return facts, changed


def shutdown(
    name: str, ledger: Ledger, known: Mapping[str, Any], seconds: float, dry_run: bool, clock: Optional[Clock] = None
) -> tuple[dict[str, Any], bool]:
    """Power the VM off in order and take it out of libvirt; its disk stays, readable for vdsm.

    Raises:
        HostedEngineError: C(local_vm.shutdown_timeout) or C(local_vm.gone).
    """
    with connection(read_only=dry_run) as connected:
        domain = find_domain(connected, name)
        if domain is None:
            if not known.get("disk") or not os.path.exists(known["disk"]):
                raise HostedEngineError(VM_GONE, observed=f"no domain {name}, and no disk that the journal knows")
            return dict(known), False
        facts = {**known, **_facts(connected, read_domain(domain.XMLDesc(0)))}
        if dry_run:
            return facts, True
        if domain.isActive():
            _power_off(domain, seconds, clock)
        domains.undefine(domain)
    ledger.gone(domains.KIND, name)
    workdir.hand_over(WorkDir(facts["dir"]))
    return facts, True


def absent(name: str, ledger: Ledger, known: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Remove the VM, running or not, and its folder; return what was removed, in words."""
    entries = [{"kind": domains.KIND, "name": name}]
    folders = [entry for entry in ledger.made(workdir.KIND) if _is_ours(entry["name"])]
    if known.get("dir") and known["dir"] not in [entry["name"] for entry in folders]:
        folders.append({"kind": workdir.KIND, "name": known["dir"]})
    return undo.undo_all([*entries, *folders], ledger, dry_run).removed


def _build(connected: Connection, wish: VmWish, ledger: Ledger, known: Mapping[str, Any]) -> Domain:
    folder = WorkDir(known["dir"]) if known.get("dir") and os.path.isdir(known["dir"]) else None
    folder = folder or _unfinished(ledger) or workdir.create(wish.dir_parent, ledger)
    identity = known.get("uuid") or str(uuid.uuid4())
    mac = wish.mac or known.get("mac") or random_mac()
    network = nat.reserve(connected, wish.network, mac)
    if not folder.complete():
        workdir.fill(folder, wish.image, wish.image_format, wish.disk_size, (network.reserved, wish.fqdn))
        hashed = crypt_password(wish.root_password) if wish.root_password else ""
        keys = [wish.root_ssh_pubkey.strip()] if wish.root_ssh_pubkey.strip() else []
        workdir.write_seed(folder, wish.fqdn, mac, identity, keys, root_password_hash=hashed, time_zone=wish.time_zone)
    spec = DomainSpec(
        name=wish.name,
        uuid=identity,
        memory=wish.memory,
        vcpus=wish.vcpus,
        virt_type=wish.virt_type,
        machine=wish.machine,
        cpu=wish.cpu,
        firmware=wish.firmware,
        disk=folder.disk,
        disk_cache=wish.disk_cache,
        seed=folder.seed,
        seed_bus=wish.seed_bus,
        network=wish.network,
        mac=mac,
        console_log=vm_boot.console_log(wish.name),
    )
    with ledger.making(domains.KIND, wish.name, uuid=identity):
        return connected.defineXML(domain_xml(spec))


def _unfinished(ledger: Ledger) -> Optional[WorkDir]:
    """Return the folder of a run that was cut before it could remember its VM."""
    paths = [entry["name"] for entry in ledger.made(workdir.KIND) if _is_ours(entry["name"])]
    return next((WorkDir(path) for path in paths if os.path.isdir(path)), None)


def _is_ours(path: str) -> bool:
    return os.path.basename(path).startswith(workdir.PREFIX)


def _facts(connected: Connection, domain: DomainFacts) -> dict[str, Any]:
    folder = WorkDir(os.path.dirname(domain.disk))
    if not (domain.network and os.path.exists(folder.key) and os.path.exists(folder.known_hosts)):
        raise HostedEngineError(VM_FOREIGN, observed=f"domain {domain.name} with the disk {domain.disk or 'none'}")
    network = nat.facts_of(connected, domain.network, domain.mac)
    return _as_facts(domain.name, domain.uuid, domain.mac, network.reserved, folder)


def _as_facts(name: str, identity: str, mac: str, address: str, folder: WorkDir) -> dict[str, Any]:
    ssh = {"address": address, "key": folder.key, "known_hosts": folder.known_hosts, "port": 22, "user": "root"}
    return {
        "name": name,
        "uuid": identity,
        "mac": mac,
        "address": address,
        "dir": folder.path,
        "disk": folder.disk,
        "ssh": ssh,
    }


def _predicted(wish: VmWish, known: Mapping[str, Any], domain: Optional[Domain]) -> dict[str, Any]:
    if known.get("ssh"):
        return dict(known)
    found = read_domain(domain.XMLDesc(0)) if domain is not None else None
    folder = WorkDir(os.path.dirname(found.disk) if found else os.path.join(wish.dir_parent, workdir.PREFIX))
    return _as_facts(wish.name, found.uuid if found else "", found.mac if found else wish.mac, "", folder)


def _power_off(domain: Domain, seconds: float, clock: Optional[Clock]) -> None:
    asked = 0

    def look() -> Look[None]:
        nonlocal asked
        if not domain.isActive():
            return ready(None)
        # A guest that is still booting, or that is busy, overhears the button: press it again now and then.
        if domains.state(domain) != "in shutdown" and asked % 10 == 0:
            domain.shutdown()
        asked += 1
        return pending(f"the domain is {domains.state(domain)}")

    wait_for(look, "the bootstrap VM to power off", seconds, problem=VM_SHUTDOWN_TIMEOUT, clock=clock)


def random_mac() -> str:
    """Return a random hardware address of the range that is given to Xen and KVM guests."""
    return "00:16:3e:" + ":".join(f"{secrets.randbelow(256):02x}" for _octet in range(3))
