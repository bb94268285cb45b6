"""The journal tells a phase whether the phases before it have been done."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal
from ansible_collections.node0.hosted_engine.plugins.modules import journal


def read(path: Path, needs: str | None) -> dict[str, Any]:
    params = {"path": str(path), "phase": None, "status": "done", "error": None, "needs": needs}
    module: Any = SimpleNamespace(params=params, check_mode=False)
    return journal.work(module)


@pytest.mark.parametrize("begun", [False, True])
def test_what_an_earlier_phase_has_not_made_is_missed(tmp_path: Path, begun: bool) -> None:
    path = tmp_path / "journal.json"
    if begun:
        Journal(str(path)).remember("engine_host", {"id": "h"})
    with pytest.raises(HostedEngineError) as caught:
        read(path, "storage")
    assert caught.value.problem.id == "journal.phase_missing"
    assert "storage" in caught.value.expected
    assert path.exists() == begun


def test_what_an_earlier_phase_has_made_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    Journal(str(path)).remember("storage", {"id": "s"})
    assert read(path, "storage")["journal"]["state"] == {"storage": {"id": "s"}}
    assert read(path, None)["changed"] is False
