# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last words to the bootstrap VM: files for its life as the engine VM, written over ssh while it still runs.

Its running network is left alone. Two commands do it all: one looks, one changes; our key goes last.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import hosts_file, keyfile, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE, Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.seed import SSHD_DROP_IN

DROP_IN = "/etc/ssh/sshd_config.d/00-hosted-engine.conf"
KEYS = "/root/.ssh/authorized_keys"

_MARK = "@@ node0 @@"
_CLOUD_UNITS = ("cloud-init-local", "cloud-init-network", "cloud-init", "cloud-config", "cloud-final")
# What cloud-init made of the bootstrap's network; NetworkManager would prefer it to ours, or use both.
_STALE = (
    "/etc/sysconfig/network-scripts/ifcfg-eth0",
    "/etc/NetworkManager/system-connections/cloud-init-*.nmconnection",
    "/etc/systemd/network/10-cloud-init-*.network",
    "/etc/network/interfaces.d/50-cloud-init",
    "/etc/netplan/50-cloud-init.yaml",
)


@dataclass(frozen=True)
class FinalWish:
    """How the engine VM is to wake up.

    Attributes:
        network: its network.
        fqdn: its name.
        etc_hosts: whether the host's line stays in its hosts file, with one for itself if its address is static.
        host_address: address of the host, for that line.
        host_name: name of the host, for that line.
        root_ssh_access: C(yes), C(no) or C(without-password).
        power_off: whether to power it off on the connection that is open: afterwards nobody can log in.
    """

    network: keyfile.GuestNetwork
    fqdn: str
    etc_hosts: bool = False
    host_address: str = ""
    host_name: str = ""
    root_ssh_access: str = "yes"
    power_off: bool = False

    def sshd(self) -> str:
        """Return sshd's settings; passwords were refused only as long as the bootstrap lasted."""
        lines = [f"PermitRootLogin {self.root_ssh_access}"]
        if self.root_ssh_access == "yes":
            lines.append("PasswordAuthentication yes")
        return "\n".join(lines) + "\n"

    def hosts(self, text: str) -> str:
        """Return the guest's hosts file without the bootstrap's lines."""
        own = [f"{self.network.address} {self.fqdn}"] if self.network.address else []
        host = [f"{self.host_address} {self.host_name}"] if self.host_address and self.host_name else []
        wanted = own + host if self.etc_hosts else []
        kept = hosts_file.without(text, hosts_file.GUEST_MARKER)
        missing = [line for line in wanted if line not in kept.splitlines()]
        return kept + ("" if kept.endswith("\n") or not kept else "\n") + "".join(f"{line}\n" for line in missing)


@dataclass(frozen=True)
class Done:
    """What was changed, in words, and what fstrim said it gave back."""

    changes: list[str]
    trimmed: list[str]


def configure(guest: Guest, wish: FinalWish, dry_run: bool = False) -> Done:
    """Write what is missing and take our key away.

    Raises:
        HostedEngineError: C(guest.unreachable), C(guest.network_impossible), C(command.failed).
    """
    own_key = textfile.read(guest.key + ".pub").split()[1:2]
    with guest:
        seen = _look(guest)
        wanted = {
            keyfile.PATH: wish.network.keyfile(),
            hosts_file.PATH: wish.hosts(seen[hosts_file.PATH]),
            DROP_IN: wish.sshd(),
        }
        if not seen["include"].strip():
            del wanted[DROP_IN]
        files = {path: text for path, text in wanted.items() if seen[path] != text}
        changes = [f"file {path}" for path in files]
        changes += [] if seen["disabled"].strip() else ["cloud-init disabled"]
        changes += ["our key removed"] if own_key and own_key[0] in seen[KEYS] else []
        changes += ["powered off"] if wish.power_off else []
        if dry_run:
            return Done(changes, [])
        script = _script(files, wish, own_key[0] if own_key else None, bool(seen["include"].strip()))
        told = guest.run(["sh", "-s"], stdin=script, timeout=300).stdout
        if wish.power_off:
            # The connection may go down before the answer is here.
            with _expected_end():
                guest.run(["systemctl", "poweroff"], check=False)
    return Done(changes, [line for line in told.splitlines() if "trimmed" in line])


@contextlib.contextmanager
def _expected_end() -> Iterator[None]:
    try:
        yield
    except HostedEngineError as error:
        if error.problem is not GUEST_UNREACHABLE:
            raise


def _look(guest: Guest) -> dict[str, str]:
    paths = (keyfile.PATH, hosts_file.PATH, DROP_IN, KEYS)
    lines = [f"cat {path} 2>/dev/null; printf '{_MARK}'" for path in paths]
    lines.append(f"grep -s '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config; printf '{_MARK}'")
    lines.append("ls /etc/cloud/cloud-init.disabled 2>/dev/null; true")
    answers = guest.run(["sh", "-s"], stdin="\n".join(lines) + "\n").stdout.split(_MARK)
    return dict(zip((*paths, "include", "disabled"), answers))


def _script(files: dict[str, str], wish: FinalWish, own_key: Optional[str], has_drop_ins: bool) -> str:
    lines = ["set -e", "umask 077"]
    for path, text in files.items():
        mode = "0644" if path == hosts_file.PATH else "0600"
        lines += [
            f"mkdir -p {path.rpartition('/')[0]}",
            f"printf %s {shlex.quote(text)} >{path}.node0",
            f"chmod {mode} {path}.node0",
            f"mv -f {path}.node0 {path}",
        ]
    lines += [f"rm -f {' '.join(_STALE)} {SSHD_DROP_IN}", "mkdir -p /etc/cloud", ": >/etc/cloud/cloud-init.disabled"]
    if not has_drop_ins:
        lines += _edited_sshd(wish.sshd())
    for unit in _CLOUD_UNITS:
        lines.append(
            f"[ ! -e /usr/lib/systemd/system/{unit}.service ] || ln -sf /dev/null /etc/systemd/system/{unit}.service"
        )
    if own_key:
        # grep says 1 when no other key is left.
        lines += [
            f"grep -vF {shlex.quote(own_key)} {KEYS} >{KEYS}.node0 || [ $? -eq 1 ]",
            f"chmod 0600 {KEYS}.node0",
            f"mv -f {KEYS}.node0 {KEYS}",
        ]
    written = " ".join([*files, KEYS, "/etc/cloud/cloud-init.disabled"])
    lines.append(f"if command -v restorecon >/dev/null; then restorecon {written}; fi")
    # Blocks that are given back need not be copied; a file system or a disk without discard does no harm.
    lines += ["fstrim -av 2>/dev/null || true", "sync"]
    return "\n".join(lines) + "\n"


def _edited_sshd(settings: str) -> list[str]:
    names = [line.split()[0] for line in settings.splitlines()]
    path = "/etc/ssh/sshd_config"
    inserted = [f"sed -i {shlex.quote(f'1i {line}')} {path}" for line in settings.splitlines()]
    return [*(f"sed -i '/^[# ]*{name} /d' {path}" for name in names), *inserted]
