from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import hosted_engine
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

FIXTURES = Path(__file__).parents[4] / "fixtures" / "host" / "hosted-engine.conf"


def _values(name: str = "nfs.conf") -> dict[str, str]:
    return hosted_engine.parse((FIXTURES / name).read_text())


@pytest.mark.parametrize("name", ["nfs.conf", "tcp-test.conf", "nfs-ipv6.conf"])
def test_writes_what_the_field_writes(name: str) -> None:
    values = _values(name)
    assert hosted_engine.parse(hosted_engine.render(values)) == {key: values.get(key, "") for key in hosted_engine.KEYS}


def test_a_shell_reads_the_same_values() -> None:
    text = hosted_engine.render(_values())
    shell = subprocess.run(
        ["bash", "-uc", ". /dev/stdin; set -o posix; set"], input=text, capture_output=True, text=True, check=True
    )
    seen = dict(line.split("=", 1) for line in shell.stdout.splitlines() if line.split("=")[0] in hosted_engine.KEYS)
    assert {key: value.strip("'") for key, value in seen.items()} == hosted_engine.parse(text)


@pytest.mark.parametrize(
    "value", ["a;reboot", "a b", "$HOME", "`id`", "a'b", 'a"b', "a\nb=c", "a#b", "a&b", "é", "a\\b"]
)
def test_refuses_what_a_shell_would_not_read_alike(value: str) -> None:
    with pytest.raises(HostedEngineError) as caught:
        hosted_engine.render({**_values(), "mnt_options": value})
    assert caught.value.problem.id == "hosted_engine_conf.unsafe_value"
    assert "mnt_options" in caught.value.expected


def test_does_not_show_a_password() -> None:
    with pytest.raises(HostedEngineError) as caught:
        hosted_engine.render({**_values(), "password": "se cret"})
    assert "se cret" not in caught.value.message()


@pytest.mark.parametrize(
    "key", ["vmid", "host_id", "sdUUID", "metadata_volume_UUID", "conf_image_UUID", "fqdn", "gateway"]
)
def test_refuses_to_write_a_file_without_a_value_that_is_needed(key: str) -> None:
    with pytest.raises(HostedEngineError) as caught:
        hosted_engine.render({**_values(), key: None})
    assert caught.value.problem.id == "hosted_engine_conf.missing_value"
    assert key in caught.value.expected
