"""A host to deploy to: a real sshd in a mount namespace with its own /etc, /run and tools that only take notes.

ssh, shell, files, owners, openssl are real; package manager, systemd and vdsm-tool are small scripts, because a test
must not install anything on the machine that runs it. The lab's hosts are where the real ones are used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from engine_sim.hostdeploy import HostTarget

from .conftest import free_port, wait_for_port, wait_for_silence

PASSWORD = "not-the-usual-one"

_TOOLS = {
    "dpkg-query": 'cat "$STATE/packages"',
    "apt-get": """
echo "apt-get $*" >>"$STATE/calls"
for word; do last=$word; done
case " $* " in
*" update "*) touch "$STATE/updated"; exit 0;;
esac
seen=no
for word; do
  if [ $seen = yes ]; then
    if grep -qx "$word" "$STATE/uninstallable" 2>/dev/null; then
      echo "E: Unable to locate package $word" >&2
      exit 100
    fi
    for p in $word $([ $word = ovirt-host ] && echo vdsm); do echo "installed $p 4.50.5.1-1" >>"$STATE/packages"; done
  fi
  [ "$word" = install ] && seen=yes
done
exit 0
""",
    "rpm": r"""sed -n 's/^installed \([^ ]*\) /\1 /p' "$STATE/packages" """,
    "dnf": 'for name; do last=$name; done; exec apt-get -y install "$last"',
    "semanage": "exit 0",
    "systemctl": """
echo "systemctl $*" >>"$STATE/calls"
case "$1" in
list-unit-files) cat "$STATE/units";;
is-active) if [ -e "$STATE/active-$2" ]; then echo active; else echo inactive; exit 3; fi;;
is-failed) exit 1;;
esac
exit 0
""",
    "systemd-detect-virt": "echo systemd-nspawn",
    "firewall-cmd": """
echo "firewall-cmd $*" >>"$STATE/calls"
case " $* " in
*--add-service*--add-port* | *--add-port*--add-service*)
  echo "firewall-cmd: error: argument --add-port: not allowed with argument --add-service" >&2; exit 2;;
*--get-services*) echo "cockpit libvirt-tls snmp ssh vdsm";;
esac
""",
    "journalctl": "exit 0",
    "vdsm-tool": 'echo "vdsm-tool $*" >>"$STATE/calls"; echo "Done configuring modules to VDSM."',
    "hostname": "echo he-host1.lab.test",
}

_NAMESPACE = """
set -e
mount --bind "$STATE/etc" /etc
mount -t tmpfs -o mode=0755 run /run
mount --bind "$STATE/root" /root
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -f "$STATE/sshd_config"
"""


class Sandbox:
    """One such host; `start` and `stop` it."""

    def __init__(self, state: Path, public_key: str) -> None:
        self.state = state
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (state / "root").mkdir(mode=0o700)
        self._lay_etc()
        self._lay_tools()
        (state / "calls").touch()
        (state / "packages").write_text("installed openssl 3.0\n")
        (state / "units").write_text(
            "".join(
                f"{unit}.service disabled\n"
                for unit in ("vdsmd", "libvirtd", "libvirt-guests", "ovirt-ha-agent", "ovirt-ha-broker")
            )
        )
        (state / "authorized_keys").write_text(public_key + "\n")
        self.new_host_key()
        (state / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {state}/host_key\nPidFile none\nUsePAM no\n"
            f"StrictModes no\nAuthorizedKeysFile {state}/authorized_keys\nPermitRootLogin yes\n"
            f"PasswordAuthentication yes\nSetEnv PATH={state}/bin:/usr/sbin:/usr/bin:/sbin:/bin STATE={state}\n"
        )

    def _lay_etc(self) -> None:
        etc = self.state / "etc"
        shutil.copytree("/etc", etc, symlinks=True, ignore=shutil.ignore_patterns("alternatives", "systemd", "java*"))
        for path, lines in {
            "passwd": ["vdsm:x:36:36::/var/lib/vdsm:/usr/sbin/nologin"],
            "group": ["kvm:x:36:", "qemu:x:107:"],
        }.items():
            kept = [
                line
                for line in (etc / path).read_text().splitlines()
                if line.split(":", maxsplit=1)[0] not in [new.split(":", maxsplit=1)[0] for new in lines]
            ]
            (etc / path).write_text("\n".join([*kept, *lines]) + "\n")
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
        ).stdout.strip()
        (etc / "shadow").write_text(f"root:{hashed}:19000:0:99999:7:::\nsshd:!:19000::::::\n")
        (etc / "os-release").unlink(missing_ok=True)
        (etc / "os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')

    def _lay_tools(self) -> None:
        folder = self.state / "bin"
        folder.mkdir()
        for name, body in _TOOLS.items():
            (folder / name).write_text(f"#!/bin/sh\n{body.strip()}\n")
            (folder / name).chmod(0o755)

    def new_host_key(self) -> None:
        for name in ("host_key", "host_key.pub"):
            (self.state / name).unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.state / "host_key")], check=True)

    def start(self) -> None:
        with (self.state / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "unshare",
                    "--mount",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    _NAMESPACE,
                ],
                env={**os.environ, "STATE": str(self.state)},
                stdout=log,
                stderr=log,
            )
        wait_for_port("127.0.0.1", self.port, self._process)

    def stop(self) -> None:
        """As a host that loses power: every connection ends with it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        # The kernel kills the namespace a moment after its parent.
        wait_for_silence("127.0.0.1", self.port)

    def target(self, key_file: Path | None, password: str = "", known_hosts: Path | None = None) -> HostTarget:
        return HostTarget("host1", "127.0.0.1", self.port, "root", key_file, password, known_hosts)

    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()

    def stat(self, path: str) -> tuple[int, int, int]:
        """(mode, uid, gid) of a file below /etc."""
        found = (self.state / path.lstrip("/")).stat()
        return found.st_mode & 0o7777, found.st_uid, found.st_gid
