"""What is exported gives the same settings when it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settings_cases import GOOD, HOST, ISCSI, found, resolve

from ansible_collections.node0.hosted_engine.plugins.filter.export_settings import export_settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _export, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options, secret_names

FILES = {"yaml": "made.yml", "otopi": "made.conf"}
WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
TEXT = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f\x85\u2028\u2029", exclude_categories=["Cs"]), max_size=30
)
BY_TYPE = {
    "int": st.integers(min_value=0, max_value=10**6),
    "bool": st.booleans(),
    "dict": st.dictionaries(WORD, TEXT, max_size=2),
}


def _any(name: str, option: dict[str, Any]) -> st.SearchStrategy[Any]:
    if option.get("choices"):
        return st.sampled_from(option["choices"])
    if name in ("he_mem_size_MB", "he_vcpus"):
        return st.one_of(st.just("max"), st.integers(1, 10**5).map(str))
    if option.get("type") == "list":
        return st.lists(st.integers(1, 65535) if option["elements"] == "int" else TEXT.filter(bool), max_size=3)
    return BY_TYPE.get(option.get("type", "str"), st.one_of(TEXT, WORD))


# Where a secret is read from is not a setting of the deployment; addresses are written in one form only.
NAMES = [name for name in options() if name not in secret_names() | _export.LEFT_OUT]
ANY_SETTINGS = st.lists(st.sampled_from(NAMES), unique=True, max_size=6).flatmap(
    lambda names: st.fixed_dictionaries({name: _any(name, options()[name]) for name in names})
)


@pytest.mark.parametrize("format", ["yaml", "otopi"])
@given(given_settings=ANY_SETTINGS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_exported_is_read_back(tmp_path: Path, format: str, given_settings: dict[str, Any]) -> None:
    """Any values at all, also those that a rule refuses: the files must not change one."""
    flat = resolve(given_settings).values
    writer = {"yaml": _export.as_yaml, "otopi": _export.as_otopi}[format]
    path = tmp_path / FILES[format]
    path.write_text(writer(flat, []))
    again = resolve({"he_answer_file": str(path)})
    assert {name: again.values[name] for name in NAMES} == {name: flat[name] for name in NAMES}
    assert not [one for one in again.findings if one.id.startswith("answers.") and one.severity == "block"]


@pytest.mark.parametrize("format", ["yaml", "otopi"])
@pytest.mark.parametrize(
    "changes", [{}, ISCSI, {"he_mem_size_MB": 8192, "he_vcpus": 2, "he_mount_options": "nconnect=4"}]
)
def test_an_exported_deployment_is_the_same_deployment(tmp_path: Path, format: str, changes: dict[str, Any]) -> None:
    resolved = resolve({**GOOD, **changes})
    done = _settings.complete(_settings.build(resolved.values), HOST)
    validated = {"flat": resolved.values, "secrets": ["he_admin_password", "he_appliance_password"]}
    text = export_settings(validated, done, format)
    assert "s3cret" not in text
    path = tmp_path / FILES[format]
    path.write_text(text)
    secrets = {name: value for name, value in GOOD.items() if name in secret_names()}
    again = resolve({"he_answer_file": str(path), **secrets})
    assert {one_id for one_id, _source in found(again)} == {one_id for one_id, _source in found(resolved)}
    other = {**HOST, "fqdn": "other", "cpus": 1, "gateway": "192.0.2.1", "time_zone": "UTC"}
    assert _settings.complete(_settings.build(again.values), other) == done


def test_a_secret_is_exported_as_where_it_is_read_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_PASSWORD", "from-the-environment")
    (tmp_path / "root").write_text("from-a-file\n")
    places = {
        "he_admin_password": "env:ENGINE_PASSWORD",
        "he_appliance_password": f"file:{tmp_path}/root",
        "he_db_password": "variable:vault_db",
    }
    plain = {name: value for name, value in GOOD.items() if name not in secret_names()}
    variables = {**plain, "he_secrets_from": places, "vault_db": "from-a-vault"}
    resolved = resolve(variables)
    assert [resolved.values[name] for name in places] == ["from-the-environment", "from-a-file", "from-a-vault"]
    path = tmp_path / "made.conf"
    path.write_text(_export.as_otopi(resolved.values, list(places)))
    again = resolve({"he_answer_file": str(path), "vault_db": "from-a-vault"})
    assert found(again) == set()
    assert [again.values[name] for name in places] == ["from-the-environment", "from-a-file", "from-a-vault"]
    ((one_id, source),) = found(resolve({"he_answer_file": str(path)}))
    assert one_id == "settings.reference"
    assert source.startswith(f"{path}:") and source.endswith("he_db_password")


def test_the_bridge_of_a_deployed_host_is_no_interface_of_a_clean_one() -> None:
    flat = resolve(GOOD).values
    deployed = {**HOST, "management": {"interface": "ovirtmgmt", "address": "192.0.2.11"}}
    assert _export.effective(flat, _settings.complete(_settings.build(flat), deployed))["he_bridge_if"] is None
    assert _export.effective(flat, _settings.complete(_settings.build(flat), HOST))["he_bridge_if"] == "eno1"


def test_an_exported_file_is_one_that_the_original_reads() -> None:
    flat = resolve(GOOD).values
    lines = _export.as_otopi(flat, []).splitlines()
    assert "OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.10/24" in lines
    assert "OVEHOSTED_STORAGE/storageDomainConnection=str:nas.example.com:/exports/he" in lines
    assert "OVEHOSTED_NOTIF/smtpPort=str:25" in lines
    assert "OVEHOSTED_VM/cloudinitVMDNS=str:192.0.2.53,192.0.2.54" in lines
    rest = next(line for line in lines if line.startswith("OVEHOSTED_CORE/ansibleUserExtraVars=str:"))
    assert "he_timeout_boot" in json.loads(rest.partition("str:")[2])
