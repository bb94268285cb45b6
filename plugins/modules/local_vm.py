#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: local_vm
short_description: Bootstrap engine VM on the host's own disk
version_added: 1.0.0
description:
  - Runs the appliance as a libvirt VM whose disk is an overlay in a folder of its own; the image is only read.
  - The VM is told its ssh host key and an ephemeral key of ours at its first boot. It is reached over ssh with a pinned
    host key from the first second on; passwords are not accepted over ssh.
  - O(state=running) ends when a command has been run in the VM, and fails at once when the VM stops.
  - O(state=shutdown) powers it off in order, takes it out of libvirt and keeps its disk, which vdsm may then read.
  - O(state=absent) removes it and its folder.
options:
  state:
    description: What the VM is to be.
    type: str
    choices: [running, shutdown, absent]
    default: running
  name:
    description: Name of the libvirt domain.
    type: str
    default: HostedEngineLocal
  image:
    description: Path of the appliance's disk image. Needed for O(state=running).
    type: path
  image_format:
    description: Format of O(image).
    type: str
    choices: [qcow2, raw]
    default: qcow2
  network:
    description: Libvirt network of the VM; it must give addresses by DHCP.
    type: str
    default: node0-bootstrap
  memory:
    description: Memory in bytes.
    type: int
    default: 17179869184
  vcpus:
    description: Number of virtual CPUs.
    type: int
    default: 4
  virt_type:
    description: How the VM is run; V(qemu) emulates and is for hosts without KVM.
    type: str
    choices: [kvm, qemu]
    default: kvm
  machine:
    description: Machine type.
    type: str
    default: q35
  cpu:
    description: V(host-model), V(host-passthrough), V(maximum), or the name of a CPU model as libvirt knows it.
    type: str
    default: host-passthrough
  firmware:
    description: Firmware; it must be what the image boots with.
    type: str
    choices: [bios, uefi]
    default: uefi
  seed_bus:
    description: Bus of the cloud-init volume; V(virtio) attaches it as a read-only disk, the others as a CD-ROM.
    type: str
    choices: [sata, ide, scsi, virtio]
    default: sata
  disk_size:
    description: Bytes that the VM's disk has; V(0) for the size of the image.
    type: int
    default: 0
  disk_cache:
    description: Cache mode of the VM's disk.
    type: str
    choices: [none, writeback, writethrough, directsync, unsafe]
    default: writeback
  fqdn:
    description: Fully qualified name of the engine. Needed for O(state=running).
    type: str
  mac:
    description: Hardware address of the VM, which the target VM keeps; a random one of the range 00:16:3e if empty.
    type: str
    default: ""
  time_zone:
    description: Time zone of the VM, for example V(Europe/Vienna); that of the image if empty.
    type: str
    default: ""
  root_password:
    description: Root's password for the VM's console. Only its SHA-512 hash reaches the VM.
    type: str
  root_ssh_pubkey:
    description: Public key of the operator that may log in to the VM as root, also later.
    type: str
    default: ""
  dir_parent:
    description: Folder in which the VM's folder is made.
    type: path
    default: /var/tmp
  timeout:
    description: Seconds to wait for the first login, or for the power-off.
    type: int
    default: 600
extends_documentation_fragment:
  - node0.hosted_engine._journal
  - node0.hosted_engine._phase_end
attributes:
  check_mode:
    description: Says whether a VM would be made, started or stopped, and does not do it.
    support: full
requirements:
  - python3-libvirt
  - qemu-img, ssh-keygen, ssh, openssl
  - one of xorriso, genisoimage, mkisofs
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Start the bootstrap engine VM
  node0.hosted_engine.local_vm:
    image: "{{ appliance.image.path }}"
    image_format: "{{ appliance.image.format }}"
    firmware: "{{ appliance.image.firmware }}"
    fqdn: engine.example.com
    mac: "00:16:3e:12:34:56"
    root_password: "{{ he_appliance_password }}"
  register: bootstrap

- name: Power it off and keep its disk
  node0.hosted_engine.local_vm:
    state: shutdown
"""

RETURN = r"""
vm:
  description: The VM; in check mode as far as it is known.
  returned: O(state=running) and O(state=shutdown)
  type: dict
  contains:
    name:
      description: Name of the domain.
      type: str
    uuid:
      description: UUID of the domain.
      type: str
    mac:
      description: Hardware address.
      type: str
    address:
      description: IPv4 address in the NAT network.
      type: str
    dir:
      description: Folder of the VM.
      type: str
    disk:
      description: Path of its qcow2 disk.
      type: str
    ssh:
      description: The way in, as option C(guest) of other modules takes it.
      type: dict
      contains:
        address:
          description: IPv4 address.
          type: str
        key:
          description: Path of the private key.
          type: str
        known_hosts:
          description: Path of the file with the pinned host key.
          type: str
        port:
          description: Port of sshd.
          type: int
        user:
          description: Account to log in to.
          type: str
removed:
  description: What was removed, in words.
  returned: O(state=absent)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import vm
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute, phase_end_arguments

KEY = "local_vm"


def wish(params: dict[str, Any]) -> vm.VmWish:
    return vm.VmWish(
        name=params["name"],
        image=params["image"],
        image_format=params["image_format"],
        network=params["network"],
        memory=params["memory"],
        vcpus=params["vcpus"],
        virt_type=params["virt_type"],
        machine=params["machine"],
        cpu=params["cpu"],
        firmware=params["firmware"],
        seed_bus=params["seed_bus"],
        disk_size=params["disk_size"],
        disk_cache=params["disk_cache"],
        fqdn=params["fqdn"],
        mac=params["mac"].lower(),
        time_zone=params["time_zone"],
        root_password=params["root_password"] or "",
        root_ssh_pubkey=params["root_ssh_pubkey"],
        dir_parent=params["dir_parent"],
        timeout=params["timeout"],
    )


def work(module: AnsibleModule) -> dict[str, Any]:
    params, dry_run = module.params, module.check_mode
    journal = Journal(params["journal"], params["phase"])
    known = journal.state(KEY) or {}
    if params["state"] == "absent":
        removed = vm.absent(params["name"], journal, known, dry_run)
        if known and not dry_run:
            journal.forget(KEY)
        return {"changed": bool(removed), "removed": removed}
    if params["state"] == "shutdown":
        facts, changed = vm.shutdown(params["name"], journal, known, params["timeout"], dry_run)
    else:
        facts, changed = vm.running(wish(params), journal, known, dry_run)
    if not dry_run and facts != known:
        journal.remember(KEY, facts)
    return {"changed": changed, "vm": facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **phase_end_arguments(),
            "state": {"type": "str", "choices": ["running", "shutdown", "absent"], "default": "running"},
            "name": {"type": "str", "default": "HostedEngineLocal"},
            "image": {"type": "path"},
            "image_format": {"type": "str", "choices": ["qcow2", "raw"], "default": "qcow2"},
            "network": {"type": "str", "default": "node0-bootstrap"},
            "memory": {"type": "int", "default": 17179869184},
            "vcpus": {"type": "int", "default": 4},
            "virt_type": {"type": "str", "choices": ["kvm", "qemu"], "default": "kvm"},
            "machine": {"type": "str", "default": "q35"},
            "cpu": {"type": "str", "default": "host-passthrough"},
            "firmware": {"type": "str", "choices": ["bios", "uefi"], "default": "uefi"},
            "seed_bus": {"type": "str", "choices": ["sata", "ide", "scsi", "virtio"], "default": "sata"},
            "disk_size": {"type": "int", "default": 0},
            "disk_cache": {
                "type": "str",
                "choices": ["none", "writeback", "writethrough", "directsync", "unsafe"],
                "default": "writeback",
            },
            "fqdn": {"type": "str"},
            "mac": {"type": "str", "default": ""},
            "time_zone": {"type": "str", "default": ""},
            "root_password": {"type": "str", "no_log": True},
            "root_ssh_pubkey": {"type": "str", "default": "", "no_log": False},
            "dir_parent": {"type": "path", "default": "/var/tmp"},
            "timeout": {"type": "int", "default": 600},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        required_if=[("state", "running", ("image", "fqdn"))],
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
