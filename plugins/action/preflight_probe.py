# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the checks of the host, and tell what they found together with what is wrong with settings and Ansible."""

from __future__ import annotations

from typing import Any, Optional

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _preflight

MODULE = "node0.hosted_engine.preflight_probe"


class ActionModule(ActionBase):
    """Action C(preflight_probe); its documentation is that of the module with the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Execute the module once, make the report and show it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        all_checks = boolean(arguments.pop("show_all", False))
        done = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        result.update(done)
        if done.get("failed") or "checks" not in done:
            return result
        told = _preflight.report(arguments.get("findings") or [], done)
        result["report"] = told
        result["ok"] = told["verdict"] != _preflight.BLOCK
        for line in _preflight.table(told, all_checks):
            Display().display(line)
        return result
