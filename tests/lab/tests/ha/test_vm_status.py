# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``--vm-status`` byte for byte against the golden data, over a real socket."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xmlrpc.client import Binary

import pytest
from ovirt_hosted_engine_ha.env import constants
from ovirt_hosted_engine_ha.lib import metadata
from ovirt_hosted_engine_ha.lib.exceptions import FatalMetadataError
from ovirt_hosted_engine_ha.lib.unixrpc import UnixXmlRpcServer
from ovirt_hosted_engine_setup import vm_status

from .support import FIXTURES, load

FOLDER = FIXTURES / "vm-status"
NAMES = sorted(path.name.removesuffix(".meta.json") for path in FOLDER.glob("*.meta.json"))


def slot(values: dict[str, Any]) -> str:
    """Return the slot that a host object of the JSON output was made from; its checksum proves it."""
    tokens = [
        "1",
        "1",
        str(values["host-ts"]),
        str(values["host-id"]),
        str(values["score"]),
        json.dumps(values["engine-status"]),
        values["hostname"],
        str(int(values["maintenance"])),
        str(int(values["stopped"])),
        values["crc32"],
        str(int(values["conf_on_shared_storage"])),
        str(values["local_conf_timestamp"]),
    ]
    assert metadata._checksum(tokens) == values["crc32"]
    return ("|".join(tokens).ljust(512, "\0") + values["extra"]).ljust(4096, "\0")


def scenario(name: str) -> tuple[dict[int, str], set[int]]:
    """Return the slots and the live hosts of a scenario."""
    meta = load(FOLDER / f"{name}.meta.json")
    text = meta["scenario"]
    if text.startswith("slot 1 = "):
        data = (FIXTURES / text.removeprefix("slot 1 = ")).read_bytes().decode()
        return {1: data}, set()
    output = json.loads((FOLDER / f"{name}.json").read_text())
    flag = output.pop("global_maintenance")
    slots = {int(host): slot(values) for host, values in output.items()}
    if flag or (output and name != "one-host-no-global-slot"):
        slots[0] = metadata.global_slot(flag).decode()
    return slots, {int(host) for host, values in output.items() if values["live-data"]}


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Answer as the broker would in a scenario, at the place where clients look for it."""
    name: str = request.param
    path = str(tmp_path / "broker.socket")
    monkeypatch.setattr(constants, "BROKER_SOCKET_FILE", path)
    if name == "no-broker":
        yield name
        return
    server = UnixXmlRpcServer(path)
    if name == "dead-socket":
        server.server_close()
        yield name
        return
    slots, alive = scenario(name)
    server.register_function(lambda: {str(host): Binary(text.encode()) for host, text in slots.items()}, "get_stats")
    server.register_function(lambda host: host in alive, "is_host_alive")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield name
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("broker", NAMES, indirect=True)
def test_output(broker: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    golden = load(FOLDER / f"{broker}.meta.json")[form]
    try:
        code = vm_status.main(["--json"] if form == "json" else [])
        last_line = capsys.readouterr()
    except (FatalMetadataError, ValueError) as exc:  # what ends the real program in a traceback, rc 1
        code, last_line = 1, capsys.readouterr()
        assert golden["stderr_last_lines"][-1].endswith(str(exc))
    else:
        for line in golden.get("stderr_last_lines", []):
            assert line in last_line.err
    assert code == golden["rc"]
    suffix = "txt" if form == "text" else "json"
    assert last_line.out == (FOLDER / f"{broker}.{suffix}").read_text()
