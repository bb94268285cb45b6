"""The version of the HA services, by import where that is possible."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import shared
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed


@pytest.mark.parametrize("importable", [True, False])
def test_the_ha_services_state_their_version(importable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(argv: Sequence[str], **_options: Any) -> Completed:
        asked.append(argv[0])
        return Completed(tuple(argv), 0, "2.5.3\n", "")

    top, agent, constants = (types.ModuleType(name) for name in ("top", "agent", "constants"))
    constants.PACKAGE_VERSION = "2.5.3"  # type: ignore[attr-defined]
    agent.constants = constants  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ovirt_hosted_engine_ha", top if importable else None)
    monkeypatch.setitem(sys.modules, "ovirt_hosted_engine_ha.agent", agent if importable else None)
    monkeypatch.setattr(shared, "run", run)
    assert shared.ha_version() == "2.5.3\n"
    assert asked == ([] if importable else ["/usr/libexec/platform-python"])
