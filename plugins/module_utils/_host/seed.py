# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud-init seed of the bootstrap VM (host contract 10.7).

It pins the VM's host key and brings our own ephemeral key: from its first second the VM is reached over ssh without
trust on first use and without a password.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import COMMAND_MISSING, run

# Any of these writes ISO images; xorriso does it when it is called as mkisofs.
WRITERS = (("xorriso", "-as", "mkisofs"), ("genisoimage",), ("mkisofs",))

# libxcrypt of EL 9 and newer, and of Debian. The module crypt of Python has left with 3.13.
LIBCRYPT = ("libcrypt.so.2", "libcrypt.so.1")

SSHD_DROP_IN = "/etc/ssh/sshd_config.d/00-node0-bootstrap.conf"

# Root logs in by key and nobody by password, whatever the appliance's sshd says; without drop-ins (EL8) the file itself
# is edited. cloud-init runs this before sshd starts.
_KEYS_ONLY = f"""\
set -- PermitRootLogin prohibit-password PasswordAuthentication no UseDNS no
if grep -qs '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config; then
  printf '%s %s\\n' "$@" >{SSHD_DROP_IN}
else
  while [ $# -gt 0 ]; do
    sed -i -e "1i $1 $2" -e "/^[# ]*$1 /d" /etc/ssh/sshd_config
    shift 2
  done
fi
"""


@dataclass(frozen=True)
class Seed:
    """What the VM is told at its first boot.

    Attributes:
        instance: id of the instance; cloud-init runs once for each.
        fqdn: fully qualified name of the engine.
        mac: hardware address of the only NIC, which asks DHCP for its address.
        authorized_keys: public keys that may log in as root.
        host_private_key: the VM's own ssh key; a secret.
        host_public_key: its public half.
        root_password_hash: SHA-512 crypt hash, or nothing to leave the password as it is.
        time_zone: name like C(Europe/Vienna), or nothing.
    """

    instance: str
    fqdn: str
    mac: str
    authorized_keys: Sequence[str]
    host_private_key: str
    host_public_key: str
    root_password_hash: str = ""
    time_zone: str = ""

    def files(self) -> dict[str, str]:
        """Return the seed's files by name; JSON is YAML too."""
        return {
            "meta-data": _dump({"instance-id": self.instance, "local-hostname": self.fqdn}),
            "user-data": "#cloud-config\n" + _dump(self._user_data()),
            "network-config": _dump(self._network()),
        }

    def _user_data(self) -> dict[str, Any]:
        # The keys go to the top level: an entry for root under "users" would lock root, and a locked root is refused
        # by sshd even with a key.
        data: dict[str, Any] = {
            "disable_root": False,
            # With a value cloud-init would restart sshd in the middle of our first commands.
            "ssh_pwauth": "unchanged",
            "ssh_authorized_keys": list(self.authorized_keys),
            "ssh_keys": {"ed25519_private": self.host_private_key, "ed25519_public": self.host_public_key},
            "bootcmd": [["sh", "-c", _KEYS_ONLY]],
        }
        if self.root_password_hash:
            # "list" is deprecated since cloud-init 22.3 but is all that older ones know.
            data["chpasswd"] = {"expire": False, "list": [f"root:{self.root_password_hash}"]}
        if self.time_zone:
            data["timezone"] = self.time_zone
        return data

    def _network(self) -> dict[str, Any]:
        nic = {"type": "physical", "name": "eth0", "mac_address": self.mac.lower(), "subnets": [{"type": "dhcp"}]}
        return {"version": 1, "config": [nic]}


def write_iso(seed: Seed, path: str) -> None:
    """Write the seed as an ISO image labelled C(cidata), mode 0600.

    Raises:
        HostedEngineError: C(command.missing) when the host has no program for it.
    """
    writer = next((words for words in WRITERS if shutil.which(words[0])), None)
    if writer is None:
        raise HostedEngineError(COMMAND_MISSING, observed="none of xorriso, genisoimage, mkisofs is there")
    # Private from the first byte on: the seed holds the VM's host key.
    folder = tempfile.mkdtemp(prefix=".seed-", dir=os.path.dirname(path))
    try:
        for name, text in seed.files().items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
                stream.write(text)
        image = os.path.join(folder, "image")
        words = [*writer, "-quiet", "-output", image, "-volid", "cidata", "-joliet", "-rock"]
        run([*words, *(os.path.join(folder, name) for name in seed.files())])
        os.chmod(image, 0o600)
        os.replace(image, path)
    finally:
        shutil.rmtree(folder)


def crypt_password(password: str) -> str:
    """Return the SHA-512 crypt hash of a password.

    The host's own crypt(3) makes it; where that is not found, C(openssl) does, to which the password travels through
    standard input and not through arguments.
    """
    hashed = _crypt(password, f"$6${secrets.token_hex(8)}")
    if hashed.startswith("$6$"):
        return hashed
    return run(["openssl", "passwd", "-6", "-stdin"], stdin=f"{password}\n").stdout.strip()


def _crypt(password: str, setting: str) -> str:
    """Return what crypt(3) of the host's C library makes of a password, or nothing when it is not there."""
    for name in LIBCRYPT:
        with contextlib.suppress(OSError, AttributeError):
            crypt = ctypes.CDLL(name).crypt
            crypt.restype, crypt.argtypes = ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_char_p]
            return (crypt(password.encode(), setting.encode()) or b"").decode()
    return ""


def _dump(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
