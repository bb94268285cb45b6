"""From variables to settings: templates, references, names, forms; and what schema and redactor take from them."""

from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from settings_cases import GOOD, ISCSI, found, resolve

from ansible_collections.node0.hosted_engine.plugins.action.settings import report
from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _answer_files, _resolve, _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._controller import decrypter
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._run_report import RunReport
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._schema import schema
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import OBSOLETE, aliases, options, secret_names

ROOT = Path(__file__).resolve().parents[4]
# Whatever a password may hold.
HARD = [
    "".join(map(chr, range(33, 127))),
    "{{ x }}",
    "{% if %}",
    "a;b",
    "q\"u'o`te",
    "two words",
    "pässwörd☃",
    "p" * 200,
]


@pytest.mark.parametrize("password", HARD)
def test_a_hard_password_is_taken_unchanged(password: str) -> None:
    resolved = resolve({**GOOD, "he_admin_password": password, "he_appliance_password": password})
    assert found(resolved) == set()
    assert resolved.values["he_admin_password"] == password
    assert (
        _resolve.secret("he_appliance_password", {"he_appliance_password": password}, lambda value: value) == password
    )


def test_a_template_that_fails_is_a_finding_and_shows_no_secret() -> None:
    def template(value: Any) -> Any:
        if isinstance(value, str) and "{{" in value:
            raise ValueError(f"cannot evaluate {value}")
        return value

    variables = {**GOOD, "he_admin_password": "top{{secret", "he_cluster": "{{ x }}", "he_vcpus": "0"}
    resolved = _resolve.resolve(variables, template)
    assert found(resolved) == {
        ("settings.template", "he_admin_password"),
        ("settings.template", "he_cluster"),
        ("settings.size", "he_vcpus"),
    }
    assert "top{{secret" not in json.dumps(report(resolved))


def test_what_the_action_returns_holds_no_secret() -> None:
    said = json.dumps(report(resolve({**GOOD, "he_db_password": "s3cret-db"})))
    assert "s3cret" not in said
    assert json.loads(said)["secrets"] == {
        "he_admin_password": "he_admin_password",
        "he_appliance_password": "he_appliance_password",
        "he_db_password": "he_db_password",
    }


def test_former_names_and_forms_are_taken() -> None:
    values = resolve(
        {
            **GOOD,
            "he_vm_ip_prefix": None,
            "he_vm_ip_addr": "192.0.2.10/24",
            "he_appliance_ova": "/a.ova",
            "he_bridge": "mgmt",
            "he_domain_type": "nfs4",
            "he_use_uefi": True,
            "he_gateway": None,
            "he_default_gateway_4": "192.0.2.254",
            "he_vm_mac_addr": "00:16:3E:AA:BB:CC",
            "he_storage_domain_path": "//exports//he/",
        }
    ).values
    assert values["he_vm_ip_prefix"] == 24
    assert values["he_appliance"] == "/a.ova"
    assert values["he_mgmt_network"] == "mgmt"
    assert (values["he_domain_type"], values["he_nfs_version"]) == ("nfs", "v4")
    assert values["he_firmware"] == "uefi"
    assert values["he_gateway"] == "192.0.2.254"
    assert values["he_vm_mac_addr"] == "00:16:3e:aa:bb:cc"
    assert values["he_storage_domain_path"] == "/exports/he"


def test_one_port_is_that_of_every_portal() -> None:
    values = resolve({**GOOD, **ISCSI, "he_iscsi_portal_port": 3261}).values
    assert [portal["port"] for portal in _settings.build(values)["storage"]["portals"]] == [3261, 3261]
    assert values["he_storage_domain_addr"] == "192.0.2.50"


def test_names_of_other_tools_are_said() -> None:
    resolved = resolve({**GOOD, "he_filtered_tokens_re": "x", "he_fqdnn": "x"})
    assert found(resolved, "warn") == {("settings.obsolete", "he_filtered_tokens_re"), ("settings.unknown", "he_fqdnn")}


def test_an_encrypted_file_is_decrypted_with_the_passwords_of_the_run(tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"opens"))])
    path = tmp_path / "secrets.yml"
    path.write_bytes(vault.encrypt(b"he_admin_password: 's3cret {{ admin'\n"))
    loader = DataLoader()
    loader.set_vault_secrets(vault.secrets)
    answers = _answer_files.read([str(path)], decrypter(loader))
    assert answers.findings == []
    assert answers.settings["he_admin_password"].value == "s3cret {{ admin"
    assert [one.id for one in _answer_files.read([str(path)]).findings] == ["answers.vault"]
    block = vault.encrypt(b"only {{ this }}").decode().strip().replace("\n", "\n  ")
    path.write_text(f"he_db_password: !vault |\n  {block}\nhe_vcpus: 4\n")
    path.chmod(0o644)
    answers = _answer_files.read([str(path)], decrypter(loader))
    assert answers.findings == []
    assert answers.settings["he_db_password"].value == "only {{ this }}"
    assert [one.id for one in _answer_files.read([str(path)]).findings] == ["answers.syntax"]


def test_the_redactor_knows_a_secret_in_every_form() -> None:
    secret = 'p"ä\\s word;{{1}}'
    report_of_run = RunReport(lambda: 0.0)
    report_of_run.learn(secret)
    printed = [secret, json.dumps({"x": secret}), json.dumps(secret, ensure_ascii=False), repr(secret)]
    printed += [urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)]
    printed.append(base64.b64encode(secret.encode()).decode())
    for text in printed:
        hidden = report_of_run.redact(f"before {text} after")
        assert "********" in hidden
        assert secret[:5] not in hidden
    report_of_run.learn("abc")
    assert report_of_run.redact("abc") == "abc"


def test_every_setting_is_in_the_schema_once() -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    assert set(made["properties"]) == set(options()) | set(aliases()) | set(OBSOLETE)
    assert {name for name, one in made["properties"].items() if one.get("writeOnly")} == secret_names()
    assert json.loads((ROOT / "docs" / "settings.schema.json").read_text()) == made
    defaults = {name: option["default"] for name, option in options().items() if "default" in option}
    for name, default in defaults.items():
        jsonschema.validate(default, made["properties"][name])


@pytest.mark.parametrize(
    "changes",
    [
        {"he_fqdn": None, "he_domain_type": "smb"},
        {"he_domain_type": "iscsi"},
        {"he_vm_ip_prefix": [24]},
        {"he_network_test": "tcp"},
        {"he_disk_size_GB": 61.5},
        {"he_admin_password": 1234},
        {"he_dns_addr": {"a": 1}},
    ],
)
def test_the_schema_refuses_what_the_action_refuses(changes: dict[str, Any]) -> None:
    jsonschema.validate(GOOD, schema())
    assert found(resolve({**GOOD, **changes}))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**GOOD, **changes}, schema())


def test_defaults_of_the_role_are_those_of_the_specification() -> None:
    defaults = yaml.safe_load((ROOT / "roles" / "he" / "defaults" / "main.yml").read_text())
    expected = {name: option.get("default") for name, option in options().items() if not option.get("no_log")}
    assert defaults == expected
