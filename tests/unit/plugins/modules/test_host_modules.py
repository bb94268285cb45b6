"""The host's modules: options as documented, check mode, what goes into the journal, and how they fail."""

from __future__ import annotations

import errno
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Optional

import pytest
import yaml

from ansible_collections.node0.hosted_engine.plugins.module_utils import _module
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    appliance,
    cleanup,
    engine_setup,
    guest_final,
    nat_setup,
    undo,
    vm,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight import registry
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.settings import Settings
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal

PACKAGE = "ansible_collections.node0.hosted_engine.plugins"
MODULES = (
    "appliance_image",
    "disk_copy",
    "engine_setup",
    "guest_config",
    "host_cleanup",
    "host_info",
    "local_vm",
    "nat_network",
    "preflight_probe",
)
FACTS = {"name": "HostedEngineLocal", "mac": "00:16:3e:00:00:01", "dir": "/var/tmp/localvmx"}
GUEST = {"address": "192.0.2.2", "key": "/nonexistent/key", "known_hosts": "/k", "user": "root", "port": 22}


def load(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.modules.{name}")


def documented(name: str) -> dict[str, Any]:
    text = yaml.safe_load(load(name).DOCUMENTATION)
    options = dict(text["options"])
    for fragment in text.get("extends_documentation_fragment", []):
        loaded = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment.rpartition('.')[2]}")
        options.update(yaml.safe_load(loaded.ModuleDocFragment.DOCUMENTATION)["options"])
    return options


def specified(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the argument spec that C(main) hands over."""
    seen: dict[str, Any] = {}
    module = load(name)

    def frame(**arguments: Any) -> None:
        seen.update(arguments)

    monkeypatch.setattr(module, "AnsibleModule", frame)
    monkeypatch.setattr(module, "execute", lambda *_arguments: None)
    module.main()
    assert seen["supports_check_mode"] is True
    return dict(seen["argument_spec"])


def run(name: str, monkeypatch: pytest.MonkeyPatch, journal: Journal, check: bool = False, **params: Any) -> Any:
    spec = specified(name, monkeypatch)
    defaults = {key: entry.get("default") for key, entry in spec.items()}
    module = SimpleNamespace(params={**defaults, **params, "journal": journal.path}, check_mode=check)
    return load(name).work(module)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "journal.json"))


@pytest.mark.parametrize("name", MODULES)
def test_options_are_what_the_documentation_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, spec = documented(name), specified(name, monkeypatch)
    assert set(options) == set(spec)
    for key, option in options.items():
        entry = spec[key]
        assert option["type"] == entry["type"], key
        assert option.get("default") == entry.get("default"), key
        assert option.get("choices") == entry.get("choices"), key
        assert option.get("required", False) == entry.get("required", False), key


@pytest.mark.parametrize("name", MODULES)
def test_secrets_are_not_logged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = specified(name, monkeypatch)
    assert all(entry.get("no_log") is True for key, entry in spec.items() if "password" in key)


def test_local_vm_remembers_and_forgets(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    known: list[Any] = []

    def running(wish: vm.VmWish, _ledger: Any, remembered: Any, _dry: bool) -> tuple[dict[str, Any], bool]:
        known.append(dict(remembered))
        assert wish.mac == "00:16:3e:00:00:01"
        return FACTS, not remembered

    monkeypatch.setattr(vm, "running", running)
    monkeypatch.setattr(vm, "absent", lambda *_arguments: ["domain HostedEngineLocal"])
    options = {"image": "/i", "fqdn": "e.x", "mac": "00:16:3E:00:00:01"}
    assert run("local_vm", monkeypatch, journal, check=True, **options) == {"changed": True, "vm": FACTS}
    assert journal.read() is None
    assert run("local_vm", monkeypatch, journal, **options) == {"changed": True, "vm": FACTS}
    assert run("local_vm", monkeypatch, journal, **options)["changed"] is False
    assert known == [{}, {}, FACTS]
    assert run("local_vm", monkeypatch, journal, state="absent")["removed"] == ["domain HostedEngineLocal"]
    assert journal.state("local_vm") is None


def test_local_vm_is_shut_down(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(vm, "shutdown", lambda name, *_rest: ({**FACTS, "name": name}, True))
    assert run("local_vm", monkeypatch, journal, state="shutdown") == {"changed": True, "vm": FACTS}


def test_disk_copy_shuts_the_vm_down_first(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    order: list[str] = []

    def shutdown(name: str, _ledger: Any, known: Any, _seconds: float, dry: bool) -> tuple[dict[str, Any], bool]:
        order.append(f"off {name}{' (would)' if dry else ''}")
        return dict(FACTS), not known

    def copy_disk(*_arguments: Any) -> SimpleNamespace:
        order.append("copy")
        return SimpleNamespace(allocated=1, virtual_size=2, seconds=0.1)

    monkeypatch.setattr(vm, "shutdown", shutdown)
    monkeypatch.setattr(load("disk_copy"), "prepare", lambda _volume: "/rhev/volume")
    monkeypatch.setattr(load("disk_copy"), "copy_disk", copy_disk)
    options = {"source": "/d", "vm": "HostedEngineLocal", "volume_id": "v", "storage_type": "nfs"}
    assert run("disk_copy", monkeypatch, journal, check=True, **options) == {"changed": True}
    assert journal.read() is None
    done = run("disk_copy", monkeypatch, journal, **options)
    assert done["changed"] and done["copied"]["verified"] and journal.state("local_vm") == FACTS
    again = run("disk_copy", monkeypatch, journal, **options)
    assert (again["changed"], again["copied"]) == (False, done["copied"])
    off = "off HostedEngineLocal"
    assert order == [f"{off} (would)", off, "copy", off]
    run("disk_copy", monkeypatch, journal, **{**options, "vm": ""})
    assert len(order) == 4


def test_the_last_step_of_a_phase_notes_its_end(journal: Journal) -> None:
    made_with = {"engine": {"fqdn": "engine.example.test"}}

    def frame(check: bool = False, ends: bool = True) -> dict[str, Any]:
        said: dict[str, Any] = {}
        params = {"journal": journal.path, "phase": "initial_clean", "ends_phase": ends, "made_with": made_with}
        module: Any = SimpleNamespace(params=params, check_mode=check, exit_json=lambda **result: said.update(result))
        _module.execute(module, lambda _module: {"changed": False})
        return said

    assert frame(check=True)["journal"] == {"state": {}, "phases": {}, "made": []}
    assert "journal" not in frame(check=True, ends=False) and journal.read() is None
    assert "journal" not in frame(ends=False) and journal.state("settings") == made_with
    first = frame()
    assert first["changed"] is True and first["journal"] == journal.read()
    assert first["journal"]["phases"]["initial_clean"]["status"] == "done"
    assert frame()["changed"] is False


def test_what_the_system_refuses_is_told_without_a_traceback() -> None:
    def work(_module: Any) -> dict[str, Any]:
        raise OSError(errno.EIO, "Input/output error", "/rhev/data-center/mnt/nas:_he")

    said: dict[str, Any] = {}
    module: Any = SimpleNamespace(params={}, check_mode=False, fail_json=lambda **result: said.update(result))
    with pytest.raises(UnboundLocalError):  # fail_json ends the process
        _module.execute(module, work)
    assert said["msg"].startswith("[host.system_refused]") and "/rhev/data-center/mnt/nas:_he" in said["msg"]
    assert said["error"]["evidence"]["at"].endswith(", work")


def test_an_engine_name_that_nobody_knows_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_name: str) -> str:
        raise OSError("Name or service not known")

    ha_service = load("ha_service")
    monkeypatch.setattr(ha_service.socket, "gethostbyname", unknown)
    assert ha_service.tell_ovn("engine.x", "ovirtmgmt", "192.0.2.1") == "engine.x: Name or service not known"


def test_nat_network(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    answers = iter([({"cidr": "192.168.222.0/24"}, ["network"]), ({"cidr": "192.168.222.0/24"}, [])])
    monkeypatch.setattr(nat_setup, "present", lambda *_arguments: next(answers))
    monkeypatch.setattr(nat_setup, "absent", lambda *_arguments: ["nat_network node0-bootstrap"])
    assert run("nat_network", monkeypatch, journal)["changed"] is True
    assert journal.state("nat") == {"cidr": "192.168.222.0/24"}
    assert run("nat_network", monkeypatch, journal)["changed"] is False
    assert run("nat_network", monkeypatch, journal, state="absent")["changed"] is True
    assert journal.state("nat") is None


def test_appliance_image(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    image = appliance.Image("/i", "qcow2", 1, "", "uefi")
    answers: list[tuple[Optional[appliance.Image], bool]] = [(None, True), (image, True)]
    monkeypatch.setattr(appliance, "prepare", lambda *_arguments: answers.pop(0))
    assert run("appliance_image", monkeypatch, journal, check=True) == {"changed": True, "image": {}}
    assert run("appliance_image", monkeypatch, journal)["image"]["firmware"] == "uefi"
    assert journal.state("appliance") == image.facts()


def test_engine_setup_hands_the_answers_over(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    wishes: list[engine_setup.SetupWish] = []

    def set_up(_guest: Any, wish: engine_setup.SetupWish, *_rest: Any) -> tuple[dict[str, Any], bool]:
        wishes.append(wish)
        return {"fqdn": wish.fqdn, "log": "" if len(wishes) > 1 else "/log"}, len(wishes) == 1

    monkeypatch.setattr(engine_setup, "set_up", set_up)
    options = {"guest": GUEST, "fqdn": "e.x.y", "dir": "/d", "admin_password": "canary", "answers": {"A/b": True}}
    assert run("engine_setup", monkeypatch, journal, **options)["changed"] is True
    assert wishes[0].answers["OVESETUP_CONFIG/adminPassword"] == "canary"
    assert wishes[0].answers["A/b"] is True
    again = run("engine_setup", monkeypatch, journal, **options)
    assert (again["changed"], again["engine"]["log"]) == (False, "/log")
    assert "canary" not in Path(journal.path).read_text()


def test_guest_config_recognizes_its_own_work(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    options = {"guest": GUEST, "mac": "00:16:3e:00:00:01", "fqdn": "e.x"}
    assert run("guest_config", monkeypatch, journal, check=True, **options)["changed"] is True
    monkeypatch.setattr(guest_final, "configure", lambda *_arguments: guest_final.Done(["file"], []))
    assert run("guest_config", monkeypatch, journal, **options)["changes"] == ["file"]

    def refuse(*_arguments: Any) -> None:
        raise HostedEngineError(GUEST_UNREACHABLE, observed="Permission denied (publickey).")

    monkeypatch.setattr(guest_final, "configure", refuse)
    assert run("guest_config", monkeypatch, journal, **options)["changed"] is False
    other = {**options, "address": "192.0.2.50", "prefix": 24}
    with pytest.raises(HostedEngineError):
        run("guest_config", monkeypatch, journal, **other)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    assert run("guest_config", monkeypatch, journal, check=True, **other)["changed"] is True


def test_host_cleanup_marks_phases_and_forgets(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    journal.remember("engine", {"fqdn": "x"})
    journal.remember("appliance", {"path": "/i"})
    journal.mark("bootstrap_local_vm", "failed", {"id": "x"})
    journal.mark("initial_clean", "done")
    monkeypatch.setattr(cleanup, "bootstrap", lambda *_arguments: undo.Outcome(["domain x"], ["spell y: unknown"]))
    monkeypatch.setattr(cleanup, "initial", lambda *_arguments: undo.Outcome())
    assert run("host_cleanup", monkeypatch, journal, what="initial")["changed"] is False
    run("host_cleanup", monkeypatch, journal, what="bootstrap", only_bootstrap=True)
    run("host_cleanup", monkeypatch, journal, what="bootstrap", check=True)
    assert journal.state("engine") == {"fqdn": "x"}
    result = run("host_cleanup", monkeypatch, journal, what="bootstrap")
    assert result == {"changed": True, "removed": ["domain x"], "kept": ["spell y: unknown"]}
    record = journal.read() or {}
    assert record["state"] == {"appliance": {"path": "/i"}}
    assert {entry["status"] for entry in record["phases"].values()} == {"undone"}


def test_preflight_probe_is_ok_unless_something_blocks(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    module = load("preflight_probe")
    asked: list[Settings] = []

    def probe(settings: Settings, *_rest: Any) -> list[registry.Outcome]:
        asked.append(settings)
        found = {"id": "x", "severity": "block" if len(asked) > 1 else "warn"}
        return [registry.Outcome("x", "x is well", "block", "found", findings=[found])]

    monkeypatch.setattr(module, "probe", probe)
    areas = {"engine": {"fqdn": "e.x"}, "vm": {"mac": "01:00:00:00:00:00"}, "network": {"gateway": None}}
    wrong = [{"source": "he_vm_mac_addr", "severity": "block"}, {"source": "he_fqdn", "severity": "warn"}]
    options: dict[str, Any] = {"settings": areas, "host": {"fqdn": "h.x"}, "findings": wrong}
    assert run("preflight_probe", monkeypatch, journal, **options)["ok"] is True
    assert asked[0] == Settings(fqdn="e.x"), "what is wrong already is not judged again"
    result = run("preflight_probe", monkeypatch, journal, **options, skip=["y"])
    assert result["ok"] is False
    assert [one["id"] for one in result["findings"]] == ["preflight.unknown_check", "x"]
    assert result["checks"][0]["status"] == "found"


def test_interfaces_are_listed_with_what_speaks_against_them(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("network_interfaces_info")
    up = {"up": True, "carrier": True, "master": "", "addresses": [{"address": "192.0.2.4", "prefix": 24, "family": 4}]}
    world = [{"name": "eth7", "type": "ethernet", **up}, {"name": "team7", "type": "team", **up}]
    monkeypatch.setattr(module.facts, "interfaces", lambda: world)
    result = module.work(SimpleNamespace(params={}))
    assert result["usable"] == ["eth7"]
    assert [(one["name"], bool(one["reasons"])) for one in result["interfaces"]] == [("eth7", False), ("team7", True)]


def test_a_problem_becomes_a_failure_with_its_id(tmp_path: Path) -> None:
    """One module as Ansible runs it: a process of its own, arguments in, JSON out."""
    code = (
        "from ansible.module_utils.testing import patch_module_args\n"
        f"from {PACKAGE}.modules import appliance_image\n"
        f"with patch_module_args({{'path': '{tmp_path}/none.ova', 'journal': '{tmp_path}/j'}}):\n"
        "    appliance_image.main()\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    result = json.loads(done.stdout)
    assert done.returncode == 1 and result["failed"]
    assert result["error"]["id"] == "appliance.missing" and result["processes"] == 0
