"""Write what became of each task on each host, one JSON object a line, for tests."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: outcomes
type: notification
short_description: Write outcomes for tests
description: One JSON object a line to the file OUTCOMES.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "outcomes"

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def _write(self, outcome: str, result: Any) -> None:
        said = {key: result._result.get(key) for key in ("msg", "findings", "exception", "report")}
        facts = result._result.get("ansible_facts") or {}
        if "he_settings" in facts:
            said["settings"] = facts["he_settings"]
        line = {"host": result._host.get_name(), "task": result._task.get_name(), "outcome": outcome, **said}
        with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
