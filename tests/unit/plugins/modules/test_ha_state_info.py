"""The status of the hosted engine is only told of the engine that was asked for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.modules import ha_state_info

STATUS = {"hosts": {"1": {"score": 3400, "live": True, "engine_status": {"vm": "up", "health": "good"}}}}


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = tmp_path / "hosted-engine.conf"
    conf.write_text("# fqdn=commented.example.test\nfqdn=engine.example.test\nhost_id=1\n")
    monkeypatch.setattr(ha_state_info, "CONF", str(conf))
    monkeypatch.setattr(ha_state_info, "read_status", lambda: dict(STATUS))


def look(**params: Any) -> dict[str, Any]:
    module: Any = SimpleNamespace(params={"host_id": None, "engine_fqdn": None, **params}, check_mode=False)
    return ha_state_info.work(module)


@pytest.mark.parametrize("engine", [None, "engine.example.test"])
def test_the_engine_that_is_expected_or_any(engine: str | None) -> None:
    assert look(host_id=1, engine_fqdn=engine)["own"] == STATUS["hosts"]["1"]


def test_another_engine_is_refused() -> None:
    with pytest.raises(HostedEngineError) as caught:
        look(engine_fqdn="other.example.test")
    assert caught.value.problem.id == "deployment.exists"
    assert caught.value.observed.endswith("hosted-engine.conf is of engine.example.test")
