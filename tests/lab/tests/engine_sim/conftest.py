# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A running simulator with model hosts, one for each module of tests that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import ovirtsdk4 as sdk
import pytest
from sim_support import Simulator, end, start


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    found = start(tmp_path_factory.mktemp("sim"))
    yield found
    end(found)


@pytest.fixture(scope="module")
def connection(simulator: Simulator) -> Iterator[sdk.Connection]:
    found = simulator.connect()
    yield found
    found.close()
