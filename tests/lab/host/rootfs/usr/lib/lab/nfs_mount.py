# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stand-in for mount.nfs, for a kernel that has no NFS client.

The exports are directories of a file system that all hosts of the lab share. What is decided here is what a server
would have answered; the texts and the exit status are those of nfs-utils 2.6.2 (strings of its mount.nfs).
The table of servers and exports is /srv/lab/exports.json and is read at each mount.
"""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

EX_USAGE = 1
EX_FAIL = 32
Table = dict[str, Any]

TABLE = Path("/srv/lab/exports.json")
PORT = 2049
_BIND_OPTIONS = frozenset({"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"})
_VERSION_KEYS = ("vers", "nfsvers", "v")
_FAILED_LOOKS_PER_SECOND = 4
_CONNECT_SECONDS = 3.0


class Refused(Exception):
    """What the real program prints after its name, before it ends with a status."""

    def __init__(self, text: str, status: int = EX_FAIL) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Request:
    """A command line of mount.nfs: ``spec dir [-rvVwfnsh] [-o options]``."""

    spec: str
    directory: str
    options: dict[str, str] = field(default_factory=dict)
    fake: bool = False
    is_nfs4: bool = False

    @property
    def server(self) -> str:
        host = self.spec[: self.spec.index(":/")]
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @property
    def path(self) -> str:
        return os.path.normpath(self.spec[self.spec.index(":/") + 1 :])

    @property
    def version(self) -> str | None:
        """The asked protocol version as in "3" or "4.1"; "4" is any minor version, None whatever the server has."""
        for key in _VERSION_KEYS:
            if key in self.options:
                minor = self.options.get("minorversion")
                asked = self.options[key] or ""
                return f"{asked}.{minor}" if minor and "." not in asked else asked
        for key in self.options:
            if key.startswith("v") and key[1:2].isdigit():
                return key[1:]
        return "4" if self.is_nfs4 else None


def parse(arguments: list[str], name: str = "mount.nfs") -> Request:
    """Read the arguments that mount(8) passes to its helper."""
    positional: list[str] = []
    options: dict[str, str] = {}
    fake, index = False, 0
    while index < len(arguments):
        word = arguments[index]
        if word == "-o":
            index += 1
            for option in arguments[index].split(",") if index < len(arguments) else []:
                key, _, value = option.partition("=")
                options[key] = value
        elif word.startswith("-") and len(word) > 1:
            fake = fake or "f" in word
            if "r" in word:
                options["ro"] = ""
        else:
            positional.append(word)
        index += 1
    if len(positional) != 2:
        raise Refused("no mount spec provided" if not positional else "no mount point provided", EX_USAGE)
    if ":/" not in positional[0]:
        raise Refused("remote share not in 'host:dir' format", EX_USAGE)
    return Request(positional[0], positional[1], options, fake, name.endswith("4"))


def resolve(server: str) -> list[str]:
    """The server's addresses."""
    try:
        answers = socket.getaddrinfo(server, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Refused(f"Failed to resolve server {server}: {error.strerror}") from error
    return sorted({str(answer[4][0]) for answer in answers})


def is_lab_server(table: Table, server: str, addresses: list[str]) -> bool:
    """Whether the lab's own server is meant, by one of its names or addresses."""
    return bool({server, *addresses} & {name for name, state in table["servers"].items() if state == "up"})


def is_silent(table: Table, server: str, addresses: list[str]) -> bool:
    """Whether the table says that this server does not answer."""
    return bool({server, *addresses} & {name for name, state in table["servers"].items() if state == "silent"})


def knock(address: str, seconds: float) -> int:
    """Try a server that is none of the lab's; returns what its network says, in errno."""
    try:
        with socket.create_connection((address, PORT), timeout=seconds):
            return errno.ENODEV  # a real server, but this kernel has no NFS client
    except TimeoutError:
        return errno.ETIMEDOUT
    except OSError as error:
        return error.errno or errno.ETIMEDOUT


def give_up_seconds(table: Table, request: Request) -> float:
    """How long temporary failures are tried again: ``retry`` minutes, at most what the table says."""
    minutes = request.options.get("retry", "2")
    return min(int(minutes) * 60 if minutes.isdigit() else 120, float(table.get("give_up_seconds", 120)))


def no_answer(table: Table, request: Request, address: str) -> NoReturn:
    """Keep trying a server that does not serve; raises what is left to say at the end."""
    end = time.monotonic() + give_up_seconds(table, request)
    while True:
        begin = time.monotonic()
        silent = is_silent(table, request.server, [address])
        code = errno.ETIMEDOUT if silent else knock(address, _CONNECT_SECONDS)
        if code not in (errno.ETIMEDOUT, errno.ECONNREFUSED, errno.EHOSTUNREACH) or time.monotonic() >= end:
            raise Refused(os.strerror(code))
        # As long as a connection would have taken that nobody answers; a refused one is tried again sooner.
        pause = _CONNECT_SECONDS if silent else 1 / _FAILED_LOOKS_PER_SECOND
        time.sleep(max(0.0, min(begin + pause, end) - time.monotonic()))


def find_export(table: Table, path: str) -> tuple[dict[str, Any], str] | None:
    """(export, path below it) of the longest export that holds ``path``; None if there is none."""
    candidates = [name for name in table["exports"] if path == name or path.startswith(name.rstrip("/") + "/")]
    if not candidates:
        return None
    name = max(candidates, key=len)
    return table["exports"][name], path[len(name) :].strip("/")


def accepted_version(export: dict[str, Any], asked: str | None) -> bool:
    """Whether the export speaks what was asked."""
    offered = export.get("versions", ["3", "4.0", "4.1", "4.2"])
    if asked is None:
        return True
    if asked == "4":
        return any(version.startswith("4") for version in offered)
    return asked in offered


def directory_of(table: Table, request: Request) -> Path:
    """The directory that stands behind the share; raises Refused with the server's answer."""
    found = find_export(table, request.path)
    asked = request.version
    if found is None:
        if asked == "3":  # mountd does not tell what is not exported from what is denied
            raise Refused(f"access denied by server while mounting {request.spec}")
        raise Refused(f"mounting {request.spec} failed, reason given by server: {os.strerror(errno.ENOENT)}")
    export, below = found
    if not accepted_version(export, asked):
        raise Refused(
            os.strerror(errno.EPROTONOSUPPORT)
            if asked and asked.startswith("4")
            else "requested NFS version or transport protocol is not supported"
        )
    if export.get("access") == "denied":
        raise Refused(f"access denied by server while mounting {request.spec}")
    directory = Path(export["path"]) / below
    if not directory.exists():
        raise Refused(f"mounting {request.spec} failed, reason given by server: {os.strerror(errno.ENOENT)}")
    if not directory.is_dir():
        raise Refused(f"mount spec {request.spec} or point {request.directory} is not a directory")
    if export.get("access") == "ro":
        # The client's mount succeeds; it is the writing that fails.
        request.options["ro"] = ""
    return directory


def bind(directory: Path, request: Request) -> None:
    """Mount the directory where the share was asked for."""
    target = Path(request.directory)
    if not target.exists():
        raise Refused(f"mount point {request.directory} does not exist")
    if not target.is_dir():
        raise Refused(f"mount point {request.directory} is not a directory")
    options = sorted(_BIND_OPTIONS & set(request.options))
    argv = ["mount", "--no-canonicalize", "--bind", "-o", ",".join(["bind", *options]), str(directory), str(target)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())


def main(arguments: list[str], name: str = "mount.nfs", table_file: Path = TABLE) -> int:
    """Exit status of mount.nfs."""
    try:
        request = parse(arguments, name)
        table = json.loads(table_file.read_text(encoding="utf-8"))
        addresses = resolve(request.server)
        if not is_lab_server(table, request.server, addresses) or is_silent(table, request.server, addresses):
            no_answer(table, request, addresses[0])
        directory = directory_of(table, request)
        if not request.fake:
            bind(directory, request)
    except Refused as refusal:
        print(f"{name}: {refusal}", file=sys.stderr)
        return refusal.status
    return 0
