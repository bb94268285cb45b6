"""The storage layout against what real VDSM wrote and read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vdsm_flow as flow
from running_vdsmd import FIXTURES, Running
from vdsm_rpc.client import VdsmError
from vdsmd.storage import metadata

REMOTE = "nas.example.com:/exports/he"
DOMAIN = "11111111-2222-4333-8444-555555555501"
POOL = "99999999-0000-4000-8000-000000000001"
SIZES = {
    "he_virtio_disk": 60 * 2**30,
    "he_metadata": 128 * 2**20,
    "he_sanlock": 2**30,
    "HostedEngineConfigurationImage": 2**30,
    "ovf_store_1": 128 * 2**20,
    "ovf_store_2": 128 * 2**20,
}
TYPES = {
    "he_virtio_disk": "HEVD",
    "he_metadata": "HEMD",
    "he_sanlock": "HESD",
    "HostedEngineConfigurationImage": "HECI",
    "ovf_store_1": "OVFS",
    "ovf_store_2": "OVFS",
}


def stored(path: Path) -> Path:
    """A file that is no plain UTF-8 text with LF has .bin behind its name."""
    return path if path.exists() else path.with_name(f"{path.name}.bin")


def pair(number: int) -> dict[str, str]:
    return {
        "imageID": f"aaaaaaaa-000{number}-4000-8000-00000000000{number}",
        "volumeID": f"bbbbbbbb-000{number}-4000-8000-00000000000{number}",
        "storagedomainID": DOMAIN,
        "storagepoolID": POOL,
    }


def meta(name: str) -> dict[str, Any]:
    found, problems = metadata.parse_volume((FIXTURES / f"volume-meta/volume.{name}.meta").read_bytes())
    assert problems == []
    return found


class Golden:
    """A domain with the hosted-engine volumes, made by verbs with the ids of the fixtures."""

    def __init__(self, vdsmd: Running) -> None:
        self.call = flow.caller(vdsmd.client())
        self.root = vdsmd.root
        con = [{"id": "cccccccc-0001-4000-8000-000000000001", "connection": REMOTE}]
        self.connected = self.call(
            "StoragePool.connectStorageServer", storagepoolID=flow.BLANK, domainType=1, connectionParams=con
        )
        self.call(
            "StorageDomain.create",
            storagedomainID=DOMAIN,
            domainType=1,
            typeArgs=REMOTE,
            name="hosted_storage",
            domainClass=1,
            version="5",
            blockSize=512,
            maxHosts=250,
        )

    @property
    def base(self) -> Path:
        return self.root / "rhev/data-center/mnt/nas.example.com:_exports_he"

    def attach(self) -> None:
        self.call(
            "StoragePool.create",
            storagepoolID=POOL,
            name="Default",
            masterSdUUID=DOMAIN,
            masterVersion=1,
            domainList=[DOMAIN],
        )
        self.call(
            "StoragePool.connect",
            storagepoolID=POOL,
            hostID=1,
            scsiKey=POOL,
            masterSdUUID=DOMAIN,
            masterVersion=1,
            domainDict={DOMAIN: "active"},
        )
        self.call("StoragePool.spmStart", storagepoolID=POOL)

    def volumes(self) -> None:
        for number, name in enumerate(TYPES, 1):
            info = meta(name)
            self.call(
                "Volume.create",
                **pair(number),
                size=str(SIZES[name]),
                volFormat=5,
                diskType=TYPES[name],
                preallocate=1 if info["type"] == "PREALLOCATED" else 2,
                desc=info["description"],
                sequence=0,
            )

    def tree(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted([self.base, *self.base.rglob("*")], key=lambda p: str(p).split("/")):
            told = path.stat()
            entry: dict[str, Any] = {
                "path": f"/{path.relative_to(self.root)}",
                "mode": f"{told.st_mode & 0o7777:04o}",
                "type": "dir" if path.is_dir() else "file",
                "owner": f"{told.st_uid}:{told.st_gid}",
            }
            if path.is_file():
                entry["size"] = told.st_size
            found.append(entry)
        return found


@pytest.fixture
def golden(vdsmd: Running) -> Golden:
    return Golden(vdsmd)


def expected_tree(name: str) -> list[dict[str, Any]]:
    entries = json.loads((FIXTURES / f"domain/tree.{name}.json").read_text())["entries"]
    for entry in entries:
        entry.pop("allocated", None)
    return sorted(entries, key=lambda entry: entry["path"].split("/"))


def test_metadata_of_a_new_domain(golden: Golden) -> None:
    assert golden.connected == [{"id": "cccccccc-0001-4000-8000-000000000001", "status": 0}]
    written = (golden.base / DOMAIN / "dom_md/metadata").read_bytes()
    assert written == (FIXTURES / "domain/dom_md.metadata.new").read_bytes()


@pytest.mark.parametrize("state", ["new", "attached", "master"])
def test_metadata_is_written_as_it_was_read(state: str) -> None:
    text = (FIXTURES / f"domain/dom_md.metadata.{state}").read_bytes()
    assert metadata.domain_text(metadata.parse_domain(text)).encode() == text


@pytest.mark.parametrize("name", json.loads((FIXTURES / "domain/dom_md-edge.json").read_text()))
def test_domain_reader_judges_as_vdsm(name: str) -> None:
    verdict = json.loads((FIXTURES / "domain/dom_md-edge.json").read_text())[name]
    data = stored(FIXTURES / f"domain/dom_md-edge.{name}").read_bytes()
    if "exception" in verdict:
        with pytest.raises(VdsmError) as caught:
            metadata.parse_domain(data)
        assert caught.value.message == verdict["message"]
        return
    read = metadata.parse_domain(data)
    # VDSM's reader also gives names their numbers and splits the list of pools
    assert set(read) == set(verdict["read"])
    for key in ("SDUUID", "REMOTE_PATH", "DESCRIPTION", "ROLE"):
        assert read.get(key) == verdict["read"].get(key)


@pytest.mark.parametrize("name", json.loads((FIXTURES / "volume-meta/meta-edge.json").read_text()))
def test_volume_reader_judges_as_vdsm(name: str) -> None:
    verdict = json.loads((FIXTURES / "volume-meta/meta-edge.json").read_text())[name]
    found, problems = metadata.parse_volume(stored(FIXTURES / f"volume-meta/meta-edge.{name}.meta").read_bytes())
    assert problems == verdict["errors"]
    assert found == verdict.get("metadata", {})


def test_description_limit(golden: Golden) -> None:
    limits = json.loads((FIXTURES / "volume-meta/description-limit.json").read_text())
    golden.attach()
    golden.volumes()
    path = golden.base / DOMAIN / "images" / pair(2)["imageID"] / f"{pair(2)['volumeID']}.meta"
    for count in (209, 210, 211, 500):
        golden.call("Volume.setDescription", **pair(2), description="x" * count)
        stored, _problems = metadata.parse_volume(path.read_bytes())
        assert len(stored["description"]) == limits[f"ascii {count}"]["stored_description_chars"]
    with pytest.raises(VdsmError, match="Metadata is too big"):
        golden.call("Volume.setDescription", **pair(2), description="ä" * 210)


@pytest.mark.skipif(os.geteuid() != 0, reason="owners can only be given by root")
def test_tree_of_a_new_domain(golden: Golden) -> None:
    assert golden.tree() == expected_tree("new-domain")


@pytest.mark.skipif(os.geteuid() != 0, reason="owners can only be given by root")
def test_tree_metadata_and_links_with_the_volumes(golden: Golden) -> None:
    golden.attach()
    golden.volumes()
    assert [entry["path"] for entry in golden.tree()] == [entry["path"] for entry in expected_tree("with-he-volumes")]
    same = [(a, b) for a, b in zip(golden.tree(), expected_tree("with-he-volumes")) if "metadata" not in a["path"]]
    assert all(a == b for a, b in same), next((a, b) for a, b in same if a != b)
    for number, name in enumerate(TYPES, 1):
        path = golden.base / DOMAIN / "images" / pair(number)["imageID"] / f"{pair(number)['volumeID']}.meta"
        written, wanted = (
            text.decode().splitlines()
            for text in (path.read_bytes(), (FIXTURES / f"volume-meta/volume.{name}.meta").read_bytes())
        )
        assert [line for line in written if not line.startswith("CTIME=")] == [
            line for line in wanted if not line.startswith("CTIME=")
        ]
    layers = json.loads((FIXTURES / "domain/image-prepare-layers.json").read_text())["json_rpc"]
    for number, name in enumerate(TYPES, 1):
        for kind, pool in (("blank", flow.BLANK), ("datacenter", POOL)):
            path = golden.call("Image.prepare", **{**pair(number), "storagepoolID": pool})["path"]
            assert path == f"{golden.root}{layers[f'{name}/{kind}']['path']}"
    for entry in json.loads((FIXTURES / "domain/run-vdsm-storage.json").read_text()):
        path = Path(f"{golden.root}{entry['path']}")
        assert f"{path.lstat().st_mode & 0o7777:04o}" == entry["mode"]
        if entry["link_to"]:
            assert str(path.readlink()) == f"{golden.root}{entry['link_to']}"


def test_answers_have_the_recorded_keys_and_types(golden: Golden) -> None:
    golden.attach()
    golden.volumes()
    golden.call("StorageDomain.activate", storagedomainID=DOMAIN, storagepoolID=POOL)

    def recorded(name: str) -> Any:
        return json.loads((FIXTURES / f"client/{name}.stdout").read_text())

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        return type(value)

    info = golden.call("Volume.getInfo", **pair(1))
    wanted = recorded("volume-getinfo-he-virtio-disk")
    assert shape(info) == shape(wanted)
    assert {key: info[key] for key in info if key not in ("ctime", "truesize", "lease")} == {
        key: wanted[key] for key in wanted if key not in ("ctime", "truesize", "lease")
    }
    assert info["lease"]["path"] == f"{golden.root}{wanted['lease']['path']}"
    told = golden.call("StorageDomain.getInfo", storagedomainID=DOMAIN)
    assert {key: told[key] for key in recorded("storagedomain-getinfo")} == recorded("storagedomain-getinfo")
    assert shape(golden.call("StorageDomain.getStats", storagedomainID=DOMAIN)) == shape(
        recorded("storagedomain-getstats")
    )
    assert shape(golden.call("Host.getStorageRepoStats", domains=DOMAIN)) == shape(recorded("host-getstoragerepostats"))


def test_missing_volume_is_told_in_vdsms_words(golden: Golden) -> None:
    golden.attach()
    case = next(
        case
        for case in json.loads((FIXTURES / "client/cases.json").read_text())
        if case["name"] == "error-image-missing"
    )
    with pytest.raises(VdsmError) as caught:
        golden.call("Image.prepare", **pair(2))
    assert str(caught.value) == case["stderr"].splitlines()[1]


def test_damaged_domain_is_refused(golden: Golden) -> None:
    shutil.copy(FIXTURES / "domain/dom_md-edge.checksum-wrong", golden.base / DOMAIN / "dom_md/metadata")
    with pytest.raises(VdsmError) as caught:
        golden.call("StorageDomain.getInfo", storagedomainID=DOMAIN)
    assert caught.value.code == 752


def test_preallocated_volumes_get_their_blocks(make: Callable[..., Running]) -> None:
    golden = Golden(make(defaults={"preallocate": True}))
    golden.attach()
    golden.call("Volume.create", **pair(2), size=str(2**20), volFormat=5, diskType="HEMD", preallocate=1, desc="")
    path = golden.base / DOMAIN / "images" / pair(2)["imageID"] / pair(2)["volumeID"]
    assert path.stat().st_blocks * 512 >= 2**20
