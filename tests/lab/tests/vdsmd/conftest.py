"""A running vdsmd in model mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running_vdsmd import Running


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a farm with settings of one's own."""
    made: list[Running] = []

    def start(**config: Any) -> Running:
        made.append(Running(tmp_path / "root", config))
        return made[-1]

    yield start
    for running in made:
        running.end()


@pytest.fixture
def vdsmd(make: Callable[..., Running]) -> Running:
    """Two modelled hosts; the first runs HostedEngineLocal."""
    return make()
