# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Arguments that every module for the engine has, and what becomes of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults, problems
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Access, Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

CHECK_SECONDS = 5


def login_arguments() -> dict[str, Any]:
    """Return the arguments that doc fragment C(_engine) describes."""
    return {
        "engine_fqdn": {"type": "str", "required": True},
        "engine_user": {"type": "str", "required": True},
        "engine_password": {"type": "str", "required": True, "no_log": True},
        "request_timeout": {"type": "int", "default": 60},
    }


def engine_arguments() -> dict[str, Any]:
    """Return the arguments of a module that hands its session on: C(_engine) and C(_engine.session)."""
    return {
        **login_arguments(),
        "engine_ca_file": {"type": "path", "required": True},
        "session_file": {"type": "path"},
    }


def session_of(params: Mapping[str, Any], read_only: bool = False) -> Session:
    """Return the session that a module's arguments describe; nothing is sent yet."""
    access = Access(
        fqdn=params["engine_fqdn"],
        user=params["engine_user"],
        password=params["engine_password"],
        ca_file=params["engine_ca_file"],
        session_file=params["session_file"],
        timeout=params["request_timeout"],
    )
    return Session(access, read_only=read_only)


def journal_arguments() -> dict[str, Any]:
    """Return the arguments that doc fragment C(_journal) describes."""
    return {
        "journal": {"type": "path", "default": "/var/lib/ovirt-hosted-engine-setup/node0-journal.json"},
        "phase": {"type": "str", "default": ""},
    }


def foresee(params: Mapping[str, Any], look: Callable[[Session], list[str]], otherwise: list[str]) -> dict[str, Any]:
    """Return what a module would do, for check mode.

    Where the engine runs already, it is asked by a session that leaves no trace on the host and ends at once.

    Args:
        params: the module's arguments.
        look: returns what would be done, as sentences, by looking at the engine.
        otherwise: what would be done when there is no engine yet.
    """
    if not params["engine_ca_file"] or not os.path.exists(params["engine_ca_file"]):
        return {"changed": True, "would": otherwise}
    try:
        with session_of(params, read_only=True) as session:
            session.open(CHECK_SECONDS)
            would = look(session)
    except HostedEngineError as error:
        if error.evidence.get("kind") not in faults.TRANSPORT and error.problem is not problems.NOT_READY:
            raise
        return {"changed": True, "would": otherwise}
    return {"changed": bool(would), "would": would, **session.counts}


def end_kept_session(params: Mapping[str, Any]) -> dict[str, int]:
    """End the session whose token an earlier module has kept, if there is one; return what that cost.

    The engine may have been shut down by now, which has ended its sessions as well.
    """
    if not params["session_file"] or not os.path.exists(params["session_file"]):
        return {}
    session = session_of(params)
    with contextlib.suppress(HostedEngineError):
        session.close(revoke=True)
    return session.counts
