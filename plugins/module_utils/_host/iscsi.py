# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an iSCSI portal for its targets and log in to one for a moment, with C(iscsiadm).

open-iscsi keeps what it learns in folders of its configuration, and takes passwords from there. The process that asks
has folders of its own over them, in memory: passwords reach no command line, and nothing is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import luns
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.child import own_mounts
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.storage_trial import knock
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed, run

CONFIGURATION = "/etc/iscsi"
PORT = "3260"
DATABASE = "/var/lib/iscsi"

# Exit statuses of iscsiadm (its manual) that are told apart.
_NO_DRIVER, _SESSION_EXISTS, _NO_AUTHORIZATION = 12, 15, 24
_SECONDS = 8.0
_LINE = re.compile(r"^(?P<address>\[[^\]]+\]|[^:\s]+):(?P<port>\d+),(?P<tpgt>-?\d+)\s+(?P<target>\S+)$")


@dataclass(frozen=True)
class Access:
    """How a portal is reached: address, port, and users with passwords for discovery and login; empty for none."""

    address: str
    port: str = PORT
    discover_user: str = ""
    discover_password: str = ""
    user: str = ""
    password: str = ""

    @property
    def portal(self) -> str:
        """Return address and port as iscsiadm writes them."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def try_portal(access: Access, target: str) -> dict[str, Any]:
    """Return what a portal answers; the caller is a child process.

    C(failed) and C(words) when discovery or login failed, with C(step); else C(targets), and C(luns) of the target.
    """
    unreachable = knock(access.address, int(access.port))
    if unreachable:
        return {"step": "discovery", "failed": "connection", "words": unreachable["server"]}
    own_mounts()
    _own_configuration(access)
    done = run(["iscsiadm", "-m", "discovery", "-t", "sendtargets", "-p", access.portal], timeout=_SECONDS, check=False)
    if done.rc != 0:
        return _failure("discovery", done)
    found: dict[str, Any] = {"targets": targets(done.stdout)}
    if target not in found["targets"]:
        return found
    words = ["iscsiadm", "-m", "node", "-T", target, "-p", access.portal]
    with _logged_in(words) as login:
        if login.rc not in (0, _SESSION_EXISTS):
            return {**found, **_failure("login", login)}
        found["luns"] = [vars(one) for one in luns.read() if one.transport == "iscsi"]
    return found


def targets(text: str) -> list[str]:
    """Return the names in what a discovery printed, each once."""
    found = (_LINE.match(line.strip()) for line in text.splitlines())
    return list(dict.fromkeys(line.group("target") for line in found if line))


@contextlib.contextmanager
def _logged_in(words: list[str]) -> Iterator[Completed]:
    """Log in, and out again; a session that was there before stays."""
    login = run([*words, "--login"], timeout=_SECONDS, check=False)
    try:
        yield login
    finally:
        if login.rc == 0 and "already" not in login.stdout + login.stderr:
            run([*words, "--logout"], timeout=_SECONDS, check=False)


def _failure(step: str, done: Completed) -> dict[str, Any]:
    words = (done.stderr or done.stdout).strip()
    why = {_NO_AUTHORIZATION: "authentication", _NO_DRIVER: "driver"}.get(done.rc, "other")
    return {"step": step, "failed": why, "words": words[-500:] or f"iscsiadm ended with {done.rc}"}


def _own_configuration(access: Access) -> None:
    """Lay folders in memory over those of open-iscsi, with the host's initiator name and our passwords."""
    kept = {}
    for name in ("initiatorname.iscsi", "iscsid.conf"):
        with contextlib.suppress(OSError), open(os.path.join(CONFIGURATION, name), encoding="utf-8") as stream:
            kept[name] = stream.read()
    libc = ctypes.CDLL(None, use_errno=True)
    for folder in (CONFIGURATION, DATABASE):
        if os.path.isdir(folder) and libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b"mode=0700") != 0:
            raise OSError(ctypes.get_errno(), f"a folder in memory over {folder}")
    kept["iscsid.conf"] = with_passwords(kept.get("iscsid.conf", ""), access)
    for name, text in kept.items():
        with open(os.path.join(CONFIGURATION, name), "w", encoding="utf-8") as stream:
            stream.write(text)


def with_passwords(text: str, access: Access) -> str:
    """Return iscsid.conf with users and passwords instead of those that are in it."""
    values: Mapping[str, tuple[str, str]] = {
        "discovery.sendtargets.auth": (access.discover_user, access.discover_password),
        "node.session.auth": (access.user, access.password),
    }
    lines = [line for line in text.splitlines() if not line.strip().startswith(tuple(values))]
    for name, (user, password) in values.items():
        if user:
            lines += [f"{name}.authmethod = CHAP", f"{name}.username = {user}", f"{name}.password = {password}"]
    return "\n".join(lines) + "\n"


def is_installed() -> bool:
    """Return whether open-iscsi is on the host."""
    return shutil.which("iscsiadm") is not None
