# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One ssh session with a host: the system's `ssh` once, and through it a shell that takes one command after the other.

A command so costs one packet each way. With a process per command (ssh's own multiplexing) it is 0.1 s, because ssh
leaves Nagle's algorithm on for sessions without terminal; a deployment has some fifty commands.
"""

from __future__ import annotations

import base64
import os
import secrets
import select
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

#: Runs on the host: a line per command (script and standard input in base64), a line back (status, output, errors).
#: `%s` is a word that nothing else prints; what a login shell says before it is skipped.
_SHELL = """
umask 077
export LC_ALL=C.UTF-8
d=$(mktemp -d /run/engine-ssh.XXXXXX) || exit 1
trap 'rm -rf "$d"' EXIT
trap 'exit 1' HUP INT PIPE TERM
echo %s
while read -r script input; do
  echo "$script" | base64 -d >"$d/script"
  echo "$input" | base64 -d >"$d/in"
  (umask 022; exec sh "$d/script") <"$d/in" >"$d/out" 2>"$d/err"
  echo "$?:$(base64 -w0 "$d/out"):$(base64 -w0 "$d/err")"
done
"""


@dataclass(frozen=True)
class Completed:
    """What a command on the host answered."""

    rc: int
    stdout: str
    stderr: str


class SshSession:
    """Open by `with`; raises SshUnreachable, SshHostKeyChanged or SshAuthFailed when it cannot be.

    For one thread. After SshUnreachable, or a command that did not end in time, the session is of no use any more.
    """

    def __init__(self, host: HostTarget, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self.host = host
        self.by_password = False
        self._timeout = connect_timeout
        self._dir = Path()
        self._ssh: subprocess.Popen[bytes] | None = None
        self._received = bytearray()

    def __enter__(self) -> Self:
        self._dir = Path(tempfile.mkdtemp(prefix="engine-ssh-"))
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self._dir)

    def run(self, command: str | Sequence[str], stdin: str = "", timeout: float = 60, check: bool = True) -> Completed:
        """Run an argument list, or a shell script given as text. Raises CommandFailed when `check`, SshUnreachable."""
        script = command if isinstance(command, str) else shlex.join(command)
        shown = _shorten(script)
        request = f"{_encode(script)} {_encode(stdin)}\n".encode("ascii")
        try:
            assert self._ssh is not None, "the session is not open"
            assert self._ssh.stdin is not None
            self._ssh.stdin.write(request)
            self._ssh.stdin.flush()
            line = self._line(timeout)
        except TimeoutError as error:
            self._end()
            raise CommandFailed(shown, 124, "", f"not finished within {timeout:g} seconds") from error
        except OSError as error:
            raise SshUnreachable(f"{self.host.address}: connection lost during {shown}: {self._words()}") from error
        status, out, err = line.decode("ascii").strip().split(":")
        done = Completed(int(status), _decode(out), _decode(err))
        if check and done.rc:
            raise CommandFailed(shown, done.rc, done.stdout, done.stderr)
        return done

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

    def _open(self) -> None:
        if self.host.known_hosts is not None:
            self.host.known_hosts.parent.mkdir(parents=True, exist_ok=True)
        attempts = [True] if self.host.key_file is not None else []
        attempts += [False] if self.host.password else []
        failure: SshError = SshAuthFailed(f"neither key nor password for {self.host.address}")
        for by_key in attempts:
            try:
                self._connect(by_key)
                self.by_password = not by_key
                return
            except SshAuthFailed as error:
                failure = error
        raise failure

    def _connect(self, by_key: bool) -> None:
        marker = secrets.token_hex(16)
        remote = shlex.join(["exec", "sh", "-c", _SHELL % marker])
        argv = [*self._options(), *self._credentials(by_key), self.host.address, remote]
        environment = {key: value for key, value in os.environ.items() if key not in ("SSH_AUTH_SOCK", "DISPLAY")}
        if not by_key:
            environment.update(self._askpass())
        with (self._dir / "stderr").open("wb") as stderr:
            self._ssh = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + self._timeout + 10
        try:
            while self._line(deadline - time.monotonic()).strip() != marker.encode():
                continue
        except TimeoutError as error:
            self._end()
            raise SshUnreachable(f"{self.host.address}: neither session nor refusal in {self._timeout:g} s") from error
        except OSError as error:
            raise self._explain() from error
        finally:
            (self._dir / "secret").unlink(missing_ok=True)

    def _line(self, timeout: float) -> bytes:
        """The next line from the host. Raises TimeoutError, ConnectionError at the end of the session."""
        assert self._ssh is not None
        assert self._ssh.stdout is not None
        source, deadline = self._ssh.stdout.fileno(), time.monotonic() + timeout
        while (end := self._received.find(b"\n")) < 0:
            if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            data = os.read(source, 65536)
            if not data:
                raise ConnectionResetError("ssh has ended")
            self._received += data
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def _end(self) -> None:
        if self._ssh is None:
            return
        for pipe in (self._ssh.stdin, self._ssh.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # what was still to be sent has no reader any more
        self._ssh.terminate()
        self._ssh.wait()
        self._ssh = None
        self._received.clear()

    def _words(self) -> str:
        self._end()
        return (self._dir / "stderr").read_text(errors="replace").strip()

    def _explain(self) -> SshError:
        words = self._words()
        text = f"{self.host.user}@{self.host.address} port {self.host.port}: {words}"
        if any(word in words for word in _KEY_WORDS):
            return SshHostKeyChanged(text)
        return SshAuthFailed(text) if any(word in words for word in _AUTH_WORDS) else SshUnreachable(text)

    def _options(self) -> list[str]:
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
        return ["ssh", "-F", "/dev/null", "-T", *(part for item in options.items() for part in ("-o", "=".join(item)))]

    def _credentials(self, by_key: bool) -> list[str]:
        if by_key:
            options = ["IdentitiesOnly=yes", "BatchMode=yes", "PreferredAuthentications=publickey"]
            return ["-i", str(self.host.key_file), *(part for option in options for part in ("-o", option))]
        options = [
            "PubkeyAuthentication=no",
            "NumberOfPasswordPrompts=1",
            "PreferredAuthentications=password,keyboard-interactive",
        ]
        return [part for option in options for part in ("-o", option)]

    def _askpass(self) -> dict[str, str]:
        """ssh asks a helper for the password; the helper reads a private file that lives until ssh is connected."""
        secret, helper = self._dir / "secret", self._dir / "askpass"
        secret.touch(mode=0o600)
        secret.write_text(self.host.password, encoding="utf-8")
        helper.write_text(_ASKPASS, encoding="ascii")
        helper.chmod(0o700)
        return {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force", "ENGINE_SIM_SECRET": str(secret)}


def _encode(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _decode(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", "replace")


def _shorten(command: str) -> str:
    first = command.strip().splitlines()[0]
    return first if len(first) <= 120 else first[:117] + "..."
