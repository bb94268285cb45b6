# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last words to the bootstrap VM: files for its life as the engine VM, written over ssh while it still runs.

Its running network is left alone. One script looks, changes what differs and says what that was; our key goes last.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import hosts_file, keyfile, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.seed import SSHD_DROP_IN

DROP_IN = "/etc/ssh/sshd_config.d/00-hosted-engine.conf"
KEYS = "/root/.ssh/authorized_keys"
_DISABLED = "/etc/cloud/cloud-init.disabled"

# fstrim of a large disk takes its time.
_SECONDS = 900
_CHANGED = "changed: "
# A file whose content differs is replaced whole, and told.
_PUT = f"""\
put() {{
  [ "$(cat "$1" 2>/dev/null; echo x)" != "${{3}}x" ] || return 0
  echo "{_CHANGED}file $1"
  [ -z "$dry" ] || return 0
  mkdir -p "${{1%/*}}"
  printf %s "$3" >"$1.node0"
  chmod "$2" "$1.node0"
  mv -f "$1.node0" "$1"
}}
"""
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
    """

    network: keyfile.GuestNetwork
    fqdn: str
    etc_hosts: bool = False
    host_address: str = ""
    host_name: str = ""
    root_ssh_access: str = "yes"

    def sshd(self) -> str:
        """Return sshd's settings; passwords were refused only as long as the bootstrap lasted."""
        lines = [f"PermitRootLogin {self.root_ssh_access}"]
        if self.root_ssh_access == "yes":
            lines.append("PasswordAuthentication yes")
        return "\n".join(lines) + "\n"

    def names(self) -> list[str]:
        """Return the lines that the guest's hosts file must have."""
        own = [f"{self.network.address} {self.fqdn}"] if self.network.address else []
        host = [f"{self.host_address} {self.host_name}"] if self.host_address and self.host_name else []
        return own + host if self.etc_hosts else []


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
    lines = [f"dry={'yes' if dry_run else ''}", "set -e", "umask 077", _PUT, *_files(wish), *_told(own_key)]
    lines += ['[ -z "$dry" ] || exit 0', *_changes(wish, own_key)]
    told = guest.run(["sh", "-s"], stdin="\n".join(lines) + "\n", timeout=_SECONDS).stdout.splitlines()
    changes = [line.partition(_CHANGED)[2] for line in told if line.startswith(_CHANGED)]
    return Done(changes, [line for line in told if "trimmed" in line])


def _files(wish: FinalWish) -> list[str]:
    """Return the commands that put files in place."""
    lines = [
        f"put {keyfile.PATH} 0600 {shlex.quote(wish.network.keyfile())}",
        # The bootstrap's lines go; what is missing comes to the end.
        f"names=$(grep -vF -- {shlex.quote(hosts_file.GUEST_MARKER)} {hosts_file.PATH} || true)",
    ]
    for name in wish.names():
        word = shlex.quote(name)
        lines.append(f'printf "%s\\n" "$names" | grep -qxF -- {word} || names=$(printf "%s\\n%s" "$names" {word})')
    return [
        *lines,
        f'put {hosts_file.PATH} 0644 "$names\n"',
        "drop_ins=$(grep -s '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config || true)",
        f'[ -z "$drop_ins" ] || put {DROP_IN} 0600 {shlex.quote(wish.sshd())}',
    ]


def _told(own_key: list[str]) -> list[str]:
    """Return the commands that tell of changes besides those of files."""
    lines = [f"[ -e {_DISABLED} ] || echo '{_CHANGED}cloud-init disabled'"]
    for key in own_key:
        lines.append(f"! grep -qsF -- {shlex.quote(key)} {KEYS} || echo '{_CHANGED}our key removed'")
    return lines


def _changes(wish: FinalWish, own_key: list[str]) -> list[str]:
    lines = [f"rm -f {' '.join(_STALE)} {SSHD_DROP_IN}", "mkdir -p /etc/cloud", f": >{_DISABLED}"]
    lines += ['if [ -z "$drop_ins" ]; then', *_edited_sshd(wish.sshd()), "fi"]
    for unit in _CLOUD_UNITS:
        lines.append(
            f"[ ! -e /usr/lib/systemd/system/{unit}.service ] || ln -sf /dev/null /etc/systemd/system/{unit}.service"
        )
    written = " ".join([keyfile.PATH, hosts_file.PATH, DROP_IN, _DISABLED])
    lines.append(f"if command -v restorecon >/dev/null; then restorecon -i {written}; fi")
    # Blocks that are given back need not be copied; a file system or a disk without discard does no harm.
    lines += ["fstrim -av 2>/dev/null || true", "sync"]
    for key in own_key:
        # Last of all: who was cut before can come again. grep says 1 when no other key is left.
        lines += [
            f"grep -vF -- {shlex.quote(key)} {KEYS} >{KEYS}.node0 || [ $? -eq 1 ]",
            f"chmod 0600 {KEYS}.node0",
            f"if command -v restorecon >/dev/null; then restorecon -i {KEYS}.node0; fi",
            f"mv -f {KEYS}.node0 {KEYS}",
            f"sync {KEYS}",
        ]
    return lines


def _edited_sshd(settings: str) -> list[str]:
    names = [line.split()[0] for line in settings.splitlines()]
    path = "/etc/ssh/sshd_config"
    inserted = [f"sed -i {shlex.quote(f'1i {line}')} {path}" for line in settings.splitlines()]
    return [*(f"sed -i '/^[# ]*{name} /d' {path}" for name in names), *inserted]
