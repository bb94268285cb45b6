from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import archive
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

FIXTURES = Path(__file__).parents[4] / "fixtures" / "host" / "conf-archive"
MEMBERS = {name: (FIXTURES / "members" / name).read_text() for name in archive.MEMBERS}
VERDICTS = json.loads((FIXTURES / "verdicts.json").read_text())


def test_is_a_plain_tar_of_exactly_20480_bytes_owned_by_vdsm() -> None:
    data = archive.build(MEMBERS)
    assert len(data) == 20480
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as opened:
        seen = {(entry.name, entry.uid, entry.gid, entry.uname, entry.gname) for entry in opened}
    assert seen == {(name, 36, 36, "vdsm", "kvm") for name in archive.MEMBERS}


def test_reads_back_what_was_written() -> None:
    assert archive.read(archive.build(MEMBERS)) == MEMBERS


def test_equal_content_gives_equal_bytes() -> None:
    assert archive.build(MEMBERS) == archive.build(MEMBERS)


@pytest.mark.parametrize("name", ["valid-role-order", "valid-written-by-ha", "valid-gnu-default-record-10240"])
def test_reads_what_other_writers_wrote(name: str) -> None:
    seen = archive.read((FIXTURES / "volumes" / f"{name}.raw").read_bytes())
    # The HA services rewrite the version without a newline.
    assert {**seen, "version": seen["version"].rstrip()} == {**MEMBERS, "version": MEMBERS["version"].rstrip()}


@pytest.mark.parametrize("path", sorted((FIXTURES / "volumes").glob("broken-*.raw")), ids=lambda path: path.stem)
def test_refuses_what_the_ha_services_cannot_use(path: Path) -> None:
    verdict = VERDICTS[path.name]
    assert verdict["validateConfImage"] is False or not all(verdict["extractConfFile"].values())
    with pytest.raises(HostedEngineError) as caught:
        archive.read(path.read_bytes())
    assert caught.value.problem.id == "conf_archive.damaged"


def test_the_capacity_is_that_of_the_contract() -> None:
    others = sum(512 + -(-len(text.encode()) // 512) * 512 for name, text in MEMBERS.items() if name != "version")
    room = 19456 - others - 512
    assert len(archive.build({**MEMBERS, "version": "x" * room})) == 20480
    with pytest.raises(HostedEngineError) as caught:
        archive.build({**MEMBERS, "version": "x" * (room + 1)})
    assert caught.value.problem.id == "conf_archive.too_large"
