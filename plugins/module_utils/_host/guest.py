# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bootstrap VM as seen from the host: commands and files over ssh, with a pinned host key and our own key."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import COMMAND_TIMEOUT, Completed, failed, run

GUEST_UNREACHABLE = declare(
    "guest.unreachable",
    "The bootstrap VM cannot be reached over ssh",
    "See whether the VM runs (virsh -r list) and what its console log says; then run the same playbook again.",
    retryable=True,
)
GUEST_TIMEOUT = declare(
    "guest.timeout",
    "A command in the bootstrap VM did not end in time",
    "Look at the log that is named with the failure and at the load of the host, then run the same playbook again.",
    retryable=True,
)

# ssh's own exit status when it could not do its work; everything else comes from the command.
SSH_FAILED = 255

# What is printed lands in the log at once; exec, so that the deadline ends ssh itself.
_LOGGED = 'exec "$@" >>"$0"'


def guest_spec() -> dict[str, Any]:
    """Return the argument spec of option C(guest); what M(node0.hosted_engine.local_vm) returns as C(vm.ssh) fits."""
    return {
        "type": "dict",
        "required": True,
        "options": {
            "address": {"type": "str", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            "known_hosts": {"type": "path", "required": True},
            "user": {"type": "str", "default": "root"},
            "port": {"type": "int", "default": 22},
        },
    }


@dataclass
class Guest:
    """A way into the guest.

    Every command is a connection of its own, which costs seconds where there is no KVM; so a module sends one script
    with all that it has to do there.

    Attributes:
        address: IP address.
        key: path of the private key.
        known_hosts: path of the file that holds the pinned host key, for C(address).
        user: account to log in to.
        port: TCP port of sshd.
    """

    address: str
    key: str
    known_hosts: str
    user: str = "root"
    port: int = 22

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Guest:
        """Return the guest that a module's option C(guest) describes; other keys are ignored."""
        return cls(
            address=params["address"],
            key=params["key"],
            known_hosts=params["known_hosts"],
            user=params.get("user") or "root",
            port=int(params.get("port") or 22),
        )

    @property
    def _target(self) -> str:
        return f"{self.user}@{self.address}"

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the words that run C(argv) in the guest; they hold no secret."""
        remote = shlex.join(str(word) for word in argv)
        return [*self._ssh(), self._target, "--", remote]

    def run(
        self, argv: Sequence[str], stdin: Optional[str] = None, timeout: float = 60.0, check: bool = True
    ) -> Completed:
        """Run a command in the guest; each word arrives as it is.

        Args:
            argv: program and arguments; never a secret.
            stdin: text for its standard input; the way for secrets.
            timeout: seconds after which the connection is cut.
            check: raise when the exit status is not 0.

        Raises:
            HostedEngineError: C(guest.unreachable), C(command.timeout), or C(command.failed) if C(check).
        """
        done = run(self.command(argv), stdin=stdin, timeout=timeout, check=False)
        if done.rc == SSH_FAILED:
            raise self.unreachable(done.stderr)
        completed = Completed(tuple(argv), done.rc, done.stdout, done.stderr)
        if check and completed.rc != 0:
            raise failed(completed)
        return completed

    def run_logged(self, argv: Sequence[str], log: str, stdin: str = "", timeout: float = 3600.0) -> Completed:
        """Run a long command; what it prints goes into a file on the host as it is printed.

        Args:
            argv: program and arguments; never a secret.
            log: path on the host; it is opened for appending, mode 0600 when new.
            stdin: text for its standard input.
            timeout: seconds after which it is ended.

        Returns:
            The exit status, and what it said on standard error, which does not go into the file.

        Raises:
            HostedEngineError: C(guest.unreachable) or C(guest.timeout).
        """
        os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        try:
            done = run(["sh", "-c", _LOGGED, log, *self.command(argv)], stdin=stdin, timeout=timeout, check=False)
        except HostedEngineError as error:
            if error.problem is not COMMAND_TIMEOUT:
                raise
            raise HostedEngineError(
                GUEST_TIMEOUT, observed=f"{argv[0]} ran for more than {timeout:g} s", evidence={"log": log}
            ) from error
        if done.rc == SSH_FAILED:
            raise self.unreachable(f"{done.stderr}\nthe connection broke; the end of {log} says when")
        return Completed(tuple(argv), done.rc, "", done.stderr)

    def unreachable(self, words: str) -> HostedEngineError:
        """Return the error that says that ssh did not get through."""
        lines = [line for line in words.splitlines() if line.strip()]
        return HostedEngineError(
            GUEST_UNREACHABLE,
            expected=f"a login as {self.user} at {self.address} port {self.port}",
            observed=lines[-1].strip() if lines else "ssh failed and said nothing",
        )

    def _ssh(self) -> list[str]:
        # -F none: the administrator's ssh_config must not send us through a proxy or offer other keys.
        words = ["ssh", "-F", "none", "-i", self.key, "-p", str(self.port)]
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "8",
            "LogLevel": "ERROR",
        }
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return words
