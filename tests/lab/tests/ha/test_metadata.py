# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Slots and volumes of he_metadata against the golden data."""

import hashlib
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.agent import constants as agent_constants
from ovirt_hosted_engine_ha.broker import storage_broker
from ovirt_hosted_engine_ha.client.client import HAClient
from ovirt_hosted_engine_ha.env.timing import Timing
from ovirt_hosted_engine_ha.lib import metadata
from ovirt_hosted_engine_ha.lib.exceptions import FatalMetadataError, MetadataTooNewError, RequestError

from .support import FIXTURES, load, names

FOLDER = FIXTURES / "he_metadata"
LIMITS = {
    "EngineUnexpectedlyDown": Timing().unexpected_shutdown_expiration,
    "EngineUpBadHealth": Timing().engine_bad_health_timeout,
}
ORDER = ("vm", "health", "detail", "reason")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The golden data shows dates in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def slot_of(inputs: dict[str, Any], **changes: Any) -> metadata.HostSlot:
    """Build the slot that the inputs of a golden file describe."""
    start = inputs["timeout_start_time"]
    values: dict[str, Any] = {
        "timestamp": inputs["collect_start"],
        "host_id": inputs["host_id"],
        "score": inputs["score"],
        "engine_status": {key: inputs["engine_health"][key] for key in ORDER if key in inputs["engine_health"]},
        "hostname": inputs["hostname"],
        "maintenance": inputs["state"] == "LocalMaintenance",
        "stopped": inputs["state"] == "AgentStopped",
        "conf_on_shared_storage": inputs["conf_on_shared_storage"],
        "local_conf_timestamp": inputs["vm_conf_refresh_time"],
        "state": inputs["state"],
        "epoch": inputs["time_epoch"],
        "timeout_end": None if start is None else start + LIMITS[inputs["state"]],
    }
    return metadata.HostSlot(**{**values, **changes})


@pytest.mark.parametrize("name", names("he_metadata", "slot-*.json"))
def test_slot_is_written_alike(name: str, tmp_path: Path) -> None:
    expected = load(FOLDER / f"{name}.json")
    slot = slot_of(expected["inputs"])
    assert slot.line() == expected["line"]
    assert slot.text() == expected["text_part"]
    volume = tmp_path / "volume"
    volume.write_bytes(b"\xff" * 4096 * 3)
    storage_broker.write_slot(str(volume), 1, slot.blocks())
    written = volume.read_bytes()
    assert written[4096:8192] == (FOLDER / f"{name}.bin").read_bytes()
    assert hashlib.sha256(written[4096:8192]).hexdigest() == expected["sha256"]
    assert written[:4096] == written[8192:] == b"\xff" * 4096


@pytest.mark.parametrize(("name", "flag"), [("global-maintenance-on", True), ("global-maintenance-off", False)])
def test_global_slot_is_written_alike(name: str, flag: bool) -> None:
    assert metadata.global_slot(flag) == (FOLDER / f"{name}.bin").read_bytes()


def client_verdict(slots: dict[int, str]) -> Any:
    try:
        return {str(host): values for host, values in HAClient.parse_stats(slots).items()}
    except FatalMetadataError as exc:
        error = {"exception": "ovirt_hosted_engine_ha.lib.exceptions.FatalMetadataError", "message": str(exc)}
    except ValueError as exc:
        error = {"exception": "ValueError", "message": str(exc)}
    return {"uncaught": error}


def agent_verdict(host_id: int, data: str) -> Any:
    try:
        return metadata.parse_for_agent(logging.getLogger("agent"), host_id, data)
    except MetadataTooNewError:
        return "MetadataTooNewError: agent leaves its state machine"
    except ValueError as exc:
        return {"exception": "ValueError", "message": str(exc)}


@pytest.mark.parametrize(
    "name",
    names("he_metadata", "slot-*.json") + names("he_metadata", "edge-*.json") + names("he_metadata", "global-*.json"),
)
def test_slot_is_read_alike(name: str, caplog: pytest.LogCaptureFixture) -> None:
    expected = load(FOLDER / f"{name}.json")["read"]
    data = (FOLDER / f"{name}.bin").read_bytes()
    host_id = 0 if "global" in name and not name.startswith("slot-") else 1
    if "broker_decode" in expected:
        with pytest.raises(RequestError, match="Corrupted read metadata"):
            storage_broker.split_slots("x", data)
        return
    text = data.decode()
    assert client_verdict({host_id: text}) == expected["client"]
    assert [f"ERROR {record.getMessage()}" for record in caplog.records] == expected.get("client_log", [])
    assert agent_verdict(host_id, text) == expected["agent"]
    assert bool(storage_broker.split_slots("x", data)) is expected["listed_by_broker"]


def changed_volume(name: str) -> bytes:
    """Return the image of a volume after the change its golden file names."""
    data = bytearray((FOLDER / "volume-3-hosts.raw").read_bytes().ljust(10 << 20, b"\0"))
    if name.endswith("dirty-after-1MiB"):
        data[1 << 20 : (1 << 20) + 16] = b"\x80" * 16
    elif name.endswith("dirty-after-8196096"):
        data[8196096:8196112] = b"\x80" * 16
    elif name.endswith("first-byte-zero"):
        data[2 * 4096] = 0
    elif name.endswith("non-utf8"):
        data[12888:12890] = b"\xff\xfe"
    elif name.endswith("one-flipped-bit"):
        data[2 * 4096 + 20] ^= 1
    elif name.endswith("short-file"):
        del data[6000:]
    elif name.endswith("multibyte-in-slot-1"):
        place = data.index(b"metadata_parse_version", 4096)
        data[place : place + 2] = "é".encode()
    elif name == "volume-empty":
        data[:] = bytes(len(data))
    else:
        assert name == "volume-3-hosts"
    return bytes(data)


@pytest.mark.parametrize("name", names("he_metadata", "volume-*.json"))
def test_volume_is_read_alike(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = load(FOLDER / f"{name}.json")
    reference = load(FOLDER / "volume-3-hosts.json")["client"]
    volume = tmp_path / "volume"
    volume.write_bytes(changed_volume(name))
    try:
        slots = storage_broker.get_raw_stats(str(volume))
    except RequestError as exc:
        assert str(exc) == expected["error"]["message"]
        log = [f"ERROR {record.getMessage()}" for record in caplog.records]
        assert log == [line.replace("<volume>", str(volume)) for line in expected["log"]]
        return
    assert "error" not in expected
    assert list(slots) == expected["slots_listed"]
    verdict = client_verdict(slots)
    assert sorted(verdict) == sorted(expected["client"])
    if "multibyte" not in name:
        assert verdict == {host: reference[host] for host in expected["client"]}
    for record, line in zip(caplog.records, expected.get("log", []), strict=True):
        assert f"ERROR {record.getMessage()}".startswith(line.split("<")[0])


def test_line_has_a_limit() -> None:
    inputs = {**load(FOLDER / "slot-engine-up.json")["inputs"], "score": 0, "collect_start": 5263}
    for length, result in load(FOLDER / "length-limit.json")["hostname_length_to_result"].items():
        slot = slot_of(inputs, hostname="h" * int(length))
        if result == "written":
            assert len(slot.line()) <= 512
        else:
            with pytest.raises(ValueError, match="Output metadata too long") as caught:
                slot.line()
            assert str(caught.value).startswith(result["message"])


def test_reads_only_what_the_broker_reads(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    with volume.open("wb") as stream:
        os.truncate(stream.fileno(), 128 << 20)
    assert len(storage_broker.read_volume(str(volume))) == 8196096


def test_a_slot_cannot_overflow_into_the_next(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(bytes(8192))
    with pytest.raises(RequestError):
        storage_broker.write_slot(str(volume), 0, b"x" * 4097)
    assert volume.read_bytes() == bytes(8192)


def test_version_is_that_of_the_contract() -> None:
    assert agent_constants.PACKAGE_VERSION == "2.5.3"
