from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.ports import StorageEvidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.storage import WantedDomain
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import storage_evidence
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import Completed

DOMAIN = "11111111-2222-4333-8444-555555555501"
RECORDED = Path(__file__).parents[4] / "fixtures" / "host" / "vdsm" / "domain"


def lay(export: Path, metadata: str, images: int = 0) -> Path:
    """Lay a domain into an export with metadata as vdsm wrote them."""
    domain = export / DOMAIN
    (domain / "dom_md").mkdir(parents=True)
    shutil.copy(RECORDED / f"dom_md.metadata.{metadata}", domain / "dom_md" / "metadata")
    for number in range(images):
        (domain / "images" / f"00000000-0000-4000-8000-00000000000{number}").mkdir(parents=True)
    return domain


class Mounts:
    """Takes the part of mount and umount: the export appears at the folder as a link would."""

    def __init__(self, export: Path, rc: int = 0, stderr: str = "") -> None:
        self.export, self.rc, self.stderr = export, rc, stderr
        self.ran: list[list[str]] = []

    def __call__(self, argv: list[str], **_options: Any) -> Completed:
        self.ran.append(argv)
        if argv[0] == "mount" and self.rc == 0:
            os.rmdir(argv[-1])
            os.symlink(self.export, argv[-1])
        elif argv[0] == "umount":
            os.unlink(argv[-1])
            os.mkdir(argv[-1])
        return Completed(tuple(argv), self.rc, "", self.stderr)


def wanted(**changes: Any) -> WantedDomain:
    return WantedDomain(**{"name": "n", "type": "nfs", "address": "nas", "path": "/he", "host": "h", **changes})


def test_an_empty_export_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = Mounts(tmp_path)
    monkeypatch.setattr(storage_evidence, "run", mounts)
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "00000000-0000-4000-8000-000000000000").mkdir()
    assert storage_evidence.look_into(wanted()) == []
    assert [words[0] for words in mounts.ran] == ["mount", "umount"]
    folder = mounts.ran[0][-1]
    assert mounts.ran[0][1:-1] == ["-t", "nfs", "-o", "ro,nosuid,nodev,soft,retry=0", "nas:/he"]
    assert not os.path.exists(folder)


@pytest.mark.parametrize(
    ("metadata", "images", "pools"),
    [("new", 0, ()), ("attached", 4, ("99999999-0000-4000-8000-000000000001",))],
)
def test_a_domain_is_read_as_vdsm_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: str, images: int, pools: tuple[str, ...]
) -> None:
    lay(tmp_path, metadata, images)
    monkeypatch.setattr(storage_evidence, "run", Mounts(tmp_path))
    assert storage_evidence.look_into(wanted()) == [StorageEvidence(DOMAIN, "hosted_storage", pools, images)]


def test_disks_that_are_being_removed_do_not_count(tmp_path: Path) -> None:
    domain = lay(tmp_path, "new", 1)
    (domain / "images" / "_remove_me_00000000-0000-4000-8000-000000000009").mkdir()
    assert storage_evidence.domains_in(str(tmp_path))[0].images == 1


def test_the_words_of_mount_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "mount.nfs: access denied by server while mounting nas:/he"
    mounts = Mounts(tmp_path, 32, said)
    monkeypatch.setattr(storage_evidence, "run", mounts)
    with pytest.raises(HostedEngineError) as failure:
        storage_evidence.look_into(wanted())
    assert (failure.value.problem.id, failure.value.observed) == ("storage.not_mounted", said)
    assert [words[0] for words in mounts.ran] == ["mount"]
    assert not os.path.exists(mounts.ran[0][-1])


def test_a_path_that_vdsm_may_not_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = Mounts(tmp_path)
    monkeypatch.setattr(storage_evidence, "run", mounts)

    def listing(folder: str) -> list[str]:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(storage_evidence.os, "listdir", listing)
    with pytest.raises(HostedEngineError) as failure:
        storage_evidence.look_into(wanted())
    assert "36:36" in failure.value.expected
    assert failure.value.observed.startswith("Permission denied: ")
    assert [words[0] for words in mounts.ran] == ["mount", "umount"]


@pytest.mark.parametrize(
    ("changes", "options", "source"),
    [
        ({"nfs_version": "v4_1", "mount_options": "rw,sec=krb5"}, "soft,retry=0,sec=krb5,nfsvers=4.1", "nas:/he"),
        ({"nfs_version": "v3", "address": "2001:db8::1"}, "soft,retry=0,nfsvers=3", "[2001:db8::1]:/he"),
        (
            {"type": "glusterfs", "path": "/v", "mount_options": "backup-volfile-servers=b"},
            "backup-volfile-servers=b",
            "nas:/v",
        ),
    ],
)
def test_the_options_of_the_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], options: str, source: str
) -> None:
    mounts = Mounts(tmp_path)
    monkeypatch.setattr(storage_evidence, "run", mounts)
    storage_evidence.look_into(wanted(**changes))
    assert mounts.ran[0][4:6] == [f"ro,nosuid,nodev,{options}", source]
