# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame of every module: call the work, turn a problem into a failure, count the processes."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Mapping
from subprocess import Popen
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import EMPTY, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Executor, execute_with, processes_started

SYSTEM_REFUSED = declare(
    "host.system_refused",
    "The operating system of the host refused something that the deployment needs",
    "Read the system's words: a file system that is full, read-only or does not answer is the usual reason.",
    retryable=True,
)

# Where the journal keeps the settings that a deployment is made with.
SETTINGS = "settings"

Work = Callable[[AnsibleModule], dict[str, Any]]


def execute(module: AnsibleModule, work: Work) -> None:
    """Run C(work) and leave with its result, or fail with the problem it met.

    The result always carries C(changed) and C(processes), the number of child processes that were started on the
    host; the report adds them up. A module that takes C(phase_end_arguments) notes itself what it has made its things
    with, and the end of its phase.
    """
    execute_with(executor_of(module))
    try:
        result = work(module)
        if module.params.get("made_with") and not module.check_mode:
            Journal(module.params["journal"]).remember(SETTINGS, module.params["made_with"])
        if module.params.get("ends_phase"):
            result.update(end_phase(module, bool(result.get("changed"))))
    except HostedEngineError as error:
        module.fail_json(processes=processes_started(), **error.as_result())
    except OSError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{os.path.basename(place.filename)}:{place.lineno}, {place.name}"
        refused = HostedEngineError(SYSTEM_REFUSED, observed=str(error), evidence={"at": at})
        module.fail_json(processes=processes_started(), **refused.as_result())
    result.setdefault("changed", False)
    module.exit_json(processes=processes_started(), **result)


def phase_end_arguments() -> dict[str, Any]:
    """Return the arguments that doc fragment C(_phase_end) describes."""
    return {"ends_phase": {"type": "bool", "default": False}, "made_with": {"type": "dict"}}


def end_phase(module: AnsibleModule, changed: bool) -> dict[str, Any]:
    """Note in the journal that the phase is done, unless in check mode; return C(journal) and C(changed)."""
    journal = Journal(module.params["journal"])
    if not module.check_mode:
        changed = journal.mark(module.params["phase"], "done") or changed
    return {"changed": changed, "journal": journal.read() or dict(EMPTY)}


def executor_of(module: AnsibleModule) -> Executor:
    """Return the executor that uses a module's own C(run_command), which has no deadline of its own."""

    def execute(
        words: tuple[str, ...], stdin: str, environment: Mapping[str, str], cwd: Optional[str], seconds: float
    ) -> tuple[int, str, str]:
        expired = threading.Event()

        def watch(process: Popen[bytes]) -> None:
            def end() -> None:
                expired.set()
                process.kill()

            timer = threading.Timer(seconds, end)
            timer.daemon = True
            timers.append(timer)
            timer.start()

        timers: list[threading.Timer] = []
        try:
            rc, stdout, stderr = module.run_command(
                list(words),
                data=stdin,
                binary_data=True,
                environ_update=dict(environment),
                cwd=cwd,
                errors="replace",
                handle_exceptions=False,
                before_communicate_callback=watch,
            )
        finally:
            for timer in timers:
                timer.cancel()
        if expired.is_set():
            raise TimeoutError
        return rc, stdout, stderr

    return execute
