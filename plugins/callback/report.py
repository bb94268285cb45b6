# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logs of each phase and a report of the run, both without secrets."""

DOCUMENTATION = r"""
---
name: report
type: aggregate
short_description: Write a log of each phase and a report of the run
version_added: 0.1.0
author: The node0.hosted_engine founders (@node0)
description:
  - Writes C(ovirt-hosted-engine-setup-ansible-PHASE-TIMESTAMP-RANDOM.log) for each phase of a deployment, and one JSON
    report of the run with its phases, durations and counts. The report of the preflight is in a JSON file of its own.
  - Values of secret settings are replaced wherever they appear.
requirements:
  - Enabled with C(callbacks_enabled) in C(ansible.cfg).
options:
  log_dir:
    description: Folder of the logs and the report.
    type: path
    default: /var/log/ovirt-hosted-engine-setup
    env:
      - name: NODE0_LOG_DIR
    ini:
      - section: callback_node0_report
        key: log_dir
"""

import json
import os
import secrets
import string
import time
from pathlib import Path
from typing import Any, Optional

from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._controller import decrypter
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._preflight import table
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._resolve import secret
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._run_report import RunReport
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import secret_names

ALPHABET = string.ascii_lowercase + string.digits


def _secret(name: str, values: Any, template: Any, decrypt: Any) -> str:
    try:
        return secret(name, values, template, decrypt)
    except Exception:  # what is wrong with it is said by the settings
        return str(values.get(name) or "")


class CallbackModule(CallbackBase):
    """Callback C(report)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "node0.hosted_engine.report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: Any = None) -> None:
        super().__init__(display)
        self._report = RunReport(time.time)
        self._stamp = time.strftime("%Y%m%d%H%M%S")
        self._random = "".join(secrets.choice(ALPHABET) for _position in range(6))
        self._folder: Optional[Path] = None

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Learn which values must never be written."""
        manager = play.get_variable_manager()
        for host in manager._inventory.get_hosts(play.hosts):  # there is no public way to a host's variables here
            values = manager.get_vars(play=play, host=host)
            template = Templar(loader=play.get_loader(), variables=values).template
            for name in secret_names():
                self._report.learn(_secret(name, values, template, decrypter(play.get_loader())))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Count a task and log its begin."""
        role = task._role.get_name() if task._role else ""
        self._report.task_started(role)
        self._log(f"TASK {task.get_name()}")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count and log a task that went well."""
        self._arrived(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Count and log a task that failed."""
        self._arrived(result, "failed", failed=not ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Count and log a host that cannot be reached."""
        self._arrived(result, "unreachable", failed=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report and show its figures."""
        if not self._report.phases:
            return
        path = self._log_folder() / f"node0-report-{self._stamp}-{self._random}.json"
        self._write(path, json.dumps(self._report.as_dict(), indent=2) + "\n")
        for line in self._report.as_table():
            self._display.display(line)
        self._display.display(f"report: {path}")

    def _arrived(self, result: Any, word: str, failed: bool = False) -> None:
        said = result._result
        self._report.result_arrived(result._task.action, said, failed)
        if said.get("report") and result._task.action == "node0.hosted_engine.preflight_probe":
            self._publish(said["report"])
        lines = [f"{word}: {result._host.get_name()}"]
        if failed or said.get("msg"):
            lines.append(str(said.get("msg", "")))
        if said.get("error"):
            lines.append(json.dumps(said["error"], indent=2, default=str))
        self._log("\n".join(lines))

    def _publish(self, preflight: dict[str, Any]) -> None:
        """Write the report of the preflight for machines, and its table into the log; people have seen it already."""
        self._log("\n".join(table(preflight, all_checks=True)))
        path = self._log_folder() / f"node0-preflight-{self._stamp}-{self._random}.json"
        self._write(path, json.dumps(self._report.redact(preflight), indent=2) + "\n")
        self._display.display(f"preflight report: {path}")

    def _log(self, text: str) -> None:
        if not self._report.phases:
            return
        name = f"ovirt-hosted-engine-setup-ansible-{self._report.current}-{self._stamp}-{self._random}.log"
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S%z')} {self._report.redact(text)}\n"
        self._write(self._log_folder() / name, line, "a")

    def _log_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(str(self.get_option("log_dir")))
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    @staticmethod
    def _write(path: Path, text: str, mode: str = "w") -> None:
        with open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(text)
