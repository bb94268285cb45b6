# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One ssh session with a host, multiplexed by the system's `ssh` so that a command costs a round trip."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .errors import CommandFailed, SshAuthFailed, SshError, SshHostKeyChanged, SshUnreachable
from .settings import HostTarget

#: Seconds until a port that accepts and says nothing is given up (engine measured 10).
CONNECT_TIMEOUT = 20
_ASKPASS = '#!/bin/sh\nexec cat "$ENGINE_SIM_SECRET"\n'
_AUTH_WORDS = ("Permission denied", "Too many authentication failures", "No supported authentication methods")
_KEY_WORDS = ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED")


@dataclass(frozen=True)
class Completed:
    """What a command on the host answered."""

    rc: int
    stdout: str
    stderr: str


class SshSession:
    """Open by `with`; raises SshUnreachable, SshHostKeyChanged or SshAuthFailed when it cannot be."""

    def __init__(self, host: HostTarget, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self.host = host
        self._timeout = connect_timeout
        self._dir = Path()
        self._master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._dir = Path(tempfile.mkdtemp(prefix="engine-ssh-"))  # short: a socket's path holds 107 bytes
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._master is not None:
            self._master.terminate()
            self._master.wait()
            self._master = None
        shutil.rmtree(self._dir)

    def run(self, command: str | Sequence[str], stdin: str = "", timeout: float = 60, check: bool = True) -> Completed:
        """Run an argument list, or a shell script given as text. Raises CommandFailed when `check`, SshUnreachable."""
        text = command if isinstance(command, str) else shlex.join(command)
        remote = shlex.join(["sh", "-c", text]) if isinstance(command, str) else text
        try:
            done = subprocess.run([*self._through_master(), "LC_ALL=C.UTF-8 " + remote], input=stdin,
                                  capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(_shorten(text), 124, "", f"not finished within {timeout:g} seconds") from error
        if done.returncode == 255 and (self._master is None or self._master.poll() is not None):
            raise SshUnreachable(f"{self.host.address}: connection lost during {_shorten(text)}: {done.stderr.strip()}")
        if check and done.returncode:
            raise CommandFailed(_shorten(text), done.returncode, done.stdout, done.stderr)
        return Completed(done.returncode, done.stdout, done.stderr)

    def write(self, path: str, content: str, mode: str = "0644", owner: str = "root", group: str = "root") -> None:
        """Put a file in place at once: complete, with owner and mode, never readable by others before."""
        where, temporary = shlex.quote(path), shlex.quote(f"{path}.{secrets.token_hex(4)}")
        self.run(
            f"umask 077 && cat >{temporary} && chown {owner}:{group} {temporary} && chmod {mode} {temporary}"
            f" && mv -fT {temporary} {where}",
            stdin=content,
        )

    def read(self, path: str) -> str | None:
        """A file's text, None when there is none."""
        done = self.run(["cat", path], check=False)
        return done.stdout if done.rc == 0 else None

    # -- the connection

    @property
    def _socket(self) -> Path:
        return self._dir / "s"

    def _open(self) -> None:
        attempts = [True] if self.host.key_file is not None else []
        attempts += [False] if self.host.password else []
        failure: SshError = SshAuthFailed(f"neither key nor password for {self.host.address}")
        for by_key in attempts:
            try:
                self._start_master(by_key)
                return
            except SshAuthFailed as error:
                failure = error
        raise failure

    def _start_master(self, by_key: bool) -> None:
        argv = [*self._base(), "-M", "-N", "-S", str(self._socket), *self._credentials(by_key), self.host.address]
        environment = {key: value for key, value in os.environ.items() if key not in ("SSH_AUTH_SOCK", "DISPLAY")}
        if not by_key:
            environment.update(self._askpass())
        words = self._dir / "stderr"
        with words.open("wb") as stderr:
            self._master = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                                            env=environment, start_new_session=True)
        deadline, pause = time.monotonic() + self._timeout + 10, 0.01
        while not self._socket.exists():
            if self._master.poll() is not None:
                raise self._explain(words.read_text(errors="replace").strip())
            if time.monotonic() > deadline:
                raise SshUnreachable(f"ssh to {self.host.address} is neither up nor refused after {self._timeout:g} s")
            time.sleep(pause)
            pause = min(pause * 2, 0.2)
        (self._dir / "secret").unlink(missing_ok=True)

    def _explain(self, words: str) -> SshError:
        self._master = None
        text = f"{self.host.user}@{self.host.address} port {self.host.port}: {words}"
        if any(word in words for word in _KEY_WORDS):
            return SshHostKeyChanged(text)
        return SshAuthFailed(text) if any(word in words for word in _AUTH_WORDS) else SshUnreachable(text)

    def _base(self) -> list[str]:
        pinned = self.host.known_hosts
        options = {
            "ConnectTimeout": f"{max(1, round(self._timeout))}",
            "StrictHostKeyChecking": "no" if pinned is None else "accept-new",
            "UserKnownHostsFile": "/dev/null" if pinned is None else str(pinned),
            "GlobalKnownHostsFile": "/dev/null",
            "HashKnownHosts": "no",
            "UpdateHostKeys": "no",
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "6",
            "LogLevel": "ERROR",
            "User": self.host.user,
            "Port": str(self.host.port),
        }
        return ["ssh", "-F", "/dev/null", *(part for item in options.items() for part in ("-o", "=".join(item)))]

    def _through_master(self) -> list[str]:
        """Only through the open connection: without it ssh must fail, not make one of its own."""
        return [*self._base(), "-S", str(self._socket), "-o", "ProxyCommand=false", self.host.address]

    def _credentials(self, by_key: bool) -> list[str]:
        if by_key:
            options = ["IdentitiesOnly=yes", "BatchMode=yes", "PreferredAuthentications=publickey"]
            return ["-i", str(self.host.key_file), *(part for option in options for part in ("-o", option))]
        options = ["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1",
                   "PreferredAuthentications=password,keyboard-interactive"]
        return [part for option in options for part in ("-o", option)]

    def _askpass(self) -> dict[str, str]:
        """ssh asks a helper for the password; the helper reads a private file that lives until ssh is connected."""
        secret, helper = self._dir / "secret", self._dir / "askpass"
        secret.touch(mode=0o600)
        secret.write_text(self.host.password, encoding="utf-8")
        helper.write_text(_ASKPASS, encoding="ascii")
        helper.chmod(0o700)
        return {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force", "ENGINE_SIM_SECRET": str(secret)}


def _shorten(command: str) -> str:
    first = command.strip().splitlines()[0]
    return first if len(first) <= 120 else first[:117] + "..."
