from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import metadata

FIXTURES = Path(__file__).parents[4] / "fixtures" / "host" / "he_metadata"


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("slot-*.bin")), ids=lambda path: path.stem)
def test_reads_the_slots_that_the_ha_services_wrote(path: Path) -> None:
    said = json.loads(path.with_suffix(".json").read_text())
    slot = metadata.parse(path.read_bytes())
    assert slot is not None
    agent = said["read"]["agent"]
    assert (slot.host_id, slot.score, slot.timestamp) == (agent["host-id"], agent["score"], agent["host-ts"])
    assert slot.engine_status == agent["engine-status"]
    assert (slot.stopped, slot.local_maintenance) == (agent["stopped"], agent["maintenance"])
    assert slot.state == said["inputs"]["state"]


@pytest.mark.parametrize("name", ["crc-wrong", "crc-upper-case", "zero", "status-not-json", "not-a-number", "non-utf8"])
def test_a_slot_that_cannot_be_trusted_is_none(name: str) -> None:
    assert metadata.parse((FIXTURES / f"edge-{name}.bin").read_bytes()) is None


def test_a_status_that_is_not_known_yet_is_none() -> None:
    slot = metadata.parse((FIXTURES / "edge-status-null.bin").read_bytes())
    assert slot is not None
    assert slot.engine_status is None


def test_empty_bytes_are_no_slot() -> None:
    assert metadata.parse(b"") is None
    assert metadata.parse(bytes(4096)) is None
