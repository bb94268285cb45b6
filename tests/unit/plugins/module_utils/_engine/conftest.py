"""A session with a fake engine, a clock without waiting, a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_engine import FakeEngine, Ticking, certificate, serving

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Access, Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def engine(pki: tuple[Path, Path]) -> Iterator[FakeEngine]:
    with serving(pki) as fake:
        yield fake


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def access(engine: FakeEngine, pki: tuple[Path, Path], tmp_path: Path) -> Access:
    return Access(
        fqdn=f"localhost:{engine.port}",
        user="admin@internal",
        password="secret",
        ca_file=str(pki[0]),
        session_file=str(tmp_path / "session"),
        timeout=5,
    )


@pytest.fixture
def session(access: Access, clock: Ticking) -> Iterator[Session]:
    with Session(access, clock) as opened:
        yield opened


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "journal.json"), "test")
