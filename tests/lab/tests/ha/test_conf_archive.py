# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration archive against the golden data: verdicts, writer, get and set."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.env import config_constants as const
from ovirt_hosted_engine_ha.env import config_file, constants
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import heconflib

from .support import FIXTURES, load

FOLDER = FIXTURES / "conf-archive"
VERDICTS: dict[str, Any] = load(FOLDER / "verdicts.json")
MEMBERS = {path.name: path.read_text() for path in (FOLDER / "members").iterdir()}


def extracted(volume: Path, member: str) -> Any:
    try:
        text = heconflib.extract_conf_file(str(volume), member)
    except UnicodeDecodeError as exc:
        return {"exception": "UnicodeDecodeError", "message": str(exc)}
    if text is None:
        return None
    if text == MEMBERS[member]:
        return f"identical to members/{member}"
    return {"text_bytes": len(text), "starts": text[:40]}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str, caplog: pytest.LogCaptureFixture) -> None:
    golden = VERDICTS[name]
    volume = FOLDER / "volumes" / name
    assert heconflib.validate_conf_image(str(volume)) is golden["validateConfImage"]
    assert [f"ERROR {record.getMessage()}" for record in caplog.records] == golden.get("log", [])
    assert {member: extracted(volume, member) for member in golden["extractConfFile"]} == golden["extractConfFile"]


@pytest.mark.parametrize("name", VERDICTS)
def test_sources(name: str, host: Any) -> None:
    golden = VERDICTS[name]["Config sources"]
    config = Config(volume_path=lambda: str(FOLDER / "volumes" / name))

    if "exception" in golden:
        with pytest.raises(UnicodeDecodeError) as caught:
            (config.shared_values(), config.broker_values())
        assert str(caught.value) == golden["message"]
        return
    for kind, read in (("he_shared", config.shared_values), ("broker", config.broker_values)):
        values = read()
        assert {"download": bool(values), "keys": len(values)} == golden[kind], kind
    fallback = config.archive_member("vm.conf", str(host / "vm.conf.fallback"))
    mem_size = config_file.parse(fallback).get("memSize") if fallback else None
    assert {"download": fallback is not None, "memSize": mem_size} == golden["vm.conf fallback"]


def test_writer(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(b"\xff" * 32768)
    heconflib.create_heconfimage({**MEMBERS, "version": "2.5.3"}, str(volume))
    written = volume.read_bytes()
    assert written[:20480] == (FOLDER / "volumes" / "valid-written-by-ha.raw").read_bytes()
    assert written[20480:] == b"\xff" * 12288


def test_update(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    shutil.copy(FOLDER / "volumes" / "valid-role-order.raw", volume)
    volume.chmod(0o644)
    golden = FOLDER / "volumes" / "valid-updated-by-ha.raw"
    broker_conf = heconflib.extract_conf_file(str(golden), "broker.conf")
    assert broker_conf is not None
    heconflib.add_file_to_conf_archive(str(volume), "broker.conf", broker_conf)
    assert volume.read_bytes() == golden.read_bytes()


def test_limits() -> None:
    limits = load(FOLDER / "writer.json")
    fits = limits["largest vm.conf accepted with these other members"]
    members = {**MEMBERS, "version": "2.5.3"}
    assert len(heconflib.build_archive({**members, "vm.conf": "x" * fits["bytes"]})) == 20480
    with pytest.raises(RuntimeError):
        heconflib.build_archive({**members, "vm.conf": "x" * fits["refused at"]["bytes"]})
    with pytest.raises(RuntimeError) as caught:
        heconflib.build_archive({**members, "vm.conf": "x" * 20000})
    assert str(caught.value) == limits["create with 20000 byte vm.conf"]["message"]


def test_a_change_by_someone_else_is_noticed(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(bytes(20480))
    with pytest.raises(RuntimeError, match="changed by someone else"):
        heconflib.write_archive(str(volume), b"x" * 20480, digest_before="0" * 32)
    assert volume.read_bytes() == bytes(20480)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with its files, and a writable configuration volume."""
    shutil.copy(FIXTURES / "hosted-engine.conf" / "good" / "nfs.conf", tmp_path / "hosted-engine.conf")
    (tmp_path / "hosted-engine.conf").chmod(0o640)
    (tmp_path / "ha.conf").write_text("local_maintenance=False\nlocal_maintenance_manual=False\n")
    shutil.copy(FOLDER / "volumes" / "valid-written-by-ha.raw", tmp_path / "volume")
    (tmp_path / "volume").chmod(0o644)
    monkeypatch.setattr(constants, "ENGINE_SETUP_CONF_FILE", str(tmp_path / "hosted-engine.conf"))
    monkeypatch.setattr(constants, "HA_AGENT_CONF_FILE", str(tmp_path / "ha.conf"))
    monkeypatch.setattr(constants, "SHARED_CONF_CACHE_FILE", str(tmp_path / "cache.conf"))
    monkeypatch.setattr(constants, "BROKER_CONF_CACHE_FILE", str(tmp_path / "broker.conf"))
    return tmp_path


def test_get_and_set(host: Path) -> None:
    """Run the golden calls in their order."""
    volume = str(host / "volume")

    def run(call: str) -> Any:
        config = Config(volume_path=lambda: volume)
        known = {
            "get_all_config_keys": config.all_keys,
            "get_shared_config": config.get_shared,
            "set_shared_config": config.set_shared,
        }
        return eval(call, {"__builtins__": {}}, known)

    def gateways(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("gateway=")]

    for item in load(FOLDER / "shared-config.json"):
        call, golden = item["call"], item["result"]
        if call.startswith("local file after"):
            lines = (host / "hosted-engine.conf").read_text().splitlines()
            assert [line for line in lines if line.startswith("#") or not line] == []
        elif call.startswith("broker.conf in the archive"):
            assert heconflib.extract_conf_file(volume, "broker.conf") == golden
        elif isinstance(golden, dict) and "exception" in golden:
            with pytest.raises((KeyError, ValueError)) as caught:
                run(call)
            assert str(caught.value) == golden["message"], call
        else:
            result = run(call)
            assert (list(result) if isinstance(result, tuple) else result) == golden, call
        if "after" in item:
            shared = heconflib.extract_conf_file(volume, "hosted-engine.conf") or ""
            after = item["after"]
            assert gateways(shared) == after["archive hosted-engine.conf gateway lines"], call
            assert shared.splitlines()[-1:] == after["archive hosted-engine.conf last line"], call
            local = (host / "hosted-engine.conf").read_text()
            assert gateways(local) == after["local hosted-engine.conf gateway lines"], call


def test_rewriting_keeps_the_mode(host: Path) -> None:
    path = host / "hosted-engine.conf"
    path.chmod(0o440)
    Config(volume_path=str).set_shared("gateway", "192.0.2.9", const.HE_LOCAL)
    assert path.stat().st_mode & 0o7777 == 0o440
    assert config_file.load(str(path))["gateway"] == "192.0.2.9"
