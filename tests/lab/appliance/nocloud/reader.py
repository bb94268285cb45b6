"""A small NoCloud reader for the fast appliance: what deployments put into seeds, with cloud-init's rules and traps.

`init` finds the volume labelled cidata, applies what must be there before network and sshd, and leaves runcmd for
`final`. Per-instance parts run once for each instance-id.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .network import Mapping, keyfiles

ROOT = Path("/")
RUN = Path("run/cloud-init")
STATE = Path("var/lib/cloud")
ROOT_REFUSED = (
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
    'command="echo \'Please login as the user \\"debian\\" rather than '
    'the user \\"root\\".\';echo;sleep 10;exit 142" '
)


def label_of(device: Path) -> str:
    """Volume label of an ISO 9660 or FAT file system, lower case; '' if there is none."""
    try:
        with device.open("rb") as file:
            start = file.read(96)
            file.seek(32768)
            volume = file.read(80)
    except OSError:
        return ""
    if volume[1:6] == b"CD001":
        return volume[40:72].decode("ascii", "replace").strip().lower()
    for offset in (43, 71):
        if start[offset + 11 : offset + 14] == b"FAT":
            return start[offset : offset + 11].decode("ascii", "replace").strip().lower()
    return ""


def find_seed(deadline: float = 4.0) -> Path | None:
    """The device labelled cidata: first among what is there, then on an IDE controller if the machine has one."""
    for device in sorted(Path("/dev").glob("vd?")) + sorted(Path("/dev").glob("sd?")):
        if label_of(device) == "cidata":
            return device
    classes = [path.read_text().strip() for path in Path("/sys/bus/pci/devices").glob("*/class")]
    if not any(found.startswith("0x0101") for found in classes):
        return None
    subprocess.run(["modprobe", "-a", "ata_piix", "sr_mod"], check=False)
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        for device in Path("/dev").glob("sr?"):
            if label_of(device) == "cidata":
                return device
        time.sleep(0.05)
    return None


def read_seed(device: Path) -> dict[str, str]:
    """Texts of the seed's files by name."""
    point = ROOT / RUN / "seed"
    point.mkdir(parents=True, exist_ok=True)
    kind = "iso9660" if device.name.startswith("sr") or _is_iso(device) else "vfat"
    subprocess.run(["modprobe", "-q", "isofs" if kind == "iso9660" else kind], check=False)
    subprocess.run(["mount", "-t", kind, "-o", "ro", str(device), str(point)], check=True)
    try:
        return {path.name: path.read_text() for path in point.iterdir() if path.is_file()}
    finally:
        subprocess.run(["umount", str(point)], check=True)


def _is_iso(device: Path) -> bool:
    with device.open("rb") as file:
        file.seek(32769)
        return file.read(5) == b"CD001"


def parse(text: str) -> Mapping:
    """A YAML mapping; raises ValueError for anything else."""
    import yaml

    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ValueError(f"a mapping is expected, not {type(loaded).__name__}")
    return loaded


def user_config(text: str) -> Mapping:
    """The cloud-config of user-data: either YAML under its marker line, or a script that counts as one runcmd."""
    first = text.lstrip().splitlines()[:1]
    if first and first[0].strip() == "#cloud-config":
        return parse(text)
    if text.startswith("#!"):
        return {"runcmd": [text]}
    if text.strip():
        raise ValueError("user-data is neither '#cloud-config' nor a script: ignored")
    return {}


def write(path: Path, text: str | bytes, mode: int = 0o644) -> None:
    """Write below ROOT with that mode from the first byte on."""
    target = ROOT / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode() if isinstance(text, str) else text
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    target.chmod(mode)


def shell(commands: list[Any]) -> str:
    """A script of cloud-init's command list: strings as they are, lists quoted."""
    import shlex

    lines = [shlex.join(str(part) for part in item) if isinstance(item, list) else str(item) for item in commands]
    return "#!/bin/sh\n" + "\n".join(lines) + "\n"


def run_script(path: Path) -> None:
    done = subprocess.run(["/bin/sh", str(ROOT / path)], check=False)
    if done.returncode != 0:
        problem(f"{path}: exit status {done.returncode}")


def problem(text: str) -> None:
    """Note an error for `cloud-init status`, and go on as cloud-init does."""
    print(f"nocloud: {text}", file=sys.stderr)
    place = ROOT / RUN / "error"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a") as file:
        file.write(text + "\n")


def set_hostname(config: Mapping, meta: Mapping) -> None:
    if config.get("preserve_hostname"):
        return
    name = config.get("fqdn") or config.get("hostname") or meta.get("local-hostname")
    if not name:
        return
    write(Path("etc/hostname"), f"{name}\n")
    if Path("/") == ROOT:
        Path("/proc/sys/kernel/hostname").write_text(str(name))
    if config.get("manage_etc_hosts"):
        short = str(name).partition(".")[0]
        write(Path("etc/hosts"), f"127.0.1.1 {name} {short}\n127.0.0.1 localhost\n::1 localhost\n")


def ssh(config: Mapping) -> None:
    pairs = [
        (key, text)
        for key, text in (config.get("ssh_keys") or {}).items()
        if key.endswith(("_private", "_public", "_certificate"))
    ]
    if config.get("ssh_deletekeys", True):
        for old in (ROOT / "etc/ssh").glob("ssh_host_*key*"):
            old.unlink()
    for key, text in pairs:
        kind, _, part = key.rpartition("_")
        suffix = {"private": "_key", "public": "_key.pub", "certificate": "_key-cert.pub"}[part]
        write(
            Path(f"etc/ssh/ssh_host_{kind}{suffix}"),
            str(text).rstrip("\n") + "\n",
            0o600 if part == "private" else 0o644,
        )
    keys = list(config.get("ssh_authorized_keys") or [])
    for user in config.get("users") or []:
        if isinstance(user, dict) and user.get("name") == "root":
            keys += user.get("ssh_authorized_keys") or []
            keys += user.get("ssh-authorized-keys") or []
            if user.get("lock_passwd", True):  # as cloud-init: a locked root is refused by sshd even with a key
                subprocess.run(["usermod", "--root", str(ROOT), "--lock", "root"], check=True)
    if keys:
        options = ROOT_REFUSED if config.get("disable_root", True) else ""
        write(Path("root/.ssh/authorized_keys"), "".join(f"{options}{key.strip()}\n" for key in keys), 0o600)
        (ROOT / "root/.ssh").chmod(0o700)
    answer = config.get("ssh_pwauth")
    if answer is not None and answer != "unchanged":
        word = "yes" if str(answer).lower() in ("true", "yes", "1") else "no"
        write(Path("etc/ssh/sshd_config.d/50-cloud-init.conf"), f"PasswordAuthentication {word}\n", 0o600)


def passwords(config: Mapping) -> None:
    given = config.get("chpasswd") or {}
    lines = given.get("list") or []
    pairs = [line.split(":", 1) for line in (lines.splitlines() if isinstance(lines, str) else lines) if ":" in line]
    pairs += [
        [user["name"], user["password"]] for user in given.get("users") or [] if user.get("type", "hash") != "RANDOM"
    ]
    if config.get("password"):
        pairs.append(["debian", config["password"]])
    for hashed in (True, False):
        chosen = [f"{name.strip()}:{text}" for name, text in pairs if text.startswith("$") is hashed]
        if chosen:
            command = ["chpasswd", *(["-e"] if hashed else ["-c", "SHA512"]), "--root", str(ROOT)]
            subprocess.run(command, input="\n".join(chosen) + "\n", text=True, check=True)
    if given.get("expire", True):
        for name, _ in pairs:
            subprocess.run(["chage", "--root", str(ROOT), "-d", "0", name.strip()], check=True)


def files(config: Mapping) -> None:
    for entry in config.get("write_files") or []:
        content = entry.get("content") or ""
        data = content if isinstance(content, bytes) else str(content).encode()
        encoding = str(entry.get("encoding") or "")
        if "b64" in encoding or "base64" in encoding:
            data = base64.b64decode(data)
        if encoding.startswith(("gz", "gzip")):
            data = gzip.decompress(data)
        path = Path(str(entry["path"]))
        target = ROOT / str(path).lstrip("/")
        if entry.get("append") and target.exists():
            data = target.read_bytes() + data
        write(path, data, int(str(entry.get("permissions") or "0644"), 8))
        if entry.get("owner"):
            subprocess.run(["chown", str(entry["owner"]), str(target)], check=True)


def timezone(config: Mapping) -> None:
    zone = config.get("timezone")
    if not zone:
        return
    if not (ROOT / "usr/share/zoneinfo" / zone).is_file():
        raise ValueError(f"no time zone {zone!r}")
    link = ROOT / "etc/localtime"
    link.unlink(missing_ok=True)
    link.symlink_to(f"/usr/share/zoneinfo/{zone}")
    write(Path("etc/timezone"), f"{zone}\n")


def network(text: str) -> None:
    """Write the seed's network configuration as keyfiles to /run: a keyfile in /etc always wins."""
    for name, body in keyfiles(parse(text)).items():
        write(Path("run/NetworkManager/system-connections") / f"{name}.nmconnection", body, 0o600)


def init() -> None:
    device = find_seed()
    if device is None:
        return
    seed = read_seed(device)
    apply(seed)


def apply(seed: dict[str, str]) -> None:
    """Apply the seed's files; each part that fails is noted and the rest goes on."""
    (ROOT / RUN).mkdir(parents=True, exist_ok=True)
    meta, config = parse(seed.get("meta-data", "")), {}
    try:
        config = user_config(seed.get("user-data", ""))
    except Exception as error:  # any fault of the seed's YAML; reported by `cloud-init status`
        problem(f"user-data: {error}")
    instance = str(meta.get("instance-id", ""))
    known = ROOT / STATE / "data/instance-id"
    fresh = not known.exists() or known.read_text().strip() != instance
    if config.get("bootcmd"):
        write(RUN / "bootcmd.sh", shell(config["bootcmd"]), 0o700)
        run_script(RUN / "bootcmd.sh")
    parts: list[tuple[str, Callable[[], None]]] = []
    if seed.get("network-config", "").strip():
        parts.append(("network-config", lambda: network(seed["network-config"])))
    if fresh:
        parts += [
            ("hostname", lambda: set_hostname(config, meta)),
            ("write_files", lambda: files(config)),
            ("ssh", lambda: ssh(config)),
            ("chpasswd", lambda: passwords(config)),
            ("timezone", lambda: timezone(config)),
        ]
    for name, part in parts:
        try:
            part()
        except Exception as error:  # as cloud-init: a module that fails does not stop the others
            problem(f"{name}: {error}")
    commands = config.get("runcmd") or [] if fresh else []
    write(RUN / "final.sh", shell(commands), 0o700)
    write(known.relative_to(ROOT), f"{instance}\n")


def final() -> None:
    run_script(RUN / "final.sh")
    error = ROOT / RUN / "error"
    errors = error.read_text().splitlines() if error.exists() else []
    write(
        RUN / "result.json",
        json.dumps({"v1": {"datasource": "DataSourceNoCloud [seed=/dev]", "errors": errors}}) + "\n",
    )
    write(STATE / "instance/boot-finished", f"{time.time()}\n")


def main(stage: str) -> int:
    """Entry point of the two stages."""
    {"init": init, "final": final}[stage]()
    return 0
