"""One QEMU machine on the loopback network, for the boot test and for measuring by hand (`python vm.py fast.qcow2`)."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MAC = "00:16:3e:77:00:50"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def keygen(path: Path) -> Path:
    """Make an ed25519 key pair at `path` unless it is there."""
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


def seed_iso(directory: Path, files: dict[str, str]) -> Path:
    """A NoCloud seed made as deployments do it: ISO 9660 labelled cidata, Joliet and Rock Ridge."""
    source = directory / "seed"
    source.mkdir(exist_ok=True)
    for name, text in files.items():
        (source / name).write_text(text)
    target = directory / "seed.iso"
    target.unlink(missing_ok=True)
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-output", target, "-volid", "cidata", "-joliet", "-rock", source]
    subprocess.run(command, check=True, capture_output=True)
    return target


class Machine:
    """A running QEMU; `directory` holds its disk overlay, keys and console log."""

    def __init__(
        self,
        directory: Path,
        disk: Path,
        *,
        disk_format: str = "qcow2",
        seed: Path | None = None,
        seed_bus: str = "ide",
        machine: str = "pc",
        memory: int = 1024,
        address: str = "",
    ) -> None:
        self.directory = directory
        self.ssh_port, self.https_port, self.http_port = free_port(), free_port(), free_port()
        self.console = directory / "console.log"
        forwards = ",".join(
            f"hostfwd=tcp:127.0.0.1:{ours}-{address}:{theirs}"
            for ours, theirs in ((self.ssh_port, 22), (self.https_port, 443), (self.http_port, 80))
        )
        argv = [
            "qemu-system-x86_64",
            "-accel",
            "tcg",
            "-machine",
            machine,
            "-cpu",
            "max",
            "-smp",
            "2",
            "-m",
            str(memory),
            "-nodefaults",
            "-display",
            "none",
            "-vga",
            "none",
            "-no-reboot",
            "-serial",
            f"file:{self.console}",
            "-drive",
            f"file={disk},format={disk_format},if=virtio,cache=unsafe,discard=unmap",
            "-netdev",
            f"user,id=n0,{forwards}",
            "-device",
            f"virtio-net-pci,netdev=n0,mac={MAC}",
        ]
        if seed is not None and seed_bus == "ide":
            argv += ["-drive", f"file={seed},format=raw,if=ide,media=cdrom,readonly=on"]
        elif seed is not None:
            argv += ["-drive", f"file={seed},format=raw,if=virtio,readonly=on"]
        argv += ["-monitor", f"unix:{directory}/monitor,server=on,wait=off"]
        self.started = time.monotonic()
        self.process = subprocess.Popen(argv)

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def wait(self, what: str, probe: Callable[[], bool], deadline: float) -> float:
        """Poll `probe`; seconds since power-on at its first success. A failure shows the end of the console."""
        while not probe():
            if self.process.poll() is not None or self.elapsed() > deadline:
                tail = self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""
                raise AssertionError(
                    f"no {what} after {self.elapsed():.0f} s (qemu: {self.process.poll()}); console:\n{tail}"
                )
            time.sleep(0.1)
        return self.elapsed()

    def sshd_answers(self) -> bool:
        """Whether the banner comes. A patient read: each connection costs the guest a second of sshd, so that
        giving up early and asking again would keep a slow guest from ever answering."""
        try:
            with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=3) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def ssh(self, command: str, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root with the test's key against the pinned host key."""
        known = self.directory / "known_hosts"
        key = (self.directory / "host_key.pub").read_text().split()
        known.write_text(f"[127.0.0.1]:{self.ssh_port} {key[0]} {key[1]}\n")
        argv = [
            "ssh",
            "-i",
            self.directory / "key",
            "-p",
            str(self.ssh_port),
            "-o",
            f"UserKnownHostsFile={known}",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "root@127.0.0.1",
            command,
        ]
        return subprocess.run(argv, input=stdin or "", capture_output=True, text=True, timeout=timeout, check=False)

    def monitor(self, command: str) -> None:
        """Give QEMU's monitor a command and wait until it is taken (hanging up at once can lose it)."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.directory / "monitor"))
            for text in (b"", command.encode() + b"\n"):
                connection.sendall(text)
                said = b""
                while not said.endswith(b"(qemu) "):
                    said += connection.recv(4096)

    def wait_off(self, deadline: float = 60) -> float:
        """Wait for the guest to power itself off; seconds it took."""
        start = time.monotonic()
        self.process.wait(deadline)
        return time.monotonic() - start

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)


def overlay(base: Path, target: Path) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.resolve(), target], check=True)
    return target


def seed_files(directory: Path, **extra: object) -> dict[str, str]:
    """The seed of a deployment: pinned host key, the deployment's key, no passwords."""
    host, user = keygen(directory / "host_key"), keygen(directory / "key")
    config = {
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_keys": {"ed25519_private": host.read_text(), "ed25519_public": host.with_suffix(".pub").read_text()},
        "ssh_authorized_keys": [user.with_suffix(".pub").read_text().strip()],
        "timezone": "Europe/Vienna",
        "runcmd": [["touch", "/run/runcmd-was-here"]],
        **extra,
    }
    network = {
        "version": 1,
        "config": [{"type": "physical", "name": "eth0", "mac_address": MAC, "subnets": [{"type": "dhcp"}]}],
    }
    return {
        "meta-data": "instance-id: 5a1e0ab4-6d2c-4c64-9f3e-0d1f4a9d2c11\nlocal-hostname: engine.lab.test\n",
        "user-data": "#cloud-config\n" + json.dumps(config),
        "network-config": json.dumps(network),
    }


def main(image: str, *options: str) -> None:
    with tempfile.TemporaryDirectory(prefix="vm-") as name:
        directory = Path(name)
        seed = seed_iso(directory, seed_files(directory))
        bus = "virtio" if "virtio" in options else "ide"
        vm = Machine(
            directory,
            overlay(Path(image), directory / "disk.qcow2"),
            seed=seed,
            seed_bus=bus,
            machine="q35" if "q35" in options else "pc",
        )
        try:
            print(f"sshd banner {vm.wait('sshd', vm.sshd_answers, 180):.1f} s", flush=True)
            print(f"login {vm.wait('login', lambda: vm.ssh('true').returncode == 0, 180):.1f} s", flush=True)
            for line in sys.stdin:
                done = vm.ssh(line)
                print(
                    f"$ {line.rstrip()}\n{done.stdout}{done.stderr}rc={done.returncode}  [{vm.elapsed():.1f} s]",
                    flush=True,
                )
            vm.monitor("system_powerdown")
            print(f"power button -> off {vm.wait_off():.1f} s")
        finally:
            vm.kill()
            print(vm.console.read_text(errors="replace")[-1500:])


if __name__ == "__main__":
    main(*sys.argv[1:])
