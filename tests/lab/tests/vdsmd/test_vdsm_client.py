"""vdsm-client against the recorded output of the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from running_vdsmd import FIXTURES, Running
from vdsm import client
from vdsm_rpc.client import VdsmError, VdsmTimeout
from vdsmclient import cli

CASES = json.loads((FIXTURES / "client/cases.json").read_text())


class Recorded:
    """A VDSM that answers as the recording says and keeps what it was asked."""

    case: dict[str, Any] = {}
    asked: list[tuple[str, dict[str, Any]]] = []

    def __init__(self, host: str, port: int, context: Any, timeout: float) -> None:
        if self.case["name"] == "error-connection-refused":
            raise ConnectionRefusedError(111, "Connection refused")
        assert (host, port, timeout, context) == ("localhost", 54321, 60, "tls")

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def call(self, verb: str, params: Mapping[str, Any], timeout: float, flow: str | None = None) -> Any:
        self.asked.append((verb, dict(params)))
        if self.case["stdout_file"]:
            return json.loads((FIXTURES / "client" / self.case["stdout_file"]).read_text())
        if self.case["name"] == "error-timeout":
            raise VdsmTimeout("no answer")
        text = self.case["stderr"].splitlines()[1]
        code, _between, message = text[len("(code=") : -1].partition(", message=")
        raise VdsmError(int(code), message)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_as_recorded(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Recorded, "case", case)
    monkeypatch.setattr(Recorded, "asked", [])
    monkeypatch.setattr(cli, "Client", Recorded)
    monkeypatch.setattr(cli, "host_context", lambda: "tls")
    monkeypatch.setenv("COLUMNS", "80")
    try:
        code = cli.main(case["argv"][1:])
    except SystemExit as end:
        code = int(str(end.code))
    out, err = capsys.readouterr()
    assert code == case["rc"]
    assert err == case["stderr"]
    expected = (FIXTURES / "client" / case["stdout_file"]).read_text() if case["stdout_file"] else ""
    assert out == expected
    request = case["request"]
    assert Recorded.asked == ([(request["verb"], request["params"])] if request else [])


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["request"] or "refused" in case["name"]], ids=lambda case: case["name"]
)
def test_the_python_client_as_recorded(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorded, "case", case)
    monkeypatch.setattr(Recorded, "asked", [])
    monkeypatch.setattr(client, "Client", Recorded)
    monkeypatch.setattr(client, "host_context", lambda: "tls")
    asked = case["connect"] or {"args": ["localhost"], "kwargs": {}}
    try:
        connected = client.connect(*asked["args"], **asked["kwargs"])
        space, method = case["request"]["verb"].split(".")
        answer = getattr(getattr(connected, space), method)(**case["request"]["params"])
    except client.Error as error:
        assert f"vdsm-client: {error}\n" == case["stderr"]
        return
    assert Recorded.asked == [(case["request"]["verb"], case["request"]["params"])]
    assert answer == json.loads((FIXTURES / "client" / case["stdout_file"]).read_text())


def test_against_a_running_vdsm(vdsmd: Running, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["-a", "127.0.1.1", "-p", str(vdsmd.port()), "--insecure"]
    assert cli.main([*where, "Host", "getVMList"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert set(entry) == {"status", "statusTime", "vmId"}
    vm = "7a1d0f5e-1c1b-4d8e-9a55-0a0000000001"
    assert cli.main([*where, "VM", "getStats", f"vmID={vm}"]) == 1
    recorded = next(case["stderr"] for case in CASES if case["name"] == "error-vm-missing")
    assert capsys.readouterr().err == recorded


def test_every_method_of_the_command_line_is_a_verb_or_known_to_be_absent(vdsmd: Running) -> None:
    from vdsmclient.api import METHODS

    offered = {f"{space}.{name}" for space, names in METHODS.items() for name in names.split()}
    absent = {
        "Volume.teardown",
        "NBD.start_server",
        "NBD.stop_server",
        "ManagedVolume.attach_volume",
        "ManagedVolume.detach_volume",
        "ManagedVolume.volumes_info",
    }
    assert offered - set(vdsmd.control("verbs")) == absent
