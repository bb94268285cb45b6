# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lab host: a systemd-nspawn container with an init, a network and an sshd of its own."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from driver import cgroups, mounts, network, processes
from driver.errors import LabError
from driver.paths import LabPaths
from driver.plan import Host, Plan
from driver.run import run, wait_for
from driver.state import Resource, State

NIC = "host0"
SSH_PORT = 22
BOOT_DEADLINE = 90.0
POWER_OFF_GRACE = 20.0


def arguments(root: Path, host: Host, plan: Plan, paths: LabPaths) -> list[str]:
    """The command line: independent of the machine's own init and bus, able to do what libvirt needs."""
    return [
        "systemd-nspawn",
        f"--directory={root}",
        f"--machine={host.machine}",
        f"--hostname={host.fqdn}",
        f"--uuid={host.uuid}",
        "--boot",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=pipe",
        "--capability=all",
        "--network-veth",
        f"--network-bridge={plan.bridge}",
        "--bind=/dev/net/tun",
        f"--bind={paths.exports}:/srv/exports",
        f"--bind-ro={paths.share}:/srv/lab",
    ]


def write_identity(upper: Path, host: Host, plan: Plan, paths: LabPaths) -> None:
    """What tells one host from another, straight into its upper layer."""
    key = paths.host(host.name) / "ssh_host_ed25519_key"
    files = {
        "etc/hostname": f"{host.fqdn}\n",
        "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
        "etc/resolv.conf": f"search {plan.domain}\nnameserver {plan.gateway}\n",
        "etc/lab/network.conf": (f"NIC={NIC}\nADDRESS={host.address}\nPREFIX={plan.prefix}\nGATEWAY={plan.gateway}\n"),
        # dmidecode cannot read the firmware's tables in a container; this file is vdsm's own way out.
        "etc/vdsm/vdsm.id": f"{host.uuid}\n",
        "etc/ssh/ssh_host_ed25519_key": key.read_text(encoding="ascii"),
        "etc/ssh/ssh_host_ed25519_key.pub": key.with_suffix(".pub").read_text(encoding="ascii"),
        "root/.ssh/authorized_keys": paths.key.with_suffix(".pub").read_text(encoding="ascii"),
    }
    for name, text in files.items():
        path = upper / name
        for parent in reversed(path.relative_to(upper).parents[:-1]):
            (upper / parent).mkdir(mode=0o700 if str(parent).startswith("root") else 0o755, exist_ok=True)
        path.write_text(text, encoding="ascii")
        path.chmod(0o600 if name.endswith(("_key", "authorized_keys")) else 0o644)


def start(host: Host, plan: Plan, paths: LabPaths, state: State, lowers: list[Path]) -> subprocess.Popen[bytes]:
    """Mount the host's tree and boot it; returns at once, :func:`wait_until_up` waits."""
    fresh = not (paths.host(host.name) / "upper").exists()
    root = mounts.mount_overlay(lowers, paths, host.name, state)
    if fresh:
        write_identity(root, host, plan, paths)
    state.intend("cgroup", machine=host.machine)
    cgroups.make(host.machine)
    argv = arguments(root, host, plan, paths)
    resource = state.intend(
        "process", role="host", host=host.name, machine=host.machine, marker=argv[1], grace=POWER_OFF_GRACE
    )
    with (paths.logs / f"{host.name}.console").open("ab") as log:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: cgroups.enter(host.machine),
            env={"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "SYSTEMD_LOG_LEVEL": "warning"},
        )
    state.settle(resource, pid=child.pid, start=processes.start_time(child.pid))
    return child


def _banner(address: str) -> str:
    try:
        with socket.create_connection((address, SSH_PORT), timeout=0.5) as connection:
            connection.settimeout(2.0)
            return connection.recv(64).decode("ascii", "replace").strip() or "connection closed without a banner"
    except OSError as error:
        return str(error)


def wait_until_up(host: Host, child: subprocess.Popen[bytes], paths: LabPaths, deadline: float = BOOT_DEADLINE) -> None:
    """Wait for sshd's banner, watching the container's process in the same loop."""

    def look() -> object:
        if child.poll() is not None:
            log = (paths.logs / f"{host.name}.console").read_text(encoding="utf-8", errors="replace")
            raise LabError(f"{host.name} ended with status {child.returncode} while it booted: {log[-1500:]}")
        seen = _banner(host.address)
        return seen.startswith("SSH-2.0") or seen

    wait_for(f"sshd of {host.name}", look, deadline=deadline)


def leader(resource: Resource) -> int:
    """Process number of the container's init."""
    if not processes.alive(int(resource["pid"]), int(resource["start"])):
        raise LabError(f"{resource['host']} is not running")
    found = processes.children(int(resource["pid"]))
    if len(found) != 1:
        raise LabError(f"{resource['host']}: expected one init below process {resource['pid']}, found {found}")
    return found[0]


def inside(resource: Resource, argv: list[str]) -> list[str]:
    """The command that runs ``argv`` inside the host without going through its network."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = ["env", "--ignore-environment", "--chdir=/", path, "HOME=/root", "LANG=C.UTF-8"]
    return ["nsenter", f"--target={leader(resource)}", "--all", "--", *environment, *argv]


def stop(resource: Resource, state: State, *, hard: bool = False) -> None:
    """Orderly power-off of one host (``hard``: cut its power) and its overlay unmounted; what it wrote stays."""
    pid, begin = int(resource["pid"]), int(resource["start"])
    said = processes.kill(pid, begin) if hard else processes.end(pid, begin, grace=float(resource["grace"]))
    if said:
        raise LabError(f"{resource['host']}: {said}")
    state.forget(resource)
    for group in state.of_kind("cgroup", machine=resource["machine"]):
        cgroups.remove(str(group["machine"]))
        state.forget(group)
    network.remove_cable(str(resource["machine"]))
    for mount in state.of_kind("mount", host=resource["host"]):
        run(["umount", str(mount["path"])])
        state.forget(mount)


def discard(paths: LabPaths, name: str) -> None:
    """Throw away everything the (stopped) host wrote."""
    for part in ("upper", "work"):
        path = paths.host(name) / part
        if path.exists():
            shutil.rmtree(path)
