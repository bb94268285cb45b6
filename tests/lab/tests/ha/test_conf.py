# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""hosted-engine.conf against the golden data: reader, monitors, connections and the broker's start."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.agent.monitors import required_monitors
from ovirt_hosted_engine_ha.broker import storage
from ovirt_hosted_engine_ha.env import config_file, constants
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import storage_server
from ovirt_hosted_engine_setup import check_liveliness

from .support import FIXTURES, load, stored

FOLDER = FIXTURES / "hosted-engine.conf"
CASES = sorted(f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("*/*.json"))
DOMAIN = "11111111-2222-4333-8444-555555555501"

BONDS = (
    "default tcp,<empty>,<empty>,<empty>,<empty>\n"
    "iser iser,<empty>,<empty>,<empty>,<empty>\n"
    "bond_a tcp,<empty>,<empty>,eth1,<empty>\n"
    "bond_b tcp,<empty>,<empty>,eth2,<empty>\n"
)


class Recorder:
    """A vdsm that answers all is well and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def call(self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        arguments = dict(params or {})
        self.calls.append({"verb": verb, "args": arguments})
        if verb == "Image.prepare":
            return {"path": "/run/vdsm/storage/{storagedomainID}/{imageID}/{volumeID}".format(**arguments)}
        return {"StorageDomain.getInfo": {"block_size": 512}, "StoragePool.connectStorageServer": []}.get(verb, {})


@pytest.fixture
def host(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lay a case down as the file of a host whose domain is mounted where the case expects it."""
    case: str = request.param
    target = tmp_path / "hosted-engine.conf"
    source = stored(FOLDER / f"{case}.conf")
    if source.exists():
        shutil.copy(source, target)
    monkeypatch.setattr(constants, "ENGINE_SETUP_CONF_FILE", str(target))
    monkeypatch.setattr(constants, "MOUNT_DIR", str(tmp_path / "mnt"))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "iscsiadm").write_text(
        f"#!/bin/sh\ncat <<'END'\n{BONDS if 'bond' in case or 'blacklist' in case else ''}END\n"
    )
    (tools / "iscsiadm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return case, load(FOLDER / f"{case}.json"), str(target), tmp_path


every_case = pytest.mark.parametrize("host", CASES, indirect=True)


def outcome(function: Any, path: str = "/nowhere") -> Any:
    """Return the result, or the exception in the form of the golden data."""
    try:
        return function()
    except Exception as exc:
        module = type(exc).__module__
        name = type(exc).__name__ if module == "builtins" else f"{module}.{type(exc).__name__}"
        return {"exception": name, "message": str(exc).replace(path, "/etc/ovirt-hosted-engine/hosted-engine.conf")}


def anonymous(calls: Any) -> Any:
    """Replace the random ids of iSCSI connections, whose numbers depend on how often one was drawn."""
    text = re.sub(r"<random uuid4 #\d+>", "<random>", repr(calls))
    return (
        re.sub(r"'id': '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}'", "'id': '<random>'", text) if "iqn" in text else text
    )


@every_case
def test_reader(host: Any) -> None:
    _case, expected, path, _tmp = host
    values = outcome(lambda: config_file.load(path))
    raw = expected["raw"]
    if "exception" in raw:
        assert values == raw
    else:
        assert values == {key: value for key, value in raw.items() if value is not None}


@every_case
def test_agent_view(host: Any) -> None:
    _case, expected, _path, _tmp = host

    def view() -> dict[str, Any]:
        config = Config()
        result: dict[str, Any] = {"host_id": config.host_id(), "configured_raw": config.is_configured()}
        result["configured"] = bool(result["configured_raw"])
        if result["configured"]:
            result["monitors"] = [
                {"field": spec.field, "monitor": spec.monitor, "converter": spec.converter, "options": spec.options}
                for spec in required_monitors(config)
            ]
        return result

    assert outcome(view) == expected["agent"]
    assert outcome(lambda: Config().is_up_to_date()) == expected["conf_uptodate"]


@every_case
def test_deployed(host: Any) -> None:
    _case, expected, path, _tmp = host
    if "exception" not in str(expected["static_files_exist"]):
        assert Config.static_files_exist() is expected["static_files_exist"]


@every_case
def test_connect(host: Any, caplog: pytest.LogCaptureFixture) -> None:
    case, expected, path, _tmp = host
    vdsm = Recorder()

    def connect() -> list[dict[str, Any]]:
        storage_server.connect_storage_server(vdsm, Config())
        return vdsm.calls

    found = outcome(connect)
    assert anonymous(normal(found)) == anonymous(normal(expected["connect_storage_server"]))
    if case != "bad/missing-file":
        log = [f"{record.levelname} {record.getMessage()}" for record in caplog.records if record.levelname != "DEBUG"]
        assert log == expected.get("connect_log", [])


def normal(value: Any) -> Any:
    """Sort the keys of all objects."""
    if isinstance(value, dict):
        return {key: normal(value[key]) for key in sorted(value)}
    return [normal(item) for item in value] if isinstance(value, list) else value


@every_case
def test_disconnect(host: Any) -> None:
    _case, expected, _path, _tmp = host
    if expected.get("disconnect_same_params") is None:
        pytest.skip("connect already fails")
    connecting, leaving = Recorder(), Recorder()
    storage_server.connect_storage_server(connecting, Config())
    storage_server.disconnect_storage_server(leaving, Config())
    sent = [call["args"] for call in connecting.calls if call["verb"].endswith("connectStorageServer")]
    taken = [call["args"] for call in leaving.calls]
    assert (anonymous(sent) == anonymous(taken)) is expected["disconnect_same_params"]


@every_case
def test_broker_start(host: Any) -> None:
    _case, expected, path, tmp = host
    golden = expected["broker_start"]
    found = re.search(r"already mounted on '/rhev/data-center/mnt/([^']*)'", golden.get("message", ""))
    mounts = Path(constants.MOUNT_DIR)
    try:
        config = Config()
        place = Path(found[1]) if found else Path(storage_server._expected_path(config)).relative_to(mounts)
        (mounts / place).mkdir(parents=True)
    except (RuntimeError, TypeError, UnicodeDecodeError):
        pass  # the case has no usable path, and must fail below as the golden data says
    vdsm = Recorder()

    def start() -> dict[str, Any]:
        volumes = storage.prepare(vdsm, Config())
        return {
            "calls": vdsm.calls,
            "metadata_path": volumes.metadata,
            "lockspace_path": volumes.lockspace,
            "sector_size": volumes.sector_size,
        }

    result = outcome(start, path)
    if "message" in result:
        result["message"] = result["message"].replace(str(mounts), "/rhev/data-center/mnt")
    assert anonymous(normal(result)) == anonymous(normal(golden))


@every_case
def test_sourced_by_the_command_line(host: Any) -> None:
    _case, expected, path, tmp = host
    golden = expected.get("cli_shell_source")
    if golden is None:
        pytest.skip("no file")
    keys = list(golden["values"])
    script = 'source "$1"; code=$?; shift; for key; do printf \'%s=%s\\0\' "$key" "${!key}"; done; exit $code'
    done = subprocess.run(
        ["bash", "-c", script, "x", path, *keys],
        capture_output=True,
        check=False,
        cwd=tmp,
        env={"HOME": "/root", "PATH": os.environ["PATH"]},
    )
    pairs = [pair.partition("=") for pair in done.stdout.decode(errors="replace").split("\0")[:-1]]
    assert {key: value for key, _equals, value in pairs} == golden["values"]


@every_case
def test_liveliness_regex(host: Any) -> None:
    _case, expected, path, _tmp = host
    golden = expected["liveliness_regex"]

    def read() -> dict[str, str]:
        values = check_liveliness.read_config(path)
        return {key: value for key, value in values.items() if key.strip() in ("fqdn", "host_id")}

    found = outcome(read, path)
    if "exception" in golden:
        assert found["exception"] == golden["exception"]
    else:
        assert found == golden
