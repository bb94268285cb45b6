from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_engine import FakeEngine, golden
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import (
    authorized_keys,
    cpu,
    disks,
    search,
    sizes,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.pki import engine_public_key
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.vlan import vlan_tag
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

GIB = 2**30


@pytest.mark.parametrize(
    ("requested", "appliance", "critical", "needed"),
    [
        (61 * GIB, 0, None, 71 * GIB),
        (10 * GIB, 51 * GIB, 5, 61 * GIB),
        (61 * GIB, 51 * GIB, 0, 66 * GIB),
        (61 * GIB, 51 * GIB, 20, 86 * GIB),
    ],
)
def test_the_size_rule(requested: int, appliance: int, critical: int | None, needed: int) -> None:
    assert sizes.required_space(requested, appliance, critical) == needed


def test_sizes_for_people() -> None:
    assert (sizes.human(61 * GIB), sizes.human(128 * 2**20)) == ("61.0 GiB", "128 MiB")


@given(st.text())
def test_a_search_is_quoted_or_refused(value: str) -> None:
    try:
        condition = search.equals("name", value)
    except ValueError:
        assert not value or any(sign in value for sign in '"*\\\n\r')
        return
    assert condition == f'name="{value}"'
    assert condition.count('"') == 2


def test_conditions_are_joined_with_their_connective() -> None:
    assert search.both(search.equals("name", "h1"), search.number("spm_id", 2)) == 'name="h1" and spm_id=2'
    with pytest.raises(ValueError, match="not a field"):
        search.equals("name or", "x")


def test_what_was_found_must_have_the_very_name() -> None:
    found = [SimpleNamespace(name="default"), SimpleNamespace(name="Default")]
    assert search.named(found, "Default") is found[1]
    assert search.named([], "Default") is None


def test_cpu_types_of_a_real_engine(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/options/ServerCPUList", golden("defaults/option-cpu-list"))
    types = cpu.parse_cpu_list(cpu.read_option(session, "ServerCPUList", "4.8"))
    assert engine.seen[-1].query == {"version": "4.8"}
    assert len(types) > 20
    assert cpu.verb_of(types, "Secure Intel Nehalem Family") == "Nehalem,+spec-ctrl,+ssbd"
    assert cpu.verb_of(types, "Intel Nehalem Family", "ppc64") == ""
    assert types[0] == cpu.CpuType(1, "Intel Nehalem Family", ("vmx", "nx", "model_Nehalem"), "Nehalem", "x86_64")


def test_machines_of_a_real_engine(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/options/ClusterEmulatedMachines", golden("defaults/option-emulated-machines"))
    machines = cpu.parse_machines(cpu.read_option(session, "ClusterEmulatedMachines", "4.8"))
    assert (cpu.machine_of(machines), cpu.machine_of(machines, "ppc64")) == ("pc-q35-rhel9.6.0", "pseries-rhel8.5.0")


def test_an_option_that_is_not_exposed_is_empty(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/options/HostedEngineVmName", golden("defaults/option-he-vm-name"))
    assert cpu.read_option(session, "HostedEngineVmName", "general") == ""


def test_the_engines_key_is_read_over_verified_tls(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/services/pki-resource", golden("services/engine-ssh-key"))
    assert engine_public_key(session).endswith(" ovirt-engine")
    assert engine.seen[-1].query == {"resource": "engine-certificate", "format": "OPENSSH-PUBKEY"}
    engine.plan("GET", "/services/pki-resource", golden("services/unknown-format"))
    with pytest.raises(HostedEngineError) as failure:
        engine_public_key(session)
    assert failure.value.problem.id == "engine.not_ready"


def test_a_key_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "authorized_keys"
    key = "ssh-rsa AAAAB3NzaC1yc2E= ovirt-engine"
    assert not authorized_keys.holds_key(str(path), key)
    authorized_keys.add_key(str(path), key)
    assert path.read_text() == f"{key}\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
    assert authorized_keys.holds_key(str(path), "ssh-rsa AAAAB3NzaC1yc2E= other comment")


def test_what_was_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "authorized_keys"
    path.write_bytes(b'# caf\xe9\nfrom="192.0.2.0/24" ssh-rsa BBBB admin')
    authorized_keys.add_key(str(path), "ssh-rsa AAAA ovirt-engine")
    assert path.read_bytes() == b'# caf\xe9\nfrom="192.0.2.0/24" ssh-rsa BBBB admin\nssh-rsa AAAA ovirt-engine\n'
    assert authorized_keys.holds_key(str(path), "ssh-rsa BBBB")


def test_a_key_in_a_comment_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "authorized_keys"
    path.write_text("# ssh-rsa AAAA ovirt-engine\n")
    assert not authorized_keys.holds_key(str(path), "ssh-rsa AAAA ovirt-engine")


def test_the_tag_of_an_interface(tmp_path: Path) -> None:
    (tmp_path / "bond0.100").write_text("bond0.100  VID: 100\t REORDER_HDR: 1  dev->priv_flags: 1021\n")
    assert vlan_tag("bond0.100", str(tmp_path)) == 100
    assert vlan_tag("eth0", str(tmp_path)) is None
    assert vlan_tag("eth0", "/nowhere") is None


def test_disk_ids_are_chosen_again() -> None:
    first = disks.wanted("7a5afea0-0bb8-406b-ad8a-eb4817dc5a10", 61 * GIB)
    again = disks.wanted("7a5afea0-0bb8-406b-ad8a-eb4817dc5a10", 99 * GIB)
    other = disks.wanted("7a5afea0-0bb8-406b-ad8a-eb4817dc5a11", 61 * GIB)
    ids = [[disk.id for disk in group] + [disk.image_id for disk in group] for group in (first, again, other)]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 16


def test_the_four_disks() -> None:
    rows = [(d.name, d.content_type, d.size, d.sparse) for d in disks.wanted("7a5afea0-0bb8-406b-ad8a-eb4817dc5a10", 1)]
    assert rows == [
        ("he_virtio_disk", "hosted_engine", 1, True),
        ("he_sanlock", "hosted_engine_sanlock", GIB, False),
        ("HostedEngineConfigurationImage", "hosted_engine_configuration", GIB, False),
        ("he_metadata", "hosted_engine_metadata", 128 * 2**20, False),
    ]
    assert not disks.wanted("7a5afea0-0bb8-406b-ad8a-eb4817dc5a10", 1, on_files=False)[0].sparse
