# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which OVF_STORE volume is read: the one that was written last, whatever else lies in the domain."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ovirt_hosted_engine_ha.env import constants
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import ovf_store

from .support import FIXTURES

DOMAIN = "11111111-2222-4333-8444-555555555501"


def described(when: str | None) -> str:
    """Return the description of a store; one that was never written has no date."""
    text: dict[str, Any] = {"Updated": when is not None, "Disk Description": "OVF_STORE"}
    if when is not None:
        text["Last Updated"] = when
    return json.dumps(text)


class Vdsm:
    """One volume per image, with the descriptions of the test."""

    def __init__(self, descriptions: Mapping[str, str]) -> None:
        self.descriptions = descriptions

    def call(self, verb: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        assert params is not None
        if verb == "StorageDomain.getVolumes":
            assert params["storagepoolID"] == constants.BLANK_UUID
            return ["volume-" + params["imageID"]]
        assert verb == "Volume.getInfo"
        return {"description": self.descriptions[params["imageID"]]}


def scan(descriptions: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    conf = str(FIXTURES / "hosted-engine.conf" / "good" / "nfs.conf")
    monkeypatch.setattr(constants, "ENGINE_SETUP_CONF_FILE", conf)
    monkeypatch.setattr(constants, "MOUNT_DIR", str(tmp_path))
    for image in descriptions:
        (tmp_path / "nas:_he" / DOMAIN / "images" / image).mkdir(parents=True)
    return [store.image for store in ovf_store.scan(Vdsm(descriptions), Config())]


def test_the_latest_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptions = {
        "a-disk": json.dumps({"DiskAlias": "he_virtio_disk"}),
        "b-text": "hosted-engine.metadata",
        "c-list": "[]",
        "d-old": described("Wed Nov 25 02:10:52 UTC 2026"),
        "e-new": described("Wed Nov 25 03:00:00 UTC 2026"),
        "f-fresh": described(None),
        "g-odd": described("yesterday"),
    }
    assert scan(descriptions, tmp_path, monkeypatch) == ["e-new", "d-old", "g-odd", "f-fresh"]


def test_a_domain_that_is_not_mounted_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scan({}, tmp_path, monkeypatch) == []
