# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn the he_* variables into one validated dict, and report everything that is wrong with them at once."""

from __future__ import annotations

from typing import Any, Optional

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _rules, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import as_text, blocking
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import INTERNAL
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._validate import validate


class ActionModule(ActionBase):
    """Action C(settings); its documentation is that of the module with the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Validate and return the settings; nothing on the managed host is touched."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        raw = {
            name: self._templar.template(value)
            for name, value in variables.items()
            if name.startswith("he_") and name not in INTERNAL
        }
        values, findings = validate(raw)
        findings += _rules.check(values)
        result["changed"] = False
        result["findings"] = [finding.as_dict() for finding in findings]
        wrong = blocking(findings)
        # The preflight then tells them together with what is wrong with the host.
        deferred = boolean(self._task.args.get("defer", False))
        if wrong and not deferred:
            result["failed"] = True
            result["msg"] = f"{len(wrong)} settings are wrong; nothing was changed.\n{as_text(wrong)}"
            return result
        result["settings"] = _settings.build(values)
        if findings and not deferred:
            result["warnings"] = as_text(findings).splitlines()
        return result
