# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame of every module: call the work, turn a problem into a failure, count the processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import processes_started

Work = Callable[[AnsibleModule], dict[str, Any]]


def execute(module: AnsibleModule, work: Work) -> None:
    """Run C(work) and leave with its result, or fail with the problem it met.

    The result always carries C(changed) and C(processes), the number of child processes that were started on the
    host; the report adds them up.
    """
    try:
        result = work(module)
    except HostedEngineError as error:
        module.fail_json(processes=processes_started(), **error.as_result())
    result.setdefault("changed", False)
    module.exit_json(processes=processes_started(), **result)
