# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bootstrap VM's folder: its disk over the appliance's image, keys, pinned host key, seed."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import seed, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

KIND = "directory"
PREFIX = "localvm"


@dataclass(frozen=True)
class WorkDir:
    """Paths below the folder; see C(create)."""

    path: str

    @property
    def disk(self) -> str:
        """Return the path of the qcow2 overlay."""
        return os.path.join(self.path, "disk.qcow2")

    @property
    def key(self) -> str:
        """Return the path of the private key that logs in to the VM."""
        return os.path.join(self.path, "id_ed25519")

    @property
    def host_key(self) -> str:
        """Return the path of the VM's own private key, until it is in the seed."""
        return os.path.join(self.path, "ssh_host_ed25519_key")

    @property
    def known_hosts(self) -> str:
        """Return the path of the file that pins the VM's host key."""
        return os.path.join(self.path, "known_hosts")

    @property
    def seed(self) -> str:
        """Return the path of the cloud-init ISO."""
        return os.path.join(self.path, "seed.iso")

    def complete(self) -> bool:
        """Return whether a VM can be started from what is there."""
        return all(os.path.exists(path) for path in (self.disk, self.key, self.known_hosts, self.seed))


def create(parent: str, ledger: Ledger) -> WorkDir:
    """Make a new folder C(parent/localvmXXXXXXXX) and write it down.

    Others may pass through but not list it: QEMU's account reads the disk now, vdsm's reads it when it is copied. The
    keys in it are for root alone.
    """
    letters = string.ascii_lowercase + string.digits
    path = os.path.join(parent, PREFIX + "".join(secrets.choice(letters) for _position in range(8)))
    with ledger.making(KIND, path):
        os.makedirs(parent, exist_ok=True)
        os.mkdir(path)
        os.chmod(path, 0o711)
    return WorkDir(path)


def fill(folder: WorkDir, image: str, image_format: str, size: int, known_as: Sequence[str]) -> None:
    """Make what is not there yet: the two key pairs, the pinned host key, the overlay.

    Args:
        folder: where.
        image: the appliance's disk image, which is only read.
        image_format: C(qcow2) or C(raw).
        size: bytes that the VM's disk has at least; 0 for the size of the image.
        known_as: names and addresses under which the VM's host key is pinned.
    """
    for path in (folder.key, folder.host_key):
        if not os.path.exists(path):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "node0-bootstrap", "-f", path])
    if not os.path.exists(folder.known_hosts):
        kind, key = textfile.read(folder.host_key + ".pub").split()[:2]
        textfile.replace(folder.known_hosts, f"{','.join(known_as)} {kind} {key}\n")
    if not os.path.exists(folder.disk):
        words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", image_format, "-b", image, folder.disk]
        run([*words, str(size)] if size else words)
        os.chmod(folder.disk, 0o600)


def hand_over(folder: WorkDir, user: str = "vdsm", group: str = "kvm") -> None:
    """Let vdsm's account read the disk of a VM that is off; where that account is missing nothing is done."""
    try:
        owner, members = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError:
        return
    os.chown(folder.disk, owner, members)
    os.chmod(folder.disk, 0o660)


def write_seed(folder: WorkDir, fqdn: str, mac: str, identity: str, extra_keys: Sequence[str], **more: str) -> None:
    """Write the seed, and remove the VM's private host key, which nobody needs outside the VM.

    Args:
        folder: where.
        fqdn: name of the engine.
        mac: hardware address of the VM's NIC.
        identity: UUID, used as cloud-init's instance id.
        extra_keys: public keys of the operator.
        more: C(root_password_hash) and C(time_zone).
    """
    keys = [textfile.read(folder.key + ".pub").strip(), *extra_keys]
    private, public = textfile.read(folder.host_key), textfile.read(folder.host_key + ".pub").strip()
    seed.write_iso(seed.Seed(identity, fqdn, mac, keys, private, public, **more), folder.seed)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder.host_key)
