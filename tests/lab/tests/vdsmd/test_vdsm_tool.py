# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of vdsm-tool: actions, refusals, exit codes (host contract 9.2, 10.10, 16)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from vdsm_tool import cli, configure, ovn
from vdsmd.net import persistence

#: What a deployment, host-deploy and the clean-up call.
ACTIONS = ("configure", "is-configured", "remove-config", "restore-nets", "clear-nets", "ovn-config", "ovn-unconfigure")


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without configuration, driven by root."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(configure, "VDSM_ID", tmp_path / "vdsm.id")
    monkeypatch.setattr(configure, "PKI", tmp_path / "pki")
    monkeypatch.setattr(configure, "SASL_CONF", tmp_path / "libvirt.conf")
    monkeypatch.setattr(ovn, "RECORD", tmp_path / "ovn" / "configuration.json")
    (tmp_path / "vdsm.id").write_text("4fc3f0b4-0000-4000-8000-000000000001\n")
    return tmp_path


@pytest.mark.parametrize(("words", "code"), [([], 1), (["--help"], 0), (["-h"], 0), (["no-such-action"], 1)])
def test_usage(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == code
    told = capsys.readouterr()
    assert told.out.startswith("Usage: vdsm-tool [options] <action> [arguments]")
    assert [action for action in ACTIONS if f"\n  {action} " not in told.out] == []
    assert told.err == ""


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "is-configured"])
def test_only_root_changes_a_host(
    action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 36)
    assert cli.main([action]) == 1
    assert capsys.readouterr() == ("", f"{action}: must be run as root\n")


def test_the_hosts_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vdsm-id"]) == 0
    assert capsys.readouterr() == ("4fc3f0b4-0000-4000-8000-000000000001\n", "")


def test_a_host_that_is_not_configured(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["is-configured"]) == 1
    told = capsys.readouterr()
    assert [
        line for line in ("libvirt", "certificates", "passwd") if f"{line} is not configured for vdsm" not in told.out
    ] == []
    assert "'vdsm-tool configure [--module module-name]'" in told.err


def test_a_running_vdsm_is_not_configured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: Path
) -> None:
    monkeypatch.setattr(configure, "is_active", lambda unit: unit == "vdsmd.service")
    assert cli.main(["configure"]) == 1
    told = capsys.readouterr()
    assert "libvirt is not configured for vdsm yet" in told.out
    assert "Cannot configure while service 'vdsmd' is running." in told.err
    assert not (host / "pki").exists()
    assert cli.main(["configure", "--frce"]) == 1
    assert "unrecognized arguments: --frce" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "excluded"),
    [
        ([], []),
        (["--exclude-net", "ovirtmgmt"], ["ovirtmgmt"]),
        (["--exclude-net=a", "--exclude-net", "b"], ["a", "b"]),
    ],
)
def test_networks_are_cleared_but_those(words: list[str], excluded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(persistence, "clear", lambda names: seen.append(list(names)))
    assert cli.main(["clear-nets", *words]) == 0
    assert seen == [excluded]


def test_networks_of_unknown_options_are_not_cleared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(persistence, "clear", lambda names: pytest.fail("it was called"))
    assert cli.main(["clear-nets", "--exclude", "ovirtmgmt"]) == 1
    assert capsys.readouterr() == ("", "unrecognized arguments: --exclude\n")


def test_ovn(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["ovn-config", "192.0.2.50", "192.0.2.11", "host1.example.com"]
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == "ovn-config: ovirt-provider-ovn-driver is not installed\n"
    ovn.RECORD.parent.mkdir()
    assert cli.main(arguments) == 0
    recorded = json.loads(ovn.RECORD.read_text())
    assert recorded == {
        "central": "192.0.2.50",
        "tunnel": "192.0.2.11",
        "address": "192.0.2.11",
        "host": "host1.example.com",
    }
    assert cli.main(["ovn-config", "192.0.2.50"]) == 1
    assert "Usage: vdsm-tool ovn-config" in capsys.readouterr().err
    assert cli.main(["ovn-config", "192.0.2.50", "no network"]) == 1
    assert capsys.readouterr().err == "ovn-config: no network is neither an address nor the name of a network\n"
    assert cli.main(["ovn-unconfigure"]) == 0
    assert not ovn.RECORD.exists()
