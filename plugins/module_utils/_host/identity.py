# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Act on files as another account, as NFS servers that squash root demand."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Iterator

VDSM_USER = "vdsm"
VDSM_GROUP = "kvm"


def owner_ids(user: str = VDSM_USER, group: str = VDSM_GROUP) -> tuple[int, int]:
    """Return uid and gid of an account; on every hypervisor vdsm:kvm is 36:36 (host contract 11.4)."""
    return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid


@contextlib.contextmanager
def acting_as(user: str = VDSM_USER, group: str = VDSM_GROUP) -> Iterator[None]:
    """Do what is inside with the effective identity of an account and all its groups.

    Only root can become somebody else; any other caller stays who it is.
    """
    if os.geteuid() != 0:
        yield
        return
    uid, gid = owner_ids(user, group)
    before = os.getgroups()
    os.setgroups(os.getgrouplist(user, gid))
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)
