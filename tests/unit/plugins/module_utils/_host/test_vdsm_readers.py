from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StoreVolume
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import ovf_store, vdsm
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ovf_store import OvfStores
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

FIXTURES = Path(__file__).parents[4] / "fixtures"
CLIENT = FIXTURES / "host" / "vdsm" / "client"
TAR = FIXTURES / "engine" / "ovf-store" / "ovf_store.tar"
VM = "99642496-37b4-4fb0-94c3-75b6969a46df"
STORE = StoreVolume("dc", "sd", "disk", "volume")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> dict[str, Completed]:
    """Answer for vdsm-client by namespace and method."""
    answers: dict[str, Completed] = {}

    def run(argv: list[str], **_options: Any) -> Completed:
        return answers[" ".join(argv[1:3])]

    # What an interpreter sees that cannot import vdsm.
    monkeypatch.setitem(sys.modules, "vdsm", None)
    monkeypatch.setattr(vdsm, "run", run)
    return answers


class FakeVdsm:
    """vdsm's Python client: C(connect) gives an object with the verbs by namespace."""

    class Error(Exception):
        pass

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.closed = 0
        self.answer: Any = {}
        self.problem: list[Exception] = []

    def connect(self, host: str, **options: Any) -> Any:
        self.asked.append((host, options))
        for problem in self.problem:
            if isinstance(problem, OSError):
                raise self.Error(str(problem))
        return self

    def close(self) -> None:
        self.closed += 1

    @property
    def Image(self) -> Any:
        return types.SimpleNamespace(prepare=lambda **words: self._verb("Image.prepare", words))

    def _verb(self, name: str, words: dict[str, Any]) -> Any:
        self.asked.append((name, words))
        for problem in self.problem:
            raise problem
        return self.answer


@pytest.fixture
def python_client(monkeypatch: pytest.MonkeyPatch) -> FakeVdsm:
    """vdsm as a package whose module C(client) can be imported."""
    package, fake = types.ModuleType("vdsm"), FakeVdsm()
    package.client = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vdsm", package)
    monkeypatch.setattr(vdsm, "run", None)
    return fake


def test_vdsm_is_asked_in_process_where_its_package_can_be_imported(python_client: FakeVdsm) -> None:
    python_client.answer = {"path": "/rhev/volume"}
    volume = vdsm.Volume("dc", "sd", "disk", "volume")
    assert vdsm.prepare(volume) == "/rhev/volume"
    connected, asked = python_client.asked
    assert connected == ("localhost", {"port": 54321, "use_tls": True, "timeout": 120.0})
    assert asked == ("Image.prepare", volume.parameters())
    assert python_client.closed == 1


@pytest.mark.parametrize("problem", [FakeVdsm.Error("(code=309, message=no pool)"), OSError("(code=309) refused")])
def test_vdsm_refuses_in_process_in_its_own_words(python_client: FakeVdsm, problem: Exception) -> None:
    python_client.problem = [problem]
    with pytest.raises(HostedEngineError) as caught:
        vdsm.prepare(vdsm.Volume("dc", "sd", "disk", "volume"))
    assert caught.value.problem.id == "vdsm.refused"
    assert "code=309" in caught.value.observed
    assert python_client.closed == isinstance(problem, FakeVdsm.Error)


def answer(text: str, rc: int = 0) -> Completed:
    return Completed(("vdsm-client",), rc, text if rc == 0 else "", text if rc else "")


def test_the_ovf_is_read_out_of_a_volume_as_an_engine_wrote_it(
    client: dict[str, Completed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1)
    volume = tmp_path / "volume"
    volume.write_bytes(TAR.read_bytes() + bytes(1024**2))
    client["Image prepare"] = answer(json.dumps({"path": str(volume)}))
    stores = OvfStores()
    assert "<Origin>6</Origin>" in stores.ovf(STORE, VM)
    assert stores.ovf(STORE, "another") == ""


def test_an_empty_volume_has_no_members(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(bytes(4096))
    assert ovf_store.read_member(str(volume), "x.ovf") == ""


@pytest.mark.parametrize(("name", "updated"), [("new", False), ("updated", True)])
def test_the_note_of_a_store_is_read_as_vdsm_gives_it(client: dict[str, Completed], name: str, updated: bool) -> None:
    client["Volume getInfo"] = answer((CLIENT / f"volume-getinfo-ovf-store-{name}.stdout").read_text())
    assert OvfStores().is_updated(STORE) == updated


@pytest.mark.parametrize(
    "info", [{}, {"status": "OK", "description": "no JSON"}, {"status": "OK", "description": "[]"}]
)
def test_a_volume_without_a_note_is_not_current(info: dict[str, Any]) -> None:
    assert not ovf_store.said_updated(info)


def test_an_invalid_volume_is_not_current() -> None:
    assert not ovf_store.said_updated({"status": "INVALID", "description": '{"Updated":true}'})
