# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that says how the bootstrap VM is reached."""

from __future__ import annotations


class ModuleDocFragment:
    """Option C(guest), shared by every module that runs commands in the bootstrap VM."""

    DOCUMENTATION = r"""
options:
  guest:
    description: Way into the bootstrap VM, as M(node0.hosted_engine.local_vm) returns it in C(vm.ssh).
    type: dict
    required: true
    suboptions:
      address:
        description: IP address of the VM.
        type: str
        required: true
      key:
        description: Path of the private key on the managed host.
        type: path
        required: true
      known_hosts:
        description: Path of the file on the managed host that pins the VM's host key.
        type: path
        required: true
      user:
        description: Account to log in to.
        type: str
        default: root
      port:
        description: TCP port of sshd.
        type: int
        default: 22
requirements:
  - ssh on the managed host
"""
