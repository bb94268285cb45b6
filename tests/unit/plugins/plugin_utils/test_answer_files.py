"""Answer files of all formats: what comes out, what is said, and which source wins."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settings_cases import GOOD, found, resolve

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf.deployment import first_host_answers
from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _answer_files, _otopi_keys, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
MEASURED = FIXTURES / "host" / "answer-files"
SAMPLES = FIXTURES / "answer-files"
# Computed by the original from the host, made at random, or passed on with another meaning to a later phase.
COMPUTED = {
    "he_cdrom_uuid",
    "he_nic_uuid",
    "he_vm_uuid",
    "he_local_vm_dir",
    "he_local_vm_dir_path",
    "he_admin_username",
}
DIFFERENT = {"he_cloud_init_host_name", "he_storage_domain_addr"}


def _write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    return str(path)


def _otopi(folder: Path, *lines: str, name: str = "a.conf") -> str:
    return _write(folder, name, "\n".join(["[environment:default]", *lines]) + "\n")


def _values(path: Path | str) -> dict[str, Any]:
    return {name: given.value for name, given in _answer_files.read([str(path)]).settings.items()}


@pytest.mark.parametrize("name", ["nfs-dhcp", "nfs-static-ipv4", "nfs-static-ipv6", "iscsi-chap", "fc", "glusterfs"])
def test_the_original_makes_the_same_of_a_complete_file(name: str) -> None:
    """Every variable that the original gave to its phases has the same value here."""
    measured: dict[str, Any] = {}
    for run in json.loads((MEASURED / "complete" / f"{name}.json").read_text())["runs"]:
        for phase in run["ansible_runs"]:
            measured.update(phase["extra_vars"])
    resolved = resolve({"he_answer_file": [str(MEASURED / "complete" / f"{name}.conf")]})
    # That file has an IPv4 gateway for an IPv6 address, which the original did not look at in this step.
    assert {one_id for one_id, _source in found(resolved)} <= {
        "settings.unsupported",
        *(["settings.family"] if name == "nfs-static-ipv6" else []),
    }
    values = resolved.values
    bridge = measured.pop("he_bridge_if")
    assert (bridge, values["he_bridge_if"]) == (values["he_mgmt_network"], "eth0")
    for variable, expected in measured.items():
        if variable in COMPUTED | DIFFERENT or variable not in options() or expected in (None, "", "none"):
            continue
        if variable.startswith("he_force_ip"):
            continue
        if variable == "he_appliance_ova":
            variable = "he_appliance"
        mine = values[variable]
        theirs = expected.split(",") if isinstance(mine, list) and isinstance(expected, str) else expected
        assert (
            [str(one) for one in mine] == [str(one) for one in theirs]
            if isinstance(mine, list)
            else (str(mine) == str(theirs))
        ), variable
    addr = measured["he_storage_domain_addr"]
    assert values["he_storage_domain_addr"] == addr


def test_the_family_of_the_static_address_is_that_of_the_deployment() -> None:
    for name, family in (("nfs-static-ipv4", 4), ("nfs-static-ipv6", 6), ("nfs-dhcp", 4)):
        resolved = resolve({"he_answer_file": str(MEASURED / "complete" / f"{name}.conf"), "he_gateway": None})
        assert _settings.build(resolved.values)["network"]["family"] == family


def test_every_key_that_the_original_declares_is_known() -> None:
    declared = json.loads((MEASURED / "keys.json").read_text())["keys"]
    assert set(declared) <= _otopi_keys.KNOWN
    groups = [set(_otopi_keys.VARIABLES), _otopi_keys.IGNORED, _otopi_keys.OBSOLETE]
    assert sum(len(group) for group in groups) == len(set().union(*groups))
    assert set(_otopi_keys.VARIABLES.values()) <= set(options())


def test_the_file_of_the_system_tests_is_taken_as_it_is() -> None:
    resolved = resolve({"he_answer_file": str(SAMPLES / "system-test.conf")})
    assert found(resolved) == set()
    values = resolved.values
    assert (values["he_domain_type"], values["he_nfs_version"]) == ("nfs", "v3")
    assert (values["he_vm_ip_addr"], values["he_vm_ip_prefix"]) == ("192.0.2.99", 24)
    assert values["he_offline_deployment"] is True
    assert values["he_mem_size_MB"] == "3171"
    assert values["he_memory_requirements_check_enabled"] is False
    assert values["he_host_name"] == "ost-he-host-0"
    assert values["he_storage_domain_path"] == "/exports/nfs_he"
    report = resolved.reports[0]
    assert "OVEHOSTED_NETWORK/firewallManager" in report["ignored"]
    assert "DIALOG/autoAcceptDefault" in report["ignored"]
    assert report["secret"] == ["OVEHOSTED_ENGINE/adminPassword", "OVEHOSTED_VM/cloudinitRootPwd"]
    assert report["unknown"] == []


def test_the_sample_of_the_manual_lacks_only_passwords() -> None:
    resolved = resolve({"he_answer_file": str(SAMPLES / "man-page.conf")})
    assert found(resolved) == {("settings.missing", "he_admin_password"), ("settings.missing", "he_appliance_password")}
    assert resolved.values["he_nfs_version"] == "v4"
    assert resolved.values["he_vm_ip_addr"] is None
    assert resolved.values["he_dns_addr"] == []
    assert resolved.values["he_dest_email"] == "root@localhost,ops@example.com"


def test_what_is_left_of_a_vintage_file_is_said() -> None:
    resolved = resolve({"he_answer_file": str(SAMPLES / "vintage.conf")})
    report = resolved.reports[0]
    assert report["obsolete"] == [
        "OVEHOSTED_CORE/rollbackProceed",
        "OVEHOSTED_CORE/upgradeProceed",
        "OVEHOSTED_ENGINE/hostIdentifier",
        "OVEHOSTED_STORAGE/storageType",
        "OVEHOSTED_VDSM/spicePkiSubject",
        "OVEHOSTED_VM/vmBoot",
    ]
    assert report["secret"] == ["OVEHOSTED_VDSM/passwd"]
    assert resolved.values["he_disk_size_GB"] == 60
    assert ("answers.obsolete", str(SAMPLES / "vintage.conf")) in found(resolved, "info")


def test_answers_for_later_hosts_pair_portals_and_ports() -> None:
    resolved = resolve({"he_answer_file": str(SAMPLES / "fhanswers.conf"), "he_vm_ip_prefix": 24})
    assert _settings.build(resolved.values)["storage"]["portals"] == [
        {"address": "192.0.2.50", "port": 3260},
        {"address": "192.0.2.51", "port": 3261},
    ]
    assert resolved.values["he_tcp_t_port"] == 53
    assert {finding for finding, _source in found(resolved)} == {"settings.missing", "settings.unsupported"}


def test_what_a_deployment_writes_for_later_hosts_is_read_back() -> None:
    settings = _settings.build(resolve(GOOD).values)
    settings["vm"]["vcpus"], settings["vm"]["memory"] = 4, 16 * 1024**3
    text = first_host_answers(settings, {"id": "x"}, {"id": "y", "mac": settings["vm"]["mac"]})
    parsed = _answer_files._otopi.parse(text, "fhanswers.conf")
    assert parsed.findings == []
    assert {entry.key for entry in parsed.entries} <= _otopi_keys.KNOWN


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("OVEHOSTED_STORAGE/storageDomainConnection=str:[2001:db8::5]:/he", ("[2001:db8::5]", "/he")),
        ("OVEHOSTED_STORAGE/storageDomainConnection=str:nas:/a:/b", ("nas:/a", "/b")),
        ("OVEHOSTED_STORAGE/storageDomainConnection=str:nas:/exports//he/", ("nas", "/exports//he/")),
    ],
)
def test_a_connection_is_split_at_its_last_colon_and_slash(
    tmp_path: Path, line: str, expected: tuple[str, str]
) -> None:
    values = _values(_otopi(tmp_path, line))
    assert (values["he_storage_domain_addr"], values["he_storage_domain_path"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "he_vcpus=3 he_cluster_cpu_type='Intel Cascadelake'",
            {"he_vcpus": "3", "he_cluster_cpu_type": "Intel Cascadelake"},
        ),
        (
            '{"he_timeout_boot": 77, "he_dns_addr": ["192.0.2.1"]}',
            {"he_timeout_boot": 77, "he_dns_addr": ["192.0.2.1"]},
        ),
        ("", {}),
    ],
)
def test_extra_variables_win_over_keys(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    path = _otopi(tmp_path, f"OVEHOSTED_CORE/ansibleUserExtraVars=str:{text}", "OVEHOSTED_VM/vmVCpus=str:9")
    assert {"he_vcpus": "9", **expected} == _values(path)


def test_a_misspelt_key_gets_a_suggestion(tmp_path: Path) -> None:
    answers = _answer_files.read([_otopi(tmp_path, "OVEHOSTED_NETWORK/FQDN=str:x")])
    assert [(one.id, one.advice) for one in answers.findings] == [
        ("answers.unknown", "Did you mean OVEHOSTED_NETWORK/fqdn?")
    ]


def test_files_next_to_a_file_are_read_after_it(tmp_path: Path) -> None:
    path = _otopi(tmp_path, "OVEHOSTED_VM/vmVCpus=str:1")
    (tmp_path / "a.conf.d").mkdir()
    _otopi(tmp_path / "a.conf.d", "OVEHOSTED_VM/vmVCpus=str:2", name="1.conf")
    _otopi(tmp_path / "a.conf.d", "OVEHOSTED_VM/vmVCpus=str:3", name="2.conf")
    assert _values(path) == {"he_vcpus": "3"}


def test_all_three_formats_and_variables_give_the_same_settings(tmp_path: Path) -> None:
    secrets = {name: GOOD[name] for name in ("he_admin_password", "he_appliance_password")}
    plain = {name: value for name, value in GOOD.items() if name not in secrets}
    wanted = _settings.build(resolve(GOOD).values)
    files = [
        _write(tmp_path, "a.yml", yaml.safe_dump(plain)),
        _write(tmp_path, "a.json", json.dumps(plain)),
        _otopi(
            tmp_path,
            "OVEHOSTED_NETWORK/fqdn=str:engine.example.com",
            "OVEHOSTED_STORAGE/domainType=str:nfs",
            "OVEHOSTED_STORAGE/storageDomainConnection=str:nas.example.com:/exports/he",
            "OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.10/24",
            "OVEHOSTED_NETWORK/gateway=str:192.0.2.254",
            "OVEHOSTED_VM/cloudinitVMDNS=str:192.0.2.53, 192.0.2.54",
        ),
    ]
    for path in files:
        assert _settings.build(resolve({"he_answer_file": path, **secrets}).values) == wanted


def test_variables_win_over_files_and_later_files_over_earlier_ones(tmp_path: Path) -> None:
    first = _write(tmp_path, "a.yml", "he_vcpus: 1\nhe_mem_size_MB: 5000\nhe_cluster: A\n")
    second = _otopi(tmp_path, "OVEHOSTED_VM/vmMemSizeMB=int:6000", "OVEHOSTED_VM/vmVCpus=str:2")
    third = _write(tmp_path, "c.json", '{"he_mem_size_MB": 7000}')
    resolved = resolve({**GOOD, "he_answer_file": [first, second, third], "he_vcpus": 8})
    assert [resolved.values[name] for name in ("he_vcpus", "he_mem_size_MB", "he_cluster")] == ["8", "7000", "A"]
    assert ("answers.overruled", f"{second}:3 (OVEHOSTED_VM/vmVCpus)") in found(resolved, "info")


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_empty_defeats_nothing(tmp_path: Path, nothing: Any) -> None:
    path = _write(tmp_path, "a.json", json.dumps({"he_vcpus": 4, "he_smtp_port": nothing, "he_time_zone": nothing}))
    empty = _otopi(tmp_path, "OVEHOSTED_VM/vmVCpus=none:None", "OVEHOSTED_VM/emulatedMachine=str:")
    values = resolve({**GOOD, "he_answer_file": [path, empty], "he_vcpus": nothing}).values
    assert (values["he_vcpus"], values["he_smtp_port"], values["he_emulated_machine"]) == ("4", 25, None)


def test_secrets_that_others_can_read_are_said(tmp_path: Path) -> None:
    path = _otopi(tmp_path, "OVEHOSTED_ENGINE/adminPassword=str:s3cret-admin")
    os.chmod(path, 0o644)
    resolved = resolve({"he_answer_file": path})
    assert ("answers.readable", path) in found(resolved, "warn")
    assert "s3cret" not in repr(resolved.findings)


def test_a_value_in_a_file_is_no_template(tmp_path: Path) -> None:
    def template(value: Any) -> Any:
        assert not isinstance(value, str) or "{{" not in value
        return value

    from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _resolve

    path = _otopi(tmp_path, "OVEHOSTED_ENGINE/adminPassword=str:{{ lookup('pipe', 'id') }}")
    assert _resolve.secret("he_admin_password", {"he_answer_file": path}, template) == "{{ lookup('pipe', 'id') }}"


@given(st.binary(max_size=200), st.sampled_from(["a.conf", "a.json", "a.yml", "answers"]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_the_reader_fail(tmp_path: Path, content: bytes, name: str) -> None:
    resolve({"he_answer_file": _write(tmp_path, name, content)})


SNIPPETS = st.lists(
    st.sampled_from(
        [
            "[environment:default]\n",
            "[environment:enforce]\n",
            "OVEHOSTED_NETWORK/fqdn=str:",
            "=",
            ":",
            "\n",
            "  ",
            "he_fqdn: ",
            "he_dns_addr: [",
            "]",
            "{",
            "}",
            '"he_fqdn"',
            ",",
            "- ",
            "&a ",
            "*a",
            "!unsafe ",
            "!!python/none x",
            "bool:",
            "int:",
            "multi-str:",
            "none:",
            "\ufeff",
            "2001-01-01",
            "1e999",
            "0x",
            "<<: ",
            "? ",
            "| ",
            "> ",
            "%YAML",
            "---\n",
            "...\n",
            "OVEHOSTED_CORE/ansibleUserExtraVars=str:",
            "he_vcpus='",
            "OVEHOSTED_VM/cloudinitVMStaticCIDR=",
            "he_secrets_from: {he_admin_password: 'file:/nowhere'}\n",
            "\x00",
            "\x85",
            "\u2028",
            "\t",
            "#",
            ";",
            "nan",
            ".inf",
        ]
    ),
    max_size=14,
).map("".join)


@given(SNIPPETS, st.sampled_from(["a.conf", "a.json", "a.yml", "answers"]))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mixture_of_the_grammars_makes_the_reader_fail(tmp_path: Path, content: str, name: str) -> None:
    resolve({"he_answer_file": _write(tmp_path, name, content)})
