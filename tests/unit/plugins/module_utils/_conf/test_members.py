from __future__ import annotations

import configparser
from pathlib import Path

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import members

FIXTURES = Path(__file__).parents[4] / "fixtures" / "host" / "conf-archive" / "members"


def _lines(text: str) -> list[str]:
    """Return the lines without the ids that each deployment makes anew."""
    return [line for line in text.splitlines() if "deviceId:dddddddd" not in line]


def test_vm_conf_is_the_one_that_the_field_writes() -> None:
    made = members.vm_conf(
        {
            "vm_id": "7a1d0f5e-1c1b-4d8e-9a55-0a0000000001",
            "name": "HostedEngine",
            "memory_mib": 16384,
            "vcpus": 4,
            "max_vcpus": 64,
            "mac": "56:6f:00:00:00:01",
            "console": "vnc",
            "cpu": "Westmere",
            "machine": "pc-q35-rhel8.6.0",
            "network": "ovirtmgmt",
            "domain_id": "11111111-2222-4333-8444-555555555501",
            "image_id": "aaaaaaaa-0001-4000-8000-000000000001",
            "volume_id": "bbbbbbbb-0001-4000-8000-000000000001",
        }
    )
    golden = _lines((FIXTURES / "vm.conf").read_text())
    assert [line for line in made.splitlines() if line in golden] == golden
    assert len(made.splitlines()) == len(golden) + 2
    assert "macAddr:56:6f:00:00:00:01" in made


def test_broker_conf_is_the_one_that_the_field_writes() -> None:
    made = members.broker_conf(
        {
            "server": "localhost",
            "port": 25,
            "source": "root@localhost",
            "destination": "root@localhost,admin@example.com",
        }
    )
    golden = configparser.ConfigParser()
    golden.read_string((FIXTURES / "broker.conf").read_text())
    ours = configparser.ConfigParser()
    ours.read_string(made)
    assert ours == golden


def test_answers_carry_their_types_and_are_sorted() -> None:
    made = members.answers({"B/flag": True, "A/none": None, "C/number": 5, "D/text": "a=b:c"})
    assert made == "[environment:default]\nA/none=none:None\nB/flag=bool:True\nC/number=int:5\nD/text=str:a=b:c\n"
