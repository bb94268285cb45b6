"""Where settings come from, in real runs: defaults of the role, variables, answer files, vaults; and the way back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbook_run import GOOD, LOCAL, PLAYBOOK, ROOT, Run, inventory

# Every printable sign, what means something to Ansible, shells, OTOPI and YAML, other alphabets, and a long one.
HARD = {
    "printable": "".join(map(chr, range(33, 127))),
    "expression": "{{ 7 * 7 }}",
    "open": "a{{b",
    "statement": "{% raw %}x",
    "comment": "a{#b#}c",
    "shell": "a;b|c&d$(id)`id`$HOME",
    "quotes": "q\"u'o`te\\",
    "spaces": "two  words and more",
    "unicode": "pässwörd☃漢字",
    "long": "p" * 200,
    "list": "[1, 2]",
    "dict": '{"a": 1}',
    "number": "0012",
    "truth": "True",
    "hash": "#;x=y:z",
}
SHOW = """\
- hosts: node0
  gather_facts: false
  roles: [node0.hosted_engine.he]
"""
WRITE = """\
- hosts: node0
  gather_facts: false
  tasks:
    - node0.hosted_engine.settings:
    - ansible.builtin.copy:
        content: "{{ lookup('node0.hosted_engine.secret', 'he_admin_password') | string }}"
        dest: "FOLDER/{{ inventory_hostname }}.from-variable"
        mode: "0600"
    - ansible.builtin.copy:
        content: "{{ lookup('node0.hosted_engine.secret', 'he_appliance_password') | string }}"
        dest: "FOLDER/{{ inventory_hostname }}.from-file"
        mode: "0600"
"""


def _playbook(folder: Path, text: str) -> Path:
    path = folder / "play.yml"
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


def _answers(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content)
    path.chmod(0o600)
    return str(path)


def test_variables_win_over_files_and_files_over_defaults_of_the_role(tmp_path: Path) -> None:
    answers = _answers(
        tmp_path,
        "a.conf",
        "[environment:default]\n"
        "OVEHOSTED_ENGINE/datacenterName=str:FromFile\n"
        "OVEHOSTED_ENGINE/clusterName=str:FromFile\n"
        "OVEHOSTED_VM/vmVCpus=str:6\n"
        "OVEHOSTED_VM/cloudinitVMETCHOSTS=bool:True\n"
        "OVEHOSTED_STORAGE/storageDomainName=str:from_file\n"
        "OVEHOSTED_NOTIF/smtpPort=str:2525\n",
    )
    # The last three are what the defaults of the role say too, and yet they are the user's.
    mine = {"he_vcpus": 3, "he_storage_domain_name": "hosted_storage", "he_vm_etc_hosts": False, "he_smtp_port": 25}
    hosts = inventory(tmp_path, {"one": {**GOOD, **mine, "he_time_zone": None, "he_mount_options": ""}}, LOCAL)
    run = Run(tmp_path, _playbook(tmp_path, SHOW), hosts, "-e", f"he_answer_file={answers}")
    assert run.status == 0, run.printed
    settings = run.settings()
    assert settings["cluster"]["data_center"] == "FromFile"
    assert settings["vm"]["vcpus"] == 3
    assert settings["storage"]["name"] == "hosted_storage"
    assert settings["network"]["etc_hosts"] is False
    assert settings["mail"]["port"] == 25


@pytest.mark.parametrize("format", ["yml", "json", "conf", "variables"])
def test_each_format_gives_the_same_settings(tmp_path: Path, format: str, seen: list[dict[str, Any]]) -> None:
    secrets = {name: GOOD[name] for name in ("he_admin_password", "he_appliance_password")}
    plain = {name: value for name, value in GOOD.items() if name not in secrets}
    texts = {
        "yml": yaml.safe_dump(plain),
        "json": json.dumps(plain),
        "conf": "[environment:default]\n"
        "OVEHOSTED_NETWORK/fqdn=str:engine.example.com\n"
        "OVEHOSTED_STORAGE/domainType=str:nfs\n"
        "OVEHOSTED_STORAGE/storageDomainConnection=str:nas.example.com:/exports/he\n"
        "OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.10/24\n"
        "OVEHOSTED_NETWORK/gateway=str:192.0.2.254\n"
        "OVEHOSTED_VM/cloudinitVMDNS=str:192.0.2.53\n",
    }
    variables = dict(GOOD)
    if format in texts:
        variables = {**secrets, "he_answer_file": _answers(tmp_path, f"a.{format}", texts[format])}
    run = Run(tmp_path, _playbook(tmp_path, SHOW), inventory(tmp_path, {"one": variables}, LOCAL))
    settings = run.settings()
    del settings["vm"]["memory"]  # what this machine can spare at the moment
    seen.append(settings)
    assert seen[0] == seen[-1]


@pytest.fixture(scope="module")
def seen() -> list[dict[str, Any]]:
    """The settings that each format gave."""
    return []


def test_hard_passwords_reach_a_task_unchanged(tmp_path: Path) -> None:
    """From a variable that is marked as no template, and from an answer file."""
    lines = ["node0:", "  vars:", *(f"    {name}: {json.dumps(value)}" for name, value in LOCAL.items()), "  hosts:"]
    for name, password in HARD.items():
        text = f"[environment:default]\nOVEHOSTED_VM/cloudinitRootPwd=str:{password}\n"
        given = {**GOOD, "he_answer_file": _answers(tmp_path, f"{name}.conf", text)}
        del given["he_appliance_password"], given["he_admin_password"]
        lines.append(f"    {name}:")
        lines += [f"      {variable}: {json.dumps(value)}" for variable, value in given.items()]
        # Ansible makes a number or truth value of a text that looks like one when it is marked.
        mark = "" if name in ("number", "truth") else "!unsafe "
        lines.append(f"      he_admin_password: {mark}{json.dumps(password)}")
    hosts = tmp_path / "hosts.yml"
    hosts.write_text("\n".join(lines) + "\n")
    run = Run(tmp_path, _playbook(tmp_path, WRITE), hosts)
    assert run.status == 0, run.printed
    for name, password in HARD.items():
        for way in ("from-variable", "from-file"):
            assert (tmp_path / f"{name}.{way}").read_bytes().decode() == password, (name, way)


def test_an_encrypted_answer_file_opens_with_the_password_of_the_run(tmp_path: Path) -> None:
    answers = _answers(tmp_path, "secrets.yml", "he_admin_password: 'from {{ the }} vault'\n")
    key = _answers(tmp_path, "key", "opens\n")
    vault = PLAYBOOK.with_name("ansible-vault")
    subprocess.run([vault, "encrypt", "--vault-password-file", key, answers], check=True, capture_output=True)
    variables: dict[str, Any] = {name: value for name, value in GOOD.items() if name != "he_admin_password"}
    hosts = inventory(tmp_path, {"one": {**variables, "he_answer_file": answers}}, LOCAL)
    run = Run(tmp_path, _playbook(tmp_path, WRITE), hosts, "--vault-password-file", key)
    assert run.status == 0, run.printed
    assert (tmp_path / "one.from-variable").read_text() == "from {{ the }} vault"


@pytest.mark.parametrize("suffix", ["yml", "conf"])
def test_what_is_exported_reproduces_the_settings(tmp_path: Path, suffix: str) -> None:
    more = {"he_timeout_boot": 77, "he_additional_package_list": [], "he_mount_options": "nconnect=4", "he_vcpus": 2}
    hosts = inventory(tmp_path, {"one": {**GOOD, **more}}, LOCAL)
    run = Run(tmp_path, ROOT / "playbooks" / "export_settings.yml", hosts, "-e", f"he_export_dir={tmp_path}")
    assert run.status == 0, run.printed
    exported = tmp_path / f"engine.example.com.{suffix}"
    assert exported.stat().st_mode & 0o777 == 0o600
    assert "canary" not in exported.read_text()
    secrets = {name: GOOD[name] for name in ("he_admin_password", "he_appliance_password")}
    hosts = inventory(tmp_path, {"one": {**secrets, "he_answer_file": str(exported)}}, LOCAL)
    again = Run(tmp_path, _playbook(tmp_path, SHOW), hosts)
    assert again.status == 0, again.printed
    first, second = run.settings(), again.settings()
    assert {**second, "digest": ""} == {**first, "digest": ""}


def test_the_playbook_writes_the_published_schema(tmp_path: Path) -> None:
    made = tmp_path / "schema.json"
    run = Run(tmp_path, ROOT / "playbooks" / "schema.yml", None, "-e", f"he_schema_file={made}")
    assert run.status == 0, run.printed
    assert made.read_text() == (ROOT / "docs" / "settings.schema.json").read_text()
