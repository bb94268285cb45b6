"""Block storage and Gluster, judged by what the commands answered: recorded where there is a file, else composed after
the lists of exit statuses and columns of the commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import iscsi, luns
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import (
    block_storage,
    gluster,
    registry,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

FIXTURES = Path(__file__).parents[4] / "fixtures" / "storage"
TARGET = "iqn.2024-01.test.lab:he"
DISCOVERED = f"192.0.2.5:3260,1 {TARGET}\n192.0.2.6:3260,2 {TARGET}\n[2001:db8::5]:3260,1 iqn.2024-01.test.lab:other\n"
AUTHORIZATION = (
    f"iscsiadm: Could not login to [iface: default, target: {TARGET}, portal: 192.0.2.5,3260].\n"
    "iscsiadm: initiator reported error (24 - iSCSI login failed due to authorization failure)\n"
)
WWN = "6001405aaaabbbbccccddddeeeeffff0"
LUN = f"3{WWN}"
ISCSI: dict[str, Any] = {
    "storage_type": "iscsi",
    "iscsi_portals": [{"address": "192.0.2.5", "port": 3260}],
    "iscsi_target": TARGET,
    "iscsi_user": "he",
    "lun": LUN,
    "disk_size": 61 << 30,
}


def disk(**changes: Any) -> dict[str, Any]:
    empty = {"fstype": None, "label": None, "vendor": "LIO-ORG ", "model": "he", "mountpoint": None, "parttype": None}
    known = {"name": "sdb", "type": "disk", "size": 100 << 30, "wwn": f"0x{WWN}", "serial": "aaaa", "tran": "iscsi"}
    return {**empty, **known, **changes}


def lsblk(*disks: dict[str, Any]) -> str:
    return json.dumps({"blockdevices": list(disks)})


TWO_PATHS = lsblk(disk(), disk(name="sdc"))


def commands(answers: dict[str, Completed]) -> Callable[..., Completed]:
    """Return a way to run commands of which the last word that is a key tells the answer."""

    def run(argv: Sequence[str], **_options: Any) -> Completed:
        for word in [*reversed(list(argv)), argv[0]]:
            if word in answers:
                return answers[word]
        raise AssertionError(argv)

    return run


def said(text: str = "", rc: int = 0, error: str = "") -> Completed:
    return Completed((), rc, text, error)


def findings(name: str, settings: dict[str, Any], storage: Any = None, journal: Any = None) -> dict[str, str]:
    context = registry.Context(Settings(**settings), {}, journal, storage=lambda: storage or {})
    (told,) = registry.run_all(context, names=[name])
    assert told.status in (registry.PASSED, registry.FOUND), told
    return {one["id"]: one["severity"] for one in told.findings}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"lsblk": said(TWO_PATHS)}, {}),
        ({"lsblk": said(lsblk(disk()))}, {"storage.iscsi.lun_single_path": "warn"}),
        ({"lsblk": said(lsblk(disk(tran="sas")))}, {"storage.iscsi.lun_missing": "block"}),
        (
            {"lsblk": said(lsblk(disk(size=1 << 30), disk(name="sdc")))},
            {"storage.iscsi.lun_too_small": "block"},
        ),
        (
            {"lsblk": said(lsblk(disk(fstype="LVM2_member"), disk(name="sdc")))},
            {"storage.iscsi.lun_in_use": "block"},
        ),
        ({"sendtargets": said(error="iscsiadm: No portals found", rc=21)}, {"storage.iscsi.portal": "block"}),
        (
            {"sendtargets": said(rc=12, error=(FIXTURES / "iscsiadm" / "no-driver.txt").read_text())},
            {"storage.iscsi.tools": "block"},
        ),
        ({"sendtargets": said(AUTHORIZATION, rc=24)}, {"storage.iscsi.discovery_chap": "block"}),
        ({"sendtargets": said("192.0.2.5:3260,1 iqn.x:y\n")}, {"storage.iscsi.target": "block"}),
        ({"--login": said(error=AUTHORIZATION, rc=24)}, {"storage.iscsi.login_chap": "block"}),
        ({"--login": said(error="iscsiadm: initiator reported error (19)", rc=19)}, {"storage.iscsi.login": "block"}),
    ],
)
def test_what_a_portal_answers(
    answers: dict[str, Completed], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = {
        "192.0.2.5:3260": said(DISCOVERED),
        "--login": said("Login to [...] successful.\n"),
        "--logout": said(),
        "lsblk": said(TWO_PATHS),
        **answers,
    }
    if "sendtargets" in answers:
        world["192.0.2.5:3260"] = world.pop("sendtargets")
    run = commands(world)
    monkeypatch.setattr(iscsi, "run", run)
    monkeypatch.setattr(luns, "run", run)
    monkeypatch.setattr(iscsi, "knock", lambda *_arguments: {})
    monkeypatch.setattr(iscsi, "own_mounts", lambda: None)
    monkeypatch.setattr(iscsi, "_own_configuration", lambda _access: None)
    monkeypatch.setattr(block_storage.iscsi, "is_installed", lambda: True)
    seen = iscsi.try_portal(iscsi.Access("192.0.2.5"), TARGET)
    assert findings("storage.iscsi", ISCSI, json.loads(json.dumps(seen))) == expected


def test_a_session_that_was_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(argv: Sequence[str], **_options: Any) -> Completed:
        asked.append(argv[-1])
        return said(rc=15, error="iscsiadm: session exists")

    monkeypatch.setattr(iscsi, "run", run)
    with iscsi._logged_in(["iscsiadm"]) as login:
        assert login.rc == 15
    assert asked == ["--login"]


def test_a_portal_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        iscsi, "knock", lambda *_arguments: {"server": "192.0.2.5 port 3260: no answer", "silent": True}
    )
    monkeypatch.setattr(block_storage.iscsi, "is_installed", lambda: True)
    seen = iscsi.try_portal(iscsi.Access("192.0.2.5"), TARGET)
    assert findings("storage.iscsi", ISCSI, seen) == {"storage.iscsi.portal": "block"}
    assert findings("storage.iscsi", ISCSI, {"error": "OSError: x"}) == {"storage.iscsi.unread": "warn"}
    monkeypatch.setattr(block_storage.iscsi, "is_installed", lambda: False)
    assert findings("storage.iscsi", ISCSI) == {"storage.iscsi.tools": "block"}


def test_targets_and_passwords() -> None:
    assert iscsi.targets(DISCOVERED) == [TARGET, "iqn.2024-01.test.lab:other"]
    access = iscsi.Access("2001:db8::5", "3261", user="he", password="s3cret")
    assert access.portal == "[2001:db8::5]:3261"
    text = iscsi.with_passwords("node.startup = manual\nnode.session.auth.password = old\n", access)
    assert text.splitlines() == [
        "node.startup = manual",
        "node.session.auth.authmethod = CHAP",
        "node.session.auth.username = he",
        "node.session.auth.password = s3cret",
    ]


FC = {"storage_type": "fc", "lun": LUN, "disk_size": 61 << 30}


@pytest.mark.parametrize(
    ("ports", "told", "expected"),
    [
        ({"host1": "Online", "host2": "Online"}, [disk(tran="fc"), disk(tran="fc", name="sdc")], {}),
        ({}, [], {"storage.fc.adapter": "block"}),
        ({"host1": "Linkdown"}, [], {"storage.fc.link": "block"}),
        (
            {"host1": "Online", "host2": "Linkdown"},
            [disk(tran="fc")],
            {"storage.fc.link_down": "warn", "storage.fc.lun_single_path": "warn"},
        ),
        ({"host1": "Online"}, [disk(tran="fc", wwn="0x1")], {"storage.fc.lun_missing": "block"}),
        (
            {"host1": "Online"},
            [
                disk(tran="fc", children=[{"name": "sdb1", "type": "part", "fstype": "xfs", "mountpoint": "/data"}]),
                disk(tran="fc", name="sdc"),
            ],
            {"storage.fc.lun_in_use": "block"},
        ),
    ],
)
def test_fibre_channel(
    ports: dict[str, str],
    told: list[dict[str, Any]],
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, state in ports.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "port_state").write_text(f"{state}\n")
    real = luns.fc_ports
    monkeypatch.setattr(luns, "fc_ports", lambda: real(str(tmp_path)))
    monkeypatch.setattr(luns, "run", commands({"lsblk": said(lsblk(*told))}))
    assert findings("storage.fc", FC) == expected


def test_what_is_on_a_disk() -> None:
    children = [{"name": "vg-a", "type": "lvm", "fstype": "ext4", "label": "old", "mountpoint": None}]
    (one,) = luns.read(lsblk(disk(fstype="LVM2_member", children=children), {"type": "loop", "name": "loop0"}))
    assert one.content == ("LVM2_member", "LVM volume vg-a", "ext4 old")
    assert one.is_called(LUN) and one.is_called(WWN.upper()) and not one.is_called("36")


@pytest.mark.parametrize(
    ("recorded", "volume", "expected"),
    [
        ("engine.xml", "/engine", {}),
        ("nosuch.xml", "nosuch", {"storage.gluster.volume": "block"}),
        ("silent.txt", "engine", {"storage.gluster.silent": "block"}),
        (
            "plain.xml",
            "plain",
            {"storage.gluster.stopped": "block", "storage.gluster.owner": "block", "storage.gluster.options": "warn"},
        ),
        (
            "two.xml",
            "two",
            {
                "storage.gluster.stopped": "block",
                "storage.gluster.replica": "block",
                "storage.gluster.owner": "block",
                "storage.gluster.options": "warn",
            },
        ),
    ],
)
def test_what_gluster_answers(
    recorded: str, volume: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"storage_type": "glusterfs", "storage_address": "192.0.2.50", "storage_path": volume}
    text = (FIXTURES / "gluster" / recorded).read_text()
    monkeypatch.setattr(gluster, "run", lambda *_arguments, **_options: said(text, rc=recorded == "silent.txt"))
    monkeypatch.setattr(gluster.shutil, "which", lambda _name: "/usr/sbin/gluster")
    assert findings("storage.gluster", settings) == expected
    monkeypatch.setattr(gluster.shutil, "which", lambda _name: None)
    assert findings("storage.gluster", settings) == {"storage.gluster.tools": "block"}
