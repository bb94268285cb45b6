# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn he_* variables and answer files into one validated dict, and report all that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _rules, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._controller import decrypter, without_defaults
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import as_text, blocking, warning
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._resolve import Resolved, resolve
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names


class ActionModule(ActionBase):
    """Action C(settings); its documentation is that of the module with the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Validate and return the settings; nothing on the managed host is touched."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = without_defaults(self._task, task_vars or {})
        purpose = self._task.args.get("purpose") or _rules.DEPLOY
        resolved = resolve(variables, self._templar.template, decrypter(self._loader), purpose)
        result.update(changed=False, **report(resolved, boolean(self._task.args.get("defer", False))))
        return result


def report(resolved: Resolved, deferred: bool = False) -> Mapping[str, Any]:
    """Return what the action returns about resolved settings, without secrets.

    Args:
        resolved: the settings and what is wrong with them.
        deferred: do not fail; the preflight tells the findings together with what is wrong with the host.
    """
    wrong, doubtful = blocking(resolved.findings), warning(resolved.findings)
    said: dict[str, Any] = {
        "findings": [finding.as_dict() for finding in resolved.findings],
        "answer_files": resolved.reports,
    }
    if doubtful and not deferred:
        said["warnings"] = as_text(doubtful).splitlines()
    if wrong and not deferred:
        said["failed"] = True
        said["msg"] = f"{len(wrong)} settings are wrong; nothing was changed.\n{as_text(wrong)}"
        return said
    said["told"] = as_text(wrong)
    said["settings"] = _settings.build(resolved.values)
    said["flat"] = {name: value for name, value in resolved.values.items() if name not in secret_names()}
    said["secrets"] = {
        name: "answer file" if ":" in resolved.given[name].source else resolved.given[name].source
        for name in sorted(secret_names())
        if name in resolved.given
    }
    return said
