"""What mount.nfs of a lab host answers; texts and statuses are those of nfs-utils."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from driver.paths import HOST_SOURCES
from driver.plan import Plan
from driver.share import exports_table

sys.path.insert(0, str(HOST_SOURCES / "rootfs" / "usr" / "lib" / "lab"))
import nfs_mount

PLAN = Plan("unit", 9, 1)
SERVER = PLAN.nfs_fqdn


class Machine:
    """A host: its table, its resolver and what was mounted."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.table: dict[str, Any] = exports_table(PLAN)
        for name, export in self.table["exports"].items():
            export["path"] = str(directory / name.strip("/"))
            (directory / name.strip("/")).mkdir(parents=True)
        self.table["give_up_seconds"] = 0
        self.point = directory / "point"
        self.point.mkdir()
        self.mounted: list[list[str]] = []
        self.network = errno.ECONNREFUSED
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)
        monkeypatch.setattr(subprocess, "run", self._run)
        monkeypatch.setattr(nfs_mount, "knock", lambda address, seconds: self.network)

    def _resolve(self, name: str, *_args: object, **_options: object) -> list[tuple[object, ...]]:
        known = {SERVER: PLAN.gateway, PLAN.gateway: PLAN.gateway, "10.77.9.99": "10.77.9.99"}
        if name not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(2, 1, 6, "", (known[name], 0))]

    def _run(self, argv: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        self.mounted.append(argv)
        return subprocess.CompletedProcess(argv, 0, "", "")

    def mount(self, *arguments: str, name: str = "mount.nfs") -> int:
        table = self.directory / "exports.json"
        table.write_text(json.dumps(self.table))
        status = nfs_mount.main(list(arguments), name, table)
        assert isinstance(status, int)
        return status


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_module_is_the_one_of_the_host_tree() -> None:
    assert isinstance(nfs_mount, ModuleType)
    assert str(HOST_SOURCES) in str(nfs_mount.__file__)


def test_an_export_is_bound(machine: Machine) -> None:
    assert machine.mount(f"{SERVER}:/exports/he", str(machine.point), "-o", "rw,soft,timeo=100,vers=4.2,nosuid") == 0
    options = "bind,nosuid"
    source = str(machine.directory / "exports/he")
    expected = ["mount", "--no-canonicalize", "--bind", "-o", options, source, str(machine.point)]
    assert machine.mounted == [expected]


def test_a_directory_below_an_export(machine: Machine) -> None:
    (machine.directory / "exports/he/sub").mkdir()
    assert machine.mount(f"{PLAN.gateway}:/exports/he/sub/", str(machine.point)) == 0
    assert machine.mounted[0][-2] == str(machine.directory / "exports/he/sub")


def test_a_read_only_export_mounts_read_only(machine: Machine) -> None:
    assert machine.mount(f"{SERVER}:/exports/readonly", str(machine.point), "-o", "rw") == 0
    assert "bind,ro" in machine.mounted[0]


def test_fake_mounts_nothing(machine: Machine) -> None:
    assert machine.mount(f"{SERVER}:/exports/he", str(machine.point), "-f") == 0
    assert machine.mounted == []


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("{s}:/exports/denied", "rw", "access denied by server while mounting {s}:/exports/denied"),
        ("{s}:/nothing", "rw", "mounting {s}:/nothing failed, reason given by server: No such file or directory"),
        (
            "{s}:/exports/hex",
            "rw",
            "mounting {s}:/exports/hex failed, reason given by server: No such file or directory",
        ),
        (
            "{s}:/exports/he/x",
            "rw",
            "mounting {s}:/exports/he/x failed, reason given by server: No such file or directory",
        ),
        ("{s}:/nothing", "vers=3", "access denied by server while mounting {s}:/nothing"),
        ("{s}:/exports/v3only", "nfsvers=4.1", "Protocol not supported"),
        ("{s}:/exports/v3only", "vers=4,minorversion=1", "Protocol not supported"),
        ("nowhere.test:/exports/he", "rw", "Failed to resolve server nowhere.test: Name or service not known"),
        ("10.77.9.99:/exports/he", "retry=0", "Connection refused"),
    ],
)
def test_refusals(machine: Machine, capsys: pytest.CaptureFixture[str], spec: str, options: str, said: str) -> None:
    assert machine.mount(spec.format(s=SERVER), str(machine.point), "-o", options) == 32
    assert capsys.readouterr().err == f"mount.nfs: {said.format(s=SERVER)}\n"
    assert machine.mounted == []


@pytest.mark.parametrize(("options", "version"), [("vers=3", "3"), ("v3", "3"), ("nfsvers=3", "3"), ("rw", None)])
def test_v3_is_served_however_it_is_asked_for(machine: Machine, options: str, version: str | None) -> None:
    request = nfs_mount.parse(["a:/b", "/c", "-o", options])
    assert request.version == version
    assert machine.mount(f"{SERVER}:/exports/v3only", str(machine.point), "-o", options) == 0


def test_version_not_offered_by_an_old_server(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.table["exports"]["/exports/he"]["versions"] = ["4.0", "4.1"]
    assert machine.mount(f"{SERVER}:/exports/he", str(machine.point), "-o", "vers=3") == 32
    assert "requested NFS version or transport protocol is not supported" in capsys.readouterr().err
    assert machine.mount(f"{SERVER}:/exports/he", str(machine.point), "-o", "vers=4") == 0


def test_nfs4_asks_for_version_4(machine: Machine) -> None:
    assert machine.mount(f"{SERVER}:/exports/v3only", str(machine.point), name="mount.nfs4") == 32


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ETIMEDOUT, "Connection timed out"),
        (errno.EHOSTUNREACH, "No route to host"),
        (errno.ENODEV, "No such device"),
    ],
)
def test_a_foreign_server_says_what_its_network_says(
    machine: Machine, capsys: pytest.CaptureFixture[str], code: int, said: str
) -> None:
    machine.network = code
    assert machine.mount("10.77.9.99:/x", str(machine.point)) == 32
    assert capsys.readouterr().err == f"mount.nfs: {said}\n"


def test_a_silenced_server_times_out(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.table["servers"][SERVER] = "silent"
    assert machine.mount(f"{SERVER}:/exports/he", str(machine.point)) == 32
    assert capsys.readouterr().err == "mount.nfs: Connection timed out\n"


def test_retry_is_bounded_by_the_table() -> None:
    request = nfs_mount.parse(["a:/b", "/c", "-o", "retry=1"])
    assert nfs_mount.give_up_seconds({}, request) == 60
    assert nfs_mount.give_up_seconds({"give_up_seconds": 6}, request) == 6
    assert nfs_mount.give_up_seconds({}, nfs_mount.parse(["a:/b", "/c"])) == 120


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no mount spec provided"),
        (["a:/b"], "no mount point provided"),
        (["server", "/c"], "remote share not in 'host:dir' format"),
    ],
)
def test_usage(machine: Machine, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert machine.mount(*arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "said"), [("missing", "does not exist"), ("file", "is not a directory")])
def test_the_mount_point(machine: Machine, capsys: pytest.CaptureFixture[str], kind: str, said: str) -> None:
    point = machine.directory / kind
    if kind == "file":
        point.touch()
    assert machine.mount(f"{SERVER}:/exports/he", str(point)) == 32
    assert capsys.readouterr().err == f"mount.nfs: mount point {point} {said}\n"


def test_a_server_in_brackets_is_an_address() -> None:
    assert nfs_mount.parse(["[fd00::1]:/b", "/c"]).server == "fd00::1"


def test_the_texts_are_those_of_the_system() -> None:
    assert os.strerror(errno.EPROTONOSUPPORT) == "Protocol not supported"
