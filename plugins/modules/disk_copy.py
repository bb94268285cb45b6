#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
---
module: disk_copy
short_description: Copy the bootstrap VM's disk to its volume on shared storage
description:
  - Copies a qcow2 image with its backing chain to a raw volume, as user vdsm, and compares the two.
  - The VM is shut down first; nothing may write to its disk any more.
  - On a new volume of file storage only data is written. The copy begins anew when it was cut.
  - While it runs, the journal holds under C(state.copy) how far C(copy) or C(compare) is, in percent; the system's log
    on the host says it too.
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
  - node0.hosted_engine._journal
options:
  source:
    description: Disk of the bootstrap VM, which must be off or be named with O(vm).
    type: path
    required: true
  vm:
    description:
      - Name of the libvirt domain that has the disk.
      - It is powered off in order and taken out of libvirt before anything is copied.
    type: str
    default: ""
  shutdown_timeout:
    description: Seconds that the VM has to power off.
    type: int
    default: 600
  data_center_id:
    description: Id of the data center.
    type: str
    required: true
  storage_id:
    description: Id of the storage domain.
    type: str
    required: true
  image_id:
    description: Id of the disk in the engine; vdsm calls it image.
    type: str
    required: true
  volume_id:
    description: C(image_id) of the disk in the engine; vdsm calls it volume.
    type: str
    required: true
  storage_type:
    description: Type of the storage domain.
    type: str
    choices: [nfs, glusterfs, iscsi, fc]
    required: true
  timeout:
    description: Seconds in which the copy must end, and again the comparison.
    type: int
    default: 7200
"""

EXAMPLES = r"""
- name: Copy the disk to shared storage
  node0.hosted_engine.disk_copy:
    vm: HostedEngineLocal
    source: /var/tmp/localvmh2x0k1ab/disk.qcow2
    data_center_id: 5b1d2ac5-6f0f-4b0f-8ed8-f5b9c0f1d0a1
    storage_id: 1c4a0b52-9d4c-4f53-9d0a-f0b8a2b1c001
    image_id: a7b1c2d3-0001-4000-8000-000000000001
    volume_id: b7b1c2d3-0001-4000-8000-000000000001
    storage_type: nfs
"""

RETURN = r"""
copied:
  description: The copy, also kept in the journal under C(state.copy).
  returned: success
  type: dict
  contains:
    path:
      description: Path of the volume on this host.
      type: str
    allocated:
      description: Bytes that the volume really occupies.
      type: int
    virtual_size:
      description: Virtual size of the disk in bytes.
      type: int
    seconds:
      description: Seconds for copy and comparison.
      type: float
    verified:
      description: Whether source and volume were compared and are alike.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import vm
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.copy import copy_disk
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.vdsm import Volume, prepare
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute


def work(module: AnsibleModule) -> dict[str, Any]:
    wanted = module.params
    journal = Journal(wanted["journal"], wanted["phase"])
    off = wanted["vm"] != "" and shut_down(module, journal)
    before = journal.state("copy") or {}
    if before.get("verified") and before.get("volume_id") == wanted["volume_id"]:
        return {"changed": off, "copied": before}
    if module.check_mode:
        return {"changed": True}
    volume = Volume(wanted["data_center_id"], wanted["storage_id"], wanted["image_id"], wanted["volume_id"])
    path = prepare(volume)

    def tell(what: str, percent: float) -> None:
        module.log(f"{what} of the disk: {percent:.0f} %")
        journal.remember("copy", {"volume_id": wanted["volume_id"], "verified": False, what: percent})

    copied = copy_disk(wanted["source"], path, wanted["storage_type"], wanted["timeout"], tell)
    facts = {
        "path": path,
        "volume_id": wanted["volume_id"],
        "allocated": copied.allocated,
        "virtual_size": copied.virtual_size,
        "seconds": copied.seconds,
        "verified": True,
    }
    journal.remember("copy", facts)
    return {"changed": True, "copied": facts}


def shut_down(module: AnsibleModule, journal: Journal) -> bool:
    """Power the bootstrap VM off for good; return whether it was there."""
    wanted, known = module.params, journal.state("local_vm") or {}
    facts, changed = vm.shutdown(wanted["vm"], journal, known, wanted["shutdown_timeout"], module.check_mode)
    if facts != known and not module.check_mode:
        journal.remember("local_vm", facts)
    return changed


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "vm": {"type": "str", "default": ""},
            "shutdown_timeout": {"type": "int", "default": 600},
            "data_center_id": {"type": "str", "required": True},
            "storage_id": {"type": "str", "required": True},
            "image_id": {"type": "str", "required": True},
            "volume_id": {"type": "str", "required": True},
            "storage_type": {"type": "str", "required": True, "choices": ["nfs", "glusterfs", "iscsi", "fc"]},
            "timeout": {"type": "int", "default": 7200},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
