#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: engine_target_vm
short_description: Make the VM that the engine will move into
description:
  - Asks for the four disks of a hosted engine together, with ids that every run chooses again, and makes the VM while
    they are being created. The VM is protected against removal.
  - Attaches the disk to start from, gives the VM its network interface and console, and marks it as the hosted engine
    in the engine's database, last of all.
  - Waits until both OVF stores on the storage hold the VM, which is what the HA services start it from.
  - When the journal knows the VM and both stores hold it, nothing is asked of the engine, which may have been shut
    down by then.
version_added: 0.1.0
author:
  - The node0.hosted_engine founders (@node0)
attributes:
  check_mode:
    description: Can run in check mode and report what would be done without doing it.
    support: full
  diff_mode:
    description: Can show what would change.
    support: none
extends_documentation_fragment:
  - node0.hosted_engine._engine
  - node0.hosted_engine._engine.session
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
options:
  name:
    description: Name of the VM; the engine knows its own VM by C(HostedEngine).
    type: str
    default: HostedEngine
  memory:
    description: Memory of the VM in bytes.
    type: int
    required: true
  vcpus:
    description: Number of virtual CPUs, as cores of one socket.
    type: int
    required: true
  mac:
    description: MAC address of its network interface.
    type: str
    required: true
  disk_size:
    description: Size of its disk in bytes, not less than the appliance's.
    type: int
    required: true
  firmware:
    description: Firmware that the appliance's image starts with; empty where it is not known.
    type: str
    choices: ["", bios, uefi, uefi-secure]
    default: ""
  host:
    description: The host as M(node0.hosted_engine.engine_host) returned it; C(cluster_id), C(management_network) and
      C(management_network_id) are used.
    type: dict
    required: true
  storage:
    description: The domain as M(node0.hosted_engine.engine_storage_domain) returned it; C(id), C(type) and
      C(data_center_id) are used.
    type: dict
    required: true
  guest:
    description: The engine's machine as M(node0.hosted_engine.local_vm) returned it, with C(address) and C(ssh).
    type: dict
    required: true
  end_session:
    description: Whether the session with the engine ends with this module, because the engine moves next.
    type: bool
    default: true
  timeout:
    description: Seconds in which the disks must be created, and again the OVF stores be written.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Create the disks and the VM in the engine
  node0.hosted_engine.engine_target_vm:
    engine_fqdn: engine.example.test
    engine_user: admin@internal
    engine_password: "{{ he_admin_password }}"
    engine_ca_file: /etc/pki/ovirt-engine/bootstrap-ca.pem
    memory: 17179869184
    vcpus: 4
    mac: 00:16:3e:11:22:33
    disk_size: 65498251264
    firmware: bios
    host: "{{ added.host }}"
    storage: "{{ created.storage }}"
    guest: "{{ bootstrap.vm }}"
"""

RETURN = r"""
vm:
  description: The VM; it and the following two are also kept in the journal under C(state.target_vm).
  returned: success, not in check mode
  type: dict
  contains:
    id:
      description: Id of the VM.
      type: str
    name:
      description: Name of the VM.
      type: str
    mac:
      description: MAC address of its network interface.
      type: str
disks:
  description: The four disks by name, each with C(id), C(image_id) and C(size) in bytes.
  returned: success, not in check mode
  type: dict
ovf_stores:
  description: The OVF stores, each with C(id) and C(image_id).
  returned: success, not in check mode
  type: list
  elements: dict
configuration_disk_noted:
  description: Whether the engine's options took the id of the configuration disk, which only older tools read.
  returned: when the VM was marked
  type: bool
would:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
exchanges:
  description: Requests that were sent to the engine, logins included.
  returned: always
  type: int
logins:
  description: Tokens that were asked for.
  returned: always
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import disks as engine_disks
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import ovf, target_vm
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.arguments import (
    end_kept_session,
    engine_arguments,
    foresee,
    journal_arguments,
    session_of,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StoreVolume
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ovf_store import OvfStores
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments

READY_SECONDS = 120
FILE_STORAGE = ("nfs", "glusterfs")


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    journal, reader = Journal(params["journal"], params["phase"]), OvfStores()
    known = journal.state("target_vm")
    if known and known["vm"]["name"] == params["name"] and is_stored(known, params["storage"], reader):
        counts = end_kept_session(params) if params["end_session"] and not module.check_mode else {}
        return {**known, "exchanges": 0, "logins": 0, **counts}
    if module.check_mode:
        todo = [f"create VM {params['name']} with its four disks and write it to both OVF stores"]
        return foresee(params, lambda session: missing(session, journal, params, todo), todo)
    with session_of(params) as session:
        session.open(READY_SECONDS)
        changed, facts, more = make(session, journal, params, reader)
        journal.remember("target_vm", facts)
        session.ends_after_use = session.ends_after_use or params["end_session"]
    return {"changed": changed, **facts, **more, **session.counts}


def make(
    session: Session, journal: Journal, params: dict[str, Any], reader: OvfStores
) -> tuple[bool, dict[str, Any], dict[str, Any]]:
    """Make what is missing; return whether that was anything, the facts, and what is only told."""
    place = params["storage"]
    wanted = engine_disks.wanted(place["id"], params["disk_size"], place.get("type", "nfs") in FILE_STORAGE)
    vm = target_vm.TargetVm(session, journal, wanted_vm(params), wanted[0].id)
    vm.find()
    existing = engine_disks.read(session, place["id"])
    changed = bool(engine_disks.request(session, journal, wanted, existing))
    changed = vm.create() or changed
    changed = vm.wire() or changed
    engine_disks.wait(session, wanted, params["timeout"])
    changed = vm.attach() or changed
    more: dict[str, Any] = {}
    configuration = next(disk.id for disk in wanted if disk.name == "HostedEngineConfigurationImage")
    if vm.mark(Guest.of({**params["guest"], **(params["guest"].get("ssh") or {})}), configuration):
        changed = True
        more["configuration_disk_noted"] = vm.configuration_disk_noted
    stores = ovf.volumes(place["data_center_id"], place["id"], existing)
    if not ovf.all_hold(reader, stores, vm.id):
        changed = True
        vm.publish()
        stores = ovf.StoreWait(session, reader, place["data_center_id"], place["id"], vm.id).wait(params["timeout"])
    facts = {
        "vm": {"id": vm.id, "name": params["name"], "mac": params["mac"]},
        "disks": engine_disks.facts(wanted),
        "ovf_stores": [{"id": store.disk_id, "image_id": store.image_id} for store in stores],
    }
    return changed, facts, more


def wanted_vm(params: dict[str, Any]) -> target_vm.WantedVm:
    host = params["host"]
    return target_vm.WantedVm(
        name=params["name"],
        memory=params["memory"],
        vcpus=params["vcpus"],
        mac=params["mac"],
        firmware=params["firmware"],
        cluster_id=host.get("cluster_id", ""),
        network=host.get("management_network", ""),
        network_id=host.get("management_network_id", ""),
    )


def is_stored(known: dict[str, Any], place: dict[str, Any], reader: OvfStores) -> bool:
    """Return whether both stores on the storage hold the VM that the journal knows."""
    stores = [
        StoreVolume(place["data_center_id"], place["id"], store["id"], store["image_id"])
        for store in known["ovf_stores"]
    ]
    return ovf.all_hold(reader, stores, known["vm"]["id"])


def missing(session: Session, journal: Journal, params: dict[str, Any], todo: list[str]) -> list[str]:
    if not params["storage"] or not params["host"]:
        return todo
    wanted = engine_disks.wanted(params["storage"]["id"], params["disk_size"])
    vm = target_vm.TargetVm(session, journal, wanted_vm(params), wanted[0].id)
    return [] if vm.find() and vm.is_managed else todo


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **engine_arguments(),
            **journal_arguments(),
            **phase_end_arguments(),
            "name": {"type": "str", "default": "HostedEngine"},
            "memory": {"type": "int", "required": True},
            "vcpus": {"type": "int", "required": True},
            "mac": {"type": "str", "required": True},
            "disk_size": {"type": "int", "required": True},
            "firmware": {"type": "str", "default": "", "choices": ["", "bios", "uefi", "uefi-secure"]},
            "host": {"type": "dict", "required": True},
            "storage": {"type": "dict", "required": True},
            "guest": {"type": "dict", "required": True},
            "end_session": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
