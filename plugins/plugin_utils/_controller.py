# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What settings need of Ansible itself: variables without our defaults, and the vault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._answer_files import Decrypt
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options

ROLE = "node0.hosted_engine.he"


def decrypter(loader: Any) -> Decrypt | None:
    """Return what decrypts files with the vault passwords of this run, or None."""
    vault = getattr(loader, "_vault", None)  # there is no public way to decrypt bytes that are not a file's
    return None if vault is None else vault.decrypt


def without_defaults(task: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables without those that only the defaults of our role give.

    A default must not win over an answer file, but the same value in an inventory must. With no answer file there is no
    difference, and none is looked for.
    """
    equal = {name for name, option in options().items() if _is_default(name, option, variables)}
    kept = {name: value for name, value in variables.items() if name not in equal}
    if not variables.get("he_answer_file") or not equal:
        return kept
    try:
        others = _ask_again(task, variables)
    except (AttributeError, KeyError, TypeError):  # the parts of Ansible that know it are not public
        return kept
    return {**kept, **{name: value for name, value in variables.items() if name in equal and name in others}}


def _is_default(name: str, option: Mapping[str, Any], variables: Mapping[str, Any]) -> bool:
    default = option.get("default")
    return (
        name in variables
        and variables[name] == default
        and isinstance(variables[name], bool) == isinstance(default, bool)
    )


def _ask_again(task: Any, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the variables of a task as they are while our role has no defaults. This is in a process of its own."""
    manager = task._variable_manager
    play = task.get_play() if hasattr(task, "get_play") else _play_of(task)
    host = manager._inventory.get_host(str(variables["inventory_hostname"]))
    roles = {id(role): role for role in _roles(play, task) if role.get_name() == ROLE}.values()
    defaults = [(role, role._default_vars) for role in roles]
    try:
        for role in roles:
            role._default_vars = {}
        found: Mapping[str, Any] = manager.get_vars(play=play, host=host, task=task)
        return found
    finally:
        for role, kept in defaults:
            role._default_vars = kept


def _play_of(task: Any) -> Any:
    block = task._parent
    while getattr(block, "_play", None) is None:
        block = block._parent
    return block._play


def _roles(play: Any, task: Any) -> Iterable[Any]:
    waiting = [*play.roles, *([task._role] if task._role else [])]
    if task._role:
        waiting += list(task.get_dep_chain() or [])
    while waiting:
        role = waiting.pop()
        yield role
        waiting += role.get_all_dependencies()
