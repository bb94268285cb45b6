# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Arguments that every module for the engine has, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Access, Session


def engine_arguments() -> dict[str, Any]:
    """Return the arguments that doc fragment C(_engine) describes."""
    return {
        "engine_fqdn": {"type": "str", "required": True},
        "engine_user": {"type": "str", "required": True},
        "engine_password": {"type": "str", "required": True, "no_log": True},
        "engine_ca_file": {"type": "path", "required": True},
        "session_file": {"type": "path"},
        "request_timeout": {"type": "int", "default": 60},
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
