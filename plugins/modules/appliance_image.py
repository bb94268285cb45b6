#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: appliance_image
short_description: Disk image of the engine appliance, unpacked once and cached
version_added: 1.0.0
description:
  - Takes the appliance from a file on the host or from the installed package C(ovirt-engine-appliance).
  - An OVA is unpacked in one pass, in which it is also hashed; whether the image fits is known before it is written.
    The image is kept in a cache. A file that has not changed in size and time is not read again.
  - A qcow2 image is used where it is, read-only, and never copied.
options:
  path:
    description:
      - OVA (with or without gzip) or qcow2 file on the host; what it is is told by its content.
      - The newest appliance that a package describes in C(/etc/ovirt-hosted-engine/*-appliance.conf) if empty.
    type: path
    default: ""
  cache_dir:
    description: Folder of the unpacked images.
    type: path
    default: /var/cache/node0-hosted-engine/appliance
  checksum:
    description:
      - What the file must have, as C(sha256:HEX); SHA-1, SHA-384 and SHA-512 are also understood.
      - The checksum that the package gives is taken if empty.
    type: str
    default: ""
  firmware:
    description: What the image boots with; V(auto) looks into its partition table.
    type: str
    choices: [auto, bios, uefi]
    default: auto
extends_documentation_fragment:
  - node0.hosted_engine._journal
attributes:
  check_mode:
    description: Says whether the appliance would have to be read or unpacked, and does not do it.
    support: full
requirements:
  - qemu-img
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Prepare the appliance of the installed package
  node0.hosted_engine.appliance_image:
  register: appliance

- name: Prepare an appliance that was downloaded
  node0.hosted_engine.appliance_image:
    path: /var/lib/appliances/ovirt-engine-appliance-4.5.ova
    checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
image:
  description: The image; empty in check mode when it is not prepared yet.
  returned: always
  type: dict
  contains:
    path:
      description: Path of the image.
      type: str
    format:
      description: Its format, C(qcow2) or C(raw).
      type: str
    virtual_size:
      description: Bytes that a guest sees.
      type: int
    digest:
      description: Digest of the appliance's file as C(algorithm:hex); empty for a qcow2 file without O(checksum).
      type: str
    firmware:
      description: C(bios) or C(uefi).
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import appliance
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute

KEY = "appliance"


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    image, changed = appliance.prepare(
        params["path"], params["cache_dir"], params["checksum"], params["firmware"], module.check_mode
    )
    if image is None:
        return {"changed": True, "image": {}}
    journal = Journal(params["journal"], params["phase"])
    if not module.check_mode and journal.state(KEY) != image.facts():
        journal.remember(KEY, image.facts())
    return {"changed": changed, "image": image.facts()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": ""},
            "cache_dir": {"type": "path", "default": appliance.CACHE},
            "checksum": {"type": "str", "default": ""},
            "firmware": {"type": "str", "choices": ["auto", "bios", "uefi"], "default": "auto"},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
